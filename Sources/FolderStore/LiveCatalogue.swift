internal import Campaigns
internal import Logging
internal import RecordIndex
internal import Records
internal import Synchronization
internal import Threads

/// A catalogue behind the lock that all readers take, with what tells of changes, and the reading of files, which goes on
/// without that lock: who needs nothing from the disk waits for nobody who does.
final class LiveCatalogue: Sendable {
    /// nil: changes are not told.
    let watch: FolderWatch?
    private let folder: DataFolder
    private let version: Version
    private let rendering: any CampaignRendering
    private let usesCache: Bool
    private let state: Mutex<State>
    /// So that each kind, and each record, is read by one at a time, and the others find it read.
    private let kindTurns: [RecordKind: Turn]
    private let recordTurns = (0..<64).map { _ in Turn() }
    /// Set when anything may have changed; then it is of no more use to who begins.
    private let isOver = Atomic(false)
    /// The names that campaigns had in the catalogue before this one.
    private let formerNames: Mutex<[Int: String]>

    private struct State {
        let catalogue: Catalogue
    }

    private final class Turn: Sendable {
        let mutex = Mutex(())
    }

    /// - Parameters:
    ///   - rendering: how campaigns are shown.
    ///   - version: rises whenever an answer may have changed.
    ///   - former: the one that this takes the place of.
    init(
        _ folder: DataFolder, _ watch: FolderWatch?, _ rendering: any CampaignRendering, version: Version,
        logger: Logger,
        usesCache: Bool = true, former: LiveCatalogue? = nil
    ) {
        self.folder = folder
        self.watch = watch
        self.version = version
        self.rendering = rendering
        self.usesCache = usesCache
        state = Mutex(State(catalogue: Catalogue(rendering, logger: logger)))
        kindTurns = Dictionary(uniqueKeysWithValues: RecordKind.allCases.map { ($0, Turn()) })
        formerNames = Mutex(former?.names() ?? [:])
    }

    /// Begins to read or to write: what has been told of the folder by now will be seen.
    ///
    /// - Returns: nil when everything has to be read anew, by another catalogue.
    func begin() -> Pass? {
        guard let watch, !isOver.load(ordering: .relaxed) else { return nil }
        return state.withLock { state in
            let catalogue = state.catalogue
            let changes = watch.changes()
            if !changes.isEmpty { version.raise() }
            guard !changes.contains(.everything) else {
                isOver.store(true, ordering: .relaxed)
                return nil
            }
            catalogue.mark(changes)
            return Pass(start: catalogue.now)
        }
    }

    /// Begins again, with what has been read so far but some records.
    func begin(rereading changed: Set<RecordRef>) -> Pass {
        state.withLock { state in
            state.catalogue.mark(changed.map(FolderWatch.Change.record))
            return Pass(start: state.catalogue.now)
        }
    }

    /// Runs a body until it has all that it needs.
    ///
    /// - Parameter waits: whether it may wait for the disk.
    /// - Throws: what `body` throws; ``StoreUnavailable``; ``WouldWait``.
    func run<Value: Sendable>(_ pass: inout Pass, waits: Bool = true, _ body: (Catalogue) throws -> Value) throws
        -> Value
    {
        while true {
            let outcome: Result<Value, any Error>? = state.withLock { state in
                state.catalogue.pass = pass
                defer {
                    pass = state.catalogue.pass
                    state.catalogue.pass = Pass()
                }
                let outcome: Result<Value, any Error>
                do {
                    outcome = .success(try body(state.catalogue))
                } catch {
                    outcome = .failure(error)
                }
                // Whatever became of it, it knew too little.
                return state.catalogue.pass.lacks ? nil : outcome
            }
            if let outcome { return try outcome.get() }
            guard waits else { throw WouldWait() }
            try load(&pass)
        }
    }

    // MARK: Reading files

    /// Reads what is lacking.
    private func load(_ pass: inout Pass) throws(StoreUnavailable) {
        let lacking = pass
        (pass.kinds, pass.records, pass.texts, pass.outside) = ([], [], [], [:])
        for kind in lacking.kinds { try load(kind) }
        for ref in lacking.records.subtracting(lacking.texts) {
            pass.tried.insert(ref)
            try load(ref, since: pass.start)
        }
        for ref in lacking.texts {
            pass.tried.insert(ref)
            pass.wholeRecords[ref] = try loadWhole(ref)
        }
        for (key, work) in lacking.outside { pass.values[key] = Result { try work() } }
    }

    private func failing<Value>(_ body: () throws(SystemError) -> Value) throws(StoreUnavailable) -> Value {
        try StoreUnavailable.mapError("The data folder cannot be read", body)
    }

    /// Reads one record, unless another has done so meanwhile.
    private func load(_ ref: RecordRef, since start: Int) throws(StoreUnavailable) {
        try recordTurns[abs(ref.id % recordTurns.count)].mutex.withLock { _ throws(StoreUnavailable) in
            let begun: (begun: Int, mayBeUnfinished: Bool)? = state.withLock { state in
                let catalogue = state.catalogue
                guard catalogue.isUnread(ref, since: start) || catalogue.isToBeTried(ref) else { return nil }
                return (catalogue.beginReading(), catalogue.mayBeUnfinished(ref))
            }
            guard let begun else { return }
            try install(begun.begun) { () throws(SystemError) in
                try LoadedRecord(ref, in: folder, mayBeUnfinished: begun.mayBeUnfinished)
            }
        }
    }

    /// Takes over what is read by a body that runs without the lock.
    @discardableResult
    private func install(
        _ begun: Int, _ read: () throws(SystemError) -> LoadedRecord
    ) throws(StoreUnavailable) -> LoadedRecord {
        let outcome = Result { () throws(SystemError) in try read() }
        return try failing { () throws(SystemError) in
            let found = try state.withLock { state throws(SystemError) in
                let catalogue = state.catalogue
                defer { catalogue.endReading() }
                var found = try outcome.get()
                if found.ref.kind == .campaigns { found.formerName = formerNames.withLock { $0[found.ref.id] } }
                if catalogue.install(found, begun: begun) { version.raise() }
                return found
            }
            return found
        }
    }

    /// Reads a record with all that is in its file, and what has become of the file is taken over.
    private func loadWhole(_ ref: RecordRef) throws(StoreUnavailable) -> Result<(any Record)?, StoreUnavailable> {
        let begun = state.withLock { $0.catalogue.beginReading() }
        let found = try install(begun) { () throws(SystemError) in
            try LoadedRecord(ref, in: folder, mayBeUnfinished: true)
        }
        switch found.content {
        case .missing: return .success(nil)
        case .record(let record, _, _, _): return .success(record)
        default:
            return .failure(
                StoreUnavailable("The \(ref.kind.noun) cannot be read", detail: "\(ref.place) cannot be read"))
        }
    }

    /// How many records are taken over at once: who reads from memory waits for no more than these.
    private static let portion = 256

    /// Reads all records of a kind, unless another has done so meanwhile.
    func load(_ kind: RecordKind) throws(StoreUnavailable) {
        try kindTurns[kind]?.mutex.withLock { _ throws(StoreUnavailable) in
            let begun: Int? = state.withLock {
                $0.catalogue.unloaded.contains(kind) ? $0.catalogue.beginReading() : nil
            }
            guard let begun else { return }
            defer { state.withLock { $0.catalogue.endReading() } }
            try failing { () throws(SystemError) in
                // In order, for then every sorted list grows at its end.
                let ids = try folder.names(in: folder.directory(kind)).compactMap { DataFolder.id(ofFile: $0) }.sorted()
                state.withLock { $0.catalogue.reserveCapacity(kind, ids.count) }
                let cached = kind == .campaigns && usesCache && CatalogueCache.exists(folder) ? unchanged(ids) : nil
                var found: [LoadedRecord] = []
                for (place, id) in ids.enumerated() {
                    let ref = RecordRef(kind, id)
                    if let entry = cached?[place], entry.isCurrent {
                        found.append(LoadedRecord(ref, .cached(entry.entry)))
                    } else {
                        var loaded = try LoadedRecord(ref, in: folder)
                        loaded.formerName =
                            kind == .campaigns
                            ? formerNames.withLock { $0[id] } ?? cached?[place]?.entry.campaign.name : nil
                        found.append(loaded)
                    }
                    if found.count == Self.portion { install(&found, begun) }
                }
                install(&found, begun)
            }
            state.withLock { $0.catalogue.markLoaded(kind) }
            if kind == .campaigns { formerNames.withLock { $0 = [:] } }
        }
    }

    private func install(_ found: inout [LoadedRecord], _ begun: Int) {
        state.withLock { state in
            let catalogue = state.catalogue
            for record in found { catalogue.install(record, begun: begun) }
        }
        found = []
    }

    /// What the cache has of some campaigns, and whether their files are still as they were.
    private func unchanged(_ ids: [Int]) -> [(entry: CatalogueCache.Entry, isCurrent: Bool)?] {
        // The cache is read while the files are looked at.
        let cache = Monitor<[CatalogueCache.Entry]?>(nil)
        do {
            try Thread("cache") { [folder, rendering] in
                let entries = CatalogueCache.read(folder, rendering.version)
                cache.update { $0 = entries }
            }.detach()
        } catch {
            cache.update { $0 = [] }
        }
        let states = ids.map { FileState(folder.file(.campaigns, $0)) }
        var cached = (cache.wait { $0 } ?? [])[...]
        return zip(ids, states).map { id, state in
            cached = cached.drop { $0.id < id }
            guard let entry = cached.first, entry.id == id else { return nil }
            return (entry, entry.state == state)
        }
    }

    /// Reads what has not been read yet, and looks again at what could not be read.
    func complete() throws(StoreUnavailable) {
        for kind in RecordKind.allCases { try load(kind) }
        for ref in state.withLock({ $0.catalogue.due }) { try load(ref, since: 0) }
    }

    private func names() -> [Int: String] { state.withLock { $0.catalogue.knownNames } }

    /// The highest ids that have been seen so far.
    var seenIDs: [RecordKind: Int] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: IDCounter.kinds.map { ($0, state.catalogue.seenID($0)) })
        }
    }

    /// The names of all campaigns; nil where not all have been read, or one cannot be.
    var certainNames: [Int: String]? { state.withLock { $0.catalogue.certainNames } }

    /// Lets it look names up instead of reading all campaigns.
    func use(_ index: NameIndex) { state.withLock { $0.catalogue.nameIndex = index } }

    func newCacheEntries() -> [CatalogueCache.Entry]? { state.withLock { $0.catalogue.newCacheEntries() } }
}

/// A number that rises whenever an answer may have changed.
final class Version: Sendable {
    private let number = Atomic(0)
    var now: Int { number.load(ordering: .sequentiallyConsistent) }
    func raise() { number.add(1, ordering: .sequentiallyConsistent) }
}
