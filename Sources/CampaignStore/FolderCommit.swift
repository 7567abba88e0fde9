internal import CLinux
internal import Glibc

/// A file of the data folder as it is to be.
struct FileChange: Equatable, Sendable {
    /// Below the data folder.
    let path: String
    /// nil: it is to be gone.
    let contents: [UInt8]?
    /// Whether it is to be made, so that one which is there may not be overwritten.
    var isNew = false
    /// The digest of what the file holds before; nil when there is none, or none that can be read.
    var former: String?

    /// The folder that it is in, below the data folder.
    var directory: String { String(path[..<(slash ?? path.startIndex)]) }
    var name: String { String(path[(slash.map { path.utf8.index(after: $0) } ?? path.startIndex)...]) }
    private var slash: String.Index? { path.utf8.lastIndex(of: UInt8(ascii: "/")) }
}

/// Carries out changes of files, so that each is there whole or not at all, and nothing that was is lost.
///
/// Every new content goes to a temporary file; when all are there the group is written to the ``Journal``, and is then on
/// the disk. Only then do renames put the files in place, and removals take place. Whoever calls holds the ``FolderLock``.
struct FolderCommit {
    private let folder: DataFolder
    private var made: [FileChange] = []
    /// What the folders are like in which files are made.
    private var surroundings: [String: stat] = [:]
    /// What has been put in place so far, and how.
    private var placed: [(change: FileChange, how: Placing)] = []

    private enum Placing {
        case added, exchanged, linked, removed
    }

    /// - Parameters:
    ///   - journal: nil for changes that it has already.
    ///   - beforePlacing: done when the journal has the changes and none is in place.
    /// - Throws: ``SystemError``; then everything is as it was before, or, where the disk does not even allow that, the journal
    ///   keeps the changes, and the next that holds the lock carries them out.
    static func run(
        _ changes: [FileChange], in folder: DataFolder, journal: Journal?,
        beforePlacing: () throws(SystemError) -> Void = {}
    ) throws(SystemError) {
        var commit = FolderCommit(folder: folder)
        var changes = changes
        do throws(SystemError) {
            for place in changes.indices { try commit.prepare(&changes[place]) }
            try journal?.append(changes)
        } catch {
            commit.discard()
            throw error
        }
        do throws(SystemError) {
            try beforePlacing()
            try commit.place(changes)
        } catch {
            if commit.undo() { journal?.withdraw() }
            throw error
        }
        // Were it not written, the group would be looked at once more, and found to be carried out.
        try? journal?.markDone()
        commit.tidy()
    }

    private init(folder: DataFolder) {
        self.folder = folder
    }

    private func path(_ change: FileChange) -> String { "\(folder.path)/\(change.path)" }
    private func temporary(_ change: FileChange) -> String {
        "\(folder.path)/\(change.directory)/.\(change.name).tmp"
    }
    private func former(_ change: FileChange) -> String {
        "\(folder.path)/\(change.directory)/.\(change.name).former.tmp"
    }

    private mutating func prepare(_ change: inout FileChange) throws(SystemError) {
        if let contents = change.contents {
            made.append(change)
            let file = try Self.create(temporary(change))
            if surroundings[change.directory] == nil {
                surroundings[change.directory] = try Descriptor(
                    "\(folder.path)/\(change.directory)", O_RDONLY | O_DIRECTORY
                ).status()
            }
            if let around = surroundings[change.directory] { try file.inherit(around) }
            try file.write(contents)
        }
        switch try RecordFile(path(change)) {
        case .missing: break
        case _ where change.isNew: throw SystemError("make \(path(change))", EEXIST)
        case .bytes(let bytes, _): change.former = Representation(bytes).digest
        case .unreadable: break
        }
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
                if rename(path(change), temporary(change)) == 0 {
                    placed.append((change, .removed))
                } else if errno != ENOENT {
                    throw SystemError("rename \(path(change))")
                }
            } else if isNew(change), rename(temporary(change), path(change)) == 0 {
                placed.append((change, .added))
            } else if exchange(temporary(change), path(change)) {
                placed.append((change, .exchanged))
            } else if [EINVAL, ENOSYS].contains(errno) {
                // A file system that cannot exchange. A process that died may have got no further than this.
                unlink(former(change))
                guard link(path(change), former(change)) == 0 else { throw SystemError("link \(path(change))") }
                placed.append((change, .linked))
                guard rename(temporary(change), path(change)) == 0 else { throw SystemError("rename \(path(change))") }
            } else {
                throw SystemError("rename \(path(change))")
            }
        }
    }

    private func isNew(_ change: FileChange) -> Bool {
        var status = stat()
        return lstat(path(change), &status) != 0 && errno == ENOENT
    }

    private func exchange(_ one: String, _ other: String) -> Bool {
        // A folder that somebody has put in a record's place would be exchanged as well.
        var status = stat()
        if lstat(other, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            errno = EISDIR
            return false
        }
        return renameat2(AT_FDCWD, one, AT_FDCWD, other, exchange_names) == 0
    }

    /// Puts back what was there before.
    ///
    /// - Returns: whether that was possible. Otherwise what was there before stays under its temporary name.
    private func undo() -> Bool {
        for (change, how) in placed.reversed() {
            let isBack =
                switch how {
                case .added: unlink(path(change)) == 0 || errno == ENOENT
                case .exchanged: exchange(temporary(change), path(change))
                case .linked: rename(former(change), path(change)) == 0
                case .removed: rename(temporary(change), path(change)) == 0
                }
            guard isBack else { return false }
            // Two names of one file are left as they are by rename(2).
            if how == .linked { unlink(former(change)) }
        }
        discard()
        // Before the journal forgets it.
        for directory in Set(placed.map(\.change.directory)) {
            try? Descriptor("\(folder.path)/\(directory)", O_RDONLY | O_DIRECTORY).sync()
        }
        return true
    }

    /// Takes away what has not been put in place.
    private func discard() {
        for change in made { unlink(temporary(change)) }
    }

    /// Takes away what was there before.
    private func tidy() {
        for (change, how) in placed where how != .added {
            unlink(how == .linked ? former(change) : temporary(change))
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
            return Int(String(decoding: text.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }, as: UTF8.self))
                ?? 1
        }
    }

    /// Overwrites the few bytes in place, which a disk does as one, and does not wait until they are there: until then the
    /// ``Journal`` has the ids that were used.
    func write(_ next: Int) throws(SystemError) {
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor(path, O_WRONLY)
        } catch {
            guard error.code == ENOENT else { throw error }
            file = try Descriptor(path, O_WRONLY | O_CREAT, mode: 0o600)
            try file.inherit(from: directory)
        }
        try file.write(Array("\(next)\n".utf8))
    }

    /// Writes it where there is no change that the ``Journal`` knows the id by, and waits until it is on the disk.
    func keep(_ next: Int) throws(SystemError) {
        guard try read() != next else { return }
        try write(next)
        try Descriptor(path, O_RDONLY).sync()
        try Descriptor(directory, O_RDONLY | O_DIRECTORY).sync()
    }
}
