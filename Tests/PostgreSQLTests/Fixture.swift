import Foundation
import PostgreSQL
import TestSupport
import Testing

/// A database of a test's own, and connections to it.
struct Fixture {
    let database: PrivateCluster.Database

    init(_ sql: String = "", in cluster: PrivateCluster? = nil) throws {
        database = try (cluster ?? .shared()).database(sql)
    }

    func settings(_ purpose: ConnectionSettings.Purpose = .service) throws -> ConnectionSettings {
        try ConnectionSettings(database.uri, for: purpose)
    }

    func connect(_ purpose: ConnectionSettings.Purpose = .service) throws -> DatabaseConnection {
        try DatabaseConnection(settings(purpose), by: .generous)
    }

    func pool(_ size: Int, timelines: HighestTimeline? = nil) throws -> DatabasePool {
        DatabasePool(try settings(), size: size, timelines: timelines)
    }
}

extension Deadline {
    /// For what must not take as long, be the machine as busy as it will.
    static var generous: Deadline { Deadline(after: .seconds(120)) }
    /// For what would not come in a hundred years.
    static var soon: Deadline { Deadline(after: .milliseconds(300)) }
}

/// What a body throws, as an error of the database.
func failure<Value>(of body: () throws -> Value) -> DatabaseError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? DatabaseError
    }
}

extension DatabaseError {
    var isConnectionLost: Bool { if case .connectionLost = self { true } else { false } }
    var isDeadlineExceeded: Bool { if case .deadlineExceeded = self { true } else { false } }
    var isOutcomeUnknown: Bool { if case .outcomeUnknown = self { true } else { false } }
    var isRefused: Bool { if case .refused = self { true } else { false } }
}
