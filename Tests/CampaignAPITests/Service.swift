import CampaignAPI
import FastCGI
import FolderStore
import Foundation
import HTTPTypes
import Logging
import TestSupport

/// The API in memory, on a small data folder of its own.
///
/// Users: 1 admin; 2 manages organisation 1; 3 mapper without rights; 4 READ_ONLY, though manager and author of everything.
final class Service: Sendable {
    static let secret = "api-tests"
    let folder: TemporaryFolder
    let api: API

    init(origins: Set<String> = []) throws {
        folder = try TemporaryFolder()
        for (id, role) in [(1, "ADMIN"), (2, "MAPPER"), (3, "MAPPER"), (4, "READ_ONLY")] {
            try folder.write(#"{"id": \#(id), "username": "user\#(id)", "role": "\#(role)"}"#, to: "users/\(id).json")
        }
        try folder.write(#"{"organisationId": 1, "name": "One", "managers": [2, 4]}"#, to: "organisations/1.json")
        try folder.write(#"{"organisationId": 2, "name": "Two", "managers": [4]}"#, to: "organisations/2.json")
        try folder.write(#"{"projectId": 1, "author": 4, "organisation": 2}"#, to: "projects/1.json")
        try folder.write(#"{"id": 5, "name": "Floods", "organisations": [1]}"#, to: "campaigns/5.json")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        api = API(
            try FolderStore(DataFolder(asOwnerOf: folder.path), CampaignJSON(), logger: logger),
            Configuration(secret: Array(Self.secret.utf8), allowedOrigins: origins), logger: logger,
            now: { 2_000_000_000 })
    }

    static func token(_ user: Int) -> String {
        "Token " + SessionTokens(secret: Array(secret.utf8)).token(user: user, time: 2_000_000_000)
    }

    func ask(
        _ method: HTTPRequest.Method, _ path: String, user: Int? = nil, body: String = "", _ fields: HTTPFields = [:]
    ) -> Response {
        var fields = fields
        if let user { fields[.authorization] = Self.token(user) }
        return api.respond(
            to: Request(
                HTTPRequest(
                    method: method, scheme: "https", authority: "localhost", path: "/api/v2" + path,
                    headerFields: fields),
                body: Array(body.utf8)))
    }
}

extension Response {
    var text: String { String(decoding: body, as: UTF8.self) }

    var json: [String: Any] {
        get throws { try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] ?? [:] }
    }
}
