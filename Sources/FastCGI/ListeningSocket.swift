internal import CLinux
internal import Glibc

/// A socket on which the web server opens its connections.
///
/// The functions of libfcgi for this remove whatever is at the path, leave it closed to the web server's user, and end
/// the process on an error; so they are not used.
public struct ListeningSocket: Sendable {
    let number: Int32
    /// Whether the socket is this process's own alone, so that nobody else serves who waits in its queue.
    var hasFile: Bool { file != nil }
    /// What this process has put into the file system, and takes away when it ends.
    let file: (path: String, device: UInt, inode: UInt)?
    /// Where the socket is until ``takeOver()`` puts it in its place.
    let beside: String?

    /// The queue of connections that the kernel holds until they are accepted.
    private static let backlog: Int32 = 1024

    /// Listens at a path. A file that a dead process has left there is replaced.
    ///
    /// - Parameters:
    ///   - path: 107 bytes at most.
    ///   - mode: permissions of the socket: who may connect.
    ///   - takingOver: whether a living process of this program may be there. Then the socket waits beside it, and
    ///     ``takeOver()`` has to follow.
    /// - Throws: ``SocketError``.
    public init(path: String, mode: UInt32 = 0o660, takingOver: Bool = false) throws(SocketError) {
        let address = try Self.address(path)
        let number = try Self.make(AF_UNIX)
        do throws(SocketError) {
            var place = (path, address)
            beside = try Self.removeStale(path, address, takingOver: takingOver) ? nil : "\(path).\(getpid())"
            if let beside {
                place = (beside, try Self.address(beside))
                // Left by a process that had this number.
                unlink(beside)
            }
            // Before there is a name, so that nobody else ever gets in.
            fchmod(number, mode_t(mode))
            try Self.bind(number, place.1, place.0)
            guard chmod(place.0, mode_t(mode)) == 0, listen(number, Self.backlog) == 0 else {
                throw .failed(place.0, reason: String(cString: strerror(errno)))
            }
            var status = stat()
            guard stat(place.0, &status) == 0 else { throw .failed(path, reason: String(cString: strerror(errno))) }
            self.number = number
            file = (path, UInt(status.st_dev), UInt(status.st_ino))
        } catch {
            Glibc.close(number)
            throw error
        }
    }

    /// Listens on a TCP port of this machine's loopback interface. libfcgi cannot stand hostile clients, so no other is allowed.
    ///
    /// - Parameters:
    ///   - host: `127.0.0.1` or another address in 127.0.0.0/8, `::1`, or `localhost`.
    ///   - port: 1 to 65535.
    /// - Throws: ``SocketError``.
    public init(host: String, port: UInt16) throws(SocketError) {
        let name = "\(host):\(port)"
        if host == "::1" || host == "[::1]" {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            self = try Self(bound: address, AF_INET6, name)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            guard inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr) == 1,
                UInt32(bigEndian: address.sin_addr.s_addr) >> 24 == 127
            else { throw .notLoopback(host) }
            self = try Self(bound: address, AF_INET, name)
        }
    }

    private init(bound address: some Any, _ family: Int32, _ name: String) throws(SocketError) {
        number = try Self.make(family)
        file = nil
        beside = nil
        var one: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        do throws(SocketError) {
            try Self.bind(number, address, name)
            guard listen(number, Self.backlog) == 0 else {
                throw .failed(name, reason: String(cString: strerror(errno)))
            }
        } catch {
            Glibc.close(number)
            throw error
        }
    }

    /// Takes a socket that the process was started with: from systemd (sd_listen_fds(3)), or as descriptor 0, as
    /// spawn-fcgi and mod_fcgid give it.
    ///
    /// - Parameter environment: where LISTEN_PID and LISTEN_FDS are looked for.
    /// - Throws: ``SocketError/notInherited`` when there is none.
    public init(inheritedFrom environment: [String: String]) throws(SocketError) {
        if environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int($0) }), count >= 1, Self.isListening(3)
        {
            number = 3
        } else if Self.isListening(0) {
            number = 0
        } else {
            throw .notInherited
        }
        file = nil
        beside = nil
        let flags = fcntl(number, F_GETFL)
        guard fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0, fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else {
            throw .failed("descriptor \(number)", reason: String(cString: strerror(errno)))
        }
    }

    /// Whether a descriptor is a socket that listens; the way to tell FastCGI from CGI.
    public static func isListening(_ number: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0
    }

    /// The next connection, or nil when none waits.
    func accept() -> Int32? {
        let connection = accept4(number, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        return connection >= 0 ? connection : nil
    }

    /// Lets nobody else into the queue; who is in it stays.
    func close() {
        shutdown(number, Int32(SHUT_RD))
    }

    /// Takes away the socket's file, unless another process has put its own there meanwhile.
    ///
    /// - Returns: whether another process has.
    func removeFile() -> Bool {
        guard let file else { return false }
        if let beside { unlink(beside) }
        var status = stat()
        guard stat(file.path, &status) == 0 else { return false }
        guard UInt(status.st_dev) == file.device, UInt(status.st_ino) == file.inode else { return true }
        unlink(file.path)
        return false
    }

    private static func make(_ family: Int32) throws(SocketError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(family, type, 0)
        guard number >= 0 else { throw .failed("socket", reason: String(cString: strerror(errno))) }
        return number
    }

    private static func bind(_ number: Int32, _ address: some Any, _ name: String) throws(SocketError) {
        guard withSocketAddress(address, { Glibc.bind(number, $0, $1) }) == 0 else {
            if errno == EADDRINUSE { throw .taken(name) }
            throw .failed(name, reason: String(cString: strerror(errno)))
        }
    }

    static func address(_ path: String) throws(SocketError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        guard fits, !path.isEmpty else { throw .pathTooLong(path) }
        return address
    }

    /// - Returns: whether the path is free now; it is not when a living process may be relieved of it.
    private static func removeStale(
        _ path: String, _ address: sockaddr_un, takingOver: Bool
    ) throws(SocketError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return true }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notSocket(path) }
        let probe = try make(AF_UNIX)
        defer { Glibc.close(probe) }
        let result = withSocketAddress(address) { connect(probe, $0, $1) }
        // EAGAIN: somebody listens, and the queue is full.
        guard result != 0, errno == ECONNREFUSED || errno == ENOENT else {
            if takingOver { return false }
            throw .taken(path)
        }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .failed(path, reason: String(cString: strerror(errno)))
        }
        return true
    }
}

/// Lends a sockaddr_un, sockaddr_in or sockaddr_in6 as the sockaddr that the system takes.
func withSocketAddress<Address, Result>(
    _ address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<Address>.size))
        }
    }
}

/// Why there is no socket to listen on.
public enum SocketError: Error, Equatable, CustomStringConvertible {
    case taken(String)
    case notSocket(String)
    case pathTooLong(String)
    case notLoopback(String)
    case notInherited
    case notOurs(String, process: Int32)
    case failed(String, reason: String)

    public var description: String {
        switch self {
        case .taken(let name): "\(name) is taken: another process listens there"
        case .notSocket(let path): "\(path) is there and is no socket; it is left as it is"
        case .pathTooLong(let path): "\(path) is no path for a socket: it needs 1 to 107 bytes"
        case .notLoopback(let host):
            "\(host) is not this machine's loopback interface; listen on 127.0.0.1, ::1 or a socket path"
        case .notInherited: "no socket was inherited, and none was named"
        case .notOurs(let path, let process):
            "\(path) belongs to process \(process), which is no campaignd of this user; it is left as it is"
        case .failed(let name, let reason): "cannot listen on \(name): \(reason)"
        }
    }
}
