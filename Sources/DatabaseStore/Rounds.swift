internal import Campaigns
internal import PostgreSQL
internal import RecordIndex
internal import Records
internal import Synchronization
internal import Threads

/// Keeps the records in memory as they are in a database: a thread with a connection of its own, which asks for what has
/// changed.
///
/// Rounds follow one another as long as somebody waits for one. Who comes waits for a round that begins later: whatever anybody
/// had committed before is in it. All who wait share it.
final class Rounds: Sendable {
    private struct Asked {
        /// How many rounds have begun.
        var begun = 0
        /// The number of the last one that somebody waits for.
        var wanted = 1
        /// Whether the next one is to read everything.
        var wantsEverything = false
        var isOver = false
    }

    private struct Ended {
        /// The number of the last round that has worked; 0 when none has.
        var last = 0
        /// Why the last one did not.
        var trouble: DatabaseError?
    }

    private struct Memory {
        var index: RecordIndex
    }

    /// What has been read before anybody could see it.
    private struct Fresh: @unchecked Sendable {
        // Unchecked: who has made it gives it away.
        let index: RecordIndex
    }

    private let settings: ConnectionSettings
    private let timelines: HighestTimeline
    private let rendering: any CampaignRendering
    /// How long it is between two rounds that nobody has asked for; nil: there are none.
    private let interval: Duration?
    private let asked = Monitor(Asked())
    private let ended = Monitor(Ended())
    private let memory: Mutex<Memory>
    private let changes = Atomic(0)

    /// How long a round may take, and connecting.
    private static let patience = Duration.seconds(5)
    /// How long reading everything may take, with a hundred thousands of campaigns, on a busy machine.
    private static let longPatience = Duration.seconds(60)

    /// Begins, and ends with ``end()``.
    init(
        _ settings: ConnectionSettings, _ timelines: HighestTimeline, _ rendering: any CampaignRendering,
        every interval: Duration?
    ) throws {
        self.settings = settings
        self.timelines = timelines
        self.rendering = rendering
        self.interval = interval
        memory = Mutex(Memory(index: RecordIndex(rendering)))
        try Thread("rounds") { self.run() }.detach()
    }

    func end() { asked.updateOne { $0.isOver = true } }

    // MARK: For those who read

    /// Waits for a round that begins later than this call.
    ///
    /// - Throws: ``StoreUnavailable`` when the time is up.
    func wait(by deadline: Deadline) throws(StoreUnavailable) {
        let number = asked.updateOne { asked in
            asked.wanted = max(asked.wanted, asked.begun + 1)
            return asked.begun + 1
        }
        guard ended.wait(timeout: deadline.remaining, { $0.last >= number ? true : nil }) == nil else { return }
        throw StoreUnavailable(
            "The database does not answer",
            detail: trouble.map { "\($0)" } ?? "the database has not answered in time")
    }

    /// Whether a round has ever worked.
    var hasBegun: Bool { ended.update { $0.last > 0 } }

    /// Why the last round did not work, or nil.
    var trouble: DatabaseError? { ended.update { $0.trouble } }

    /// Another number after every change of what is in memory.
    var version: Int { changes.load(ordering: .sequentiallyConsistent) }

    /// Looks into memory; other readers wait for it.
    func withIndex<Value: Sendable>(_ body: (RecordIndex) throws -> Value) rethrows -> Value {
        try memory.withLock { try body($0.index) }
    }

    /// Has everything read again.
    func readEverything() {
        asked.updateOne { asked in
            asked.wantsEverything = true
            asked.wanted = max(asked.wanted, asked.begun + 1)
        }
    }

    // MARK: The thread

    private struct Feed {
        let connection: DatabaseConnection
        let feed: ChangeFeed
    }

    private func run() {
        var feed: Feed?
        while let number = next() {
            let wantsEverything = asked.updateOne { asked in
                defer { asked.wantsEverything = false }
                return asked.wantsEverything
            }
            if wantsEverything {
                feed?.connection.close()
                feed = nil
            }
            do {
                if let feed {
                    feed.connection.deadline = Deadline(after: Self.patience)
                    take(try feed.feed.round())
                } else {
                    let connection = try DatabaseConnection(
                        settings, by: Deadline(after: Self.patience), timelines: timelines)
                    connection.deadline = Deadline(after: Self.longPatience)
                    let (changes, everything) = try ChangeFeed.open(connection)
                    take(.everything(everything))
                    feed = Feed(connection: connection, feed: changes)
                }
                ended.update { $0 = Ended(last: number) }
            } catch {
                // Who begins anew, perhaps with another server, begins with everything.
                feed?.connection.close()
                feed = nil
                let trouble = error as? DatabaseError ?? .connectionLost("\(error)")
                ended.update { $0.trouble = trouble }
                asked.updateOne { $0.wanted = max($0.wanted, $0.begun + 1) }
                Pause.milliseconds(100)
            }
        }
        feed?.connection.close()
    }

    /// Waits until there is a reason for a round, which begins then.
    ///
    /// - Returns: its number; nil when there are to be no more.
    private func next() -> Int? {
        enum Turn {
            case over
            case round(Int)
        }
        let turn = asked.wait(timeout: interval) { asked -> Turn? in
            if asked.isOver { return .over }
            guard asked.wanted > asked.begun else { return nil }
            asked.begun += 1
            return .round(asked.begun)
        }
        switch turn {
        case .over: return nil
        case .round(let number): return number
        case nil:
            return asked.updateOne { asked in
                asked.begun += 1
                return asked.begun
            }
        }
    }

    private func take(_ round: ChangeFeed.Round) {
        switch round {
        case .unchanged: return
        case .everything(let everything):
            let fresh = Fresh(index: RecordIndex(rendering))
            fresh.index.campaigns.reserveCapacity(everything.campaigns.count)
            for organisation in everything.organisations { fresh.index.insert(organisation) }
            for project in everything.projects { fresh.index.insert(Project(id: project, name: nil)) }
            for campaign in everything.campaigns { fresh.index.insert(campaign) }
            memory.withLock { $0.index = fresh.index }
        case .changed(let changes):
            memory.withLock { memory in
                for (id, organisation) in changes.organisations {
                    memory.index.take(organisation, as: RecordRef(.organisations, id))
                }
                for (id, isThere) in changes.projects {
                    memory.index.take(isThere ? Project(id: id, name: nil) : nil, as: RecordRef(.projects, id))
                }
                // By rising id, for then every sorted list grows at its end.
                for (id, campaign) in changes.campaigns.sorted(by: { $0.key < $1.key }) {
                    memory.index.take(campaign, as: RecordRef(.campaigns, id))
                }
            }
        }
        changes.add(1, ordering: .sequentiallyConsistent)
    }
}

extension RecordIndex {
    fileprivate func take(_ record: (any Record)?, as ref: RecordRef) {
        if let record { insert(record) } else { remove(ref) }
    }
}
