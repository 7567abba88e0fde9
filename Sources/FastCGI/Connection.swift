internal import CFCGI
internal import CLinux
internal import Glibc
internal import HTTPTypes

/// One connection of the web server's, with the request that is on it at the moment.
///
/// Unchecked: one thread has it at a time. epoll hands it to one (EPOLLONESHOT), that one may hand it on, and the last
/// gives it back to epoll.
final class Connection: @unchecked Sendable {
    private let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)

    /// Reads and writes on a silent connection end after this many seconds.
    private static let timeout = 10

    /// - Parameter descriptor: an accepted connection, which this one owns from now on.
    init(_ descriptor: Int32) {
        var timeout = timeval(tv_sec: Self.timeout, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        // Listening socket -1: FCGX_Accept_r serves this connection and can never block in accept.
        FCGX_InitRequest(request, -1, FCGI_FAIL_ACCEPT_ON_INTR)
        request.pointee.ipcFd = descriptor
        // Without it the first FCGX_Accept_r closes the connection as one that is done with.
        request.pointee.keepConnection = 1
    }

    deinit {
        FCGX_Free(request, 1)
        request.deallocate()
    }

    /// Negative when the connection is closed.
    var descriptor: Int32 { request.pointee.ipcFd }

    /// Takes the next request off a connection that is readable.
    ///
    /// - Parameter bodyLimit: bytes; a longer body is not read.
    /// - Returns: the request or what is wrong with it, or nil when the connection has ended.
    func receive(bodyLimit: Int) -> Result<Request, RequestError>? {
        guard FCGX_Accept_r(request) >= 0 else { return nil }
        // libfcgi delivers a request that broke off among its parameters as if it were whole.
        guard FCGX_GetError(request.pointee.in) == 0 else {
            abandon()
            return nil
        }
        return Result { () throws(RequestError) in
            let head = try HTTPRequest(meta: Variables(request.pointee.envp))
            let length = try head.announcedLength
            guard length <= bodyLimit else { throw .bodyTooLarge(limit: bodyLimit) }
            return Request(head, body: try readBody(length))
        }
    }

    private func readBody(_ length: Int) throws(RequestError) -> [UInt8] {
        guard length > 0 else { return [] }
        let body = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) { room in
                count = max(0, Int(FCGX_GetStr(room.baseAddress, Int32(clamping: length), request.pointee.in)))
            }
        }
        guard body.count == length else { throw .bodyCutOff }
        return body
    }

    /// Sends the answer and ends the request.
    ///
    /// - Parameter keep: whether the connection may stay open, if the web server wants that too.
    func send(_ response: Response, isHead: Bool, keep: Bool) {
        put(response.head)
        if !isHead { put(response.body) }
        // What is left of the request would be taken for the beginning of the next one.
        if !keep || !drain() { request.pointee.keepConnection = 0 }
        FCGX_Finish_r(request)
    }

    /// Ends a request that cannot be answered, and its connection.
    private func abandon() {
        request.pointee.keepConnection = 0
        FCGX_Finish_r(request)
    }

    private func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            _ = FCGX_PutStr(
                buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: buffer.count),
                request.pointee.out)
        }
    }

    /// Reads on to the end of the request.
    ///
    /// - Returns: false when it is not near, or the connection is broken.
    private func drain() -> Bool {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 8192) { buffer in
            for _ in 0..<16 {
                let count = FCGX_GetStr(buffer.baseAddress, Int32(buffer.count), request.pointee.in)
                if count < buffer.count { return FCGX_GetError(request.pointee.in) == 0 }
            }
            return false
        }
    }

    /// Tells the web server that no answer will come on this idle connection any more, so that it closes it.
    /// One on which a request has come already is left alone.
    func retire() {
        var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&readable, 1, 0) == 0 else { return }
        shutdown(descriptor, Int32(SHUT_WR))
    }
}

/// The environment of a request: an array of `NAME=VALUE`, ended by nil.
private struct Variables: Sequence, IteratorProtocol {
    private var place: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

    init(_ first: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) {
        place = first
    }

    mutating func next() -> (name: String, value: String)? {
        while let variable = place?.pointee {
            place = place?.successor()
            guard let equals = strchr(variable, Int32(UInt8(ascii: "="))) else { continue }
            let name = UnsafeRawBufferPointer(start: variable, count: equals - variable)
            return (String(decoding: name, as: UTF8.self), String(cString: equals + 1))
        }
        return nil
    }
}
