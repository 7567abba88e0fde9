import Foundation

/// A server on a socket as PostgreSQL's are called, that takes connections and never says anything.
public final class SilentServer {
    public let folder: TemporaryFolder
    private let socket: Int32

    public init() throws {
        folder = try TemporaryFolder()
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("\(folder.path)/.s.PGSQL.5432".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(socket, 16) == 0 else { throw Command.Failed(description: "no socket") }
    }

    deinit { close(socket) }

    /// As a host in a URI.
    public var host: String { folder.path.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "" }

    /// Waits for a connection, and leaves it as it is.
    public func accept() throws {
        var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 120_000) == 1 else { throw Command.Failed(description: "nobody connects") }
        _ = Glibc.accept(socket, nil, nil)
    }
}
