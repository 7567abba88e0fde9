import CampaignAPI
import FastCGI
import FolderStore
import Foundation
import HTTPTypes
import Logging
import Messages
import OpenStreetMap
import TestSupport

/// The router alone, without a socket.
final class MemoryClient: Client, Sendable {
    private let folder: TemporaryFolder
    private let api: API

    init() throws {
        folder = try TemporaryFolder(copyOf: Repository.fixture)
        let logger = Logger(label: "contract") { _ in SwiftLogNoOpLogHandler() }
        let store = try FolderStore(DataFolder(asOwnerOf: folder.path), CampaignJSON(), logger: logger)
        var configuration = Configuration(
            secret: Array(UnderTest.secret.utf8), allowedOrigins: Set(UnderTest.origins), publicURL: UnderTest.publicURL
        )
        configuration.signIn = SignIn(
            openStreetMap: OpenStreetMap(
                server: UnderTest.openStreetMap, clientID: UnderTest.clientID, clientSecret: UnderTest.clientSecret,
                scope: OpenStreetMap.defaultScope), redirectURI: UnderTest.publicURL + "/")
        configuration.messageSent = { DispatchQueue.global().async { try? store.deliverMessages(byMail: false) } }
        api = API(store, configuration, logger: logger)
    }

    func send(_ asked: Asked) throws -> Answered {
        let response = respond(to: asked)
        return Answered(
            status: response.status.code, headers: response.headerFields.map { ($0.name.rawName, $0.value) },
            body: asked.method == "HEAD" ? Data() : Data(response.body))
    }

    private func respond(to asked: Asked) -> Response {
        var variables = [("REQUEST_METHOD", asked.method), ("REQUEST_URI", asked.target)]
        for (name, value) in asked.headers {
            variables.append(("HTTP_" + name.uppercased().replacingOccurrences(of: "-", with: "_"), value))
        }
        let body = asked.body ?? Data()
        do throws(RequestError) {
            let head = try HTTPRequest(meta: variables)
            let limit = api.bodyLimit(for: head)
            guard body.count <= limit else { throw RequestError.bodyTooLarge(limit: limit) }
            return api.respond(to: Request(head, body: Array(body)))
        } catch {
            return api.respond(to: error)
        }
    }
}
