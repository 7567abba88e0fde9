internal import CLinux
internal import Glibc
internal import HTTPTypes
public import Logging
internal import Synchronization
internal import Threads

/// A FastCGI responder: takes the web server's connections and hands their requests to a ``Responder``.
///
/// A thread of libfcgi's own that serves a kept connection waits on it and accepts nothing meanwhile, so that a few kept
/// connections starve all others. Here epoll watches the connections, and a thread enters libfcgi only when one is readable.
public final class Server: Sendable {
    private let socket: ListeningSocket
    private let responder: any Responder
    private let bodyLimit: Int
    private let threads: Int
    private let logger: Logger

    private let epoll: Int32
    /// Readable when the threads are to end.
    private let end: Int32
    private let lane: WaitingLane
    private let isStopping = Atomic(false)
    private let connections = Monitor(Connections())

    private struct Connections: Sendable {
        /// By descriptor; those that no thread has at the moment.
        var idle: [Connection?] = []
        var open = 0
    }

    /// - Parameters:
    ///   - bodyLimit: bytes that a request's body may have.
    ///   - threads: for requests that wait for nothing; nil: one a processor, 2 at the least.
    ///   - waitingThreads: for requests that may wait for the disk, at the most.
    public init(
        _ socket: ListeningSocket, responder: any Responder, bodyLimit: Int, threads: Int? = nil,
        waitingThreads: Int = 32, logger: Logger
    ) {
        self.socket = socket
        self.responder = responder
        self.bodyLimit = bodyLimit
        self.threads = threads ?? max(2, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        self.logger = logger
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        end = eventfd(0, Int32(EFD_CLOEXEC))
        lane = WaitingLane(threads: waitingThreads, queue: 1024)
    }

    /// Starts to serve, and returns.
    ///
    /// - Throws: ``ThreadError`` when the system has no threads to give.
    public func start() throws {
        FCGX.initialize()
        watch(socket.number, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue, EPOLL_CTL_ADD)
        watch(end, EPOLLIN.rawValue, EPOLL_CTL_ADD)
        for number in 1...threads { try Thread("request \(number)") { [self] in work() }.detach() }
    }

    /// Stops accepting, finishes what is in flight, and closes the connections.
    ///
    /// - Parameter timeout: how long at the most.
    public func stop(within timeout: Duration) {
        let deadline = ContinuousClock.now + timeout
        isStopping.store(true, ordering: .sequentiallyConsistent)
        // Without a name nobody new comes; who is in the queue already is still served.
        socket.removeFile()
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket.number, nil)
        if socket.hasFile { acceptAll() }
        // Under load every connection is soon used once more, and closed after that answer. What is idle for longer than
        // this is closed by asking the web server to.
        _ = connections.wait(timeout: min(timeout, .milliseconds(250))) { $0.open == 0 ? true : nil }
        connections.update { connections in
            for connection in connections.idle { connection?.retire() }
        }
        let left = connections.wait(timeout: max(.zero, deadline - .now)) { $0.open == 0 ? true : nil }
        if left == nil { logger.warning("connections were left when the time was up") }
        var one: UInt64 = 1
        write(end, &one, MemoryLayout<UInt64>.size)
    }

    private func work() {
        var event = epoll_event()
        while true {
            guard epoll_wait(epoll, &event, 1, -1) > 0 else {
                if errno == EINTR { continue }
                logger.critical("epoll_wait failed", metadata: ["reason": "\(String(cString: strerror(errno)))"])
                return
            }
            switch event.data.fd {
            case end: return
            case socket.number: acceptAll()
            case let descriptor: serve(descriptor)
            }
        }
    }

    private func acceptAll() {
        while let descriptor = socket.accept() {
            connections.update { $0.open += 1 }
            rest(Connection(descriptor), EPOLL_CTL_ADD)
        }
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) {
            // The connections stay in the kernel's queue; without a pause this would ask for them without end.
            logger.error("no connection can be accepted", metadata: ["reason": "\(String(cString: strerror(errno)))"])
            usleep(10_000)
        }
    }

    private func serve(_ descriptor: Int32) {
        let taken: Connection? = connections.updateOne { connections in
            let place = Int(descriptor)
            guard place >= 0, place < connections.idle.count else { return nil }
            defer { connections.idle[place] = nil }
            return connections.idle[place]
        }
        guard let connection = taken else { return }
        switch connection.receive(bodyLimit: bodyLimit) {
        case nil: connections.update { $0.open -= 1 }
        case .failure(let error): send(responder.respond(to: error), on: connection, keep: false)
        case .success(let request):
            guard responder.mayWait(request) else { return answer(request, on: connection) }
            if !lane.add({ [self] in answer(request, on: connection) }) {
                send(responder.respond(to: .overloaded), on: connection, isHead: request.head.method == .head)
            }
        }
    }

    private func answer(_ request: Request, on connection: Connection) {
        send(responder.respond(to: request), on: connection, isHead: request.head.method == .head)
    }

    private func send(_ response: Response, on connection: Connection, isHead: Bool = false, keep: Bool = true) {
        connection.send(response, isHead: isHead, keep: keep && !isStopping.load(ordering: .relaxed))
        if connection.descriptor >= 0 {
            rest(connection, EPOLL_CTL_MOD)
        } else {
            connections.update { $0.open -= 1 }
        }
    }

    /// Leaves a connection to epoll until its next request comes.
    private func rest(_ connection: Connection, _ operation: Int32) {
        let descriptor = connection.descriptor
        connections.updateOne { connections in
            let place = Int(descriptor)
            while connections.idle.count <= place { connections.idle.append(nil) }
            connections.idle[place] = connection
        }
        if isStopping.load(ordering: .sequentiallyConsistent) { connection.retire() }
        watch(descriptor, EPOLLIN.rawValue | EPOLLONESHOT.rawValue, operation)
    }

    private func watch(_ descriptor: Int32, _ events: UInt32, _ operation: Int32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = descriptor
        epoll_ctl(epoll, operation, descriptor, &event)
    }
}
