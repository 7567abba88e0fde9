internal import CFCGI
internal import CLinux
internal import Glibc
internal import HTTPTypes
internal import Threads

/// One connection of the web server's, with the request that is on it at the moment.
///
/// Unchecked: one thread has it at a time. epoll hands it to one (EPOLLONESHOT), that one may hand it on, and the last
/// gives it back to epoll.
final class Connection: @unchecked Sendable {
    private let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)
    /// Tells connections apart that have had the same descriptor.
    let serial: UInt32

    /// Reads and writes on a silent connection end after this many seconds.
    private static let timeout = 10

    /// - Parameter descriptor: an accepted connection, which this one owns from now on.
    init(_ descriptor: Int32, serial: UInt32) {
        self.serial = serial
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

    /// Whether nothing has come on it yet.
    private(set) var isNew = true

    /// Negative when the connection is closed.
    var descriptor: Int32 { request.pointee.ipcFd }

    /// Takes the next request off a connection that is readable.
    ///
    /// - Returns: false when there is none, or none that can be answered.
    func receive() -> Bool {
        isNew = false
        guard FCGX_Accept_r(request) >= 0 else { return false }
        // libfcgi delivers a request that broke off among its parameters as if it were whole.
        guard FCGX_GetError(request.pointee.in) == 0 else {
            finish(keep: false, isRead: false)
            return false
        }
        return true
    }

    /// A GET of which nothing counts but its target, If-None-Match, Accept-Encoding and who asks.
    struct PlainGet {
        let target: String
        let ifNoneMatch: String?
        let acceptEncoding: String?
        let takesFiles: Bool
        let isAuthorized: Bool
        let id: RequestID
    }

    /// The request, when it is such a one.
    var plainGet: PlainGet? {
        var isGet = false
        var target: String?
        var ifNoneMatch: String?
        var acceptEncoding: String?
        var takesFiles = false
        var isAuthorized = false
        var ownID: String?
        var headerID: String?
        var next = request.pointee.envp
        while let variable = next?.pointee {
            next = next?.successor()
            switch UInt8(bitPattern: variable.pointee) {
            case UInt8(ascii: "R"):
                if strncmp(variable, "REQUEST_URI=", 12) == 0 {
                    target = String(cString: variable + 12)
                } else if strncmp(variable, "REQUEST_METHOD=", 15) == 0 {
                    isGet = strcmp(variable + 15, "GET") == 0
                } else if strncmp(variable, "REQUEST_ID=", 11) == 0 {
                    ownID = String(cString: variable + 11)
                }
            // Not the origin, nor whatever else there may be one day.
            case UInt8(ascii: "H") where strncmp(variable, "HTTP_", 5) == 0:
                if strncmp(variable, "HTTP_IF_NONE_MATCH=", 19) == 0 {
                    ifNoneMatch = String(cString: variable + 19)
                } else if strncmp(variable, "HTTP_ACCEPT_ENCODING=", 21) == 0 {
                    acceptEncoding = String(cString: variable + 21)
                } else if strncmp(variable, "HTTP_AUTHORIZATION=", 19) == 0 {
                    isAuthorized = true
                } else if strncmp(variable, "HTTP_X_REQUEST_ID=", 18) == 0 {
                    headerID = String(cString: variable + 18)
                } else if strncmp(variable, "HTTP_HOST=", 10) != 0 {
                    return nil
                }
            case UInt8(ascii: "L") where strncmp(variable, "LARGE_ANSWERS=", 14) == 0:
                takesFiles = true
            case UInt8(ascii: "C") where strncmp(variable, "CONTENT_LENGTH=", 15) == 0: return nil
            default: break
            }
        }
        guard isGet, let target else { return nil }
        return PlainGet(
            target: target, ifNoneMatch: ifNoneMatch, acceptEncoding: acceptEncoding, takesFiles: takesFiles,
            isAuthorized: isAuthorized, id: RequestID(own: ownID, header: headerID))
    }

    /// What the request that has been received is called.
    var requestID: RequestID {
        RequestID(own: variable(RequestID.variable), header: variable(RequestID.headerVariable))
    }

    /// Where the web server, nginx, wants an answer 401 sent by X-Accel-Redirect, so that it can count them. It is no
    /// HTTP_* variable: no client can set it.
    var unauthorizedLocation: String? { variable("UNAUTHORIZED_LOCATION") }

    /// Where the web server takes large answers as files. Others than nginx do not follow X-Accel-Redirect, so none is
    /// sent to who does not ask for it.
    private var largeAnswers: String? { variable("LARGE_ANSWERS") }

    private func variable(_ name: String) -> String? {
        Variables(request.pointee.envp).first { $0.name == name }?.value
    }

    /// Reads the request that has been received.
    ///
    /// - Parameter bodyLimit: bytes that the body of such a request may have; a longer one is not read.
    func read(bodyLimit: (HTTPRequest) -> Int) -> Result<Request, RequestError> {
        let received = Uptime.now()
        return Result { () throws(RequestError) in
            let head = try HTTPRequest(meta: Variables(request.pointee.envp))
            let limit = bodyLimit(head)
            guard let length = try head.announcedLength else {
                return request(head, try readToEnd(limit: limit), received)
            }
            guard length <= limit else { throw .bodyTooLarge(limit: limit) }
            return request(head, try readBody(length), received)
        }
    }

    private func request(_ head: HTTPRequest, _ body: [UInt8], _ received: Int) -> Request {
        Request(
            head, body: body, largeAnswers: largeAnswers, id: requestID,
            isForwarded: variable("REMOTE_ADDR") != nil, received: received)
    }

    private func readToEnd(limit: Int) throws(RequestError) -> [UInt8] {
        var body: [UInt8] = []
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.recordBuffer) { buffer in
            while body.count <= limit {
                let count = Int(FCGX_GetStr(buffer.baseAddress, Int32(buffer.count), request.pointee.in))
                guard count > 0 else { return }
                body.append(contentsOf: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            }
        }
        guard body.count <= limit else { throw .bodyTooLarge(limit: limit) }
        // The connection may have ended before the record that ends the body.
        guard FCGX_GetError(request.pointee.in) == 0 else { throw .bodyCutOff }
        return body
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
        send([response.head, isHead ? [] : response.body], keep: keep)
    }

    /// Sends what makes an answer, header first, and ends the request.
    func send(_ parts: [[UInt8]], keep: Bool) {
        guard keep else { return sendLast(parts) }
        if parts.reduce(0, { $0 + $1.count }) <= Self.recordBuffer {
            for part in parts { put(part) }
        } else if !putRecords(parts) {
            return finish(keep: false, isRead: false)
        }
        // What is left of the request would be taken for the beginning of the next one.
        finish(keep: request.pointee.keepConnection != 0, isRead: drain())
    }

    /// Sends what makes an answer and ends the connection.
    ///
    /// Between the end of a request and that of its connection nginx could take the connection for the next request, and
    /// that would be lost. So something follows the first in the same piece: then nginx does not keep the connection.
    private func sendLast(_ parts: [[UInt8]]) {
        if putRecords(parts) {
            let id = UInt16(truncatingIfNeeded: request.pointee.requestId)
            let (high, low) = (UInt8(id >> 8), UInt8(id & 255))
            let version = UInt8(FCGI_VERSION_1)
            let end: [UInt8] = [
                version, UInt8(FCGI_STDOUT), high, low, 0, 0, 0, 0,
                version, UInt8(FCGI_END_REQUEST), high, low, 0, 8, 0, 0,
                0, 0, 0, 0, UInt8(FCGI_REQUEST_COMPLETE), 0, 0, 0,
                // A record about no request, which the web server has to leave out (FastCGI specification, 4.2).
                version, UInt8(FCGI_UNKNOWN_TYPE), 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ]
            _ = end.withUnsafeBytes { write($0, UnsafeRawBufferPointer(start: nil, count: 0)) }
        }
        FCGX_Free(request, 0)
        shut()
    }

    /// Ends a request.
    ///
    /// libfcgi would close the connection itself, and then wait up to two seconds for the peer to do so too, with the
    /// thread that all others need. So it is only shut down here, and closed when epoll tells that the peer has.
    private func finish(keep: Bool, isRead: Bool) {
        request.pointee.keepConnection = 1
        FCGX_Finish_r(request)
        if descriptor >= 0, !keep || !isRead { shut() }
    }

    /// Whether no answer will come on this connection any more.
    private(set) var isShut = false
    /// Bytes that have come on it since.
    private var discarded = 0
    /// A peer that still sends more than this is not waited for.
    private static let patience = 64 << 20

    private func shut() {
        isShut = true
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Reads what comes on a connection that is shut. A request among it is not carried out: it could not be answered.
    ///
    /// - Returns: false when the peer has closed the connection too, or has to.
    func discard() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
            while discarded < Self.patience {
                let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EAGAIN { return true }
                guard count > 0 else { break }
                discarded += count
            }
            // What libfcgi waits for when it closes has come then.
            shutdown(descriptor, Int32(SHUT_RDWR))
            return false
        }
    }

    private func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            _ = FCGX_PutStr(
                buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: buffer.count),
                request.pointee.out)
        }
    }

    /// libfcgi makes records of this many bytes.
    private static let recordBuffer = 8192
    /// The most that a record holds (FastCGI specification, 3.3), and still a multiple of 8, so that it needs no padding.
    private static let longestRecord = 65_528

    /// Writes FCGI_STDOUT records as long as they may be, which takes an eighth of the records and none of the copies.
    ///
    /// - Returns: false when the connection is broken.
    private func putRecords(_ parts: [[UInt8]]) -> Bool {
        let id = UInt16(truncatingIfNeeded: request.pointee.requestId)
        for part in parts {
            var isWhole = true
            part.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while isWhole, !rest.isEmpty {
                    let content = rest.prefix(Self.longestRecord)
                    rest = rest.dropFirst(content.count)
                    let length = UInt16(truncatingIfNeeded: content.count)
                    let header: [UInt8] = [
                        UInt8(FCGI_VERSION_1), UInt8(FCGI_STDOUT), UInt8(id >> 8), UInt8(id & 255),
                        UInt8(length >> 8), UInt8(length & 255), 0, 0,
                    ]
                    isWhole = header.withUnsafeBytes { write($0, UnsafeRawBufferPointer(rebasing: content)) }
                }
            }
            guard isWhole else { return false }
        }
        return true
    }

    private func write(_ header: UnsafeRawBufferPointer, _ content: UnsafeRawBufferPointer) -> Bool {
        var written = 0
        while written < header.count + content.count {
            let head = header.dropFirst(written)
            let body = content.dropFirst(max(0, written - header.count))
            var pieces = [
                iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: UnsafeRawBufferPointer(rebasing: head).baseAddress),
                    iov_len: head.count),
                iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: UnsafeRawBufferPointer(rebasing: body).baseAddress),
                    iov_len: body.count),
            ]
            let count = writev(descriptor, &pieces, 2)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// Whether something can be read, be it the connection's end.
    var isReadable: Bool {
        var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&readable, 1, 0) != 0
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
        if !isShut, !isReadable { shut() }
    }
}

/// The environment of a request: an array of `NAME=VALUE`, ended by nil.
struct Variables: Sequence, IteratorProtocol {
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
