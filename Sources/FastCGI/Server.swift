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
    private let threads: Int
    private let waitingTime: Duration
    private let logger: Logger

    private let epoll: Int32
    /// Readable when the threads are to end.
    private let end: Int32
    private let lane: BlockingPool
    /// For requests with large bodies. A body takes many times its size when it is read, so few are read at once: whatever
    /// comes, the memory that bodies take is bounded, and small ones do not wait behind them.
    private let largeLane = BlockingPool(threads: 2, queue: 32)
    /// Bytes.
    private static let largeBody = 64 << 10
    /// Whether each connection is closed after its next answer.
    private let isStopping = Atomic(false)
    /// Whether one that is idle is, too.
    private let isRetiring = Atomic(false)
    private let connections = Monitor(Connections())

    private struct Connections: Sendable {
        /// By descriptor.
        var places: [Place] = []
        var open = 0
        var serial: UInt32 = 0

        /// Whether a connection is open that is not younger than another.
        func hasAny(upTo last: UInt32) -> Bool {
            places.contains { place in
                switch place {
                case .none: false
                case .idle(let connection), .busy(let connection, _): connection.serial <= last
                }
            }
        }
    }

    private enum Place: Sendable {
        case none
        case idle(Connection)
        /// A thread has it; whether something has come meanwhile.
        case busy(Connection, isReadable: Bool)
    }

    /// - Parameters:
    ///   - threads: for requests that wait for nothing; nil: one for two processors, as the web server needs the other.
    ///   - waitingThreads: for requests that may wait for the disk, at most.
    ///   - waitingRoom: how many of those may wait for a thread.
    ///   - waitingTime: who has waited longer than this for one of those is refused.
    /// - Throws: ``ServerError`` when the system has no descriptors to give.
    public init(
        _ socket: ListeningSocket, responder: any Responder, threads: Int? = nil,
        waitingThreads: Int = 32, waitingRoom: Int = 1024, waitingTime: Duration = .seconds(2), logger: Logger
    ) throws(ServerError) {
        self.socket = socket
        self.responder = responder
        self.threads = threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
        self.waitingTime = waitingTime
        self.logger = logger
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw ServerError("epoll_create1") }
        end = eventfd(0, Int32(EFD_CLOEXEC))
        guard end >= 0 else { throw ServerError("eventfd") }
        lane = BlockingPool(threads: waitingThreads, queue: waitingRoom)
    }

    /// Starts to serve, and returns.
    ///
    /// - Throws: ``ThreadError`` when the system has no threads to give, ``ServerError`` when it watches no more descriptors.
    public func start() throws {
        FCGX.initialize()
        guard watch(socket.number, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue), watch(end, EPOLLIN.rawValue) else {
            throw ServerError("epoll_ctl")
        }
        try checkRoom()
        for number in 1...threads { try Thread("request \(number)") { [self] in work() }.detach() }
    }

    /// Sees that there is room for a few connections and files, for to say that all is ready and then to serve nobody would
    /// help nobody.
    private func checkRoom() throws(ServerError) {
        var spare: [Int32] = []
        defer { for descriptor in spare { close(descriptor) } }
        while spare.count < 16 {
            let descriptor = fcntl(end, F_DUPFD_CLOEXEC, 0)
            guard descriptor >= 0 else { throw ServerError("fcntl") }
            spare.append(descriptor)
        }
    }

    /// Finishes what is in flight, closes the connections, and accepts no more.
    ///
    /// - Parameter timeout: how long at most.
    public func stop(within timeout: Duration) {
        let deadline = ContinuousClock.now + timeout
        isStopping.store(true, ordering: .sequentiallyConsistent)
        // Without a name nobody new comes. Where another process has the name, somebody may just be on the way here who
        // looked it up before.
        if socket.removeFile() { usleep(100_000) }
        // From now on every connection is closed after its next answer. The web server closes by itself what it has no use
        // for, and that is better left to it: a request that comes while this side closes would be lost. New connections
        // are served meanwhile.
        let last = connections.update { $0.serial }
        _ = connections.wait(timeout: min(timeout, Self.patience)) { $0.hasAny(upTo: last) ? nil : true }
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket.number, nil)
        if socket.hasFile {
            socket.close()
            acceptAll()
        }
        // On one that is new, the first request is on its way.
        retire { !$0.isNew }
        _ = connections.wait(timeout: min(max(.zero, deadline - .now), .seconds(1))) { $0.open == 0 ? true : nil }
        isRetiring.store(true, ordering: .sequentiallyConsistent)
        retire { _ in true }
        let left = connections.wait(timeout: max(.zero, deadline - .now)) { $0.open == 0 ? true : nil }
        if left == nil { logger.warning("connections were left when the time was up") }
        var one: UInt64 = 1
        write(end, &one, MemoryLayout<UInt64>.size)
    }

    private func retire(_ isMeant: (Connection) -> Bool) {
        connections.update { connections in
            for case .idle(let connection) in connections.places where isMeant(connection) { connection.retire() }
        }
    }

    /// How long the web server may keep a connection that it does not use: `keepalive_timeout` in campaigns-http.conf is a
    /// second, and a little more.
    private static let patience = Duration.milliseconds(1300)

    private func work() {
        var event = epoll_event()
        while true {
            guard epoll_wait(epoll, &event, 1, -1) > 0 else {
                if errno == EINTR { continue }
                logger.critical("epoll_wait failed", metadata: ["reason": "\(String(cString: strerror(errno)))"])
                return
            }
            switch Int32(truncatingIfNeeded: event.data.u64) {
            case end: return
            case socket.number: acceptAll()
            case let descriptor: serve(descriptor, serial: UInt32(truncatingIfNeeded: event.data.u64 >> 32))
            }
        }
    }

    private func acceptAll() {
        while let descriptor = socket.accept() {
            let connection = connections.update { connections in
                connections.open += 1
                connections.serial &+= 1
                let connection = Connection(descriptor, serial: connections.serial)
                let place = Int(descriptor)
                while connections.places.count <= place { connections.places.append(.none) }
                connections.places[place] = .idle(connection)
                return connection
            }
            // Told once when something comes. What comes while a thread has the connection is kept in `busy`.
            if !watch(descriptor, EPOLLIN.rawValue | EPOLLET.rawValue, serial: connection.serial) {
                logger.error("a connection is refused", metadata: ["reason": "\(String(cString: strerror(errno)))"])
                connections.update { connections in
                    connections.open -= 1
                    connections.places[Int(descriptor)] = .none
                }
            }
        }
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) {
            // The connections stay in the kernel's queue; without a pause this would ask for them without end.
            logger.error("no connection can be accepted", metadata: ["reason": "\(String(cString: strerror(errno)))"])
            usleep(10_000)
        }
    }

    /// Serves a connection on which something has come, unless a thread has it already: then that one will.
    ///
    /// - Parameter serial: whose event it is; the descriptor may be another connection's by now.
    private func serve(_ descriptor: Int32, serial: UInt32) {
        let place = Int(descriptor)
        let taken: Connection? = connections.updateOne { connections in
            guard connections.places.indices.contains(place) else { return nil }
            switch connections.places[place] {
            case .busy(let connection, _) where connection.serial == serial:
                connections.places[place] = .busy(connection, isReadable: true)
                return nil
            case .idle(let connection) where connection.serial == serial:
                connections.places[place] = .busy(connection, isReadable: false)
                return connection
            default: return nil
            }
        }
        if let taken { serve(taken, place) }
    }

    private func serve(_ connection: Connection, _ place: Int) {
        while serveOnce(connection, place) {}
    }

    /// - Returns: whether something has come on the connection since, which the caller has to serve too.
    private func serveOnce(_ connection: Connection, _ place: Int) -> Bool {
        if connection.isShut {
            if connection.discard() { return rest(connection, place) }
            forget(connection, place)
            return false
        }
        guard connection.receive() else { return rest(connection, place) }
        var known: (any Endpoint)?
        var mayBeAtOnce = true
        if let (request, id) = connection.plainGet {
            switch responder.readyAnswer(to: request, connection.variable) {
            case .parts(let parts):
                connection.send(id.naming(parts), keep: !isStopping.load(ordering: .relaxed))
                return rest(connection, place)
            case .notReady(let endpoint, let isToBeTried): (known, mayBeAtOnce) = (endpoint, isToBeTried)
            }
        }
        switch connection.read(known, responder) {
        case .failure(let error):
            connection.send(
                responder.respond(to: error).naming(connection.requestID), isHead: false, keep: false)
        case .success(let (request, endpoint)):
            if mayBeAtOnce, let response = endpoint.respondAtOnce(to: request) {
                send(response, to: request, on: connection)
                return rest(connection, place)
            }
            let isLarge = request.body.count > Self.largeBody
            let deadline = ContinuousClock.now + waitingTime
            let isAdded = (isLarge ? largeLane : lane).add { [self] in
                if ContinuousClock.now < deadline {
                    send(endpoint.respond(to: request), to: request, on: connection)
                } else {
                    refuse(connection)
                }
                // Otherwise much of what reading it took would stay with this thread's part of the heap.
                if isLarge { malloc_trim(0) }
                if rest(connection, place) { serve(connection, place) }
            }
            if isAdded { return false }
            refuse(connection)
        }
        return rest(connection, place)
    }

    private func refuse(_ connection: Connection) {
        connection.send(
            responder.respond(to: .overloaded).naming(connection.requestID), isHead: false,
            keep: !isStopping.load(ordering: .relaxed))
    }

    private func send(_ response: Response, to request: Request, on connection: Connection) {
        connection.send(
            response.naming(request.id), isHead: request.head.method == .head,
            keep: !isStopping.load(ordering: .relaxed))
    }

    /// Leaves a connection alone until its next request comes.
    ///
    /// - Returns: whether that has happened already; then it is still the caller's.
    private func rest(_ connection: Connection, _ place: Int) -> Bool {
        guard connection.descriptor >= 0 else {
            forget(connection, place)
            return false
        }
        while true {
            let mayBeReadable = connections.updateOne { connections in
                guard case .busy(_, isReadable: true) = connections.places[place] else {
                    connections.places[place] = .idle(connection)
                    // Before anybody else can take it.
                    if isRetiring.load(ordering: .sequentiallyConsistent) { connection.retire() }
                    return false
                }
                connections.places[place] = .busy(connection, isReadable: false)
                return true
            }
            guard mayBeReadable else { return false }
            // What came may also have been the rest of the request that has just been answered.
            if connection.isReadable { return true }
        }
    }

    /// Lets go of a connection that is closed. Its descriptor may be another connection's by now.
    private func forget(_ connection: Connection, _ place: Int) {
        connections.update { connections in
            connections.open -= 1
            if case .busy(let holder, _) = connections.places[place], holder === connection {
                connections.places[place] = .none
            }
        }
    }

    private func watch(_ descriptor: Int32, _ events: UInt32, serial: UInt32 = 0) -> Bool {
        var event = epoll_event()
        event.events = events
        event.data.u64 = UInt64(serial) << 32 | UInt64(UInt32(bitPattern: descriptor))
        return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0
    }
}

/// What a server needs of the system, and has not got.
public struct ServerError: Error, CustomStringConvertible {
    public let description: String

    /// - Parameter call: the system call that has just failed.
    init(_ call: String) {
        description = "\(call): \(String(cString: strerror(errno)))"
    }
}
