import FastCGI
import Foundation
import HTTPTypes
import Logging
import Synchronization
import TestSupport
import Testing

/// Answers by the path: what a test needs of a responder, and nothing more.
private final class Echo: Responder {
    private struct Gates {
        var entered = 0
        var isOpen = false
    }

    private let limit: Int
    private let gates = Mutex(Gates())
    private let change = NSCondition()

    init(bodyLimit: Int) {
        limit = bodyLimit
    }

    var variables: [String] { ["LARGE_ANSWERS"] }

    func endpoint(for head: HTTPRequest) -> any Endpoint { Place(echo: self, path: head.path ?? "") }

    private struct Place: Endpoint {
        let echo: Echo
        let path: String

        /// `/roomy` takes twice as much.
        var bodyLimit: Int { path == "/roomy" ? 2 * echo.limit : echo.limit }

        func respondAtOnce(to request: Request) -> Response? {
            path.hasPrefix("/wait") ? nil : echo.respond(to: request)
        }

        func respond(to request: Request) -> Response { echo.respond(to: request) }
    }

    func respond(to request: Request) -> Response {
        switch request.head.path {
        case "/large": return Response(.ok, body: Self.large)
        case "/files": return text(request.variables["LARGE_ANSWERS"] ?? "none")
        case "/empty": return Response(.noContent)
        case "/wait/gate", "/gate":
            change.lock()
            gates.withLock { $0.entered += 1 }
            change.broadcast()
            while !gates.withLock({ $0.isOpen }) { change.wait() }
            change.unlock()
            return text("through")
        default:
            return text(
                "\(request.head.method.rawValue) \(request.head.path ?? "") \(request.body.count) \(checksum(request.body))"
            )
        }
    }

    func respond(to error: RequestError) -> Response {
        switch error {
        case .bodyTooLarge: Response(.contentTooLarge, body: Array("\(error)".utf8))
        case .overloaded: Response(.serviceUnavailable, body: Array("\(error)".utf8))
        case .badVariable, .bodyCutOff: Response(.badRequest, body: Array("\(error)".utf8))
        }
    }

    /// Waits until so many requests stand at the gate.
    func waitForEntered(_ count: Int) {
        change.lock()
        while gates.withLock({ $0.entered }) < count { change.wait() }
        change.unlock()
    }

    var entered: Int { gates.withLock { $0.entered } }

    func open() {
        change.lock()
        gates.withLock { $0.isOpen = true }
        change.broadcast()
        change.unlock()
    }

    private func text(_ text: String) -> Response {
        let body = Array(text.utf8)
        return Response(.ok, headerFields: [.contentType: "text/plain", .contentLength: "\(body.count)"], body: body)
    }

    static let large = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

private func checksum(_ bytes: [UInt8]) -> Int {
    bytes.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }
}

/// A server on a unix socket of its own.
private final class Live {
    let path: String
    let echo: Echo
    let server: Server
    private let folder: TemporaryFolder
    private var isStopped = false

    init(
        threads: Int = 2, waitingThreads: Int = 4, waitingRoom: Int = 1024, waitingTime: Duration = .seconds(60),
        bodyLimit: Int = 100_000
    ) throws {
        folder = try TemporaryFolder()
        path = folder.path + "/s"
        echo = Echo(bodyLimit: bodyLimit)
        server = try Server(
            try ListeningSocket(path: path), responder: echo, threads: threads,
            waitingThreads: waitingThreads, waitingRoom: waitingRoom, waitingTime: waitingTime,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try server.start()
    }

    deinit {
        echo.open()
        if !isStopped { server.stop(within: .seconds(2)) }
    }

    func client() throws -> FastCGIClient { try FastCGIClient(path) }

    @discardableResult
    func stop(within time: Duration) -> Duration {
        isStopped = true
        return ContinuousClock().measure { server.stop(within: time) }
    }
}

private func text(_ answered: Answered) -> String { String(decoding: answered.body, as: UTF8.self) }

private func variables(_ method: String, _ path: String, length: String? = nil) -> [(name: String, value: String)] {
    [("REQUEST_METHOD", method), ("REQUEST_URI", path)] + (length.map { [("CONTENT_LENGTH", $0)] } ?? [])
}

// MARK: Requests

@Test("a request is answered with status, headers and body")
func answer() throws {
    let live = try Live()
    let answered = try live.client().ask(Asked("GET", "/a?b"))
    #expect(answered.status == 200)
    #expect(answered.header("Content-Type") == "text/plain")
    #expect(text(answered) == "GET /a?b 0 0")
}

@Test("an answer without a body has none")
func noBody() throws {
    let live = try Live()
    let answered = try live.client().ask(Asked("GET", "/empty"))
    #expect(answered.status == 204)
    #expect(answered.body.isEmpty)
}

@Test("HEAD is answered with the headers of GET, and without a body")
func head() throws {
    let live = try Live()
    let client = try live.client()
    let answered = try client.ask(Asked("HEAD", "/a"))
    #expect(answered.header("Content-Length") == "\("HEAD /a 0 0".utf8.count)")
    #expect(answered.body.isEmpty)
    #expect(try text(client.ask(Asked("GET", "/next"))) == "GET /next 0 0")
}

@Test("a connection that is not to be kept is closed after the answer")
func notKept() throws {
    let live = try Live()
    let client = try live.client()
    #expect(try client.ask(Asked("GET", "/"), keep: false).status == 200)
    #expect(client.isAtEnd())
}

@Test("a kept connection takes many requests, of every kind")
func kept() throws {
    let live = try Live()
    let client = try live.client()
    for number in 0..<200 {
        let body = Data(repeating: UInt8(number), count: number * 97 % 30_000)
        let path = "\(number % 3 == 0 ? "/wait" : "")/\(number)"
        let answered = try client.ask(Asked("POST", path, body: body))
        #expect(text(answered) == "POST \(path) \(body.count) \(checksum(Array(body)))")
    }
}

@Test("many more kept connections than threads are all served")
func noStarving() throws {
    let live = try Live(threads: 2)
    let clients = try (0..<64).map { _ in try live.client() }
    for round in 0..<3 {
        for (number, client) in clients.enumerated() {
            #expect(try text(client.ask(Asked("GET", "/\(round)/\(number)"))) == "GET /\(round)/\(number) 0 0")
        }
    }
    #expect(try live.client().ask(Asked("GET", "/new")).status == 200)
}

@Test("a parameter may come in pieces, and in many records")
func pieces() throws {
    let live = try Live()
    let client = try live.client()
    let value = String(repeating: "a", count: 100_000)
    let pairs = FastCGIRecord.pairs(variables("GET", "/" + value))
    try client.send(
        FastCGIRecord.begin(keep: true) + FastCGIRecord.stream(FastCGIRecord.parameters, pairs, pieces: 999)
            + FastCGIRecord.record(FastCGIRecord.parameters) + FastCGIRecord.record(FastCGIRecord.input))
    #expect(try text(client.receive()) == "GET /\(value) 0 0")
}

@Test("a large answer arrives whole")
func large() throws {
    let live = try Live()
    let client = try live.client()
    #expect(try Array(client.ask(Asked("GET", "/large")).body) == Echo.large)
    #expect(try client.ask(Asked("GET", "/")).status == 200)
}

@Test("a request that makes no sense is an answer, not an end")
func badMethod() throws {
    let live = try Live()
    let answered = try live.client().ask(Asked("G ET", "/"))
    #expect(answered.status == 400)
    #expect(text(answered) == "badVariable(\"REQUEST_METHOD\")")
}

@Test(
    "a CONTENT_LENGTH that is no number is refused",
    arguments: [
        "abc", "-2", "-", "--1", "-01", "+5", "5 5", "5,5", "0x10", "1e3", "5.0", "99999999999999999999",
        "\u{661}",
    ])
func badLength(length: String) throws {
    let live = try Live()
    let client = try live.client()
    try client.send(FastCGIRecord.request(variables("POST", "/", length: length), body: [1], keep: true))
    #expect(try text(client.receive()) == "badVariable(\"CONTENT_LENGTH\")")
}

// MARK: Bodies

@Test("a body of exactly the limit is taken")
func bodyAtLimit() throws {
    let live = try Live(bodyLimit: 70_000)
    let body = Data(repeating: 7, count: 70_000)
    #expect(
        try text(live.client().ask(Asked("POST", "/", body: body))) == "POST / 70000 \(checksum(Array(body)))")
}

@Test("a body over the limit is refused before it is read", arguments: ["70001", "9223372036854775807"])
func bodyOverLimit(length: String) throws {
    let live = try Live(bodyLimit: 70_000)
    let client = try live.client()
    // Nothing of the body is sent: the answer comes all the same.
    try client.send(
        FastCGIRecord.begin(keep: true)
            + FastCGIRecord.stream(
                FastCGIRecord.parameters, FastCGIRecord.pairs(variables("POST", "/", length: length)))
            + FastCGIRecord.record(FastCGIRecord.parameters))
    let answered = try client.receive()
    #expect(answered.status == 413)
    #expect(text(answered) == "bodyTooLarge(limit: 70000)")
}

@Test("a body over the limit that is sent all the same costs only its own connection")
func bodyOverLimitSent() throws {
    let live = try Live(bodyLimit: 1000)
    let client = try live.client()
    #expect(try client.ask(Asked("POST", "/", body: Data(count: 2000))).status == 413)
    client.close()
    #expect(try live.client().ask(Asked("GET", "/")).status == 200)
}

@Test("who is slow to close a connection that the server is done with holds up nobody")
func slowToClose() throws {
    // libfcgi would wait for two seconds, however often this is tried.
    let times = try (0..<3).map { _ in
        let live = try Live(threads: 2, bodyLimit: 1000)
        let slow = try (0..<2).map { _ in try live.client() }
        for client in slow { #expect(try client.ask(Asked("POST", "/", body: Data(count: 2000))).status == 413) }
        let other = try live.client()
        defer { withExtendedLifetime(slow) {} }
        return ContinuousClock().measure { #expect((try? other.ask(Asked("GET", "/")))?.status == 200) }
    }
    #expect(times.contains { $0 < .seconds(1) }, "\(times)")
}

@Test("a body that is shorter than announced is refused")
func bodyCutOff() throws {
    let live = try Live()
    let client = try live.client()
    try client.send(FastCGIRecord.request(variables("POST", "/", length: "10"), body: [1, 2, 3], keep: true))
    let answered = try client.receive()
    #expect(answered.status == 400)
    #expect(text(answered) == "bodyCutOff")
}

@Test("of a body that is longer than announced the rest is passed over", arguments: [4, 8192, 100_000])
func bodyTooLong(length: Int) throws {
    let live = try Live()
    let client = try live.client()
    let body = [UInt8](repeating: 7, count: length)
    try client.send(FastCGIRecord.request(variables("POST", "/", length: "3"), body: body, keep: true))
    #expect(try text(client.receive()) == "POST / 3 \(checksum([7, 7, 7]))")
    #expect(try text(client.ask(Asked("GET", "/next"))) == "GET /next 0 0")
}

@Test(
    "a body of which no length is announced is read to its end", arguments: [nil, "", "-1"],
    [0, 1, 8191, 8192, 8193, 70_000])
func bodyUnannounced(length: String?, count: Int) throws {
    let live = try Live(bodyLimit: 70_000)
    let client = try live.client()
    let body = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    try client.send(FastCGIRecord.request(variables("POST", "/", length: length), body: body, keep: true))
    #expect(try text(client.receive()) == "POST / \(count) \(checksum(body))")
    #expect(try text(client.ask(Asked("GET", "/next"))) == "GET /next 0 0")
}

@Test("a body of which no length is announced may come in any pieces", arguments: [1, 7, 4096])
func bodyInPieces(pieces: Int) throws {
    let live = try Live()
    let client = try live.client()
    let body = (0..<20_000).map { UInt8(truncatingIfNeeded: $0) }
    try client.send(
        FastCGIRecord.begin(keep: true)
            + FastCGIRecord.stream(FastCGIRecord.parameters, FastCGIRecord.pairs(variables("POST", "/", length: "-1")))
            + FastCGIRecord.record(FastCGIRecord.parameters)
            + FastCGIRecord.stream(FastCGIRecord.input, body, pieces: pieces)
            + FastCGIRecord.record(FastCGIRecord.input))
    #expect(try text(client.receive()) == "POST / 20000 \(checksum(body))")
    #expect(try text(client.ask(Asked("GET", "/next"))) == "GET /next 0 0")
}

@Test("a body of which no length is announced is refused over the limit", arguments: [nil, "-1"], [1001, 500_000])
func bodyUnannouncedOverLimit(length: String?, count: Int) throws {
    let live = try Live(bodyLimit: 1000)
    let client = try live.client()
    let body = [UInt8](repeating: 7, count: count)
    try client.send(FastCGIRecord.request(variables("POST", "/", length: length), body: body, keep: true))
    let answered = try client.receive()
    #expect(answered.status == 413)
    #expect(text(answered) == "bodyTooLarge(limit: 1000)")
    #expect(try live.client().ask(Asked("GET", "/")).status == 200)
}

@Test("a body of which no length is announced reaches no handler when it breaks off", arguments: [nil, "-1"])
func bodyUnannouncedCutOff(length: String?) throws {
    let live = try Live()
    let client = try live.client()
    try client.send(
        FastCGIRecord.request(variables("POST", "/", length: length), body: [1, 2, 3], keep: true).dropLast(8))
    client.endSending()
    let answered = try client.receive()
    #expect(answered.status == 400)
    #expect(text(answered) == "bodyCutOff")
}

@Test("how large a body may be depends on the request")
func bodyLimitByRequest() throws {
    let live = try Live(bodyLimit: 1000)
    #expect(try live.client().ask(Asked("POST", "/roomy", body: Data(count: 2000))).status == 200)
    #expect(
        try text(live.client().ask(Asked("POST", "/roomy", body: Data(count: 2001)))) == "bodyTooLarge(limit: 2000)")
    #expect(try text(live.client().ask(Asked("POST", "/", body: Data(count: 2000)))) == "bodyTooLarge(limit: 1000)")
}

// MARK: Peers that go away

@Test("a request that is cut off anywhere reaches no handler, and others are served on")
func cutOff() throws {
    let live = try Live()
    let whole = FastCGIClient.request(Asked("POST", "/cut", headers: [("X-A", "b")], body: Data("body".utf8)))
    let steady = try live.client()
    // Without the last record, which ends the body, all that was announced is there.
    for length in stride(from: 1, to: whole.count - 8, by: 7) {
        let client = try live.client()
        try client.send(Array(whole[..<length]))
        client.endSending()
        if let answered = try? client.receive() { #expect(answered.status == 400, "after \(length) bytes") }
        client.close()
        #expect(try steady.ask(Asked("GET", "/")).status == 200)
    }
}

@Test("a client that goes away before its answer costs nothing but its own request")
func goneBefore() throws {
    let live = try Live()
    for _ in 0..<20 {
        let client = try live.client()
        try client.send(FastCGIClient.request(Asked("GET", "/large")))
        client.close()
    }
    #expect(try live.client().ask(Asked("GET", "/")).status == 200)
}

@Test("a client that goes away in the middle of its answer costs nothing but its own request")
func goneWithin() throws {
    let live = try Live()
    for _ in 0..<5 {
        let client = try live.client()
        try client.send(FastCGIClient.request(Asked("GET", "/large")))
        while !client.isReadable { sched_yield() }
        client.close()
    }
    #expect(try Array(live.client().ask(Asked("GET", "/large")).body) == Echo.large)
}

@Test("a connection on which nothing is ever sent holds up nobody")
func silent() throws {
    let live = try Live(threads: 2)
    let silent = try (0..<20).map { _ in try live.client() }
    #expect(try live.client().ask(Asked("GET", "/")).status == 200)
    withExtendedLifetime(silent) {}
}

// MARK: Requests that wait

@Test("requests that wait do not hold up the others")
func waiting() throws {
    let live = try Live(threads: 2, waitingThreads: 4)
    let waiting = try (0..<4).map { _ in try live.client() }
    for client in waiting { try client.send(FastCGIClient.request(Asked("GET", "/wait/gate"))) }
    live.echo.waitForEntered(4)
    let more = try live.client()
    try more.send(FastCGIClient.request(Asked("GET", "/wait/after")))
    for number in 0..<20 { #expect(try live.client().ask(Asked("GET", "/\(number)")).status == 200) }
    #expect(!more.isReadable)
    live.echo.open()
    for client in waiting { #expect(try text(client.receive()) == "through") }
    #expect(try text(more.receive()) == "GET /wait/after 0 0")
}

@Test("more requests that wait than there is room for are refused at once")
func overloaded() throws {
    let live = try Live(threads: 2, waitingThreads: 1, waitingRoom: 16)
    let first = try live.client()
    try first.send(FastCGIClient.request(Asked("GET", "/wait/gate")))
    live.echo.waitForEntered(1)
    let others = try (0..<16).map { _ in try live.client() }
    for client in others { try client.send(FastCGIClient.request(Asked("GET", "/wait/gate"))) }
    let surplus = try live.client()
    // Those before are in the queue when this one is: two threads take them in any order, so one of the last is it.
    try surplus.send(FastCGIClient.request(Asked("GET", "/wait/gate")))
    let refused = try poll(others + [surplus])
    let answered = try refused.receive()
    #expect(answered.status == 503)
    #expect(text(answered) == "overloaded")
    live.echo.open()
}

/// The first of many clients that gets an answer.
private func poll(_ clients: [FastCGIClient]) throws -> FastCGIClient {
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline {
        if let client = clients.first(where: \.isReadable) { return client }
        sched_yield()
    }
    throw FastCGIClient.Broken("nobody was refused")
}

// MARK: Stopping

@Test(
    "an answer in flight is finished when the server stops, and its connection closed after it",
    arguments: ["/gate", "/wait/gate"])
func stopInFlight(path: String) throws {
    let live = try Live()
    let client = try live.client()
    try client.send(FastCGIClient.request(Asked("GET", path)))
    live.echo.waitForEntered(1)
    let stopped = DispatchSemaphore(value: 0)
    let server = live.server
    inBackground {
        server.stop(within: .seconds(10))
        stopped.signal()
    }
    while FileManager.default.fileExists(atPath: live.path) { sched_yield() }
    #expect(stopped.wait(timeout: .now()) == .timedOut)
    live.echo.open()
    #expect(try text(client.receive()) == "through")
    #expect(client.isAtEnd())
    client.close()
    #expect(stopped.wait(timeout: .now() + 60) == .success)
}

@Test("who waits in the socket's queue when the server stops is still served")
func stopWithQueue() throws {
    let live = try Live(threads: 1)
    let busy = try live.client()
    try busy.send(FastCGIClient.request(Asked("GET", "/gate")))
    live.echo.waitForEntered(1)
    // The only thread is at the gate, so these are in the kernel's queue.
    let queued = try (0..<10).map { _ in try live.client() }
    for client in queued { try client.send(FastCGIClient.request(Asked("GET", "/queued"))) }
    let server = live.server
    let stopped = DispatchSemaphore(value: 0)
    inBackground {
        server.stop(within: .seconds(10))
        stopped.signal()
    }
    while FileManager.default.fileExists(atPath: live.path) { sched_yield() }
    live.echo.open()
    #expect(try text(busy.receive()) == "through")
    busy.close()
    var waiting = queued
    while !waiting.isEmpty {
        let client = try poll(waiting)
        #expect(try text(client.receive()) == "GET /queued 0 0")
        client.close()
        waiting.removeAll { $0 === client }
    }
    #expect(stopped.wait(timeout: .now() + 60) == .success)
}

@Test("idle kept connections are asked to close, and do not hold up the stop")
func stopIdle() throws {
    let live = try Live()
    let clients = try (0..<10).map { _ in try live.client() }
    for client in clients { #expect(try client.ask(Asked("GET", "/")).status == 200) }
    inBackground { for client in clients where client.isAtEnd() { client.close() } }
    #expect(live.stop(within: .seconds(10)) < .seconds(8))
}

@Test("the stop ends in its time when the other side keeps idle connections open")
func stopStubborn() throws {
    let live = try Live()
    let clients = try (0..<3).map { _ in try live.client() }
    for client in clients { #expect(try client.ask(Asked("GET", "/")).status == 200) }
    #expect(live.stop(within: .seconds(1)) < .seconds(8))
    withExtendedLifetime(clients) {}
}

@Test("the stop ends in its time when a request does not")
func stopStuck() throws {
    let live = try Live()
    let client = try live.client()
    try client.send(FastCGIClient.request(Asked("GET", "/wait/gate")))
    live.echo.waitForEntered(1)
    #expect(live.stop(within: .seconds(1)) < .seconds(8))
}

@Test("the stop without connections is quick")
func stopAtOnce() throws {
    #expect(try Live().stop(within: .seconds(10)) < .seconds(8))
}

@Test("the socket's file is removed at the stop")
func removed() throws {
    let live = try Live()
    live.stop(within: .seconds(1))
    #expect(!FileManager.default.fileExists(atPath: live.path))
}

@Test("a socket that another process has put at the path meanwhile is left alone")
func replaced() throws {
    let live = try Live()
    unlink(live.path)
    let other = try UnixSocket.bound(to: live.path, queue: 1)
    defer { close(other) }
    live.stop(within: .seconds(1))
    #expect(FileManager.default.fileExists(atPath: live.path))
}

// MARK: Overload

@Test("two large bodies are looked at at once, the others wait, and small ones do not wait behind them")
func largeBodies() throws {
    let live = try Live()
    let large = Asked("POST", "/wait/gate", body: Data(repeating: 1, count: 70_000))
    let clients = try (0..<4).map { _ in try live.client() }
    for client in clients { try client.send(FastCGIClient.request(large)) }
    live.echo.waitForEntered(2)
    #expect(text(try live.client().ask(Asked("POST", "/wait/x", body: Data([1])))).hasPrefix("POST /wait/x 1"))
    #expect(live.echo.entered == 2)
    live.echo.open()
    for client in clients { #expect(text(try client.receive()) == "through") }
}

@Test("who has waited too long for a thread is refused instead of served late")
func waitedTooLong() throws {
    let live = try Live(waitingThreads: 1, waitingTime: .seconds(2))
    let (first, second) = (try live.client(), try live.client())
    try first.send(FastCGIClient.request(Asked("POST", "/wait/gate")))
    live.echo.waitForEntered(1)
    let start = ContinuousClock.now
    try second.send(FastCGIClient.request(Asked("POST", "/wait/x")))
    // It is in the queue when a later request of another connection has been answered.
    #expect(text(try live.client().ask(Asked("GET", "/y"))) == "GET /y 0 0")
    while ContinuousClock.now < start + .milliseconds(2_500) { usleep(10_000) }
    live.echo.open()
    #expect(text(try first.receive()) == "through")
    let refused = try second.receive()
    #expect(refused.status == 503)
    #expect(text(refused) == "overloaded")
    // The connection is as good as before.
    #expect(text(try second.ask(Asked("POST", "/wait/z"))).hasPrefix("POST /wait/z"))
}

@Test("where large answers go as files is for the web server to say, and no client's header says it")
func largeAnswers() throws {
    let live = try Live()
    let client = try live.client()
    try client.send(
        FastCGIRecord.request(variables("GET", "/files") + [("LARGE_ANSWERS", "/large/")], body: [], keep: true))
    #expect(text(try client.receive()) == "/large/")
    let headers = [("Large-Answers", "/x/"), ("Large_Answers", "/x/")].map { (name: $0.0, value: $0.1) }
    #expect(text(try client.ask(Asked("GET", "/files", headers: headers))) == "none")
}
