internal import Campaigns
internal import Glibc
public import Records

/// Where things are in the data folder, and the few things that are done to a folder as a whole.
public struct DataFolder: Sendable {
    /// Absolute, without a slash at the end.
    public let path: String

    /// Whoever is outside of this module uses ``init(asOwnerOf:)``.
    ///
    /// - Parameter path: the folder; one that is not there yet is a folder without records.
    init(_ path: String) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
            path = String(cString: current) + "/" + path
            free(current)
        }
        self.path = path
    }

    /// Pictures that the web server gives out under /logos/.
    public var logos: String { "\(path)/logos" }
    /// Who changed what.
    public var changes: String { "\(path)/\(Self.changesName)" }
    static let changesName = "changes"
    /// What writers take an exclusive flock on.
    var lock: String { "\(path)/.lock" }
    /// What has changed, on the disk before the files are.
    var journal: String { "\(path)/.journal" }
    /// Which records were changed lately.
    var recentChanges: String { "\(path)/.recent" }
    /// What the one process that sends e-mails takes an exclusive flock on.
    var mailLock: String { "\(path)/messages/.mail-lock" }

    func directory(_ kind: RecordKind) -> String { "\(path)/\(kind.rawValue)" }
    /// The folder itself, and those of all kinds of records.
    var directories: [String] { [path] + RecordKind.allCases.map { directory($0) } }
    func file(_ kind: RecordKind, _ id: Int) -> String { "\(path)/\(kind.rawValue)/\(id).json" }
    /// The next free id of a kind whose records the service makes.
    func counter(_ kind: RecordKind) -> String { "\(directory(kind))/\(Self.counterName)" }
    static let counterName = ".next-id"
    /// What shows the ids that were given by the names of its files.
    var ids: String { "\(path)/.ids" }

    /// Makes what is missing of the folder. Records are for their owner alone; the pictures are for the web server too,
    /// which therefore may pass through the folder itself.
    ///
    /// - Throws: ``StoreUnavailable``.
    public func create() throws(StoreUnavailable) {
        var parent = ""
        for part in path.split(separator: "/") {
            parent += "/\(part)"
            try make(parent, mode: parent == path ? 0o711 : 0o755)
        }
        for kind in RecordKind.allCases { try make(directory(kind), mode: 0o700) }
        try make(changes, mode: 0o700)
        try make(logos, mode: 0o755)
        try StoreUnavailable.mapError("The data folder cannot be made") { () throws(SystemError) in
            // Now, with the owner of the folder: whoever comes first afterwards may be another user, such as root with flock(1).
            for file in ownFiles { try make(file) }
            try make("\(path)/.gitignore", Self.ignored)
            if FileIdentity(ids) == nil { try makeIDs() }
            try keepNames()
        }
    }

    /// What the service keeps for itself from the first.
    private var ownFiles: [String] { [lock, journal, mailLock, counter(.campaigns), counter(.messages)] }

    /// What git is to leave alone: an old journal that it brings back would be carried out.
    private static let ignored = ".lock\n.journal\n.mail-lock\n.ids\n.recent\n.cache\n.*.tmp\n"

    /// Makes a file where there is nothing.
    private func make(_ file: String, _ contents: String = "") throws(SystemError) {
        guard FileIdentity(file) == nil else { return }
        do throws(SystemError) {
            let made = try Descriptor(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            try made.inherit(from: file.hasPrefix(directory(.messages)) ? directory(.messages) : directory(.campaigns))
            try made.write(Array(contents.utf8))
        } catch {
            guard error.code == EEXIST else { throw error }
        }
    }

    /// Waits until the names of what is in the folder are on the disk: whoever made it may have died before they were.
    func keepNames() throws(SystemError) {
        for directory in [path, directory(.messages)] { try Descriptor(directory, O_RDONLY | O_DIRECTORY).sync() }
    }

    /// Does something to the folder, which is made where it is missing: one that is not there (any more) is as good as
    /// an empty one.
    func creatingIfMissing(_ body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch {
            guard error.code == ENOENT, (try? create()) != nil else { throw error }
            try body()
        }
    }

    private func make(_ directory: String, mode: mode_t) throws(StoreUnavailable) {
        if mkdir(directory, mode) == 0 {
            do throws(SystemError) {
                let around = try Descriptor("\(directory)/..", O_RDONLY | O_DIRECTORY)
                // What root makes belongs to the one who owns the folder around it, so that the service can use it.
                if geteuid() == 0 {
                    let made = try Descriptor(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                    try made.giveAway(as: around.status())
                }
                // What is going to be in it lasts only if its own name does.
                try around.sync()
            } catch {
                throw StoreUnavailable("The folder \(directory) cannot be made", error)
            }
            return
        }
        let error = SystemError("mkdir \(directory)")
        var status = stat()
        guard stat(directory, &status) == 0 else {
            throw StoreUnavailable("The folder \(directory) cannot be made", error)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StoreUnavailable("\(directory) is there, but is no folder")
        }
    }

    /// The names in a folder, without `.` and `..`; none when there is no such folder.
    func names(in directory: String) throws(SystemError) -> [String] {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return [] }
            throw SystemError("opendir \(directory)")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemError("readdir \(directory)") }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// The id in a record's file name: `5.json` is 5; nil for every other form.
    static func id(ofFile name: some StringProtocol) -> Int? {
        guard name.hasSuffix(".json"), let first = name.utf8.first,
            (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first)
        else { return nil }
        return Int(name.dropLast(5))
    }

    /// Which of the service's own files and folders cannot be used now, and why: what is in the way of every change, or of
    /// many. What is missing can be made.
    public func unusableFiles() -> [FolderCheck.Problem] {
        ownFiles.compactMap { file in unusable(file).map { problem(file, $0) } }
            + [ids, logos, changes].compactMap { folder in unusable(folder: folder).map { problem(folder, $0) } }
            + [changesOfThisMonth].compactMap { file in unusable(file).map { problem(file, $0) } }
    }

    private var changesOfThisMonth: String {
        "\(path)/\(LogAddition.path(month: String(UTC.now().prefix(7))))"
    }

    private func problem(_ path: String, _ reason: String) -> FolderCheck.Problem {
        FolderCheck.Problem(file: String(path.dropFirst(self.path.utf8.count + 1)), reason: reason)
    }

    private func unusable(_ file: String) -> String? {
        var status = stat()
        guard lstat(file, &status) == 0 else { return errno == ENOENT ? nil : String(cString: strerror(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is not a regular file" }
        do throws(SystemError) {
            let opened = try Descriptor(file, O_RDWR | O_NONBLOCK | O_NOFOLLOW)
            guard file.hasSuffix("/\(Self.counterName)") else { return nil }
            let text = String(decoding: try opened.read(at: 0, count: 32), as: UTF8.self)
            return Int(text.prefix { $0.isNumber }) == .max ? "no higher id is left" : nil
        } catch {
            return error.reason
        }
    }

    private func unusable(folder: String) -> String? {
        var status = stat()
        guard stat(folder, &status) == 0 else { return errno == ENOENT ? nil : String(cString: strerror(errno)) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "it is no folder" }
        return access(folder, R_OK | W_OK | X_OK) == 0 ? nil : String(cString: strerror(errno))
    }

    /// Why the folder cannot be read or written now, or nil when it can.
    public func trouble() -> String? {
        for directory in directories {
            // A folder that is not there yet is as good as an empty one, as long as it can be made.
            guard access(directory, F_OK) == 0 else { continue }
            guard access(directory, R_OK | X_OK) == 0 else {
                return "The data folder cannot be read: \(String(cString: strerror(errno)))"
            }
            guard access(directory, W_OK) == 0 else {
                return "The data folder cannot be written: \(String(cString: strerror(errno)))"
            }
        }
        if let first = unusableFiles().first {
            return "The data folder cannot be written: \(first)"
        }
        var space = statvfs()
        guard statvfs(path, &space) == 0 else {
            return "The data folder cannot be read: \(String(cString: strerror(errno)))"
        }
        if space.f_bavail == 0 || (space.f_files > 0 && space.f_favail == 0) {
            return "The data folder cannot be written: \(String(cString: strerror(ENOSPC)))"
        }
        return nil
    }
}
