public import Campaigns

/// A store that whole collections of records are copied into and out of.
public protocol TransferStore: RecordStore {
    /// The ids of a kind's records by rising id, broken ones among them.
    func ids(_ kind: RecordKind) throws(StoreUnavailable) -> [Int]

    /// The id that the next new record of a kind gets.
    func nextID(_ kind: RecordKind) throws(StoreUnavailable) -> Int

    /// A record with all that is kept of it, or nil when there is none.
    ///
    /// - Throws: ``RecordError`` when it is broken, ``StoreUnavailable``.
    func record<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws -> Kind?

    /// Lets a writer decide as ``RecordStore/write(_:)`` does.
    ///
    /// - Parameter isRehearsal: whether nothing is to be changed.
    func transfer<Value: Sendable>(
        isRehearsal: Bool, _ body: @escaping @Sendable (any TransferWriter) throws -> Value
    ) throws -> Value
}

/// What copies whole collections of records: they are as they were where they come from, and nobody's change.
public protocol TransferWriter: RecordWriter {
    /// A record as it is kept now, nil when there is none. A change of it is made only as long as that is still so.
    ///
    /// - Throws: ``StoreUnavailable``, also when it is broken.
    func sound<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> Kind?

    func allUsers() throws(StoreUnavailable) -> [User]

    /// Whether there is a record with an id, be it a broken one.
    func isTaken(_ kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> Bool

    /// The id that the next new record of a kind gets.
    func nextID(_ kind: RecordKind) throws(StoreUnavailable) -> Int

    /// Sees to it that no new record of a kind gets an id below this one.
    func reserveIDs(_ kind: RecordKind, below next: Int) throws(StoreUnavailable)

    func put(_ campaign: Campaign) throws(StoreUnavailable)
    func put(_ organisation: Organisation) throws(StoreUnavailable)
    func put(_ project: Project) throws(StoreUnavailable)

    /// Stores a message with what there is of its delivery: nobody gets it again.
    func put(_ message: Message, _ delivery: Delivery?, _ mailing: Mailing?) throws(StoreUnavailable)

    /// Stores what a user has read and deleted.
    func put(_ reading: ReadState) throws(StoreUnavailable)
}
