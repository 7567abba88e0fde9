internal import FoundationEssentials
public import PostgreSQL

/// A change that is carried out once, however often it has to be tried.
///
/// The first statement of its transaction marks the request, which has a number that nobody else has, as carried out. So a
/// later try finds out what became of a COMMIT that got no answer: it waits for the transaction if that still runs, and
/// finds the mark if it was committed.
public struct SingleChange {
    /// What the database gives a new record.
    public enum NewID: Sendable {
        case none
        case campaign
    }

    /// An earlier try was committed.
    private struct AlreadyDone: Error {
        let id: Int?
    }

    private let pool: DatabasePool
    private let deadline: Deadline
    private let newID: NewID
    private let request = UUID().uuidString

    /// Carries out a change.
    ///
    /// - Parameters:
    ///   - deadline: until when it is tried.
    ///   - newID: whether it makes a record, whose id is never used again, whatever becomes of this.
    ///   - body: the statements, within a transaction; called for each try, with the id for the record. What it returns is
    ///     returned only when it is committed, and on as many machines as the server is set to wait for.
    /// - Throws: what `body` throws, then nothing was changed; ``DatabaseError/outcomeUnknown(_:)`` when the time is up and
    ///   it may have been; other errors of ``DatabaseError`` when it was not.
    public static func run<Value>(
        in pool: DatabasePool, by deadline: Deadline, newID: NewID = .none,
        _ body: (DatabaseConnection, Int?) throws -> Value
    ) throws -> Value {
        try SingleChange(pool: pool, deadline: deadline, newID: newID).run(body)
    }

    private func run<Value>(_ body: (DatabaseConnection, Int?) throws -> Value) throws -> Value {
        /// What each try would have answered whose outcome is not known.
        var pending: [(id: Int?, value: Value)] = []
        var unknown: DatabaseError?
        while true {
            var attempt: (id: Int?, value: Value)?
            do {
                return try pool.use(by: deadline) { connection in
                    do {
                        return try connection.transaction {
                            let id = try mark(connection)
                            let value = try body(connection, id)
                            attempt = (id, value)
                            return value
                        }
                    } catch let done as AlreadyDone {
                        guard let earlier = pending.last(where: { $0.id == done.id }) else {
                            throw DatabaseError.outcomeUnknown("the request is marked as carried out")
                        }
                        // It is seen here, and need not be anywhere else yet.
                        try connection.confirmReplication()
                        return earlier.value
                    }
                }
            } catch let error as DatabaseError {
                if case .outcomeUnknown = error {
                    unknown = error
                    if let attempt { pending.append(attempt) }
                } else if !error.mayBeTriedAgain {
                    throw unknown ?? error
                }
                // While there is no primary, each try fails at once.
                guard deadline.remaining > .milliseconds(150) else { throw unknown ?? error }
                Pause.milliseconds(error.isOfServer ? 100 : .random(in: 5...30))
            }
        }
    }

    /// Marks the request as carried out.
    ///
    /// - Returns: the id for a new record.
    private func mark(_ connection: DatabaseConnection) throws -> Int? {
        let rows =
            switch newID {
            case .none:
                try connection.query(
                    "INSERT INTO campaignd.done (request) VALUES ($1::uuid) ON CONFLICT DO NOTHING RETURNING result",
                    request)
            case .campaign:
                try connection.query(
                    """
                    INSERT INTO campaignd.done (request, result) VALUES ($1::uuid, nextval('public.campaigns_id_seq'))
                    ON CONFLICT DO NOTHING RETURNING result
                    """, request)
            }
        if let row = rows.first { return row.number(0) }
        let done = try connection.query("SELECT result FROM campaignd.done WHERE request = $1::uuid", request)
        throw AlreadyDone(id: done.first?.number(0))
    }
}

extension DatabaseError {
    /// Whether it was not about the statements.
    fileprivate var isOfServer: Bool { if case .statement = self { false } else { true } }
}
