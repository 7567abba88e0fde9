internal import Campaigns
internal import Glibc

/// What was found of a record, read without any lock.
struct LoadedRecord: Sendable {
    enum Content: Sendable {
        case missing
        case record(any Record, fingerprint: Int, size: Int, FileState)
        /// Who got a message.
        case recipients(RecipientList)
        /// From the cache, as its file is in the state in which it was read then.
        case cached(CatalogueCache.Entry)
        /// There is a file, and what it holds is no record; with what its text says of the name.
        case broken(String, BrokenName)
        /// The file is not given back now.
        case unreadable(String)
        /// Somebody is writing it: it stays as it was.
        case unfinished
        /// Perhaps somebody is writing it, and the file system does not tell.
        case unsettled
    }

    let ref: RecordRef
    let content: Content
    /// The campaign's name the last time, where it is known.
    var formerName: String?

    init(_ ref: RecordRef, _ content: Content) {
        self.ref = ref
        self.content = content
    }

    /// Reads a record's file.
    ///
    /// - Parameter mayBeUnfinished: whether the file may be one that somebody has begun and not ended.
    /// - Throws: ``SystemError`` when the process is short of something.
    init(_ ref: RecordRef, in folder: DataFolder, mayBeUnfinished: Bool = false) throws(SystemError) {
        self.ref = ref
        let path = folder.file(ref.kind, ref.id)
        var writing: RecordFile.Writing? = mayBeUnfinished ? .unknown : nil
        let largest = ref.kind == .deliveries ? RecordFile.largestList : RecordFile.largest
        switch try RecordFile(path, &writing, largest: largest) {
        case .missing: content = .missing
        case .unreadable(let reason, let fault):
            content = fault.mayPass ? .unreadable(reason) : .broken(reason, BrokenName())
        case .bytes(let bytes, let state):
            do throws(RecordError) {
                content =
                    ref.kind == .deliveries
                    ? .recipients(try RecipientList(file: bytes, id: ref.id, path: path, state: state))
                    : .record(
                        try Self.record(ref, bytes), fingerprint: Self.fingerprint(bytes), size: bytes.count, state)
            } catch {
                switch writing {
                case .somebody: content = .unfinished
                // A link tells nothing more: what it leads to is finished, or is none of ours.
                case .unknown where !FileState.isLink(path) && !state.isSettled: content = .unsettled
                default:
                    content = .broken(
                        error.description, ref.kind == .campaigns ? BrokenName(in: bytes) : BrokenName())
                }
            }
        }
    }

    /// Tells contents apart, while the process lives.
    private static func fingerprint(_ bytes: [UInt8]) -> Int {
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }

    private static func record(_ ref: RecordRef, _ bytes: [UInt8]) throws(RecordError) -> any Record {
        switch ref.kind {
        case .campaigns: try Campaign(file: bytes, id: ref.id)
        case .organisations: try Organisation(file: bytes, id: ref.id)
        case .projects: try Project(file: bytes, id: ref.id)
        case .users: try User(file: bytes, id: ref.id)
        case .messages: try Message(file: bytes, id: ref.id)
        case .deliveries: try Delivery(file: bytes, id: ref.id)
        case .mailings: try Mailing(file: bytes, id: ref.id)
        case .readers: try ReadState(file: bytes, id: ref.id)
        }
    }
}

extension FileState {
    /// Whether its content has not changed for a while, so that nobody seems to be writing it.
    fileprivate var isSettled: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return modified < (now.tv_sec &- 2) &* 1_000_000_000 &+ now.tv_nsec
    }
}
