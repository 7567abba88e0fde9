internal import PostgreSQL
internal import Synchronization
internal import Threads

/// Looks, from time to time, for what triggers have not told of, and removes what nobody needs any more: a thread, on a
/// connection of the pool.
final class Upkeep: Sendable {
    private let pool: DatabasePool
    private let rounds: Rounds
    private let interval: Duration
    private let isOver = Monitor(false)
    private let isWithoutTriggers = Atomic(false)

    /// Without triggers this is how long it takes until others' changes are seen, at most.
    private static let shortInterval = Duration.seconds(2)
    private static let patience = Duration.seconds(30)
    private static let trimInterval = Duration.seconds(600)

    /// Begins, and ends with ``end()``.
    init(_ pool: DatabasePool, _ rounds: Rounds, every interval: Duration) throws {
        self.pool = pool
        self.rounds = rounds
        self.interval = interval
        try Thread("upkeep") { self.run() }.detach()
    }

    func end() { isOver.update { $0 = true } }

    /// Whether not all triggers were there when that was last looked for.
    var lacksTriggers: Bool { isWithoutTriggers.load(ordering: .relaxed) }

    private func run() {
        var last: String?
        var trim = Deadline(after: Self.trimInterval)
        repeat {
            // While the database does not answer, nothing is lost by looking later.
            try? pool.use(by: Deadline(after: Self.patience)) { connection in
                let lacksTriggers = try Self.lacksTriggers(connection)
                isWithoutTriggers.store(lacksTriggers, ordering: .relaxed)
                let checksum = try ChangeFeed.checksum(connection)
                // Most of it triggers have told of. Whether that is all nobody can tell, and reading is quick.
                if last != checksum, last != nil || lacksTriggers { rounds.readEverything() }
                last = checksum
                if trim.isOver {
                    try ChangeFeed.trim(connection)
                    trim = Deadline(after: Self.trimInterval)
                }
            }
        } while isOver.wait(timeout: lacksTriggers ? min(interval, Self.shortInterval) : interval, { $0 ? true : nil })
            == nil
    }

    private static func lacksTriggers(_ connection: DatabaseConnection) throws(DatabaseError) -> Bool {
        try connection.query(
            """
            SELECT count(DISTINCT tgrelid) FROM pg_trigger
            WHERE tgname = 'campaignd' AND tgenabled = 'A' AND tgrelid = ANY($1::text[]::regclass[])
            """, TaskingManagerTables.noted.map { "public.\($0)" }
        ).first?.number(0) != TaskingManagerTables.noted.count
    }
}
