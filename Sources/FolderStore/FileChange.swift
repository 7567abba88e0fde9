/// A file of the data folder as it is to be.
struct FileChange: Equatable, Sendable {
    /// Below the data folder.
    let path: String
    /// nil: it is to be gone.
    let contents: [UInt8]?
    /// What it was decided on: another file is not written over.
    var basis = Basis.asFound

    /// The folder that it is in, below the data folder.
    var directory: String { String(path[..<(slash ?? path.startIndex)]) }
    var name: String { String(path[(slash.map { path.utf8.index(after: $0) } ?? path.startIndex)...]) }
    private var slash: String.Index? { path.utf8.lastIndex(of: UInt8(ascii: "/")) }
}

/// What is done as one: changes of files, and what is written of them into the history.
struct ChangeGroup: Sendable {
    var files: [FileChange] = []
    var additions: [LogAddition] = []

    var paths: Set<String> { Set(files.map(\.path) + additions.map(\.path)) }
    var directories: Set<String> {
        Set(files.map(\.directory) + (additions.isEmpty ? [] : [DataFolder.changesName]))
    }
}
