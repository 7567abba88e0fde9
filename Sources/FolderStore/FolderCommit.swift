internal import Glibc
internal import Records

/// Carries out changes of files, so that each is there whole or not at all, and nothing that was is lost.
///
/// Every new content goes to a temporary file; when all are there the group is written to the ``Journal``, and is then on
/// the disk. Only then is each put in its place (``Placement``). Whoever calls holds the ``FolderLock``.
struct FolderCommit {
    private let folder: DataFolder
    private var placements: [Placement] = []
    private var made: [String] = []
    /// What the folders are like in which files are made.
    private var surroundings: [String: stat] = [:]

    /// - Parameters:
    ///   - addition: what is written of them into the history, when all are in place.
    ///   - journal: nil for changes that it has already.
    ///   - beforePlacing: done when the journal has the changes and none is in place.
    /// - Throws: ``SystemError``; then everything is as it was before, or, where the disk does not even allow that, the journal
    ///   keeps the changes, and the next that holds the lock carries them out. A conflict when a file is not the one that a
    ///   change was decided on: then it is as somebody else has it.
    static func run(
        _ changes: [FileChange], _ addition: LogAddition? = nil, in folder: DataFolder, journal: Journal?,
        beforePlacing: () throws(SystemError) -> Void = {}
    ) throws(SystemError) {
        var commit = FolderCommit(folder: folder)
        var changes = changes
        do throws(SystemError) {
            for place in changes.indices { try commit.prepare(&changes[place]) }
            try journal?.append(ChangeGroup(files: changes, additions: addition.map { [$0] } ?? []))
        } catch {
            commit.discard()
            throw error
        }
        do throws(SystemError) {
            try beforePlacing()
            try RecentChanges(folder).note(changes)
            for place in commit.placements.indices { try commit.placements[place].carryOut() }
            // Last, for nobody else's file is put back when it fails.
            try addition?.write(in: folder)
        } catch {
            if commit.undo(changes) { journal?.withdraw() }
            throw error
        }
        for placement in commit.placements { placement.tidy() }
        // Were it not written, the group would be looked at once more, and found to be carried out.
        try? journal?.markDone()
    }

    private init(folder: DataFolder) {
        self.folder = folder
    }

    private mutating func prepare(_ change: inout FileChange) throws(SystemError) {
        let path = "\(folder.path)/\(change.path)"
        let temporary = Placement.temporary(path)
        if let contents = change.contents {
            made.append(temporary)
            let file = try Self.create(temporary)
            if surroundings[change.directory] == nil {
                surroundings[change.directory] = try Descriptor(
                    "\(folder.path)/\(change.directory)", O_RDONLY | O_DIRECTORY
                ).status()
            }
            if let around = surroundings[change.directory] { try file.inherit(around) }
            try file.write(contents)
        }
        if change.basis == .asFound {
            switch try RecordFile(path) {
            case .missing: change.basis = .nothing
            case .bytes(let bytes, _): change.basis = .file(Representation(bytes).digest)
            // What cannot be read is not written over.
            case .unreadable: throw SystemError("read \(path)", EIO)
            }
        }
        placements.append(Placement(path, temporary: temporary, contents: change.contents, basis: change.basis))
    }

    /// Makes a temporary file.
    static func create(_ path: String) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        } catch {
            // Left there by a process that was killed: the lock says that nobody is writing it.
            guard error.code == EEXIST, unlink(path) == 0 else { throw error }
            return try Descriptor(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        }
    }

    /// - Returns: whether that was possible.
    private func undo(_ changes: [FileChange]) -> Bool {
        for placement in placements.reversed() {
            guard placement.undo() else { return false }
        }
        discard()
        // Before the journal forgets it.
        for directory in Set(changes.map(\.directory)) {
            try? Descriptor("\(folder.path)/\(directory)", O_RDONLY | O_DIRECTORY).sync()
        }
        return true
    }

    /// Takes away what has not been put in place.
    private func discard() {
        for temporary in made { unlink(temporary) }
    }
}
