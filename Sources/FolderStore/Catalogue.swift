internal import Campaigns
internal import Logging
internal import RecordIndex
internal import Records

/// What the data folder holds, in memory: everything that an answer needs, so that none reads a file, but for those that
/// show a long text.
///
/// The files are the truth. The catalogue changes in one way alone, by taking over what was found of a file: ``install(_:begun:)``.
/// It reads none itself, for whoever uses it holds the lock that all readers take: ``LiveCatalogue`` reads.
final class Catalogue {
    private let logger: Logger

    let records: RecordIndex
    /// Of the campaigns' files, when they were read.
    private var files: [Int: CampaignFile] = [:]

    private struct CampaignFile {
        /// Tells this content of the file from others, while the process lives; nil: not known, as the file was not read.
        let fingerprint: Int?
        let state: FileState
    }

    /// What cannot be served, of all that has been read.
    var troubles: [RecordRef: Trouble] = [:]
    /// What was begun and cannot be taken over yet, for somebody is or may be writing it.
    var unfinished: Set<RecordRef> = []
    /// Names that campaigns may have which cannot be served.
    var heldNames = HeldNames()
    /// The highest id that a file of a kind has been named by, broken ones included.
    private var highestIDs: [RecordKind: Int] = [:]
    /// How many campaigns' files have been read that are not in the cache; large ones count as several.
    private var readSinceCache = 0

    /// Why a record cannot be served.
    struct Trouble {
        let reason: String
        /// Whether it is there but not given back now, rather than broken.
        let mayPass: Bool
    }

    /// Kinds of which not everything has been read.
    private(set) var unloaded = Set(RecordKind.allCases)
    /// What has been read of those kinds.
    private var looked: [RecordKind: Set<Int>] = [:]
    /// For a process that answers one request.
    var nameIndex: NameIndex?
    /// What has changed since it was read.
    private var stale: [RecordKind: [Int: Mark]] = [:]
    /// When what was not given back, or may have been unfinished, is to be looked at again.
    private var retries: [RecordRef: ContinuousClock.Instant] = [:]

    /// That a file has changed: when it was first told since it was read, when last, and whether its end was told.
    private struct Mark {
        var first: Int
        var last: Int
        var isEnded: Bool
    }

    /// Rises with everything that is told of the folder, and with every reading that begins.
    private var clock = 0
    /// How many readings are on their way, and when that began of which each record is, of those since there were none.
    private var readings = 0
    private var installed: [RecordRef: Int] = [:]

    /// That of the body that runs.
    var pass = Pass()

    /// Starts empty.
    init(_ rendering: any CampaignRendering, logger: Logger) {
        self.logger = logger
        records = RecordIndex(rendering)
    }

    // MARK: What has to be read

    /// Notes what has changed.
    func mark(_ changes: [FolderWatch.Change]) {
        guard !changes.isEmpty else { return }
        clock += 1
        for change in changes {
            switch change {
            case .record(let ref): mark(ref, isEnded: true)
            case .begun(let ref): mark(ref, isEnded: false)
            case .everything: break
            }
        }
    }

    private func mark(_ ref: RecordRef, isEnded: Bool) {
        var mark = stale[ref.kind]?[ref.id] ?? Mark(first: clock, last: clock, isEnded: isEnded)
        mark.last = clock
        mark.isEnded = mark.isEnded || isEnded
        // It may be gone before anybody reads it.
        highestIDs[ref.kind] = max(highestIDs[ref.kind] ?? 0, ref.id)
        stale[ref.kind, default: [:]][ref.id] = mark
    }

    /// The state that a body which begins now has to see.
    var now: Int { clock }

    /// Whether a record has to be read before one can answer who began at a time.
    func isUnread(_ ref: RecordRef, since start: Int) -> Bool {
        if let mark = stale[ref.kind]?[ref.id], mark.first <= start { return true }
        return unloaded.contains(ref.kind) && looked[ref.kind]?.contains(ref.id) != true
    }

    /// Whether a record's file may be one that somebody is writing.
    func mayBeUnfinished(_ ref: RecordRef) -> Bool {
        if let mark = stale[ref.kind]?[ref.id] { return !mark.isEnded }
        // One that was unsettled.
        return retries[ref] != nil && troubles[ref] == nil
    }

    private func isDue(_ ref: RecordRef) -> Bool { retries[ref].map { $0 <= .now } ?? false }

    /// Whether a record that has been read may be another when it is read again, though nobody has told.
    func isToBeTried(_ ref: RecordRef) -> Bool { isDue(ref) || troubles[ref]?.mayPass == true }

    /// What is to be looked at again by now.
    var due: [RecordRef] { retries.isEmpty ? [] : retries.keys.filter(isDue) }

    /// Ends the body that runs unless everything of some kinds has been read.
    func ensureLoaded(_ kinds: [RecordKind]) throws(StoreUnavailable) {
        for kind in kinds {
            if unloaded.contains(kind) { pass.kinds.insert(kind) }
            for (id, mark) in stale[kind] ?? [:] where mark.first <= pass.start {
                pass.records.insert(RecordRef(kind, id))
            }
            // One alone, for a disk that fails is slow.
            if let ref = due.first(where: { $0.kind == kind && !pass.tried.contains($0) }) { pass.records.insert(ref) }
        }
        if pass.lacks { throw .notRead }
    }

    /// The records, once everything of some kinds has been read; some of it may be broken.
    func records(having kinds: RecordKind...) throws(StoreUnavailable) -> RecordIndex {
        try ensureLoaded(kinds)
        return records
    }

    /// The records, once everything of some kinds has been read, and the disk has given it back.
    func records(havingAll kinds: RecordKind...) throws(StoreUnavailable) -> RecordIndex {
        try ensureLoaded(kinds)
        for kind in kinds { try check(kind) { $0.mayPass } }
        return records
    }

    /// The records, once one of them has been read.
    ///
    /// - Throws: ``StoreUnavailable``, also when there is a record that cannot be read: an answer without it would be wrong.
    func records(having kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> RecordIndex {
        let ref = RecordRef(kind, id)
        try look(ref)
        guard let trouble = troubles[ref] else { return records }
        throw StoreUnavailable(
            "The \(kind.noun) cannot be read", detail: "\(ref.place) cannot be read: \(trouble.reason)")
    }

    /// The records, once one of them has been read, or found to be unreadable.
    func records(lookingAt kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> RecordIndex {
        try look(RecordRef(kind, id))
        return records
    }

    /// Ends the body that runs unless one record has been read, or found to be unreadable.
    func look(_ ref: RecordRef) throws(StoreUnavailable) {
        if isUnread(ref, since: pass.start) || (isDue(ref) && !pass.tried.contains(ref)) {
            pass.records.insert(ref)
            throw .notRead
        }
    }

    /// What a record's file holds, with all that is not kept in memory; nil when there is none.
    ///
    /// - Throws: ``StoreUnavailable``, also when the file does not give the record, be it that somebody is writing it.
    func whole<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> Kind? {
        let ref = RecordRef(kind, id)
        guard let found = pass.wholeRecords[ref] else {
            pass.texts.insert(ref)
            throw .notRead
        }
        return try found.get() as? Kind
    }

    /// Has something done without the lock that readers take, such as reading a file.
    ///
    /// - Parameters:
    ///   - key: tells it from others.
    ///   - work: done once; the body that asks runs again then.
    func outside<Value: Sendable>(
        _ key: String, _ work: @escaping @Sendable () throws -> Value
    ) throws(StoreUnavailable) -> Value {
        guard let result = pass.values[key] else {
            pass.outside[key] = work
            throw .notRead
        }
        switch result {
        case .success(let value):
            guard let value = value as? Value else { throw StoreUnavailable("The data folder cannot be read") }
            return value
        case .failure(let error as StoreUnavailable): throw error
        case .failure(let error as SystemError): throw StoreUnavailable("The data folder cannot be read", error)
        case .failure(let error): throw StoreUnavailable("The data folder cannot be read", detail: "\(error)")
        }
    }

    // MARK: What was read

    /// Says that files are about to be read.
    ///
    /// - Returns: when that was, for ``install(_:begun:)``.
    func beginReading() -> Int {
        clock += 1
        readings += 1
        return clock
    }

    func endReading() {
        readings -= 1
        if readings == 0 { installed = [:] }
    }

    /// Says that everything of a kind has been read.
    func markLoaded(_ kind: RecordKind) {
        unloaded.remove(kind)
        looked[kind] = nil
    }

    func reserveCapacity(_ kind: RecordKind, _ count: Int) {
        guard kind == .campaigns else { return }
        records.campaigns.reserveCapacity(count)
        files.reserveCapacity(count)
    }

    /// What the next start should find in the cache, or nil when little has been read that is not there.
    func newCacheEntries() -> [CatalogueCache.Entry]? {
        guard readSinceCache >= CatalogueCache.least, !unloaded.contains(.campaigns) else { return nil }
        readSinceCache = 0
        return records.campaigns.kept.compactMap { campaign in
            files[campaign.id].map { CatalogueCache.Entry(campaign: campaign, state: $0.state) }
        }
    }

    /// The names of all campaigns; nil where not all have been read, or one cannot be.
    var certainNames: [Int: String]? {
        let isWhole = !unloaded.contains(.campaigns) && stale[.campaigns]?.isEmpty ?? true
        return isWhole && !troubles.keys.contains { $0.kind == .campaigns }
            && !unfinished.contains { $0.kind == .campaigns }
            ? records.campaigns.names : nil
    }

    /// The names of campaigns as they were last known, those that cannot be read among them.
    var knownNames: [Int: String] { records.campaigns.names.merging(heldNames.formerNames) { $1 } }

    /// Takes over what was found of a record's file.
    ///
    /// - Parameter begun: when reading it began. What was read later is not undone.
    /// - Returns: whether answers may change that nobody was told of.
    @discardableResult
    func install(_ loaded: LoadedRecord, begun: Int) -> Bool {
        let ref = loaded.ref
        if let last = installed[ref], last > begun { return false }
        installed[ref] = begun
        if let mark = stale[ref.kind]?[ref.id] {
            if mark.last <= begun {
                stale[ref.kind]?[ref.id] = nil
            } else {
                // Something was told while it was read.
                stale[ref.kind]?[ref.id]?.first = max(mark.first, begun + 1)
            }
        }
        if unloaded.contains(ref.kind) { looked[ref.kind, default: []].insert(ref.id) }
        let wasInTrouble = troubles[ref] != nil
        take(loaded)
        return wasInTrouble != (troubles[ref] != nil)
    }

    private func take(_ loaded: LoadedRecord) {
        let ref = loaded.ref
        unfinished.remove(ref)
        switch loaded.content {
        case .unfinished:
            retries[ref] = nil
            unfinished.insert(ref)
            return
        case .unsettled:
            retries[ref] = .now + .seconds(1)
            unfinished.insert(ref)
            return
        case .missing:
            forget(ref)
            heldNames.release(ref.id, of: ref.kind)
        case .record, .recipients, .cached: break
        case .broken(let reason, let name): trouble(loaded, Trouble(reason: reason, mayPass: false), name)
        case .unreadable(let reason): trouble(loaded, Trouble(reason: reason, mayPass: true), BrokenName())
        }
        if case .missing = loaded.content {} else { highestIDs[ref.kind] = max(highestIDs[ref.kind] ?? 0, ref.id) }
        if case .unreadable = loaded.content {
            retries[ref] = .now + .seconds(1)
        } else if retries.removeValue(forKey: ref) != nil, troubles[ref] != nil {
            // The disk may be well again, and give the others too.
            for other in retries.keys where troubles[other] != nil { retries[other] = .now }
        }
        switch loaded.content {
        case .record(let record, let fingerprint, let size, let state): install(ref, record, fingerprint, size, state)
        case .recipients(let recipients): records.messages.insert(recipients, ofMessage: ref.id)
        case .cached(let entry):
            records.changed(.campaigns)
            records.campaigns.insert(entry.campaign)
            files[ref.id] = CampaignFile(fingerprint: nil, state: entry.state)
        case .missing: break
        default: return
        }
        heldNames.release(ref.id, of: ref.kind)
        if troubles.removeValue(forKey: ref) != nil {
            logger.notice("a record is in order again", metadata: ["file": "\(ref.place)"])
        }
    }

    private func trouble(_ loaded: LoadedRecord, _ trouble: Trouble, _ name: BrokenName) {
        let ref = loaded.ref
        if ref.kind == .campaigns {
            let former = records.campaigns.name(ref.id) ?? loaded.formerName
            heldNames.hold(ref.id, name, former: former)
        }
        forget(ref)
        if troubles.updateValue(trouble, forKey: ref)?.reason != trouble.reason {
            let message: Logger.Message = trouble.mayPass ? "a record cannot be read" : "a record is broken"
            logger.error(message, metadata: ["file": "\(ref.place)", "reason": "\(trouble.reason)"])
        }
    }

    private func install(_ ref: RecordRef, _ record: any Record, _ fingerprint: Int, _ size: Int, _ state: FileState) {
        if ref.kind == .campaigns {
            guard files[ref.id]?.fingerprint != fingerprint else { return }
            files[ref.id] = CampaignFile(fingerprint: fingerprint, state: state)
            readSinceCache += CatalogueCache.weight(ofBytes: size)
        }
        records.insert(record)
    }

    private func forget(_ ref: RecordRef) {
        if ref.kind == .campaigns { files[ref.id] = nil }
        records.remove(ref)
    }

    /// The highest id that a file of a kind has been named by, broken ones included; 0 when there has been none.
    func highestID(_ kind: RecordKind) throws(StoreUnavailable) -> Int {
        if kind == .campaigns, let index = usableNameIndex {
            return max(index.highestID, highestIDs[kind] ?? 0)
        }
        try ensureLoaded([kind])
        return highestIDs[kind] ?? 0
    }

    /// What knows the campaigns' names where not all campaigns have been read.
    var usableNameIndex: NameIndex? { unloaded.contains(.campaigns) ? nameIndex : nil }

    /// The highest id that has been seen so far, without looking further.
    func seenID(_ kind: RecordKind) -> Int { highestIDs[kind] ?? 0 }

    /// The highest id of a campaign that a message names; 0 when none does.
    func highestCampaignMentioned() throws(StoreUnavailable) -> Int {
        try records(having: .messages).messages.messages.values.map(\.campaign).max() ?? 0
    }
}
