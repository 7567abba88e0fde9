public import Campaigns
internal import PostgreSQL
public import Records

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

    public internal(set) var tallies: [Tally] = []
    public internal(set) var notes: [Note] = []

    let store: any TransferStore
    let isRehearsal: Bool
    let progress: (Tally, Bool) -> Void
    /// What is broken in the folder, and is for a person to mend, not to be written over.
    let broken: Set<String>

    /// - Parameters:
    ///   - isRehearsal: whether to find out everything and change nothing.
    ///   - progress: told when a kind begins and after each group how far it is, and whether this was all.
    /// - Throws: ``StoreUnavailable``.
    public init(into store: any TransferStore, isRehearsal: Bool, progress: @escaping (Tally, Bool) -> Void) throws {
        self.store = store
        self.isRehearsal = isRehearsal
        self.progress = progress
        broken = try store.read { Set(try $0.broken().keys) }
    }

    /// Whether a source has the form of a connection string; otherwise it is the path of a document.
    public static func isDatabase(_ source: String) -> Bool { ConnectionSettings.isConnectionString(source) }

    /// Takes over what a Tasking Manager's database has for campaigns.
    ///
    /// - Parameter source: a connection string.
    /// - Throws: ``SourceError``, ``StoreUnavailable``.
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
    /// - Throws: ``SourceError``, ``StoreUnavailable``.
    public mutating func run(document path: String) throws {
        try run(document: Document.read(path))
    }

    /// Takes over everything that the bytes of a document hold.
    ///
    /// - Throws: ``SourceError``, ``StoreUnavailable``.
    public mutating func run(document bytes: [UInt8]) throws {
        let document = try Document(bytes)
        try take(User.self, from: document)
        try take(Organisation.self, from: document)
        try take(Project.self, from: document)
        try take(Campaign.self, from: document)
        try takeMessages(from: document)
    }

    mutating func add(_ what: String, _ reason: String) {
        notes.append(Note(what: what, reason: reason))
    }

    /// Has a group of records decided on, and written unless it is a rehearsal.
    func decide<Value: Sendable>(
        _ body: @escaping @Sendable (any TransferWriter) throws -> Value
    ) throws -> Value {
        try store.transfer(isRehearsal: isRehearsal, body)
    }
}
