public import Campaigns
internal import Glibc
public import Logging
public import Records
internal import Synchronization
internal import Threads

/// The data folder as the service uses it.
///
/// Any number of threads may read and write, and any number of processes may have a store on one folder.
public final class FolderStore: RecordStore {
    public let folder: DataFolder
    /// How campaigns are shown.
    let rendering: any CampaignRendering
    let logger: Logger
    private let lockTimeout: Duration
    private let watches: Bool
    /// The records; others take its place when everything has to be read anew.
    private let current: Mutex<LiveCatalogue>
    private let version = Version()
    /// Held by who puts another catalogue in its place.
    private let reopening = Mutex(())
    /// The highest ids that any catalogue has seen: a record that is gone does not make room for another.
    private let seenIDs = Mutex<[RecordKind: Int]>([:])
    private let writers = WriterQueue()
    private let lockQueue = FolderLockQueue()
    private let journal: Journal
    private let changeLog: ChangeLog
    /// What readers know of the history.
    let history: ChangeHistory
    /// Held by the thread that uses the journal.
    private let journalTurn = Mutex(())
    /// Held while the cache is written, so that the process does not end meanwhile.
    private let cacheTurn = Mutex(())
    let healthWatch = HealthWatch()
    /// The messages that wait for records that cannot be read.
    private let lacking = Mutex<[Int: [RecordRef]]>([:])
    public var waitingDeliveries: [Int: [RecordRef]] {
        get { lacking.withLock { $0 } }
        set { lacking.withLock { $0 = newValue } }
    }

    /// Opens a data folder, and reads it.
    ///
    /// - Parameters:
    ///   - rendering: how campaigns are shown.
    ///   - watching: whether to read everything now and then follow the changes, as a service does that lasts; otherwise
    ///     what a request needs is read when it does.
    ///   - lockTimeout: how long a writer waits for the others at most.
    /// - Throws: ``StoreUnavailable`` when the folder cannot be read.
    public init(
        _ folder: DataFolder, _ rendering: any CampaignRendering, logger: Logger, watching: Bool = true,
        lockTimeout: Duration = .seconds(5)
    ) throws(StoreUnavailable) {
        self.folder = folder
        self.rendering = rendering
        self.logger = logger
        self.lockTimeout = lockTimeout
        watches = watching
        journal = Journal(folder) { [logger] entry in
            logger.error("the journal names what is no record, which is left alone", metadata: ["entry": "\(entry)"])
        }
        changeLog = ChangeLog(folder)
        history = ChangeHistory(folder, logger: logger)
        current = Mutex(LiveCatalogue(folder, nil, rendering, version: version, logger: logger))
        if Journal.isLeft(in: folder, ofAnyRun: watching) { takeOver() }
        guard watching else { return }
        // Without a watch everything lasts for one request, which reads what it needs.
        let live = reopen(nil)
        if live.watch != nil { try live.complete() }
    }

    /// Leaves no journal behind, unless others are writing, who will see to it.
    deinit { try? checkpoint(.zero) }

    /// Carries out what the journal says: all of it after a start of the machine, and what a process left undone that died.
    private func takeOver() {
        do {
            try locked(lockTimeout) { _ in }
        } catch {
            logger.error("the journal cannot be carried out", metadata: ["reason": "\(error.detail)"])
        }
    }

    /// Gives a reader the records as they are now: what anybody on this machine has finished before is in them.
    ///
    /// - Parameters:
    ///   - waits: whether it may wait for the disk. Nearly always everything is in memory.
    ///   - body: must not wait for anything; other readers wait for it. It may run more than once.
    /// - Throws: ``StoreUnavailable``; ``WouldWait`` when it may not wait and would have to; and what `body` throws.
    public func read<Result: Sendable>(waits: Bool, _ body: (any RecordReader) throws -> Result) throws -> Result {
        try readCatalogue(waits: waits, body)
    }

    func readCatalogue<Result: Sendable>(waits: Bool = true, _ body: (Catalogue) throws -> Result) throws -> Result {
        var (live, pass) = try begin(waits: waits)
        return try live.run(&pass, waits: waits, body)
    }

    /// A number that is the same as long as the records are the same; it never waits.
    public func generation() -> Int {
        if watches { _ = current.withLock { $0 }.begin() }
        return version.now
    }

    /// Lets a writer decide on changes, and brings them to the disk.
    ///
    /// Writers that come while another's changes are on their way to the disk go together after it.
    ///
    /// - Parameter body: sees the records as they are now, and puts its changes into the transaction; nothing is changed when it throws.
    ///   It may run on another thread, and again when something has been read for it, or where a file is not the one any more
    ///   that it has decided on.
    /// - Returns: what `body` gives, once its changes are on the disk.
    /// - Throws: ``StoreUnavailable``; then nothing is changed. And what `body` throws.
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (any RecordWriter) throws -> Value
    ) throws -> Value {
        try transfer(isRehearsal: false, body)
    }

    public func transfer<Value: Sendable>(
        isRehearsal: Bool, _ body: @escaping @Sendable (any TransferWriter) throws -> Value
    ) throws -> Value {
        // Nothing comes of it, so that it needs no lock.
        if isRehearsal { return try readCatalogue { try body(Transaction($0, folder)) } }
        let outcome = Mutex<Result<Value, any Error>?>(nil)
        let writer = Writer { transaction in
            let result = Result { try body(transaction) }
            outcome.withLock { $0 = result }
            if case .failure(let error) = result { throw error }
        }
        if let batch = writers.enter(writer) {
            writers.finish(batch, commit(batch))
        }
        if let failure = writer.failure { throw failure }
        return try outcome.withLock { outcome in
            guard let outcome else { throw StoreUnavailable("The change was not made") }
            return try outcome.get()
        }
    }

    /// - Returns: for each writer why nothing of it is on the disk, or nil when it is.
    private func commit(_ batch: [Writer]) -> [StoreUnavailable?] {
        let failure = commitOnce(batch, readAhead(batch))
        guard let failure, failure.isConflict else { return batch.map { _ in failure } }
        // One that somebody else changes again and again keeps no other from being done.
        let deadline = ContinuousClock.now + Self.patience
        return batch.map { writer in
            var failure = commitOnce([writer])
            while failure?.isConflict == true, .now < deadline {
                usleep(5000)
                failure = commitOnce([writer])
            }
            return failure
        }
    }

    /// How long a change is tried whose file somebody else is changing.
    private static let patience = Duration.seconds(2)

    /// What a batch needs, found out without the lock.
    private enum Ahead {
        /// The campaigns' names are in the ``NameIndex``.
        case named
        case read(LiveCatalogue, RecentChanges.Place)
    }

    /// Without a watch everything has to be read for each change, all campaigns for a new name. That is done without the lock, and
    /// once for all that come at the same time; with the lock only what others have changed meanwhile is read again. What a person
    /// changes in this moment may count as done after the change.
    private func readAhead(_ batch: [Writer]) -> Ahead? {
        if watches { return nil }
        if NameIndex(folder) != nil { return .named }
        let turn = NameIndex.turn(folder, timeout: lockTimeout)
        defer { withExtendedLifetime(turn) {} }
        if NameIndex(folder) != nil { return .named }
        let begun = Uptime.now()
        guard let place = recentPlace(), let (live, first) = try? begin(waits: true) else { return nil }
        var pass = first
        for writer in batch {
            // What it throws it throws again.
            _ = try? live.run(&pass) { try writer.decide(Transaction($0, folder)) }
        }
        guard live.certainNames != nil else { return .read(live, place) }
        let isMade = try? locked(lockTimeout) { _ throws(StoreUnavailable) in
            guard let changed = RecentChanges(folder).changes(since: place) else { return false }
            var pass = live.begin(rereading: changed)
            _ = try? live.run(&pass) { try $0.campaignOutlines() }
            guard let names = live.certainNames else { return false }
            return NameIndex.write(names, folder, begun: begun)
        }
        return isMade == true ? .named : .read(live, place)
    }

    /// From where on changes are told to this process.
    private func recentPlace() -> RecentChanges.Place? {
        if let place = RecentChanges(folder).place() { return place }
        try? locked(lockTimeout) { _ throws(StoreUnavailable) in try? RecentChanges(folder).begin() }
        return RecentChanges(folder).place()
    }

    private func commitOnce(_ batch: [Writer], _ ahead: Ahead? = nil) -> StoreUnavailable? {
        do throws(StoreUnavailable) {
            try locked(lockTimeout) { journal throws(StoreUnavailable) in
                let index = watches ? nil : NameIndex(folder, wasGood: true)
                let staged = try decide(batch, ahead, index)
                guard !staged.files.isEmpty || !staged.nextIDs.isEmpty else { return }
                try writing { () throws(SystemError) in
                    try place(staged, journal)
                    if !watches { try? RecentChanges(folder).begin() }
                }
                index?.follow(staged.campaigns.compactMapValues { $0?.name }, folder)
                see(staged.nextIDs.mapValues { $0 - 1 })
            }
            return nil
        } catch {
            if error.isConflict {
                logger.info("a change is decided anew", metadata: ["reason": "\(error.detail)"])
            } else {
                logger.error("a change was refused", metadata: ["reason": "\(error.detail)"])
            }
            return error
        }
    }

    private func place(_ staged: Transaction.Staged, _ journal: Journal) throws(SystemError) {
        guard !staged.files.isEmpty else {
            return try folder.creatingIfMissing { () throws(SystemError) in
                for (kind, next) in staged.nextIDs { try IDCounter(folder, kind).keep(next) }
            }
        }
        // Whoever has the turn empties it otherwise, or will leave it to the next change.
        if journal.end > Journal.limit {
            try Journal.inSyncTurn(folder) { () throws(SystemError) in
                try journal.beginSync()
                try Journal.sync(nil, in: folder)
                try journal.empty()
            }
        }
        guard journal.end <= Journal.most else { throw SystemError("empty \(folder.journal), which is locked", EBUSY) }
        try folder.creatingIfMissing { () throws(SystemError) in
            let addition = try changeLog.addition(staged.entries)
            try FolderCommit.run(staged.files, addition, in: folder, journal: journal) { () throws(SystemError) in
                for (kind, next) in staged.nextIDs { try IDCounter(folder, kind).raise(to: next) }
            }
            changeLog.note(addition)
        }
    }

    private func writing<Value>(_ body: () throws(SystemError) -> Value) throws(StoreUnavailable) -> Value {
        try StoreUnavailable.mapError("The data folder cannot be written", body)
    }

    /// Holds the folder's lock for a while, in which all is done that other processes have left to do.
    private func locked<Value: Sendable>(
        _ timeout: Duration, _ body: (Journal) throws(StoreUnavailable) -> Value
    ) throws(StoreUnavailable) -> Value {
        try folder.locked(timeout: timeout, queue: lockQueue) { () throws(StoreUnavailable) in
            try journalTurn.withLock { _ throws(StoreUnavailable) in
                try writing { () throws(SystemError) in
                    try folder.creatingIfMissing { () throws(SystemError) in try journal.catchUp() }
                }
                return try body(journal)
            }
        }
    }

    /// Takes the lock as a change does, and gives it back.
    ///
    /// - Throws: ``StoreUnavailable``.
    func tryLock() throws(StoreUnavailable) {
        try locked(lockTimeout) { journal throws(StoreUnavailable) in
            guard journal.end <= Journal.most else {
                throw StoreUnavailable("The data folder cannot be written: .journal is locked by another process")
            }
        }
    }

    /// Asks each writer for its changes; one that throws has none.
    ///
    /// - Parameter index: as it is with the lock held.
    private func decide(
        _ batch: [Writer], _ ahead: Ahead? = nil, _ index: NameIndex? = nil
    ) throws(StoreUnavailable) -> Transaction.Staged {
        reopenIfReplaced()
        do {
            var (live, pass): (LiveCatalogue, Pass)
            if case .read(let read, let place) = ahead, let changed = RecentChanges(folder).changes(since: place) {
                (live, pass) = (read, read.begin(rereading: changed))
            } else {
                (live, pass) = try begin(waits: true)
                if case .named = ahead, let index { live.use(index) }
            }
            var staged = Transaction.Staged()
            for writer in batch {
                staged = try live.run(&pass) { [staged] catalogue in
                    let transaction = Transaction(catalogue, folder, seenIDs: seenIDs.withLock { $0 })
                    transaction.staged = staged
                    do {
                        try writer.decide(transaction)
                        return transaction.staged
                    } catch {
                        return staged
                    }
                }
            }
            return staged
        } catch let error as StoreUnavailable {
            throw error
        } catch {
            throw StoreUnavailable("The data folder cannot be read", detail: "\(error)")
        }
    }

    /// Waits until everything that has changed is on the disk in its own file, and empties the journal.
    ///
    /// - Throws: ``StoreUnavailable``; then the journal keeps what it has.
    public func checkpoint() throws(StoreUnavailable) { try checkpoint(lockTimeout) }

    private func checkpoint(_ timeout: Duration) throws(StoreUnavailable) {
        guard let size = FileState(folder.journal)?.size, size > 0 else { return }
        try Journal.inSyncTurn(folder) { () throws(StoreUnavailable) in try bringToDisk(timeout) }
    }

    /// Whoever calls is in ``Journal/inSyncTurn(_:_:)``.
    ///
    /// - Parameter timeout: how long to wait for the folder's lock before anything is begun.
    private func bringToDisk(_ timeout: Duration) throws(StoreUnavailable) {
        // Others may write meanwhile. What they have written is left for the next time.
        let (changes, last) = try locked(timeout) { journal throws(StoreUnavailable) in
            let changes = try writing { () throws(SystemError) in
                // What cannot be kept now is kept later; the journal is not to grow for that.
                try? changeLog.keepID()
                try journal.beginSync()
                // What is long has many changes, which need not be looked at.
                return journal.end < 1 << 16 ? try journal.changes() : nil
            }
            return (changes, journal.last)
        }
        try writing { () throws(SystemError) in try Journal.sync(changes, in: folder) }
        // Patiently: the next one would take a sync that has no end for one that has failed, and write all files anew.
        try locked(lockTimeout) { journal throws(StoreUnavailable) in
            try writing { () throws(SystemError) in try journal.endSync(of: last) }
        }
    }

    /// Reads everything anew where the folder is another one by now and nobody was told, such as one behind a link.
    public func reopenIfReplaced() {
        let live = current.withLock { $0 }
        if live.watch?.isOf(folder) == false { _ = reopen(live) }
    }

    /// Reads what is not in memory, such as everything after the folder was replaced, and tries again what could not be read.
    /// Who needs it meanwhile reads it itself, or waits for this.
    public func complete() throws(StoreUnavailable) {
        let live = current.withLock { $0 }
        if live.watch != nil { try live.complete() }
        try history.refresh()
    }

    /// Keeps a picture in the folder of the logos, named by its content.
    ///
    /// - Returns: the file's name.
    /// - Throws: ``StoreUnavailable``; then it is not certain to last, and may be sent again.
    public func storeImage(_ picture: [UInt8], fileExtension: String) throws(StoreUnavailable) -> String {
        let name = "\(Representation(picture).digest).\(fileExtension)"
        try storeImage(picture, named: name)
        return name
    }

    /// Keeps a picture under a name of its own, in the place of one that has it already.
    ///
    /// - Throws: ``StoreUnavailable``.
    public func storeImage(_ picture: [UInt8], named name: String) throws(StoreUnavailable) {
        try folder.storeImage(picture, named: name, timeout: lockTimeout, queue: lockQueue)
    }

    /// Makes the next start quicker, where this one had much to read. The cache may be removed at any time.
    public func writeCache() {
        cacheTurn.withLock { _ in
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            guard let entries = current.withLock({ $0 }).newCacheEntries() else { return }
            do {
                try CatalogueCache.write(
                    entries, folder, rendering.version, now: now.tv_sec &* 1_000_000_000 &+ now.tv_nsec)
            } catch {
                logger.debug("the cache was not written", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Removes temporary files that a process which was killed has left.
    public func removeLeftovers() {
        // Not before the journal is carried out, which may need them.
        try? locked(.zero) { [folder] _ in
            for directory in RecordKind.allCases.map(folder.directory) + [folder.logos] {
                for name in (try? folder.names(in: directory)) ?? []
                where name.hasPrefix(".") && name.hasSuffix(".tmp") {
                    unlink("\(directory)/\(name)")
                }
            }
        }
    }

    private func see(_ ids: [RecordKind: Int]) {
        seenIDs.withLock { seen in seen.merge(ids) { max($0, $1) } }
    }

    /// Keeps the ids that have been seen, also those that a person has given, so that they stay used when the records go.
    public func keepIDs() {
        // What was told since is read now, for nobody else may ask for it before it goes again.
        _ = try? readCatalogue { catalogue in for kind in IDCounter.kinds { _ = try catalogue.highestID(kind) } }
        see(current.withLock { $0 }.seenIDs)
        for kind in IDCounter.kinds {
            let seen = seenIDs.withLock { $0[kind] ?? 0 }
            guard seen > 0, seen < .max, (try? IDCounter(folder, kind).mark()) ?? 0 <= seen else { continue }
            // What cannot be kept now is kept later, or with the next change.
            try? locked(lockTimeout) { _ throws(StoreUnavailable) in
                let next = Mutex(0)
                let writer = Writer { transaction in
                    let id = try transaction.nextID(kind)
                    next.withLock { $0 = id }
                }
                _ = try decide([writer])
                let id = next.withLock { $0 }
                guard id > 0 else { return }
                try writing { () throws(SystemError) in try IDCounter(folder, kind).raiseMark(to: id) }
            }
        }
    }

    // MARK: Keeping up with the folder

    /// The records as they are now, and a pass over them.
    private func begin(waits: Bool) throws(WouldWait) -> (LiveCatalogue, Pass) {
        while watches {
            let live = current.withLock { $0 }
            if let pass = live.begin() { return (live, pass) }
            guard waits else { throw WouldWait() }
            let next = reopen(live)
            // Changes are not told, so this one is for this call alone.
            if next.watch == nil { return (next, Pass()) }
        }
        let live = LiveCatalogue(folder, nil, rendering, version: version, logger: logger)
        // For the cache.
        current.withLock { $0 = live }
        return (live, Pass())
    }

    /// Puts a new catalogue in the place of one, unless another has done so. Nothing has been read of it yet: who needs something
    /// reads that first, and nobody waits for the rest.
    private func reopen(_ old: LiveCatalogue?) -> LiveCatalogue {
        reopening.withLock { _ in
            let now = current.withLock { $0 }
            if let old, old !== now { return now }
            var watch: FolderWatch?
            do throws(SystemError) {
                watch = try FolderWatch(folder)
            } catch {
                logger.debug("the data folder cannot be watched", metadata: ["reason": "\(error)"])
            }
            see(now.seenIDs)
            let next = LiveCatalogue(
                folder, watch, rendering, version: version, logger: logger, former: now)
            version.raise()
            if watch != nil || now.watch != nil { current.withLock { $0 = next } }
            return next
        }
    }
}
