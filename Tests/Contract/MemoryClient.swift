import CampaignAPI
import Campaigns
import DatabaseStore
import FastCGI
import FolderStore
import Foundation
import HTTPTypes
import Logging
import Messages
import OpenStreetMap
import PostgreSQL
import Records
import TestSupport

/// The router alone, without a socket, on whatever store.
final class MemoryClient: Client, Sendable {
    /// The folder of a store that has one.
    private let folder: TemporaryFolder?
    private let api: API

    static let logger = Logger(label: "contract") { _ in SwiftLogNoOpLogHandler() }

    /// On a data folder.
    static func onFolder() throws -> MemoryClient {
        let folder = try TemporaryFolder(copyOf: Repository.fixture)
        let store = try FolderStore(DataFolder(asOwnerOf: folder.path), CampaignJSON(), logger: logger)
        return MemoryClient(store, folder)
    }

    /// On dictionaries.
    static func onDictionaries() throws -> MemoryClient {
        MemoryClient(try DictionaryStore(copyOf: Repository.fixture, CampaignJSON()), nil)
    }

    /// On a Tasking Manager's database.
    static func onDatabase() throws -> MemoryClient {
        let fixture = try DatabaseFixture()
        let settings = try ConnectionSettings(fixture.database.uri(of: fixture.role), for: .service)
        // A busy machine may take its time.
        return MemoryClient(try DatabaseStore(settings, CampaignJSON(), patience: .seconds(60)), nil)
    }

    private init(_ store: any RecordStore, _ folder: TemporaryFolder?) {
        self.folder = folder
        var configuration = Configuration(
            secret: Array(UnderTest.secret.utf8), allowedOrigins: Set(UnderTest.origins), publicURL: UnderTest.publicURL
        )
        configuration.signIn = SignIn(
            openStreetMap: OpenStreetMap(
                server: UnderTest.openStreetMap, clientID: UnderTest.clientID, clientSecret: UnderTest.clientSecret,
                scope: OpenStreetMap.defaultScope), redirectURI: UnderTest.publicURL + "/")
        configuration.messageSent = {
            DispatchQueue.global().async { try? store.deliverMessages(byMail: false, logger: nil) }
        }
        api = API(store, configuration, logger: Self.logger)
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
            let endpoint = api.endpoint(for: head)
            let limit = endpoint.bodyLimit
            guard body.count <= limit else { throw RequestError.bodyTooLarge(limit: limit) }
            return endpoint.respond(to: Request(head, body: Array(body)))
        } catch {
            return api.respond(to: error)
        }
    }
}
