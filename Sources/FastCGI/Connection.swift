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
    let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)
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

    /// Whether no answer will come on this connection any more.
    private(set) var isShut = false
    /// Bytes that have come on it since.
    private var discarded = 0
    /// A peer that still sends more than this is not waited for.
    private static let patience = 64 << 20

    func shut() {
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

    /// Whether something can be read, be it the connection's end.
    var isReadable: Bool {
        var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&readable, 1, 0) != 0
    }

    /// Tells the web server that no answer will come on this idle connection any more, so that it closes it.
    /// One on which a request has come already is left alone.
    func retire() {
        if !isShut, !isReadable { shut() }
    }
}
