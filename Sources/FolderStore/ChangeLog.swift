internal import Campaigns
internal import Glibc
internal import JSON

/// Who changed what: the files `changes/YYYY-MM.jsonl`, a line an entry, in the order of the changes.
///
/// Whoever calls holds the ``FolderLock``, and is the only thread of its process that does.
final class ChangeLog: @unchecked Sendable {
    // Unchecked: see above.
    private let folder: DataFolder
    /// The file that was written last, as it was then.
    private var written: (path: String, identity: FileIdentity, end: Int)?
    /// The highest id that is known to have been given.
    private var lastID = 0
    /// The highest that is kept in the folder of the ids, as far as this process knows.
    private var keptID = 0

    /// Higher ones, which hands have given, are not counted on from: there would be no room left.
    private static let mostCounted = 1 << 52

    init(_ folder: DataFolder) {
        self.folder = folder
    }

    /// Gives entries their ids and the time, and makes of them what is to be written.
    ///
    /// - Returns: nil when there are none.
    /// - Throws: ``SystemError`` when they could not be written.
    func addition(_ entries: [ChangeEntry]) throws(SystemError) -> LogAddition? {
        guard !entries.isEmpty else { return nil }
        let now = UTC.now()
        let path = LogAddition.path(month: String(now.prefix(7)))
        let file = try LogAddition.open(path, in: folder)
        let status = try file.status()
        let size = Int(clamping: status.st_size)
        var bytes: [UInt8] = []
        try look(path, file, FileIdentity(status), size)
        if size != written?.end, try !LogAddition.endsWithLine(file, size: size) { bytes.append(UInt8(ascii: "\n")) }
        written = (path, FileIdentity(status), size)
        var id = lastID
        for entry in entries {
            id += 1
            var entry = entry
            entry.id = id
            entry.date = now
            entry.json.write(to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
        return LogAddition(path: path, place: size, bytes: bytes)
    }

    /// Takes note of what has been written.
    func note(_ addition: LogAddition?) {
        guard let addition, let written, written.path == addition.path, written.end == addition.place else { return }
        lastID += addition.lines.count
        self.written = (written.path, written.identity, addition.place + addition.bytes.count)
    }

    /// Keeps the highest id, whoever has written it, where it stays when the entries go.
    func keepID() throws(SystemError) {
        if let last = try folder.names(in: folder.changes).filter(LogAddition.isName).max() {
            lastID = max(lastID, try highestID(inFile: last))
        }
        guard lastID > keptID else { return }
        try IDMark(folder, DataFolder.changesName).raise(to: lastID + 1)
        keptID = lastID
    }

    /// Finds out which ids have been given.
    private func look(
        _ path: String, _ file: borrowing Descriptor, _ identity: FileIdentity, _ size: Int
    ) throws(SystemError) {
        if let written, written.path == path, written.identity == identity, size >= written.end {
            // What others have written has been written here.
            if size > written.end { lastID = max(lastID, try Self.highestID(file, size: size)) }
            return
        }
        if let next = try IDMark(folder, DataFolder.changesName).read(), next <= Self.mostCounted {
            keptID = next - 1
            lastID = max(lastID, keptID)
        }
        for name in try folder.names(in: folder.changes) where LogAddition.isName(name) {
            lastID = max(lastID, try highestID(inFile: name))
        }
    }

    private func highestID(inFile name: String) throws(SystemError) -> Int {
        do throws(SystemError) {
            let file = try Descriptor("\(folder.changes)/\(name)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let status = try file.status()
            guard status.st_mode & S_IFMT == S_IFREG else { return 0 }
            return try Self.highestID(file, size: Int(clamping: status.st_size))
        } catch {
            // One that is no file is for a person to mend.
            guard error.fault == .file || error.code == ENOENT else { throw error }
            return 0
        }
    }

    /// The highest id of a file's last lines; 0 when there is none.
    private static func highestID(_ file: borrowing Descriptor, size: Int) throws(SystemError) -> Int {
        var count = 4096
        while true {
            let start = max(0, size - count)
            var lines = try file.read(at: start, count: size - start).split(
                separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            // It may have been cut.
            if start > 0 { lines.removeFirst() }
            let ids = lines.compactMap { line in
                (try? JSONValue(parsing: Array(line))).flatMap { try? ChangeEntry($0).id }
            }
            if let highest = ids.filter({ $0 <= mostCounted }).max() { return highest }
            guard start > 0 else { return 0 }
            count *= 16
        }
    }
}
