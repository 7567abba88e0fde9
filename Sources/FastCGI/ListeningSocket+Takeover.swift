internal import CLinux
internal import Glibc

extension ListeningSocket {
    /// Puts this socket in the place of the one that a living process has there, and tells that process to end, which
    /// still serves who is in its queue. To be called when this one is served already.
    ///
    /// - Returns: the process that was told, or nil where there was none.
    /// - Throws: ``SocketError``; then all is as it was before.
    public func takeOver() throws(SocketError) -> Int32? {
        guard let file, let beside else { return nil }
        do throws(SocketError) {
            // A socket of systemd's, say, is unavailable.
            if let process = try Self.process(at: file.path), !Self.isOurs(process) {
                throw .notOurs(file.path, process: process)
            }
            // They change places, so that whose socket it was shows even if a third process took over a moment ago.
            guard renameat2(AT_FDCWD, beside, AT_FDCWD, file.path, exchange_names) == 0 else {
                // The other one has ended by itself meanwhile, and taken its file away.
                guard errno == ENOENT, rename(beside, file.path) == 0 else {
                    throw .failed(file.path, reason: String(cString: strerror(errno)))
                }
                return nil
            }
        } catch {
            unlink(beside)
            throw error
        }
        defer { unlink(beside) }
        guard let process = try? Self.process(at: beside), Self.isOurs(process), kill(process, SIGTERM) == 0
        else { return nil }
        return process
    }

    /// The process that listens at a path.
    private static func process(at path: String) throws(SocketError) -> Int32? {
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { Glibc.close(probe) }
        // Where the queue is full there will soon be room.
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(probe, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard withSocketAddress(try address(path), { connect(probe, $0, $1) }) == 0 else {
            if errno == ECONNREFUSED || errno == ENOENT { return nil }
            throw .failed(path, reason: String(cString: strerror(errno)))
        }
        // A struct ucred: process, user, group; as they were when it began to listen.
        var credentials: [Int32] = [0, 0, 0]
        var size = socklen_t(12)
        guard getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        return credentials[0]
    }

    /// Whether a process is one of this program that may be told to end.
    private static func isOurs(_ process: Int32) -> Bool {
        func name(_ process: String) -> String {
            var bytes = [UInt8](repeating: 0, count: 64)
            let file = open("/proc/\(process)/comm", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return "" }
            defer { Glibc.close(file) }
            return String(decoding: bytes.prefix(max(0, read(file, &bytes, bytes.count))), as: UTF8.self)
        }
        return process > 1 && process != getpid() && kill(process, 0) == 0 && !name("self").isEmpty
            && name("self") == name("\(process)")
    }
}
