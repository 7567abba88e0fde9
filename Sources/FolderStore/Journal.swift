internal import Campaigns
internal import Glibc
internal import JSON
internal import Records

/// The file `.journal`, by which changes are on the disk before their files are (write-ahead logging).
///
/// A group of changes is written here and synced, which is one short write. Then its files are put in place, which
/// everybody sees, and are left to the system to bring to the disk. A checkpoint waits until it has, and empties the journal.
///
/// Two things can go wrong between. If the process dies, the last group may not have been carried out whole: the next one
/// that locks the folder does it. If the machine does, any file may be lost or torn: after a start of the machine
/// all groups are carried out again.
///
/// Whoever calls holds the ``FolderLock``, and is the only thread of its process that does.
final class Journal: @unchecked Sendable {
    private final class Opened {
        let file: Descriptor
        let identity: FileIdentity

        init(_ file: consuming Descriptor, _ identity: FileIdentity) {
            self.file = file
            self.identity = identity
        }
    }

    private let folder: DataFolder
    /// Told what the journal names that is no record, and is not touched.
    private let refuse: (String) -> Void
    private var opened: Opened?
    /// Where the last whole group ends, as far as is known.
    private(set) var end = 0
    /// The last group, which tells one state of the journal from another: so another process's doings show.
    private(set) var last: Mark?

    struct Mark: Equatable {
        let place: Int
        /// What the header begins with.
        let header: [UInt8]
    }

    /// A journal this long is emptied before more is written. Bytes.
    static let limit = 16 << 20
    /// Where it cannot be emptied, since somebody else holds its lock, it grows up to here. Bytes.
    static let most = 128 << 20
    /// A group that is longer than this is none. Bytes.
    static let longest = 1 << 30
    /// So many files are synced one by one; for more it is quicker to sync all of the file system.
    private static let few = 16

    init(_ folder: DataFolder, refuse: @escaping (String) -> Void = { _ in }) {
        self.folder = folder
        self.refuse = refuse
    }

    /// Whether there are changes of before the last start of this machine. Takes no lock.
    ///
    /// - Parameter ofAnyRun: whether to count those since then too.
    static func isLeft(in folder: DataFolder, ofAnyRun: Bool) -> Bool {
        guard let file = try? Descriptor(folder.journal, O_RDONLY | O_NONBLOCK),
            let bytes = try? file.read(at: 0, count: JournalGroup.Header.size),
            let header = JournalGroup.Header(bytes[...])
        else { return false }
        return ofAnyRun || header.boot != JournalGroup.boot
    }

    /// Takes note of what other processes have done, and carries out what they have not.
    func catchUp() throws(SystemError) {
        guard let size = try open(), let opened else { return }
        if let last, size >= end {
            let header = try opened.file.read(at: last.place, count: JournalGroup.Header.size)
            // A group that is the same may have been written since, by a process that died before it was done.
            let state = header.dropFirst(JournalGroup.Header.state).first
            if header.starts(with: last.header), state != JournalGroup.Header.open {
                if size == end { return }
            } else {
                forget()
            }
        } else {
            forget()
        }
        do throws(SystemError) {
            try read(opened, size)
        } catch {
            // To be looked at again.
            forget()
            throw error
        }
    }

    private func forget() {
        end = 0
        last = nil
    }

    /// Takes note of what stands behind the end, and carries out what is not done.
    private func read(_ opened: Opened, _ size: Int) throws(SystemError) {
        var isOfBefore = false
        var unfinished: ChangeGroup?
        while let header = try header(opened, at: end), header.length <= size - end - JournalGroup.Header.size {
            // What this boot has carried out is not looked at, only passed.
            var changes: ChangeGroup?
            if !header.isDone || header.boot != JournalGroup.boot {
                guard let group = try group(header, opened, at: end) else { break }
                changes = group
            }
            if header.boot != JournalGroup.boot { isOfBefore = true }
            unfinished = header.isDone ? nil : changes
            last = Mark(place: end, header: header.fixed)
            end += JournalGroup.Header.size + header.length
        }
        // A group that was cut off has never counted.
        if end < size { try opened.file.truncate(to: end) }
        guard isOfBefore || unfinished != nil else { return }
        // Whoever wrote the last group may have died before it was synced.
        try opened.file.syncContent()
        if isOfBefore {
            let all = try changes()
            try carryOut(all, after: .powerCut, opened)
            try beginSync()
            try Self.sync(all, in: folder)
            try empty()
        } else if let unfinished {
            try carryOut(unfinished, after: .end, opened)
            try markDone()
        }
    }

    private func header(_ opened: Opened, at place: Int) throws(SystemError) -> JournalGroup.Header? {
        JournalGroup.Header(try opened.file.read(at: place, count: JournalGroup.Header.size)[...])
    }

    private func group(
        _ header: JournalGroup.Header, _ opened: Opened, at place: Int
    ) throws(SystemError) -> ChangeGroup? {
        let body = try opened.file.read(at: place + JournalGroup.Header.size, count: header.length)
        return JournalGroup.changes(header, body[...], refuse)
    }

    /// Brings a group to the disk; what has to be done then is announced by it, and ``markDone()`` says that it is.
    ///
    /// - Throws: ``SystemError``; then the group is not there.
    func append(_ changes: ChangeGroup) throws(SystemError) {
        // The folder may have been moved away since the journal was looked at.
        if try open() == nil { try make() }
        guard let opened else { return }
        let group = JournalGroup.bytes(changes)
        do throws(SystemError) {
            try opened.file.write(group, at: end)
            try opened.file.syncContent()
        } catch {
            cut(opened, to: end)
            throw error
        }
        last = Mark(place: end, header: Array(group.prefix(JournalGroup.Header.state)))
        end += group.count
    }

    /// Says that the files of the last group are in place. Nobody waits for this to be on the disk.
    func markDone() throws(SystemError) {
        guard let opened, let last else { return }
        try opened.file.write([JournalGroup.Header.done], at: last.place + JournalGroup.Header.state)
    }

    /// Takes the last group back.
    func withdraw() {
        guard let opened, let last else { return }
        forget()
        cut(opened, to: last.place)
    }

    /// Takes away what is behind a place, also from the disk: some of it may be there, and would come back with a power cut.
    private func cut(_ opened: Opened, to place: Int) {
        if (try? opened.file.truncate(to: place)) == nil {
            // Where it has to stay, it is at least no group.
            try? opened.file.write([UInt8(ascii: "x")], at: place)
        }
        try? opened.file.syncContent()
    }

    // MARK: Bringing the files to the disk

    /// Brings all files to the disk and empties the journal, unless another process is about to, or there is none. One at a
    /// time may: an error of the disk is told once, and whoever came second would take it for success.
    static func inSyncTurn<Failure: Error>(
        _ folder: DataFolder, _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        guard let file = try? Descriptor(folder.journal, O_RDONLY | O_NONBLOCK),
            flock(file.number, LOCK_EX | LOCK_NB) == 0
        else { return }
        defer { flock(file.number, LOCK_UN) }
        try body()
    }

    /// Says that ``sync(_:in:)`` begins, for whoever is in ``inSyncTurn(_:_:)``.
    ///
    /// Where that has been said before and the journal is not empty, the disk has refused something, or nobody was there to be
    /// told. It says so once, and takes for written what it has lost; so all files are written anew first.
    func beginSync() throws(SystemError) {
        guard let opened, end > 0 else { return }
        if try opened.file.read(at: JournalGroup.Header.state, count: 1) == [JournalGroup.Header.syncing] {
            try carryOut(changes(), after: .failedSync, opened)
        }
        try opened.file.write([JournalGroup.Header.syncing], at: JournalGroup.Header.state)
    }

    /// Says that ``sync(_:in:)`` has come to its end, and empties the journal.
    ///
    /// - Parameter synced: the last group whose files were meant; where there are later ones, the journal stays.
    func endSync(of synced: Mark?) throws(SystemError) {
        guard last != synced else { return try empty() }
        guard let opened, end > 0 else { return }
        try opened.file.write([JournalGroup.Header.done], at: JournalGroup.Header.state)
    }

    /// Forgets everything, which ``sync(_:in:)`` has brought to the disk.
    func empty() throws(SystemError) {
        guard let opened else { return }
        try opened.file.truncate(to: 0)
        try opened.file.syncContent()
        forget()
    }

    /// What the journal holds.
    func changes() throws(SystemError) -> ChangeGroup {
        var changes = ChangeGroup()
        guard let opened else { return changes }
        var place = 0
        while place < end, let header = try header(opened, at: place),
            let group = try group(header, opened, at: place)
        {
            changes.files += group.files
            changes.additions += group.additions
            place += JournalGroup.Header.size + header.length
        }
        return changes
    }

    /// Waits until files are on the disk as they are now. Needs no lock.
    ///
    /// - Parameter changes: nil: there are many of them.
    static func sync(_ changes: ChangeGroup?, in folder: DataFolder) throws(SystemError) {
        let files = changes?.paths ?? []
        guard let directories = changes?.directories, files.count <= few else {
            return try syncFileSystems(of: folder)
        }
        for file in files.union(directories.map { "\($0)/\(DataFolder.counterName)" }) {
            do throws(SystemError) {
                try Descriptor("\(folder.path)/\(file)", O_RDONLY | O_NONBLOCK).sync()
            } catch {
                // Removed, by this change or a later one.
                guard error.code == ENOENT else { throw error }
            }
        }
        for directory in directories {
            try Descriptor("\(folder.path)/\(directory)", O_RDONLY | O_DIRECTORY).sync()
        }
        do throws(SystemError) {
            try Descriptor(folder.ids, O_RDONLY | O_DIRECTORY).sync()
        } catch {
            guard error.code == ENOENT else { throw error }
        }
    }

    /// A folder inside of the data folder may be a mount, or a link to another disk.
    private static func syncFileSystems(of folder: DataFolder) throws(SystemError) {
        var devices: Set<dev_t> = []
        for directory in folder.directories + [folder.changes] {
            do throws(SystemError) {
                let opened = try Descriptor(directory, O_RDONLY | O_DIRECTORY)
                if devices.insert(try opened.status().st_dev).inserted { try opened.syncFileSystem() }
            } catch {
                guard error.code == ENOENT else { throw error }
            }
        }
    }

    enum Reason {
        /// A process has ended in the middle: what it has written is there.
        case end
        /// Any file may be lost or torn that was not synced.
        case powerCut
        /// The disk has failed to take what it was given: files that look right are written too.
        case failedSync
    }

    /// Makes the files what the journal says, except those that somebody else has changed since, and completes the history.
    private func carryOut(_ group: ChangeGroup, after reason: Reason, _ opened: Opened) throws(SystemError) {
        try checkOwner(group, opened)
        try carryOut(group.files, after: reason)
        for path in Set(group.additions.map(\.path)).sorted() {
            try LogAddition.restore(group.additions.filter { $0.path == path }, path, in: folder, after: reason)
        }
    }

    private func carryOut(_ changes: [FileChange], after reason: Reason) throws(SystemError) {
        var places: [String: Int] = [:]
        var versions: [[FileChange]] = []
        for change in changes {
            let place = places[change.path] ?? versions.count
            places[change.path] = place
            if place == versions.count { versions.append([]) }
            versions[place].append(change)
        }
        for kind in IDCounter.kinds { try raiseCounter(kind, changes) }
        // Somebody may change a file between the look at it and the change.
        for attempt in 1... {
            var wanted: [FileChange] = []
            for versions in versions {
                try rescue(versions, reason)
                if let change = try change(versions, reason) { wanted.append(change) }
            }
            do throws(SystemError) {
                return try FolderCommit.run(wanted, in: folder, journal: nil)
            } catch {
                guard error.isConflict, attempt < 10 else { throw error }
            }
        }
    }

    /// What is to be done to a file that the journal has in these versions; nil when it is right, or somebody else's.
    private func change(_ versions: [FileChange], _ reason: Reason) throws(SystemError) -> FileChange? {
        guard var wanted = versions.last else { return nil }
        switch try RecordFile("\(folder.path)/\(wanted.path)") {
        case .missing:
            guard wanted.contents != nil else { return nil }
            switch reason {
            // Only a person can have removed one that was there, or that was put in place.
            case .end: guard wanted.basis == .nothing else { return nil }
            case .powerCut: break
            case .failedSync: return nil
            }
            wanted.basis = .nothing
        // What the disk does not give back is written anew.
        case .unreadable(_, let fault):
            if fault.isOfFile { return nil }
            wanted.basis = .lost
        case .bytes(let bytes, _):
            let isRight = bytes == wanted.contents
            guard isRight ? reason == .failedSync : Self.isOurs(bytes, versions, reason) else { return nil }
            wanted.basis = .file(Representation(bytes).digest)
        }
        return wanted
    }

    /// Whether a file's content is a version of it that the journal knows, or what a power cut has left of one.
    private static func isOurs(_ bytes: [UInt8], _ versions: [FileChange], _ reason: Reason) -> Bool {
        let basis = Basis.file(Representation(bytes).digest)
        if versions.contains(where: { $0.basis == basis || $0.contents == bytes }) { return true }
        return reason == .powerCut
            && (bytes.isEmpty || bytes.contains(0) || versions.contains { $0.contents?.starts(with: bytes) == true })
    }

    /// Puts back in place what a process had moved away when it ended, before it had looked at it: it may be an edit that
    /// nobody has seen.
    private func rescue(_ versions: [FileChange], _ reason: Reason) throws(SystemError) {
        guard let wanted = versions.last, reason != .failedSync else { return }
        let path = "\(folder.path)/\(wanted.path)"
        let temporary = Placement.temporary(path)
        for place in [Placement.former(path), temporary] {
            guard case .bytes(let bytes, _) = try RecordFile(exactly: place) else { continue }
            let isSeen =
                Self.isOurs(bytes, versions, reason)
                // What was being made when the power was cut, and is half, is no record.
                || (reason == .powerCut && (try? JSONValue(parsing: bytes)) == nil)
            switch try RecordFile(exactly: path) {
            case .missing:
                // Of one that is removed, or was new, nothing is to come back.
                if !isSeen || place != temporary { try Self.putBack(place, path) }
            case .bytes(let present, _):
                guard !isSeen, Self.isOurs(present, versions, reason) else { continue }
                guard place == temporary || rename(place, temporary) == 0 else { throw SystemError("rename \(place)") }
                var back = Placement(
                    path, temporary: temporary, contents: bytes, basis: .file(Representation(present).digest))
                do throws(SystemError) {
                    try back.carryOut()
                    back.tidy()
                } catch {
                    // It stays beside it, for the next time, unless there is another edit by now.
                    if error.isConflict { _ = back.undo() }
                    throw error
                }
            case .unreadable: continue
            }
        }
    }

    private static func putBack(_ place: String, _ path: String) throws(SystemError) {
        do throws(SystemError) {
            try Placement.putNew(place, path)
        } catch {
            // A new one is there by now.
            guard error.isConflict else { throw error }
        }
    }

    /// Root carries out what the owner of the folders has written, and no other's: a folder may be a link to another's.
    private func checkOwner(_ changes: ChangeGroup, _ opened: Opened) throws(SystemError) {
        guard geteuid() == 0 else { return }
        let writer = try opened.file.status().st_uid
        guard writer != 0 else { return }
        for directory in changes.directories {
            var status = stat()
            guard stat("\(folder.path)/\(directory)", &status) == 0 else { continue }
            guard status.st_uid == writer else {
                throw SystemError("carry out \(folder.journal) in \(directory), which is another user's", EPERM)
            }
        }
    }

    /// Ids that the journal names have been used.
    private func raiseCounter(_ kind: RecordKind, _ changes: [FileChange]) throws(SystemError) {
        let ids = changes.compactMap { $0.directory == kind.rawValue ? DataFolder.id(ofFile: $0.name) : nil }
        guard let highest = ids.max(), highest < .max else { return }
        try IDCounter(folder, kind).raise(to: highest + 1)
    }

    // MARK: The file

    /// Opens the file as it is named now.
    ///
    /// - Returns: its size, or nil when there is none.
    private func open() throws(SystemError) -> Int? {
        let named = FileIdentity(folder.journal)
        if opened == nil || opened?.identity != named {
            opened = nil
            forget()
            guard let named else { return nil }
            opened = Opened(try Descriptor(folder.journal, O_RDWR | O_NONBLOCK | O_NOFOLLOW), named)
        }
        guard let opened else { return nil }
        return Int(clamping: try opened.file.status().st_size)
    }

    private func make() throws(SystemError) {
        let file = try Descriptor(folder.journal, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        try file.inherit(from: folder.directory(.campaigns))
        try folder.keepNames()
        let identity = FileIdentity(try file.status())
        opened = Opened(file, identity)
        forget()
    }
}
