import Foundation

/// Records as the FastCGI specification has them, as bytes.
public enum FastCGIRecord {
    public static let begin: UInt8 = 1
    public static let abort: UInt8 = 2
    public static let end: UInt8 = 3
    public static let parameters: UInt8 = 4
    public static let input: UInt8 = 5
    public static let output: UInt8 = 6

    /// One record of 65,535 bytes at most.
    public static func record(_ type: UInt8, _ content: [UInt8] = [], id: UInt16 = 1) -> [UInt8] {
        let length = UInt16(content.count)
        return [1, type, UInt8(id >> 8), UInt8(id & 0xFF), UInt8(length >> 8), UInt8(length & 0xFF), 0, 0] + content
    }

    /// A stream of records, without the empty one that ends it.
    public static func stream(_ type: UInt8, _ content: [UInt8], pieces: Int = 65_535) -> [UInt8] {
        stride(from: 0, to: content.count, by: pieces).flatMap {
            record(type, Array(content[$0..<min($0 + pieces, content.count)]))
        }
    }

    /// The beginning of a request to a responder.
    public static func begin(keep: Bool) -> [UInt8] { record(begin, [0, 1, keep ? 1 : 0, 0, 0, 0, 0, 0]) }

    /// Names and values as parameters carry them.
    public static func pairs(_ variables: [(name: String, value: String)]) -> [UInt8] {
        variables.flatMap { variable in
            length(variable.name.utf8.count) + length(variable.value.utf8.count) + variable.name.utf8
                + variable.value.utf8
        }
    }

    private static func length(_ count: Int) -> [UInt8] {
        count < 0x80
            ? [UInt8(count)] : [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) | ($0 == 24 ? 0x80 : 0) }
    }

    /// A whole request.
    public static func request(_ variables: [(name: String, value: String)], body: [UInt8] = [], keep: Bool) -> [UInt8]
    {
        begin(keep: keep) + stream(parameters, pairs(variables)) + record(parameters) + stream(input, body)
            + record(input)
    }
}

/// A web server's connection to a responder, for tests that want to say every byte.
public final class FastCGIClient: @unchecked Sendable {
    // Unchecked: one thread has it at a time.
    public struct Broken: Error, CustomStringConvertible {
        public let description: String
        public init(_ description: String) { self.description = description }
    }

    private var socket: Int32

    /// Connects to a unix socket.
    ///
    /// - Parameter patience: seconds for which an answer is waited for.
    public init(_ path: String, patience: Int = 60) throws {
        socket = Self.make(AF_UNIX, patience)
        guard UnixSocket.call(connect, socket, path) == 0 else { throw refused() }
    }

    /// Connects to a port of this machine.
    public init(port: Int, patience: Int = 60) throws {
        socket = Self.make(AF_INET, patience)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw refused() }
    }

    private static func make(_ family: Int32, _ patience: Int) -> Int32 {
        let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var timeout = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        return socket
    }

    private func refused() -> Broken { Broken("connect: \(String(cString: strerror(errno)))") }

    deinit { close() }

    public func close() {
        if socket >= 0 { Glibc.close(socket) }
        socket = -1
    }

    /// Says that nothing more will come.
    public func endSending() {
        shutdown(socket, Int32(SHUT_WR))
    }

    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Broken("send: \(String(cString: strerror(errno)))") }
            sent += count
        }
    }

    /// Reads the answer to one request, to the record that ends it.
    public func receive() throws -> Answered {
        var output: [UInt8] = []
        while true {
            let head = try read(8)
            guard head[0] == 1 else { throw Broken("version \(head[0])") }
            let content = try read(Int(head[4]) << 8 | Int(head[5]))
            _ = try read(Int(head[6]))
            switch head[1] {
            case FastCGIRecord.output: output += content
            case FastCGIRecord.end:
                guard content.count == 8, content[4] == 0 else { throw Broken("the request was not completed") }
                return try Self.answer(output)
            default: break
            }
        }
    }

    /// Whether the responder has closed the connection, or ended its side; waits for it.
    public func isAtEnd() -> Bool {
        var byte: UInt8 = 0
        var count = recv(socket, &byte, 1, 0)
        // What comes after a last answer is a record about no request.
        while count > 0 { count = recv(socket, &byte, 1, 0) }
        return count == 0 || errno == ECONNRESET
    }

    /// Whether there is something to be read, or the end; does not wait.
    public var isReadable: Bool {
        var readable = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&readable, 1, 0) > 0
    }

    /// Sends a request as nginx would, and reads the answer.
    public func ask(_ asked: Asked, keep: Bool = true) throws -> Answered {
        try send(Self.request(asked, keep: keep))
        return try receive()
    }

    /// The bytes of a request as nginx would send it.
    public static func request(_ asked: Asked, keep: Bool = true) -> [UInt8] {
        let body = Array(asked.body ?? Data())
        var variables = [
            (name: "GATEWAY_INTERFACE", value: "CGI/1.1"), ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REQUEST_METHOD", asked.method),
            ("REQUEST_URI", asked.target), ("CONTENT_LENGTH", asked.body == nil ? "" : "\(body.count)"),
        ]
        for (name, value) in asked.headers {
            variables.append(("HTTP_" + name.uppercased().replacingOccurrences(of: "-", with: "_"), value))
        }
        return FastCGIRecord.request(variables, body: body, keep: keep)
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var place = 0
        while place < count {
            let got = bytes.withUnsafeMutableBytes {
                recv(socket, $0.baseAddress?.advanced(by: place), count - place, 0)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                throw Broken(got == 0 ? "the connection has ended" : "recv: \(String(cString: strerror(errno)))")
            }
            place += got
        }
        return bytes
    }

    private static func answer(_ output: [UInt8]) throws -> Answered {
        guard let end = output.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Broken("the answer has no head") }
        var status: Int?
        var headers: [(name: String, value: String)] = []
        for line in String(decoding: output[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n") {
            guard let colon = line.range(of: ": ") else { throw Broken("no header: \(line)") }
            let (name, value) = (String(line[..<colon.lowerBound]), String(line[colon.upperBound...]))
            if name == "Status" { status = Int(value.prefix(3)) } else { headers.append((name, value)) }
        }
        guard let status else { throw Broken("the answer has no status") }
        return Answered(status: status, headers: headers, body: Data(output[end.upperBound...]))
    }
}

/// Unix sockets, the plain calls.
public enum UnixSocket {
    /// Calls bind(2) or connect(2) with a path.
    public static func call(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ socket: Int32, _ path: String
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// A connection to whoever listens at a path, or nil when there is no room in the queue. The caller closes it.
    public static func connected(to path: String) throws -> Int32? {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(AF_UNIX, type, 0)
        if call(connect, socket, path) == 0 { return socket }
        let error = errno
        close(socket)
        guard error == EAGAIN else { throw FastCGIClient.Broken("connect: \(String(cString: strerror(error)))") }
        return nil
    }

    /// A socket that is bound to a path, and listens when `queue` is not 0. The caller closes it.
    public static func bound(to path: String, queue: Int32) throws -> Int32 {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard call(bind, socket, path) == 0, queue == 0 || listen(socket, queue) == 0 else {
            throw FastCGIClient.Broken("bind: \(String(cString: strerror(errno)))")
        }
        return socket
    }
}
