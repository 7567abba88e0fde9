internal import FoundationEssentials
internal import Glibc
internal import Synchronization
internal import Threads

/// Hands large answers to the web server as files, which it sends straight from the page cache: the answer itself is
/// then only the header X-Accel-Redirect, which nginx follows and clients never see.
public final class LargeAnswers: Sendable {
    private let directory: String
    private let recent = Mutex<[(name: String, size: Int)]>([])

    /// Bytes; below this the way over a file costs more than it saves.
    private static let least = 128 << 10
    /// The web server opens a file as soon as it has the answer, so that the latest are enough: this many, and more as
    /// long as they have not this many bytes.
    private static let kept = 8
    private static let room = 64 << 20

    /// - Parameter directory: one that the web server may read; it is the service's own, and nothing in it has to last.
    public init(directory: String) {
        self.directory = directory
        mkdir(directory, 0o755)
        removeLeftovers()
    }

    /// Whether a body is large enough.
    func takes(_ body: [UInt8]) -> Bool { body.count >= Self.least }

    /// Keeps a body as a file.
    ///
    /// - Parameters:
    ///   - digest: stands for exactly these bytes.
    ///   - place: what the web server calls the directory, with a slash at the end.
    /// - Returns: the value for X-Accel-Redirect, or nil when the body is better sent as it is.
    func location(of body: [UInt8], digest: String, below place: String) -> String? {
        guard takes(body) else { return nil }
        let name = "\(getpid())-\(digest).json"
        return recent.withLock { recent in
            // Somebody may have emptied the folder.
            if recent.contains(where: { $0.name == name }), isThere(name, body.count) { return place + name }
            recent.removeAll { $0.name == name }
            guard write(body, name) else { return nil }
            recent.append((name, body.count))
            while recent.count > Self.kept, recent.reduce(0, { $0 + $1.size }) > Self.room {
                unlink("\(directory)/\(recent.removeFirst().name)")
            }
            return place + name
        }
    }

    private func isThere(_ name: String, _ size: Int) -> Bool {
        var status = stat()
        return stat("\(directory)/\(name)", &status) == 0 && Int(status.st_size) == size
    }

    private func write(_ body: [UInt8], _ name: String) -> Bool {
        let temporary = "\(directory)/.\(name)"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        let isWhole = writeAll(body, to: file)
        close(file)
        guard isWhole, rename(temporary, "\(directory)/\(name)") == 0 else {
            unlink(temporary)
            return false
        }
        return true
    }

    /// Takes away what this process has put there.
    public func removeAll() {
        recent.withLock { recent in
            // The web server opens a file a moment after it has the answer.
            if !recent.isEmpty { usleep(100_000) }
            for file in recent { unlink("\(directory)/\(file.name)") }
            recent = []
        }
    }

    /// Takes away the files of processes that are gone.
    private func removeLeftovers() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let process = name.drop { $0 == "." }.prefix { $0 != "-" }
            guard name.hasSuffix(".json"), let id = pid_t(process), id > 0 else { continue }
            if id == getpid() || (kill(id, 0) != 0 && errno == ESRCH) { unlink("\(directory)/\(name)") }
        }
    }
}
