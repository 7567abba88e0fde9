public import CampaignStore
internal import Campaigns
internal import JSON

/// Takes records over into a data folder: from a Tasking Manager's database, or from a document that ``Export`` wrote.
///
/// Each group of records is one change, under the lock and on the disk before the next begins. What differs is written,
/// what is here and does not come stays, and so do keys that only the folder knows.
public struct Import {
    /// How it went with a kind of record.
    public struct Tally: Sendable {
        public let kind: RecordKind
        /// How many came, those among them that were left out because of what is here.
        var came = 0
        public var new = 0
        public var changed = 0
        public var same = 0
        /// The ids of those that are here, and of which nothing came.
        public var untouched: [Int] = []
    }

    /// Something that was left out or changed on the way.
    public struct Note: Sendable, CustomStringConvertible {
        /// Such as "campaign 12".
        public let what: String
        public let reason: String
        public var description: String { "\(what): \(reason)" }
    }

    /// How many records are one change of the folder.
    static let group = 250

    public private(set) var tallies: [Tally] = []
    public private(set) var notes: [Note] = []

    private let store: Store
    private let isRehearsal: Bool
    private let progress: (Tally, Bool) -> Void
    /// What is broken in the folder, and is for a person to mend, not to be written over.
    private let broken: Set<String>

    /// - Parameters:
    ///   - isRehearsal: whether to find out everything and change nothing.
    ///   - progress: told when a kind begins and after each group how far it is, and whether this was all.
    /// - Throws: ``FolderUnavailable``.
    public init(into store: Store, isRehearsal: Bool, progress: @escaping (Tally, Bool) -> Void) throws {
        self.store = store
        self.isRehearsal = isRehearsal
        self.progress = progress
        broken = try store.read { Set($0.broken.keys) }
    }

    /// Takes over what a Tasking Manager's database has for campaigns.
    ///
    /// - Parameter source: a connection string.
    /// - Throws: ``SourceError``, ``FolderUnavailable``.
    public mutating func run(database source: String) throws {
        let source = try TaskingManager(source)
        let unverified = try take(User.self, from: source)
        let others = try source.countOfOtherUsers(taken: tallies.first?.came ?? 0)
        if others > 0 { add("users", "\(others) left out, without a role, a right or a task") }
        if unverified > 0 { add("e-mail addresses", "\(unverified) left out, which are not verified") }
        _ = try take(Organisation.self, from: source)
        _ = try take(Project.self, from: source)
        _ = try take(Campaign.self, from: source)
    }

    /// Takes over everything that a document holds.
    ///
    /// - Parameter path: of its file, or `-` for standard input.
    /// - Throws: ``SourceError``, ``FolderUnavailable``.
    public mutating func run(document path: String) throws {
        let document = try Document(path)
        try take(User.self, from: document)
        try take(Organisation.self, from: document)
        try take(Project.self, from: document)
        try take(Campaign.self, from: document)
        try takeMessages(from: document)
    }

    private mutating func add(_ what: String, _ reason: String) {
        notes.append(Note(what: what, reason: reason))
    }

    /// - Returns: how many of the records lack something that is told by number alone.
    private mutating func take<Kind: FromTaskingManager>(_: Kind.Type, from source: TaskingManager) throws -> Int {
        var taking = Taking<Kind>(ordered: false)
        progress(taking.tally, false)
        var found: [Note] = []
        // All that come have to be known before the first name is given.
        var campaigns: [Campaign] = []
        let lacking = try source.read(
            Kind.self, note: { found.append(Note(what: $0, reason: $1)) },
            take: { records in
                if let some = records as? [Campaign] { campaigns += some } else { try take(records, &taking) }
            })
        notes += found
        if let all = named(campaigns) as? [Kind] {
            taking.coming = Set(all.map(\.id))
            try takeAll(all, &taking)
        }
        try finish(taking)
        return lacking
    }

    private mutating func take<Kind: Movable>(_: Kind.Type, from document: Document) throws {
        var taking = Taking<Kind>(ordered: true)
        let (records, faults) = document.records(Kind.self, Kind.kind)
        for fault in faults { add("\(Kind.singular) \(fault.id)", "left out: \(fault.reason)") }
        taking.coming = Set(records.map(\.id))
        taking.nextID = document.nextID(Kind.kind)
        taking.seen.formUnion(faults.compactMap { Int($0.id) })
        try takeAll(records, &taking)
        try finish(taking)
    }
}

// MARK: A kind of record

/// How far a kind is.
private struct Taking<Kind: Movable> {
    /// Whether the order in lists of ids says something.
    let ordered: Bool
    var tally = Import.Tally(kind: Kind.kind)
    var seen: Set<Int> = []
    /// The ids of all campaigns that come.
    var coming: Set<Int> = []
    /// What the next new record's id is where they come from.
    var nextID: Int?
}

/// What a group of records has come to.
private struct Outcome: Sendable {
    var new = 0
    var changed = 0
    var same = 0
    var notes: [Import.Note] = []
}

extension Import {
    private mutating func takeAll<Kind: Movable>(_ records: [Kind], _ taking: inout Taking<Kind>) throws {
        var rest = records[...]
        while !rest.isEmpty {
            try take(Array(rest.prefix(Self.group)), &taking)
            rest = rest.dropFirst(Self.group)
        }
    }

    private mutating func take<Kind: Movable>(_ records: [Kind], _ taking: inout Taking<Kind>) throws {
        var sound: [Kind] = []
        for record in records {
            let file = "\(Kind.kind.rawValue)/\(record.id).json"
            if !taking.seen.insert(record.id).inserted {
                add("\(Kind.singular) \(record.id)", "comes twice; the first counts")
            } else if broken.contains(file) {
                add("\(Kind.singular) \(record.id)", "left out: \(file) is broken here; mend or remove it first")
            } else {
                sound.append(record)
            }
        }
        let (group, ordered, coming, nextID) = (sound, taking.ordered, taking.coming, taking.nextID)
        let outcome = try decide { transaction in
            var outcome = Outcome()
            if let nextID { try transaction.reserveIDs(Kind.kind, below: nextID) }
            for record in group {
                let record = Self.fitting(record, coming, transaction, &outcome)
                guard let current = try Kind.current(record.id, transaction) else {
                    record.put(transaction)
                    outcome.new += 1
                    continue
                }
                let changed = record.replacing(current, ordered: ordered)
                // By their bytes: texts are equal to Swift already when they are canonically equivalent.
                if changed.json.compact == current.json.compact {
                    outcome.same += 1
                } else {
                    changed.put(transaction)
                    outcome.changed += 1
                    if let warning = changed.warning(replacing: current) {
                        outcome.notes.append(Note(what: "\(Kind.singular) \(record.id)", reason: warning))
                    }
                }
            }
            return outcome
        }
        taking.tally.came += records.count
        taking.tally.new += outcome.new
        taking.tally.changed += outcome.changed
        taking.tally.same += outcome.same
        notes += outcome.notes
        progress(taking.tally, false)
    }

    private mutating func finish<Kind: Movable>(_ taking: Taking<Kind>) throws {
        var tally = taking.tally
        tally.untouched = try store.ids(Kind.kind).filter { !taking.seen.contains($0) }
        progress(tally, true)
        tallies.append(tally)
    }

    private func decide<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) throws -> Value {
        try isRehearsal ? store.rehearse(body) : store.write(body)
    }

    /// The record as it may stand beside those that are here and stay.
    private static func fitting<Kind: Movable>(
        _ record: Kind, _ coming: Set<Int>, _ transaction: Transaction, _ outcome: inout Outcome
    ) -> Kind {
        guard let campaign = record as? Campaign else { return record }
        let renamed = campaign.renamed { name in
            transaction.campaignID(named: name).map { $0 != campaign.id && !coming.contains($0) } ?? false
        }
        guard renamed.name != campaign.name, let fitting = renamed as? Kind else { return record }
        outcome.notes.append(
            Note(
                what: "campaign \(campaign.id)",
                reason: "the name '\(campaign.name)' is another's here; now '\(renamed.name)'"))
        return fitting
    }

    /// Campaigns of which no two have names that are the same to a person's eye.
    private mutating func named(_ campaigns: [Campaign]) -> [Campaign] {
        var names = Set<String>()
        return campaigns.map { campaign in
            let renamed = campaign.renamed(while: names.contains)
            names.insert(renamed.name)
            if renamed.name != campaign.name {
                add("campaign \(campaign.id)", "the name '\(campaign.name)' is another's; now '\(renamed.name)'")
            }
            return renamed
        }
    }
}

// MARK: Messages

extension Import {
    /// Messages are never changed: those that are missing are added, with what was done with them.
    private mutating func takeMessages(from document: Document) throws {
        let (messages, faults) = document.records(Message.self, .messages)
        let (deliveries, lost) = document.records(Delivery.self, .deliveries)
        let (mailings, broken) = document.records(Mailing.self, .mailings)
        let (readers, unread) = document.records(Reader.self, .readers)
        for (what, faults) in [
            ("message", faults), ("the recipients of message", lost), ("the e-mails of message", broken),
            ("what was read by user", unread),
        ] {
            for fault in faults { add("\(what) \(fault.id)", "left out: \(fault.reason)") }
        }
        let known = Dictionary(messages.map { ($0.id, $0) }) { first, _ in first }
        let strangers = try store.ids(.messages).filter { id in
            guard let here = try? store.record(Message.self, .messages, id) else { return true }
            return known[id]?.json.compact != here.json.compact
        }
        guard strangers.isEmpty else {
            if !messages.isEmpty {
                add("messages", "\(messages.count) left out: the folder has others, with ids of their own")
            }
            return
        }
        // A message whose delivery cannot be read would be delivered again.
        let undecided = Set(lost.compactMap { Int($0.id) })
        let delivered = Dictionary(deliveries.map { ($0.id, $0) }) { first, _ in first }
        let mailed = Dictionary(mailings.map { ($0.id, $0) }) { first, _ in first }
        let nextID = document.nextID(.messages)
        var tally = Tally(kind: .messages)
        var rest = messages.filter { !undecided.contains($0.id) }[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(Self.group))
            let new = try decide { [store] transaction in
                if let nextID { try transaction.reserveIDs(.messages, below: nextID) }
                return try group.count { message in
                    guard try store.record(Message.self, .messages, message.id) == nil else { return false }
                    transaction.put(message, delivered[message.id], mailed[message.id])
                    return true
                }
            }
            tally.new += new
            tally.same += group.count - new
            progress(tally, false)
            rest = rest.dropFirst(Self.group)
        }
        progress(tally, true)
        tallies.append(tally)
        var others = readers[...]
        while !others.isEmpty {
            let group = Array(others.prefix(Self.group))
            try decide { [store] transaction in
                for reader in group where try store.record(Reader.self, .readers, reader.id) == nil {
                    transaction.putReader(reader)
                }
            }
            others = others.dropFirst(Self.group)
        }
    }
}
