internal import Campaigns
internal import Glibc
internal import JSON

/// A record's file as it was found.
enum RecordFile {
    case missing
    case bytes([UInt8], FileState)
    /// There, but no record can be had from it; the reason shows no path.
    case unreadable(String)

    /// A record may have this many bytes. The largest that the service itself makes is a campaign with a text of 1 MiB.
    static let largest = 16 << 20

    /// - Throws: ``SystemError`` when the process is short of something, so that the file cannot be judged.
    init(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            // Not to wait for a writer where somebody has put a pipe.
            let file = try Descriptor(path, O_RDONLY | O_NONBLOCK)
            let status = try file.status()
            guard status.st_mode & S_IFMT == S_IFREG else {
                self = .unreadable("it is no regular file")
                return
            }
            let bytes = try file.read(size: Int(clamping: status.st_size), atMost: Self.largest + 1)
            self =
                bytes.count > Self.largest ? .unreadable("it is larger than 16 MiB") : .bytes(bytes, FileState(status))
        } catch {
            if error.isShortage { throw error }
            self = [ENOENT, ENOTDIR].contains(error.code) ? .missing : .unreadable(error.reason)
        }
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
            throw RecordError("it is no JSON: \(error)")
        }
        try self.init(RecordMembers(json, id: id, idKey: Self.idKey))
    }
}
