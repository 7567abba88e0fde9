internal import Campaigns
internal import Crypto
internal import Glibc
internal import RecordIndex

/// What was read of the campaigns' files the last time, so that a start reads only those that have changed since.
///
/// It is worth nothing but time: it is not synced, may be removed, and an entry counts only as long as its file is in the
/// very state in which it was read.
struct CatalogueCache {
    /// A campaign as ``CampaignTable`` keeps it, with the state of its file when it was read.
    struct Entry: Sendable {
        let campaign: CampaignTable.Kept
        let state: FileState
        var id: Int { campaign.id }
    }

    /// What the file begins with; the rest of the line is the ``CampaignRendering``'s version.
    private static let name = Array("campaignd cache ".utf8)
    private static func magic(_ version: Int) -> [UInt8] { name + Array("3.\(version)\n".utf8) }
    /// The size that stands for no opening.
    private static let none = -1
    /// Fewer files than this are read as quickly.
    static let least = 500
    /// Bytes that take as long to read as another file does.
    private static let piece = 16 << 10

    /// How many files one of so many bytes stands for.
    static func weight(ofBytes count: Int) -> Int { 1 + count / piece }

    /// Whether there may be one.
    static func exists(_ folder: DataFolder) -> Bool { access(path(folder), F_OK) == 0 }

    /// A file that has changed this shortly before it was read may change again without its times showing it: they move
    /// in steps of some milliseconds. In nanoseconds, with a margin.
    private static let settled = 1_000_000_000

    private static func path(_ folder: DataFolder) -> String { "\(folder.directory(.campaigns))/.cache" }

    /// Reads what was kept.
    ///
    /// - Parameter version: of the ``CampaignRendering``; what another has made is not taken.
    /// - Returns: by rising id; nothing when there is no cache, or no whole one.
    static func read(_ folder: DataFolder, _ version: Int) -> [Entry] {
        guard let (bytes, line) = whole(folder), bytes[..<line].elementsEqual(magic(version)) else { return [] }
        return entries(bytes, behind: line)
    }

    /// The highest id in it, whoever has made it; 0 when there is none.
    static func highestID(_ folder: DataFolder) -> Int {
        guard let (bytes, line) = whole(folder) else { return 0 }
        return entries(bytes, behind: line).map(\.id).max() ?? 0
    }

    /// The file, when it is whole, and where its first line ends.
    private static func whole(_ folder: DataFolder) -> (bytes: [UInt8], line: Int)? {
        guard let file = try? Descriptor(path(folder), O_RDONLY | O_NONBLOCK), let status = try? file.status(),
            status.st_mode & S_IFMT == S_IFREG,
            let bytes = try? file.read(size: Int(clamping: status.st_size), atMost: 1 << 30),
            bytes.starts(with: name), let line = bytes.firstIndex(of: UInt8(ascii: "\n")).map({ $0 + 1 }),
            bytes.count >= line + SHA256.byteCount
        else { return nil }
        let end = bytes.count - SHA256.byteCount
        let isWhole = bytes.withUnsafeBytes { Array(SHA256.hash(data: $0[..<end])).elementsEqual($0[end...]) }
        return isWhole ? (bytes, line) : nil
    }

    private static func entries(_ bytes: [UInt8], behind line: Int) -> [Entry] {
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(
                bytes: UnsafeRawBufferPointer(rebasing: buffer[line..<bytes.count - SHA256.byteCount]))
            var entries: [Entry] = []
            while let entry = reader.entry() { entries.append(entry) }
            return entries
        }
    }

    /// Keeps entries for the next start, in the place of those kept before.
    ///
    /// - Parameters:
    ///   - version: of the ``CampaignRendering``.
    ///   - now: nanoseconds since 1970.
    static func write(
        _ entries: some Sequence<Entry>, _ folder: DataFolder, _ version: Int, now: Int
    ) throws(SystemError) {
        var bytes = magic(version)
        for entry in entries where entry.state.changed < now - settled && entry.state.modified < now - settled {
            let campaign = entry.campaign
            bytes.append(integers: [
                entry.id, entry.state.size, Int(bitPattern: UInt(entry.state.inode)), entry.state.modified,
                entry.state.changed, campaign.name.utf8.count, campaign.opening?.count ?? none,
                campaign.organisations.count, campaign.projects.count,
            ])
            bytes.append(contentsOf: campaign.name.utf8)
            if let opening = campaign.opening { bytes.append(contentsOf: opening) }
            bytes.append(integers: campaign.organisations)
            bytes.append(integers: campaign.projects)
        }
        bytes.append(contentsOf: Array(SHA256.hash(data: bytes)))
        try Descriptor.replace(path(folder), with: bytes, in: folder.directory(.campaigns))
    }

    /// Takes entries out of bytes; whatever does not add up ends it.
    private struct ByteReader {
        private var bytes: UnsafeRawBufferPointer

        init(bytes: UnsafeRawBufferPointer) {
            self.bytes = bytes
        }

        mutating func entry() -> Entry? {
            guard let numbers = integers(9), let name = take(numbers[5]),
                let opening = take(numbers[6] == none ? 0 : numbers[6]),
                let organisations = integers(numbers[7]), let projects = integers(numbers[8])
            else { return nil }
            return Entry(
                campaign: CampaignTable.Kept(
                    id: numbers[0], name: String(decoding: name, as: UTF8.self),
                    opening: numbers[6] == none ? nil : Array(opening), organisations: organisations,
                    projects: projects),
                state: FileState(
                    size: numbers[1], inode: UInt64(UInt(bitPattern: numbers[2])), modified: numbers[3],
                    changed: numbers[4]))
        }

        private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
            guard count >= 0, count <= bytes.count else { return nil }
            defer { bytes = UnsafeRawBufferPointer(rebasing: bytes[count...]) }
            return UnsafeRawBufferPointer(rebasing: bytes[..<count])
        }

        private mutating func integers(_ count: Int) -> [Int]? {
            guard count >= 0, count <= bytes.count / 8, let part = take(count * 8) else { return nil }
            return (0..<count).map { part.loadUnaligned(fromByteOffset: $0 * 8, as: Int.self) }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(integers: [Int]) {
        integers.withUnsafeBytes { append(contentsOf: $0) }
    }
}
