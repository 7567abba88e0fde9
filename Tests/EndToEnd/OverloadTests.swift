import Foundation
import TestSupport
import Testing

@Test(
    "when the service's queue is full, or there is no service, nginx answers 503 with Retry-After at once",
    .enabled(if: OpenFiles.mayBe(1300), "no process may open the 1,300 files that this takes (ulimit -Hn)"))
func fullQueue() throws {
    let folder = try TemporaryFolder()
    let service = try LiveService(data: folder.url, environment: ["TM_SECRET": Daemon.secret, "LOG_LEVEL": "info"])
    let run = try service.runFolder
    let process = try campaignd(of: service)
    // A thread that has not stopped yet would take one of the connections.
    try stop(process)
    // nginx has at most a connection of its own in the queue, and this test takes all the other places.
    var queue: [Int32] = []
    defer {
        for socket in queue { close(socket) }
        kill(process, SIGCONT)
    }
    while let socket = try UnixSocket.connected(to: run + "/campaignd.sock") {
        queue.append(socket)
        try #require(queue.count < 2000)
    }
    #expect(queue.count >= 1000)
    func refused() throws {
        // nginx keeps an idle connection for a second, and would ask on that one.
        sleep(2)
        let start = ContinuousClock.now
        let answered = try service.curl(Asked("POST", "/api/v2/campaigns/", body: Data("{}".utf8)))
        // nginx waits no less than five seconds for anything.
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(answered.status == 503)
        #expect(answered.header("Retry-After") == "1")
        #expect(answered.header("Content-Type") == "application/json")
        #expect(try answered.json["SubCode"] as? String == "ServiceUnavailable")
    }
    try refused()
    for socket in queue { close(socket) }
    queue = []
    kill(process, SIGCONT)
    #expect(try service.curl(Asked("GET", "/api/v2/campaigns/")).status == 200)
    // Its supervisor starts it again 0.2 seconds later, and stands still meanwhile.
    let keeper = try #require(parent(of: process))
    try stop(keeper)
    defer { kill(keeper, SIGCONT) }
    kill(process, SIGKILL)
    try refused()
    // An end in the middle of the new start is not waited for until serve loses its patience, after 12 seconds.
    kill(keeper, SIGCONT)
    #expect(ContinuousClock().measure { service.stop() } < .seconds(12))
}

@Test("serve that is ended before it has started the service anew ends at once")
func endedBeforeNewStart() throws {
    let folder = try TemporaryFolder()
    // It asks for the time before each start. This gives the test the time to hit that moment.
    try folder.write("#!/bin/sh\nsleep 1\nexec /bin/date \"$@\"\n", to: "slow/date")
    chmod(folder.path + "/slow/date", 0o755)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let service = try LiveService(
        data: folder.url.appendingPathComponent("data"),
        environment: ["TM_SECRET": Daemon.secret, "PATH": "\(folder.path)/slow:\(path)"])
    kill(try campaignd(of: service), SIGKILL)
    let deadline = Date(timeIntervalSinceNow: 60)
    while !service.printed.contains("starting it again"), Date() < deadline { usleep(1000) }
    // 0.2 seconds of patience, then the time.
    usleep(600_000)
    // Otherwise it loses its patience after 12 seconds.
    #expect(ContinuousClock().measure { service.stop() } < .seconds(12))
}

/// The process that serve keeps running.
private func campaignd(of service: LiveService) throws -> Int32 {
    let text = try String(contentsOfFile: service.runFolder + "/campaignd.pid", encoding: .utf8)
    return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
}

/// Stops a process, and waits until all its threads stand still.
private func stop(_ process: Int32) throws {
    try #require(kill(process, SIGSTOP) == 0)
    let threads = "/proc/\(process)/task"
    while try FileManager.default.contentsOfDirectory(atPath: threads).contains(where: { thread in
        // One that has ended has no status.
        let status = try? String(contentsOfFile: "\(threads)/\(thread)/status", encoding: .utf8)
        return status?.contains("State:\tT") == false
    }) {
        usleep(1000)
    }
}

private func parent(of process: Int32) -> Int32? {
    let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    return status?.firstMatch(of: /PPid:\s*(\d+)/).flatMap { Int32($0.output.1) }
}
