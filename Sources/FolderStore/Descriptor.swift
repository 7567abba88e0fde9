internal import CLinux
internal import Glibc

/// An open file, closed when it goes out of scope.
struct Descriptor: ~Copyable {
    private(set) var number: Int32
    private let path: String

    /// open(2), with O_CLOEXEC added.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) {
        var number = open(path, flags | O_CLOEXEC, mode)
        while number < 0, errno == EINTR { number = open(path, flags | O_CLOEXEC, mode) }
        guard number >= 0 else { throw SystemError("open \(path)") }
        self.number = number
        self.path = path
    }

    /// Takes over an open file from somebody else.
    init(adopting number: Int32, _ path: String) {
        self.number = number
        self.path = path
    }

    deinit { if number >= 0 { close(number) } }

    /// Puts a file in the place of another, or where there is none. It is not synced: for what may be lost.
    ///
    /// - Parameter directory: the folder around it, whose permissions and owner it gets.
    static func replace(_ path: String, with bytes: [UInt8], in directory: String) throws(SystemError) {
        let temporary = "\(path).\(getpid()).tmp"
        unlink(temporary)
        do throws(SystemError) {
            let file = try Descriptor(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.inherit(from: directory)
            try file.write(bytes)
            guard rename(temporary, path) == 0 else { throw SystemError("rename \(path)") }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Hands the open file to somebody else, who closes it.
    mutating func release() -> Int32 {
        defer { number = -1 }
        return number
    }

    /// Gives a file just made the permissions of the folder around it, and, when root made it, its owner: whoever may
    /// use the folder can use the file.
    func inherit(from directory: String) throws(SystemError) {
        var status = stat()
        guard stat(directory, &status) == 0 else { throw SystemError("stat \(directory)") }
        try inherit(status)
    }

    /// - Parameter folder: what the folder around it is like.
    func inherit(_ folder: stat) throws(SystemError) {
        try setMode(folder.st_mode & 0o666)
        if geteuid() == 0 { try giveAway(as: folder) }
    }

    func setMode(_ mode: mode_t) throws(SystemError) {
        guard fchmod(number, mode) == 0 else { throw SystemError("fchmod \(path)") }
    }

    /// Gives it to the owner of the folder around it.
    func giveAway(as folder: stat) throws(SystemError) {
        guard folder.st_uid != 0 || folder.st_gid != getegid() else { return }
        guard fchown(number, folder.st_uid, folder.st_gid) == 0 else { throw SystemError("fchown \(path)") }
    }

    func status() throws(SystemError) -> stat {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw SystemError("fstat \(path)") }
        return status
    }

    /// Reads from the place where the file stands to its end, or to `limit` bytes.
    ///
    /// - Parameter size: what the file is thought to hold.
    func read(size: Int, atMost limit: Int) throws(SystemError) -> [UInt8] {
        // One byte more than it holds, so that its end shows without another read.
        var bytes = try readOnce(min(size, limit - 1) + 1)
        // As many as there should be are all; otherwise it has grown or shrunk, or the system has given it in pieces.
        while bytes.count != size, bytes.count < limit {
            let more = try readOnce(min(65_536, limit - bytes.count))
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    private func readOnce(_ wanted: Int) throws(SystemError) -> [UInt8] {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            repeat { count = Glibc.read(number, buffer.baseAddress, wanted) } while count < 0 && errno == EINTR
            filled = max(0, count)
        }
        guard count >= 0 else { throw SystemError("read \(path)") }
        return bytes
    }

    /// Reads from a place to the file's end, or so many bytes.
    func read(at place: Int, count: Int) throws(SystemError) -> [UInt8] {
        // Of no bytes Swift makes its one empty array, and writes into it.
        guard count > 0 else { return [] }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let piece = pread(number, buffer.baseAddress?.advanced(by: filled), count - filled, place + filled)
                if piece < 0, errno == EINTR { continue }
                failed = piece < 0
                if piece <= 0 { return }
                filled += piece
            }
        }
        if failed { throw SystemError("read \(path)") }
        return bytes
    }

    /// Writes all of it.
    ///
    /// - Parameter place: where in the file. Bytes.
    func write(_ bytes: [UInt8], at place: Int = 0) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(number, buffer.baseAddress?.advanced(by: written), buffer.count - written, place + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw count < 0 ? SystemError("write \(path)") : SystemError("write \(path)", EIO) }
            written += count
        }
    }

    func truncate(to size: Int) throws(SystemError) {
        while ftruncate(number, size) != 0 {
            guard errno == EINTR else { throw SystemError("ftruncate \(path)") }
        }
    }

    /// Waits until the content is on the disk, with as much of the metadata as reading it needs.
    func syncContent() throws(SystemError) {
        while fdatasync(number) != 0 {
            guard errno == EINTR else { throw SystemError("fdatasync \(path)") }
        }
    }

    /// Waits until everything is on the disk; for a folder, its names.
    func sync() throws(SystemError) {
        while fsync(number) != 0 {
            guard errno == EINTR else { throw SystemError("fsync \(path)") }
        }
    }

    /// Waits until everything on the file system that it is on is on the disk.
    ///
    /// Linux says so when the disk has refused something since version 5.8.
    func syncFileSystem() throws(SystemError) {
        while syncfs(number) != 0 {
            guard errno == EINTR else { throw SystemError("syncfs \(path)") }
        }
    }
}
