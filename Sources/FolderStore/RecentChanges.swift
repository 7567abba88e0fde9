internal import Campaigns
internal import Glibc

/// Which records were changed lately, by whoever holds the ``FolderLock``: one who has read them all before taking the lock has to
/// look at those alone again.
///
/// It is for plain CGI, where each process reads what it needs anew: with the lock held that would keep all others waiting. Where no
/// such process has made the file, nothing is noted. It is worth nothing after a start of the machine, and so is not synced.
struct RecentChanges {
    private let path: String
    private let directory: String
    /// Bytes after which it begins anew.
    private static let limit = 64 << 10

    init(_ folder: DataFolder) {
        path = folder.recentChanges
        directory = folder.path
    }

    /// How far it had come.
    struct Place: Sendable {
        fileprivate let beginning: Substring
        fileprivate let end: Int
    }

    private func read() -> [Substring]? {
        guard let file = try? Descriptor(path, O_RDONLY | O_NONBLOCK),
            let bytes = try? file.read(size: 4096, atMost: 1 << 20), let end = bytes.lastIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        return String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Where it ends now; nil when there is none. Needs no lock.
    func place() -> Place? {
        guard let lines = read(), let beginning = lines.first else { return nil }
        return Place(beginning: beginning, end: lines.count)
    }

    /// What has been changed since; nil when nobody knows. Whoever calls holds the lock.
    func changes(since place: Place) -> Set<RecordRef>? {
        guard let lines = read(), lines.first == place.beginning, lines.count >= place.end else { return nil }
        return Set(lines[place.end...].compactMap(Self.ref))
    }

    private static func ref(_ line: Substring) -> RecordRef? {
        guard let slash = line.lastIndex(of: "/"), let kind = RecordKind(rawValue: String(line[..<slash])),
            let id = DataFolder.id(ofFile: line[line.index(after: slash)...])
        else { return nil }
        return RecordRef(kind, id)
    }

    /// Makes the file, so that from now on changes are noted. Whoever calls holds the lock.
    func begin() throws(SystemError) {
        if FileIdentity(path) == nil { try beginAnew() }
    }

    private func beginAnew() throws(SystemError) {
        unlink(path)
        let file = try Descriptor(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try file.inherit(from: directory)
        try file.write(Array("\(UInt64.random(in: 0 ... .max))\n".utf8))
    }

    /// Notes what is about to be changed. Whoever calls holds the lock.
    func note(_ changes: [FileChange]) throws(SystemError) {
        do throws(SystemError) {
            let file = try Descriptor(path, O_WRONLY | O_NONBLOCK)
            let size = Int(clamping: try file.status().st_size)
            guard size < Self.limit else { return try beginAnew() }
            try file.write(Array(changes.map { "\($0.path)\n" }.joined().utf8), at: size)
        } catch {
            if error.code == ENOENT { return }
            // Without the file nobody relies on it.
            guard unlink(path) == 0 || errno == ENOENT else { throw error }
        }
    }
}
