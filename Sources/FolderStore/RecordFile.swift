internal import Campaigns
internal import Glibc
internal import JSON

/// A record's file as it was found.
enum RecordFile {
    case missing
    case bytes([UInt8], FileState)
    /// There, but no record can be had from it; the reason shows no path.
    case unreadable(String, ReadFault)

    /// A record may have this many bytes, but for a list of recipients. The largest that the service itself makes is a
    /// campaign with a text of 1 MiB.
    static let largest = 16 << 20
    /// A list of recipients, and any file that is only put in its place, may have this many: more than there are users of
    /// OpenStreetMap.
    static let largestList = 256 << 20

    /// What fails is tried this often.
    private static let attempts = 3

    /// Whether somebody has a file open to write to it.
    enum Writing {
        case nobody, somebody
        /// The file system does not tell.
        case unknown
    }

    /// - Throws: ``SystemError`` when the process is short of something, so that the file cannot be judged.
    init(_ path: String) throws(SystemError) {
        var writing: Writing?
        try self.init(path, &writing)
    }

    /// - Parameter writing: unless it is nil, whether the file was being written while it was read; nobody can begin to
    ///   meanwhile.
    init(_ path: String, _ writing: inout Writing?, largest: Int = Self.largestList) throws(SystemError) {
        self = try RecordFile(exactly: path, &writing, largest)
        // On some file systems a record is away for a moment when another takes its place.
        if case .missing = self { self = try RecordFile(exactly: Placement.former(path)) }
        if case .missing = self { self = try RecordFile(exactly: path, &writing, largest) }
    }

    /// Reads no other file, whatever is being done to this one.
    init(exactly path: String) throws(SystemError) {
        var writing: Writing?
        try self.init(exactly: path, &writing, Self.largestList)
    }

    private init(exactly path: String, _ writing: inout Writing?, _ largest: Int) throws(SystemError) {
        for attempt in 1... {
            do throws(SystemError) {
                self = try Self.read(path, &writing, largest)
                return
            } catch {
                if error.isShortage { throw error }
                if [ENOENT, ENOTDIR].contains(error.code) {
                    self = .missing
                    return
                }
                if attempt == Self.attempts {
                    self = .unreadable(error.reason, error.fault)
                    return
                }
            }
        }
        self = .missing
    }

    private static func read(
        _ path: String, _ writing: inout Writing?, _ largest: Int
    ) throws(SystemError) -> RecordFile {
        // Not to wait for a writer where somebody has put a pipe.
        let file = try Descriptor(path, O_RDONLY | O_NONBLOCK)
        if writing != nil { writing = file.writing() }
        return try RecordFile(reading: file, largest: largest)
    }

    /// - Throws: ``SystemError``, as reading has it.
    init(reading file: borrowing Descriptor, largest: Int = Self.largestList) throws(SystemError) {
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else {
            self = .unreadable("it is not a regular file", .file)
            return
        }
        let bytes = try file.read(size: Int(clamping: status.st_size), atMost: largest + 1)
        self =
            bytes.count > largest
            ? .unreadable("it is larger than \(largest >> 20) MiB", .file) : .bytes(bytes, FileState(status))
    }
}

extension Record {
    /// Reads a record from the bytes of its file.
    ///
    /// - Throws: ``RecordError``.
    init(file bytes: [UInt8], id: Int) throws(RecordError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw RecordError("it is not valid JSON: \(error)")
        }
        try self.init(RecordMembers(json, id: id, idKey: Self.idKey))
    }
}
