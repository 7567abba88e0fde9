import Foundation
import TestSupport
import Testing

private let heartbeat = Asked("GET", "/api/v2/system/heartbeat/")

@Test("the socket's mode is 0660, or the one that is asked for")
func socketMode() throws {
    let site = try Site()
    let daemons = [
        try site.start("a"), try site.start("b", ["--socket-mode", "0600"]),
        try site.start("c", ["--socket-mode", "666"]),
    ]
    for (name, mode) in [("a", 0o660), ("b", 0o600), ("c", 0o666)] {
        #expect(
            try FileManager.default.attributesOfItem(atPath: site.socket(name))[.posixPermissions] as? Int == mode)
    }
    for daemon in daemons { #expect(site.end(daemon) == 0) }
}

@Test("a process serves on a port of this machine")
func port() throws {
    let site = try Site()
    let port = try FreePort.find()
    let daemon = try Daemon(["--data", site.data, "--listen", "127.0.0.1:\(port)"])
    #expect(try FastCGIClient(port: port).ask(heartbeat, keep: false).status == 200)
    #expect(site.end(daemon) == 0)
}

@Test("a process serves on a socket that it gets as descriptor 0, and leaves its file to whoever made it")
func descriptorZero() throws {
    let site = try Site()
    let socket = try UnixSocket.bound(to: site.socket("s"), queue: 16)
    let daemon = try Daemon(["--data", site.data], input: FileHandle(fileDescriptor: socket, closeOnDealloc: true))
    #expect(try FastCGIClient(site.socket("s")).ask(heartbeat, keep: false).status == 200)
    #expect(site.end(daemon) == 0)
    #expect(FileManager.default.fileExists(atPath: site.socket("s")))
}

@Test("a process serves on a socket that systemd hands it")
func listenFDs() throws {
    let site = try Site()
    let socket = try UnixSocket.bound(to: site.socket("s"), queue: 16)
    let daemon = try Daemon(
        program: "/bin/sh",
        [
            "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve --data \"$1\" 3<&0 0</dev/null",
            Repository.campaignd.path, site.data,
        ],
        input: FileHandle(fileDescriptor: socket, closeOnDealloc: true))
    #expect(try FastCGIClient(site.socket("s")).ask(heartbeat, keep: false).status == 200)
    #expect(site.end(daemon) == 0)
}

@Test("variables of systemd's that are meant for another process are not looked at")
func listenFDsOfAnother() throws {
    let site = try Site()
    let socket = try UnixSocket.bound(to: site.socket("s"), queue: 16)
    let outcome = try Command.run(
        "/bin/sh",
        [
            "-c", "LISTEN_PID=1 LISTEN_FDS=1 exec \"$0\" serve --data \"$1\" 3<\"$2\" 0</dev/null",
            Repository.campaignd.path, site.data, "/dev/null",
        ],
        environment: ["TM_SECRET": Daemon.secret])
    #expect(outcome.status == 78)
    close(socket)
}

@Test("several processes may serve on one inherited socket")
func sharedSocket() throws {
    let site = try Site()
    let socket = try UnixSocket.bound(to: site.socket("s"), queue: 64)
    let input = FileHandle(fileDescriptor: socket, closeOnDealloc: true)
    let daemons = try (0..<2).map { _ in try Daemon(["--data", site.data], input: input) }
    for _ in 0..<40 { #expect(try FastCGIClient(site.socket("s")).ask(heartbeat, keep: false).status == 200) }
    #expect(site.end(daemons[0]) == 0)
    for _ in 0..<40 { #expect(try FastCGIClient(site.socket("s")).ask(heartbeat, keep: false).status == 200) }
    #expect(site.end(daemons[1]) == 0)
}

@Test("a body of more than 1 MiB gets 413, one of exactly that is read")
func bodyLimit() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let authorization = [("Authorization", site.authorization)].map { (name: $0.0, value: $0.1) }
    let limit = 1 << 20
    let text = #"{"name": "a", "description": ""#
    let whole = Data((text + String(repeating: "x", count: limit - text.utf8.count - 2) + "\"}").utf8)
    #expect(whole.count == limit)
    let client = try FastCGIClient(site.socket("s"))
    #expect(try client.ask(Asked("POST", "/api/v2/campaigns/", headers: authorization, body: whole)).status == 201)
    let answered = try FastCGIClient(site.socket("s")).ask(
        Asked("POST", "/api/v2/campaigns/", headers: authorization, body: whole + Data(" ".utf8)))
    #expect(answered.status == 413)
    #expect(try answered.json["SubCode"] as? String == "PayloadTooLarge")
    client.close()
    #expect(site.end(daemon) == 0)
}

@Test("with few open files it either says why it cannot start, or serves", arguments: 4..<40)
func fewFiles(limit: Int) throws {
    let site = try Site()
    let command = "ulimit -n \(limit); exec \"$0\" serve --data \"$1\" --socket \"$2\""
    let arguments = ["-c", command, Repository.campaignd.path, site.data, site.socket("s")]
    do {
        let daemon = try Daemon(program: "/bin/sh", arguments)
        #expect(try FastCGIClient(site.socket("s")).ask(heartbeat, keep: false).status == 200)
        #expect(site.end(daemon) == 0)
    } catch let failed as Command.Failed {
        #expect(limit < 32, "\(failed)")
        // Besides what is in the log of a service that had begun.
        let lines = failed.description.split(separator: "\n").filter {
            !$0.contains("Z error ") || $0.contains("campaignd: ")
        }
        #expect(lines.count <= 1 && failed.description.contains("campaignd: "), "\(failed)")
    }
}

@Test("a request that makes no sense is answered in the contract's shape", arguments: ["", "G ET", "GET\r\n"])
func noSense(method: String) throws {
    let site = try Site()
    let daemon = try site.start("s")
    let answered = try FastCGIClient(site.socket("s")).ask(Asked(method, "/api/v2/campaigns/"), keep: false)
    #expect(answered.status == 400)
    #expect(try answered.json["SubCode"] as? String == "InvalidData")
    #expect(site.end(daemon) == 0)
}

@Test("no line of the log can be forged, and no secret is in it")
func log() throws {
    let site = try Site()
    let daemon = try Daemon(["--data", site.data, "--socket", site.socket("s")], environment: ["LOG_LEVEL": "trace"])
    let client = try site.client("s")
    _ = try client.ask("POST", "/campaigns/", ["name": "a\n2026-01-01T00:00:00Z critical forged"])
    _ = try client.connection.ask(Asked("GET", "/api/v2/x\n2026-01-01T00:00:00Z critical forged"))
    try site.folder.write("{", to: "data/campaigns/9.json")
    _ = try client.list()
    #expect(site.end(daemon) == 0)
    #expect(!daemon.log.contains("critical forged"))
    #expect(!daemon.log.contains(Daemon.secret))
    #expect(!daemon.log.contains(site.authorization.dropFirst("Token ".count)))
}

@Test("a large list arrives whole")
func largeList() throws {
    let site = try Site()
    for id in 1...1000 {
        try site.folder.write(
            #"{"name": "\#(id) \#(String(repeating: "long ", count: 40))"}"#, to: "data/campaigns/\(id).json")
    }
    let daemon = try site.start("s")
    let client = try site.client("s")
    #expect(try client.list().map(\.id) == Array(1...1000))
    #expect(site.end(daemon) == 0)
}
