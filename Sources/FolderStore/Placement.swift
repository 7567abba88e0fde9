internal import CLinux
internal import Glibc
internal import Records

/// What a change of a file was decided on.
enum Basis: Equatable, Sendable {
    /// There was no file.
    case nothing
    /// A file with content of this digest.
    case file(String)
    /// Whatever is there when the change is prepared; it is read then.
    case asFound
    /// A file that the disk does not give back, so that it can be compared with nothing.
    case lost
}

/// One file that is put into a folder, replaced or removed, in such a way that nothing is lost that somebody else has put
/// there meanwhile: what was in the place is moved away first, and compared with what the change was decided on.
///
/// Whoever calls holds the ``FolderLock``. Others, who do not know of it, may do anything between any two calls.
struct Placement {
    /// Where it belongs.
    private let path: String
    /// Its new content, until it is in place; then what was there before.
    private let temporary: String
    /// What was there before, where files cannot be exchanged.
    private let former: String
    private let basis: Basis
    /// The digest of the new content, or nil when the file is to be gone.
    private let wanted: String?
    private var progress = Progress.none

    private enum Progress {
        case none, added, exchanged, movedAway, replaced, removed
    }

    /// - Parameters:
    ///   - temporary: its new content.
    ///   - contents: the same, or nil when the file is to be gone.
    init(_ path: String, temporary: String, contents: [UInt8]?, basis: Basis) {
        self.path = path
        self.temporary = temporary
        former = Self.former(path)
        wanted = contents.map { Representation($0).digest }
        self.basis = basis
    }

    /// Where a file is while another takes its place, on file systems that can do no better: readers look here.
    static func former(_ path: String) -> String { hidden(path, ".former.tmp") }
    /// Where the new content of a record is made.
    static func temporary(_ path: String) -> String { hidden(path, ".tmp") }

    private static func hidden(_ path: String, _ end: String) -> String {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { path.utf8.index(after: $0) } ?? path.startIndex
        return "\(path[..<name]).\(path[name...])\(end)"
    }

    /// - Throws: ``SystemError``, also when the file is another one by now. Then ``undo()`` is to be called.
    mutating func carryOut() throws(SystemError) {
        switch (basis, wanted) {
        case (.nothing, nil): return
        case (.nothing, _):
            try Self.putNew(temporary, path)
            progress = .added
        case (_, nil):
            try moveAway(to: temporary)
            progress = .removed
            try compare(temporary)
        default: try replace()
        }
    }

    private mutating func replace() throws(SystemError) {
        if renameat2(AT_FDCWD, temporary, AT_FDCWD, path, exchange_names) == 0 {
            progress = .exchanged
            return try compare(temporary)
        }
        if errno == ENOENT { throw SystemError(conflict: path) }
        guard Self.isUnsupported(errno) else { throw SystemError("rename \(path)") }
        try moveAway(to: former)
        progress = .movedAway
        try compare(former)
        try Self.putNew(temporary, path)
        progress = .replaced
    }

    private func moveAway(to place: String) throws(SystemError) {
        guard rename(path, place) == 0 else {
            throw errno == ENOENT ? SystemError(conflict: path) : SystemError("rename \(path)")
        }
    }

    private func compare(_ place: String) throws(SystemError) {
        guard case .file(let digest) = basis else { return }
        guard try Self.isUntouched(place, digest) else { throw SystemError(conflict: path) }
    }

    /// Whether a file that has been moved away has a content, and nobody is writing it.
    private static func isUntouched(_ path: String, _ digest: String) throws(SystemError) -> Bool {
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor(path, O_RDONLY | O_NONBLOCK)
        } catch {
            // A link that leads nowhere, a socket, another's secret: no file that was read.
            guard error.fault.isOfFile || error.code == ENOENT else { throw error }
            return false
        }
        guard !file.isBeingWritten(), case .bytes(let bytes, _) = try RecordFile(reading: file) else {
            return false
        }
        return Representation(bytes).digest == digest
    }

    /// Gives a file a name that no other may have.
    ///
    /// - Throws: ``SystemError``, a conflict when there is one of this name.
    static func putNew(_ file: String, _ path: String) throws(SystemError) {
        if renameat2(AT_FDCWD, file, AT_FDCWD, path, do_not_replace) == 0 { return }
        if errno == EEXIST { throw SystemError(conflict: path) }
        guard isUnsupported(errno) else { throw SystemError("rename \(path)") }
        if link(file, path) == 0 {
            // With two names it stays where it is until the next one is made.
            unlink(file)
            return
        }
        if errno == EEXIST { throw SystemError(conflict: path) }
        guard isUnsupported(errno) || errno == EPERM || errno == EMLINK else { throw SystemError("link \(path)") }
        // A file system that can do neither cannot do better than this.
        var status = stat()
        if lstat(path, &status) == 0 { throw SystemError(conflict: path) }
        guard errno == ENOENT else { throw SystemError("lstat \(path)") }
        guard rename(file, path) == 0 else { throw SystemError("rename \(path)") }
    }

    /// What file systems answer that cannot do what was asked, whatever the file.
    private static func isUnsupported(_ code: Int32) -> Bool { [EINVAL, ENOSYS, EOPNOTSUPP].contains(code) }

    // MARK: Backwards

    /// Makes it as if nothing had been done. Where somebody else has been at the file meanwhile, that stays.
    ///
    /// Takes no room on the disk.
    ///
    /// - Returns: whether that was possible; otherwise what was there before stays beside it.
    func undo() -> Bool {
        do throws(SystemError) {
            switch progress {
            case .none: return true
            case .added: _ = try takeBack()
            case .exchanged: try exchangeBack()
            case .movedAway: try putBack(former)
            case .replaced: if try takeBack() { try putBack(former) } else { unlink(former) }
            case .removed: try putBack(temporary)
            }
            if wanted != nil { unlink(temporary) }
            return true
        } catch {
            return false
        }
    }

    private func exchangeBack() throws(SystemError) {
        guard renameat2(AT_FDCWD, temporary, AT_FDCWD, path, exchange_names) == 0 else {
            // Somebody has removed the new one.
            guard errno == ENOENT else { throw SystemError("rename \(path)") }
            return
        }
        guard let wanted, try !Self.isUntouched(temporary, wanted) else { return }
        // The later of two that nobody has read: its maker had the other one before.
        guard renameat2(AT_FDCWD, temporary, AT_FDCWD, path, exchange_names) == 0 else {
            throw SystemError("rename \(path)")
        }
    }

    /// - Returns: whether the place is free.
    private func takeBack() throws(SystemError) -> Bool {
        guard rename(path, temporary) == 0 else {
            guard errno == ENOENT else { throw SystemError("rename \(path)") }
            return true
        }
        guard let wanted, try !Self.isUntouched(temporary, wanted) else { return true }
        try putBack(temporary)
        return false
    }

    /// Puts a file back in place, unless there is a new one.
    private func putBack(_ file: String) throws(SystemError) {
        do throws(SystemError) {
            try Self.putNew(file, path)
        } catch {
            guard error.isConflict else { throw error }
            unlink(file)
        }
    }

    /// Takes away what was there before.
    func tidy() {
        switch progress {
        case .none, .added, .movedAway: break
        case .exchanged, .removed: unlink(temporary)
        case .replaced: unlink(former)
        }
    }
}

extension Descriptor {
    /// F_SETLEASE and F_SETSIG, which Glibc declares for _GNU_SOURCE alone.
    private var setLease: Int32 { 1024 }
    private var setSignal: Int32 { 10 }

    /// Finds out whether somebody has the file open to write it; if nobody has, who wants to waits until this is closed, or
    /// ``allowWriting()``.
    ///
    /// That is what a lease is for (fcntl(2)): one for reading is given only where nobody can write.
    func writing() -> RecordFile.Writing {
        // Of one who waits the system tells by a signal, which is to be one that does nothing.
        guard fcntl(number, setSignal, SIGURG) == 0 else { return .unknown }
        if fcntl(number, setLease, Int32(F_RDLCK)) == 0 { return .nobody }
        return errno == EAGAIN ? .somebody : .unknown
    }

    func allowWriting() {
        _ = fcntl(number, setLease, Int32(F_UNLCK))
    }

    /// Whether anybody has the file open to write it. Where the system does not tell, nobody has.
    func isBeingWritten() -> Bool {
        defer { allowWriting() }
        return writing() == .somebody
    }
}
