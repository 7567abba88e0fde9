import Foundation
import JSON
import TestSupport
import Testing

/// The contract, case by case, from the descriptions in `Cases`, in four ways.
@Suite(.serialized)
struct ContractTests {
    @Test("in memory", arguments: Case.all)
    func inMemory(_ example: Case) async throws {
        try example.run(with: Self.memory.get())
    }

    @Test("in memory, on records in dictionaries", arguments: Case.all)
    func onDictionaries(_ example: Case) async throws {
        try example.run(with: Self.dictionaries.get())
    }

    @Test("in memory, on a Tasking Manager's database", arguments: Case.all.filter(\.isForDatabase))
    func onDatabase(_ example: Case) async throws {
        try example.run(with: Self.database.get())
    }

    // Started when first used, and for all cases: they do not depend on one another.
    private static let memory = Result { try MemoryClient.onFolder() }
    private static let dictionaries = Result { try MemoryClient.onDictionaries() }
    private static let database = Result { try MemoryClient.onDatabase() }
}

/// The same through real processes, which takes longer than all else: beside the others, not after them.
@Suite(.serialized)
struct LiveContractTests {
    @Test("through nginx and curl", arguments: Case.all)
    func throughNginx(_ example: Case) async throws {
        try example.run(with: Self.live.get())
    }

    private static let live = Result { try CurlClient() }
}

extension Case {
    /// Whether it holds for records in a Tasking Manager's database.
    fileprivate var isForDatabase: Bool { !Self.withMessages.contains(topic) && Self.elsewhere[name] == nil }

    /// Topics that are not kept in a database yet.
    private static let withMessages: Set<String> = ["messages", "notifications"]

    /// Cases of other topics that do not hold there, with the reason.
    private static let elsewhere = [
        "a message to contributors has an entry without its words": "messages are not kept there yet",
        "what was sent to a campaign's contributors is for admins": "messages are not kept there yet",
        "the projects are listed by rising id, 14 a page":
            "how much of a project is done is computed from its tasks, and never null",
    ]
}

/// Somebody who sends a case's requests.
protocol Client {
    func send(_ asked: Asked) throws -> Answered
}

/// What the service under test is told.
enum UnderTest {
    static let secret = "contract-secret"
    static let publicURL = "https://campaigns.example.org"
    static let clientID = "contract-client"
    static let clientSecret = "contract-client-secret"
    /// Nobody is there.
    static let openStreetMap = "http://127.0.0.1:1"
    static let origins = ["https://tasks.example.org", "https://tm.example.com"]
}

/// Real nginx, real processes, real sockets.
final class CurlClient: Client, Sendable {
    private let folder: TemporaryFolder
    private let service: LiveService

    init() throws {
        folder = try TemporaryFolder(copyOf: Repository.fixture)
        service = try LiveService(
            data: folder.url,
            environment: [
                "TM_SECRET": UnderTest.secret, "ALLOWED_ORIGINS": UnderTest.origins.joined(separator: ","),
                "PUBLIC_URL": UnderTest.publicURL, "LOG_LEVEL": "error", "TM_CLIENT_ID": UnderTest.clientID,
                "TM_CLIENT_SECRET": UnderTest.clientSecret, "OSM_SERVER_URL": UnderTest.openStreetMap,
            ])
    }

    func send(_ asked: Asked) throws -> Answered { try service.curl(asked) }
}
