internal import Glibc

/// What tells one state of a file from another without reading it.
struct FileState: Equatable, Sendable {
    let size: Int
    let inode: UInt64
    /// Nanoseconds since 1970: of the content's last change, and of any last change.
    let modified: Int
    let changed: Int

    init(size: Int, inode: UInt64, modified: Int, changed: Int) {
        self.size = size
        self.inode = inode
        self.modified = modified
        self.changed = changed
    }

    init(_ status: stat) {
        size = Int(clamping: status.st_size)
        inode = UInt64(status.st_ino)
        modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
        changed = status.st_ctim.tv_sec &* 1_000_000_000 &+ status.st_ctim.tv_nsec
    }

    /// Whether there is a symbolic link, or a file that has another name too.
    static func isLink(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFLNK || status.st_nlink > 1
    }

    /// The state of a file, or nil when there is none, or none that can be looked at.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(status)
    }
}

/// Tells which file or folder a path leads to.
struct FileIdentity: Equatable, Sendable {
    private let device: dev_t
    private let inode: ino_t

    init(_ status: stat) {
        device = status.st_dev
        inode = status.st_ino
    }

    /// nil when there is none, or none that can be looked at.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}
