internal import CFCGI
internal import Glibc

extension Connection {
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
    func finish(keep: Bool, isRead: Bool) {
        request.pointee.keepConnection = 1
        FCGX_Finish_r(request)
        if descriptor >= 0, !keep || !isRead { shut() }
    }

    private func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            _ = FCGX_PutStr(
                buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: buffer.count),
                request.pointee.out)
        }
    }

    /// libfcgi makes records of this many bytes.
    static let recordBuffer = 8192
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
}
