internal import Campaigns
internal import Glibc
@_spi(_Unicode) internal import Swift
internal import Threads

/// Which campaign has which name, in a file: a process that answers one request need not read all campaigns to know that a name is
/// free, or which ids there are.
///
/// What it says is looked up in the campaign's own file. That it lacks nothing is known as long as the folder of the campaigns is in
/// the state that the index was made for, or that the last change has left, which it follows. Only what a person writes into a file
/// that is there already does not show by that; so it is good for a moment only, and who needs it then makes it anew.
final class NameIndex: Sendable {
    private struct Header {
        static let magic = 0x31_7364_6e61_6d65
        /// Of this run of the machine, for the file is not synced.
        var boot: Int
        /// The state of the folder.
        var inode: Int
        var modified: Int
        var changed: Int
        /// When reading the campaigns began, and how long it took, in nanoseconds as ``Uptime`` has them.
        var begun: Int
        var duration: Int
        /// Entries in order of their hashes, and behind them those that came later.
        var sorted: Int
        var count: Int
        var highestID: Int

        static let size = 11 * 8

        var bytes: [UInt8] {
            let numbers = [Self.magic, boot, inode, modified, changed, begun, duration, sorted, count, highestID]
            return (numbers + [Int(truncatingIfNeeded: NameIndex.hash(of: numbers))]).withUnsafeBytes(Array.init)
        }

        init?(_ bytes: [UInt8]) {
            guard bytes.count == Self.size else { return nil }
            let all = bytes.withUnsafeBytes { bytes in
                (0..<11).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int.self) }
            }
            let numbers = Array(all[..<10])
            guard numbers[0] == Self.magic, all[10] == Int(truncatingIfNeeded: NameIndex.hash(of: numbers)),
                numbers[7] >= 0, numbers[8] >= numbers[7], numbers[8] <= 1 << 32
            else { return nil }
            (boot, inode, modified, changed) = (numbers[1], numbers[2], numbers[3], numbers[4])
            (begun, duration, sorted, count, highestID) = (numbers[5], numbers[6], numbers[7], numbers[8], numbers[9])
        }

        init(_ folder: FileState, boot: Int, begun: Int, duration: Int, count: Int, highestID: Int) {
            self.boot = boot
            (inode, modified, changed) = (Int(truncatingIfNeeded: folder.inode), folder.modified, folder.changed)
            (self.begun, self.duration, sorted, self.count) = (begun, duration, count, count)
            self.highestID = highestID
        }

        func isOf(_ folder: FileState) -> Bool {
            inode == Int(truncatingIfNeeded: folder.inode) && modified == folder.modified && changed == folder.changed
        }
    }

    private let file: Descriptor
    private let header: Header
    /// The highest id that a campaign has.
    var highestID: Int { header.highestID }

    /// Nanoseconds for which it is good, and how many times longer than it takes to make it.
    private static let least = 1_000_000_000
    private static let factor = 4
    /// Entries that came later, which are looked through one by one.
    private static let mostUnsorted = 4096

    private static func path(_ folder: DataFolder) -> String { "\(folder.ids)/.names" }

    // MARK: Reading

    /// Opens the index, if there is one that is good.
    ///
    /// - Parameter wasGood: whether it may be older, as it was good when this request came.
    init?(_ folder: DataFolder, wasGood: Bool = false) {
        guard let file = try? Descriptor(Self.path(folder), O_RDWR | O_NOFOLLOW | O_NONBLOCK),
            let header = Header((try? file.read(at: 0, count: Header.size)) ?? []), header.boot == Self.boot,
            let size = try? file.status().st_size, size >= Header.size + header.count * 16,
            let state = Self.state(folder), header.isOf(state), header.count - header.sorted <= Self.mostUnsorted
        else { return nil }
        let age = Uptime.now() &- header.begun
        guard age >= 0, wasGood || age <= max(Self.least, Self.factor &* header.duration) else { return nil }
        self.file = file
        self.header = header
    }

    /// The ids of the campaigns that may have a name: their files tell. As ``String/trimmedName()`` gives the name.
    func ids(named name: String) throws(SystemError) -> Set<Int> {
        let wanted = Self.hash(of: name)
        var place = try (0..<header.sorted).partitioningIndex { place throws(SystemError) in
            try entry(place).hash >= wanted
        }
        var ids: Set<Int> = []
        while place < header.sorted {
            let entry = try entry(place)
            guard entry.hash == wanted else { break }
            ids.insert(entry.id)
            place += 1
        }
        let unsorted = try file.read(
            at: Header.size + header.sorted * 16, count: (header.count - header.sorted) * 16)
        for place in 0..<unsorted.count / 16 {
            let entry = Self.entry(unsorted, place)
            if entry.hash == wanted { ids.insert(entry.id) }
        }
        return ids
    }

    private func entry(_ place: Int) throws(SystemError) -> (hash: UInt64, id: Int) {
        let bytes = try file.read(at: Header.size + place * 16, count: 16)
        guard bytes.count == 16 else { throw SystemError("read .names", EIO) }
        return Self.entry(bytes, 0)
    }

    private static func entry(_ bytes: [UInt8], _ place: Int) -> (hash: UInt64, id: Int) {
        bytes.withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: place * 16, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: place * 16 + 8, as: Int.self)
            )
        }
    }

    // MARK: Writing

    /// Makes the index anew. Whoever calls holds the ``FolderLock``.
    ///
    /// - Parameters:
    ///   - names: all campaigns, which can all be read.
    ///   - begun: when reading them began.
    /// - Returns: whether it could be written.
    static func write(_ names: [Int: String], _ folder: DataFolder, begun: Int) -> Bool {
        guard let state = state(folder) else { return false }
        var entries = names.map { (hash: hash(of: $0.value.trimmedName()), id: $0.key) }
        entries.sort { ($0.hash, $0.id) < ($1.hash, $1.id) }
        let header = Header(
            state, boot: boot, begun: begun, duration: Uptime.now() &- begun, count: entries.count,
            highestID: names.keys.max() ?? 0)
        var bytes = header.bytes
        bytes.reserveCapacity(bytes.count + entries.count * 16)
        for entry in entries { bytes += Self.bytes(entry.hash, entry.id) }
        // It is worth nothing but time.
        return (try? Descriptor.replace(path(folder), with: bytes, in: folder.ids)) != nil
    }

    /// Takes over what has just been changed. Whoever calls holds the ``FolderLock`` since before it opened the index.
    ///
    /// - Parameter names: of the campaigns that are new or changed.
    func follow(_ names: [Int: String], _ folder: DataFolder) {
        guard let state = Self.state(folder) else { return }
        var header = header
        let entries = names.flatMap { Self.bytes(Self.hash(of: $0.value.trimmedName()), $0.key) }
        (header.inode, header.modified, header.changed) = (
            Int(truncatingIfNeeded: state.inode), state.modified, state.changed
        )
        let end = Header.size + header.count * 16
        header.count += names.count
        header.highestID = max(header.highestID, names.keys.max() ?? 0)
        do throws(SystemError) {
            try file.write(entries, at: end)
            try file.write(header.bytes)
        } catch {
            // Then it is that of another state, and not good.
        }
    }

    private static func bytes(_ hash: UInt64, _ id: Int) -> [UInt8] {
        withUnsafeBytes(of: hash, Array.init) + withUnsafeBytes(of: id, Array.init)
    }

    // MARK: One at a time

    /// Waits until nobody else makes the index, or for a while.
    ///
    /// - Returns: what keeps others from it for as long as it is there.
    static func turn(_ folder: DataFolder, timeout: Duration) -> Descriptor? {
        let path = "\(path(folder)).lock"
        guard let file = try? Descriptor(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600) else {
            return nil
        }
        try? file.inherit(from: folder.ids)
        let deadline = ContinuousClock.now + timeout
        while flock(file.number, LOCK_EX | LOCK_NB) != 0, .now < deadline { usleep(.random(in: 5000...25_000)) }
        return file
    }

    // MARK: Numbers

    private static func state(_ folder: DataFolder) -> FileState? {
        var status = stat()
        guard stat(folder.directory(.campaigns), &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        return FileState(status)
    }

    private static let boot = Int(truncatingIfNeeded: hash(of: JournalGroup.boot))

    /// FNV-1a of the canonical decomposition, for names are compared by canonical equivalence.
    private static func hash(of name: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        if name.utf8.allSatisfy({ $0 < 0x80 }) {
            for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        } else {
            for scalar in name._nfd { hash = (hash ^ UInt64(scalar.value)) &* 0x100_0000_01b3 }
        }
        return hash
    }

    private static func hash(of numbers: [Int]) -> UInt64 {
        numbers.reduce(0xcbf2_9ce4_8422_2325) { hash, number in
            (0..<8).reduce(hash) {
                ($0 ^ (UInt64(bitPattern: Int64(number)) >> (8 * UInt64($1)) & 255)) &* 0x100_0000_01b3
            }
        }
    }
}
