internal import CLinux
internal import Glibc

/// A file of the data folder as it is to be; nil contents: it is to be gone.
struct FileChange: Sendable {
    let directory: String
    let name: String
    let contents: [UInt8]?

    var path: String { "\(directory)/\(name)" }
    fileprivate var temporary: String { "\(directory)/.\(name).tmp" }
    fileprivate var former: String { "\(directory)/.\(name).former.tmp" }
}

/// Brings changes of files to the disk, so that each is there whole or not at all, and nothing that was is lost.
///
/// Every new content goes to a temporary file and is synced there; only then do renames put them in place and removals
/// take place, and the folders are synced. Whoever calls holds the ``FolderLock``.
struct FolderCommit {
    private var made: [FileChange] = []
    /// What has been put in place so far, and how.
    private var placed: [(change: FileChange, how: Placing)] = []

    private enum Placing {
        case added, exchanged, linked, removed
    }

    /// - Parameter beforePlacing: done when all contents are on the disk and none is in place.
    /// - Throws: ``SystemError``; then everything is as it was before.
    static func run(_ changes: [FileChange], beforePlacing: () throws(SystemError) -> Void) throws(SystemError) {
        var commit = FolderCommit()
        do throws(SystemError) {
            try commit.prepare(changes)
            try beforePlacing()
            try commit.place(changes)
            try commit.syncFolders(of: changes)
        } catch {
            commit.undo()
            throw error
        }
        commit.tidy()
    }

    private mutating func prepare(_ changes: [FileChange]) throws(SystemError) {
        for change in changes {
            guard let contents = change.contents else { continue }
            made.append(change)
            let file = try Self.create(change.temporary)
            try file.inherit(from: change.directory)
            try file.write(contents)
            if changes.count == 1 { return try file.syncContent() }
            file.startWriting()
        }
        for change in made { try Descriptor(change.temporary, O_RDONLY).syncContent() }
    }

    private static func create(_ path: String) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        } catch {
            // Left there by a process that was killed: the lock says that nobody is writing it.
            guard error.code == EEXIST, unlink(path) == 0 else { throw error }
            return try Descriptor(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        }
    }

    /// What was there before goes to the temporary name, so that undoing needs neither data nor room on the disk.
    private mutating func place(_ changes: [FileChange]) throws(SystemError) {
        for change in changes {
            if change.contents == nil {
                if rename(change.path, change.temporary) == 0 {
                    placed.append((change, .removed))
                } else if errno != ENOENT {
                    throw SystemError("rename \(change.path)")
                }
            } else if exchange(change.temporary, change.path) {
                placed.append((change, .exchanged))
            } else if errno == ENOENT, rename(change.temporary, change.path) == 0 {
                placed.append((change, .added))
            } else if [EINVAL, ENOSYS].contains(errno), link(change.path, change.former) == 0 {
                // A file system that cannot exchange.
                placed.append((change, .linked))
                guard rename(change.temporary, change.path) == 0 else { throw SystemError("rename \(change.path)") }
            } else {
                throw SystemError("rename \(change.path)")
            }
        }
    }

    private func exchange(_ one: String, _ other: String) -> Bool {
        // A folder that somebody has put in a record's place would be exchanged as well.
        var status = stat()
        if lstat(other, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            errno = EISDIR
            return false
        }
        // RENAME_EXCHANGE
        return renameat2(AT_FDCWD, one, AT_FDCWD, other, 2) == 0
    }

    private func syncFolders(of changes: [FileChange]) throws(SystemError) {
        for directory in Set(changes.map(\.directory)) {
            try Descriptor(directory, O_RDONLY | O_DIRECTORY).sync()
        }
    }

    private func undo() {
        for (change, how) in placed.reversed() {
            switch how {
            case .added: unlink(change.path)
            case .exchanged: _ = exchange(change.temporary, change.path)
            case .linked: rename(change.former, change.path)
            case .removed: rename(change.temporary, change.path)
            }
        }
        for change in made { unlink(change.temporary) }
        try? syncFolders(of: placed.map(\.change))
    }

    /// Takes away what was there before. Nobody has to wait until that is on the disk: the next start would do it.
    private func tidy() {
        for (change, how) in placed where how != .added {
            unlink(how == .linked ? change.former : change.temporary)
        }
    }
}

/// The next free id of a folder's records, kept in a file: ids are not used again, even when the record is gone.
struct IDCounter {
    private let path: String
    private let directory: String

    init(_ folder: DataFolder, _ kind: RecordKind) {
        path = folder.counter(kind)
        directory = folder.directory(kind)
    }

    /// 1 when nothing is kept, or nothing that is a number.
    func read() throws(SystemError) -> Int {
        switch try RecordFile(path) {
        case .missing: return 1
        case .unreadable: throw SystemError("read \(path)", EIO)
        case .bytes(let text, _):
            return Int(String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) ?? 1
        }
    }

    /// Overwrites the few bytes in place, which a disk does as one.
    ///
    /// - Parameter durably: whether to wait until it is on the disk. A record that is there says as much as the
    ///   counter does, so that only the removal of a record has to wait.
    func write(_ next: Int, durably: Bool) throws(SystemError) {
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor(path, O_WRONLY)
        } catch {
            guard error.code == ENOENT else { throw error }
            file = try Descriptor(path, O_WRONLY | O_CREAT, mode: 0o600)
            try file.inherit(from: directory)
            if durably { try Descriptor(directory, O_RDONLY | O_DIRECTORY).sync() }
        }
        try file.write(Array("\(next)\n".utf8))
        if durably { try file.syncContent() }
    }
}
