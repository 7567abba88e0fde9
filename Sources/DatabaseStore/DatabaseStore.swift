internal import Campaigns
public import PostgreSQL
public import Records
internal import Synchronization

/// Records in a Tasking Manager's database, which others change too.
///
/// What campaigns show is in memory, and strictly current: a read waits for a round that begins after it came (``Rounds``). All
/// else is read from the database when it is asked for.
public final class DatabaseStore: Sendable {
    let pool: DatabasePool
    let rounds: Rounds
    private let upkeep: Upkeep
    /// How long anything may take before it is given up.
    let patience: Duration
    /// Whether memory may be older than a read.
    let isRelaxed: Bool
    private let asked = Atomic(0)

    /// Begins to read, and waits for nothing.
    ///
    /// - Parameters:
    ///   - rendering: how campaigns are shown.
    ///   - interval: answers show what was so this long ago at most, and wait for nothing; nil: they show what is so.
    ///   - patience: how long a read or a write may take.
    ///   - connections: how many there are at most besides that of the rounds.
    ///   - inspection: how long it is between two looks for what the triggers have missed.
    /// - Throws: `ThreadError`.
    public init(
        _ settings: ConnectionSettings, _ rendering: any CampaignRendering, freshWithin interval: Duration? = nil,
        patience: Duration = .seconds(5), connections: Int = 6,
        inspection: Duration = .seconds(60)
    ) throws {
        let timelines = HighestTimeline()
        pool = DatabasePool(settings, size: connections, timelines: timelines)
        rounds = try Rounds(settings, timelines, rendering, every: interval)
        upkeep = try Upkeep(pool, rounds, every: inspection)
        self.patience = patience
        isRelaxed = interval != nil
    }

    deinit {
        upkeep.end()
        rounds.end()
        pool.close()
    }

    // MARK: Reading

    public func generation() -> Int {
        // Whether records are still the same is not known before a round has told.
        isRelaxed ? rounds.version : asked.subtract(1, ordering: .relaxed).newValue
    }

    public func read<Value: Sendable>(waits: Bool, _ body: (any RecordReader) throws -> Value) throws -> Value {
        let deadline = Deadline(after: patience)
        var found = FoundRecords(isMemoryCurrent: isRelaxed && rounds.hasBegun)
        while true {
            let (outcome, lacking) = rounds.withIndex { index in
                let reader = DatabaseReader(index, found)
                let outcome = Result { try body(reader) }
                return (outcome, reader.lacking)
            }
            guard let lacking else { return try outcome.get() }
            guard waits else { throw WouldWait() }
            if lacking == .currentMemory {
                try rounds.wait(by: deadline)
                found.isMemoryCurrent = true
            } else {
                try fromDatabase(by: deadline) { try found.read(lacking, $0) }
            }
        }
    }

    /// Reads from the database, on another connection where one breaks.
    ///
    /// - Throws: ``StoreUnavailable``.
    func fromDatabase<Value>(
        by deadline: Deadline, _ body: (DatabaseConnection) throws -> Value
    ) throws(StoreUnavailable) -> Value {
        while true {
            do {
                return try pool.use(by: deadline, body)
            } catch let error as DatabaseError where error.mayBeTriedAgain && deadline.remaining > .milliseconds(150) {
                Pause.milliseconds(100)
            } catch {
                throw StoreUnavailable("The database cannot be read", detail: "\(error)")
            }
        }
    }

    public func health() -> StoreHealth {
        StoreHealth(
            trouble: rounds.trouble.map { _ in "The database does not answer" },
            broken: upkeep.lacksTriggers
                ? ["database": "triggers of campaignd are missing: what others change is shown seconds later"] : [:])
    }
}
