public import Campaigns

/// Where the records are kept.
///
/// Any number of threads may use it at once.
public protocol RecordStore: AnyObject, Sendable {
    /// A number that is the same as long as the records are the same; it never waits.
    func generation() -> Int

    /// Gives a reader the records as they are now: what anybody has finished before is in them.
    ///
    /// - Parameters:
    ///   - waits: whether it may wait. Nearly always everything is in memory.
    ///   - body: must not wait for anything; other readers wait for it. It may run more than once.
    /// - Throws: ``StoreUnavailable``; ``WouldWait`` when it may not wait and would have to; and what `body` throws.
    func read<Value: Sendable>(waits: Bool, _ body: (any RecordReader) throws -> Value) throws -> Value

    /// Lets a writer decide on changes, and makes them last.
    ///
    /// - Parameter body: sees the records as they are now, and gives its changes to the writer; nothing is changed when it
    ///   throws. It may run on another thread, and again where somebody else has changed what it has decided on.
    /// - Returns: what `body` gives, once its changes last.
    /// - Throws: ``StoreUnavailable``; then nothing is changed. And what `body` throws.
    @discardableResult
    func write<Value: Sendable>(_ body: @escaping @Sendable (any RecordWriter) throws -> Value) throws -> Value

    /// What is known of the store. Where the store is looked after in the background it waits for no disk, but perhaps for who is
    /// just reading the history.
    func health() -> StoreHealth

    // MARK: Who changed what

    /// Some of the entries, newest first, each made into something as soon as it is read.
    ///
    /// - Parameters:
    ///   - campaign: those of one campaign alone; nil: all, of the campaigns that are gone too.
    ///   - range: told how many there are, says which are wanted.
    ///   - make: is given an entry, and what was made before of those that are newer. It may run again from the first.
    func changes<Value>(
        ofCampaign campaign: Int?, _ range: (Int) -> Range<Int>, _ make: (ChangeEntry, [Value]) -> Value
    ) throws(StoreUnavailable) -> [Value]

    /// The highest id that a campaign has or has had.
    func highestCampaignEver() throws -> Int

    // MARK: Images and e-mails

    /// Keeps an image, named by its content.
    ///
    /// - Returns: the file's name below `/logos/`.
    /// - Throws: ``StoreUnavailable``; then it is not certain to last, and may be sent again.
    func storeImage(_ image: [UInt8], fileExtension: String) throws(StoreUnavailable) -> String

    /// Who got a message, by rising id; nobody when it is still to be delivered.
    func recipients(ofMessage id: Int) throws(StoreUnavailable) -> [Int]

    /// Keeps everybody else from sending e-mails for as long as what it returns lives; nil when another is sending.
    func mailLock() throws(StoreUnavailable) -> AnyObject?

    /// The messages that wait for records which cannot be read, as far as the last delivery of this process found.
    var waitingDeliveries: [Int: [RecordRef]] { get set }

    /// Bytes of changes that wait to be brought to where they stay.
    var journalBytes: Int { get }
}

extension RecordStore {
    public func read<Value: Sendable>(_ body: (any RecordReader) throws -> Value) throws -> Value {
        try read(waits: true, body)
    }
}

/// What is known of a store.
public struct StoreHealth: Sendable {
    /// Why a change could not be made now, or nil when it could.
    public let trouble: String?
    /// What is broken besides records, by its place, with the reason.
    public let broken: [String: String]

    public init(trouble: String?, broken: [String: String] = [:]) {
        self.trouble = trouble
        self.broken = broken
    }
}
