import Foundation
import Synchronization
import TestSupport
import Testing

@Test("SIGTERM and SIGINT end an idle process soon, with 0 and without its socket", arguments: [SIGTERM, SIGINT])
func idle(signal: Int32) throws {
    let site = try Site()
    let daemon = try site.start("s")
    let time = ContinuousClock().measure { #expect(daemon.end(signal) == 0) }
    #expect(time < .seconds(8))
    #expect(!FileManager.default.fileExists(atPath: site.socket("s")))
}

@Test("kept connections that are idle do not hold up the end")
func idleConnections() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let clients = try (0..<8).map { _ in try site.client("s") }
    for client in clients { #expect(try client.list().isEmpty) }
    // As nginx does: a connection that the other side has ended is closed.
    inBackground { for client in clients where client.connection.isAtEnd() { client.connection.close() } }
    let time = ContinuousClock().measure { #expect(daemon.end() == 0) }
    #expect(time < .seconds(8))
}

@Test("SIGTERM under load: what was accepted is answered, what was not answered was not done, and the end is 0")
func underLoad() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let made = Mutex<Set<String>>([])
    let asked = Mutex<Set<String>>([])
    let enough = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    let lost = Mutex<[String]>([])
    inBackground {
        try? onThreads(12) { writer in
            var number = 0
            // A new connection whenever the last was closed, until there is no socket any more.
            while let client = try? site.client("s") {
                defer { client.connection.close() }
                var isFirst = true
                while !client.connection.isReadable {
                    let name = "w\(writer) n\(number)"
                    number += 1
                    asked.withLock { _ = $0.insert(name) }
                    guard (try? client.create(name)) != nil else {
                        // The first request of a connection was certainly accepted; a later one may have met the end of it.
                        if isFirst { lost.withLock { $0.append(name) } }
                        break
                    }
                    isFirst = false
                    let count = made.withLock { made in
                        made.insert(name)
                        return made.count
                    }
                    if count == 100 { enough.signal() }
                }
            }
        }
        enough.signal()
        ended.signal()
    }
    enough.wait()
    #expect(daemon.end() == 0)
    #expect(!FileManager.default.fileExists(atPath: site.socket("s")))
    #expect(ended.wait(timeout: .now() + 60) == .success)
    #expect(lost.withLock { $0 } == [])
    let next = try site.start("s")
    let found = Set(try site.client("s").list().map(\.name))
    #expect(found == made.withLock { $0 })
    #expect(asked.withLock { $0.count } >= 100)
    #expect(site.end(next) == 0)
    #expect(try site.check().status == 0)
}

@Test("a change that waits for the lock when the process is told to end is finished first")
func waitingForLock() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let client = try site.client("s")
    let id = try #require(try client.create("a"))
    let lock = open("\(site.data)/.lock", O_RDWR | O_CLOEXEC)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX) == 0)
    let status = Mutex(0)
    let done = DispatchSemaphore(value: 0)
    inBackground {
        let answered = try? client.ask("PATCH", "/campaigns/\(id)/", ["name": "b"])
        status.withLock { $0 = answered?.status ?? 0 }
        client.connection.close()
        done.signal()
    }
    // The change has come when somebody stands in the kernel's queue for the lock.
    let inode = try #require(
        FileManager.default.attributesOfItem(atPath: "\(site.data)/.lock")[.systemFileNumber] as? Int)
    let deadline = Date(timeIntervalSinceNow: 4)
    while Date() < deadline, !isWaited(for: inode) { usleep(1000) }
    daemon.send(SIGTERM)
    while FileManager.default.fileExists(atPath: site.socket("s")) { usleep(1000) }
    flock(lock, LOCK_UN)
    #expect(done.wait(timeout: .now() + 60) == .success)
    #expect(status.withLock { $0 } == 200)
    #expect(daemon.wait() == 0)
    #expect(try site.folder.read("data/campaigns/\(id).json").contains(#""name": "b""#))
}

/// Whether somebody waits for a lock, as the kernel shows it.
private func isWaited(for inode: Int) -> Bool {
    let locks = (try? String(contentsOfFile: "/proc/locks", encoding: .utf8)) ?? ""
    return locks.split(separator: "\n").contains { $0.contains("->") && $0.contains(":\(inode) ") }
}

@Test("a second process on a live socket is refused with 73 in one line, and the first goes on")
func secondProcess() throws {
    let site = try Site()
    let first = try site.start("s")
    let outcome = try Command.run(
        Repository.campaignd.path, ["serve", "--data", site.data, "--socket", site.socket("s")],
        environment: ["TM_SECRET": Daemon.secret, "LOG_LEVEL": "critical"])
    #expect(outcome.status == 73)
    #expect(outcome.errors == "campaignd: \(site.socket("s")) is taken: another process listens there\n")
    #expect(try site.client("s").list().isEmpty)
    #expect(site.end(first) == 0)
}

@Test("with --take-over a new process has the path from then on, and the old one answers what it has and ends with 0")
func takeover() throws {
    let site = try Site()
    let old = try site.start("s")
    let kept = try site.client("s")
    #expect(try kept.create("a") != nil)
    let new = try site.start("s", ["--take-over"])
    #expect(new.log.contains("taking over from=\"process \(old.process.processIdentifier)\""), "\(new.log)")
    // The old one answers once more on a connection that it has, and then closes it.
    #expect(try kept.create("b") != nil)
    kept.connection.close()
    #expect(old.wait() == 0)
    #expect(try site.client("s").list().count == 2)
    #expect(try FileManager.default.contentsOfDirectory(atPath: site.folder.path).sorted() == ["data", "s.sock"])
    #expect(site.end(new) == 0)
    #expect(!FileManager.default.fileExists(atPath: site.socket("s")))
}

@Test("--take-over starts where nobody is, and where a dead process has left its socket")
func takeoverOfNothing() throws {
    let site = try Site()
    let first = try site.start("s", ["--take-over"])
    #expect(first.end(SIGKILL) == nil)
    let second = try site.start("s", ["--take-over"])
    #expect(try site.client("s").list().isEmpty)
    #expect(site.end(second) == 0)
}

@Test("--take-over leaves a socket alone that belongs to another program, such as systemd")
func takeoverOfAnother() throws {
    let site = try Site()
    let socket = try UnixSocket.bound(to: site.socket("s"), queue: 16)
    defer { close(socket) }
    let outcome = try Command.run(
        Repository.campaignd.path, ["serve", "--data", site.data, "--socket", site.socket("s"), "--take-over"],
        environment: ["TM_SECRET": Daemon.secret, "LOG_LEVEL": "critical"])
    #expect(outcome.status == 73)
    #expect(
        outcome.errors == "campaignd: \(site.socket("s")) belongs to process \(getpid()), "
            + "which is no campaignd of this user; it is left as it is\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: site.folder.path).sorted() == ["data", "s.sock"])
}

@Test("ten takeovers under load, and not one request fails")
func takeoversUnderLoad() throws {
    let site = try Site()
    let isDone = Mutex(false)
    let failures = Mutex<[String]>([])
    let made = Mutex<Set<String>>([])
    var daemon = try site.start("s")
    let ended = DispatchSemaphore(value: 0)
    inBackground {
        try? onThreads(8) { writer in
            var number = 0
            while !isDone.withLock({ $0 }) {
                do {
                    let client = try site.client("s")
                    defer { client.connection.close() }
                    // As nginx does: what is not closed is used again.
                    repeat {
                        number += 1
                        let name = "w\(writer) n\(number)"
                        guard try client.create(name) != nil else { throw FastCGIClient.Broken("\(name) is taken") }
                        made.withLock { _ = $0.insert(name) }
                    } while !client.connection.isReadable && number % 10 != 0
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
        }
        ended.signal()
    }
    for round in 1...10 {
        let enough = made.withLock { $0.count } + 20
        while made.withLock({ $0.count }) < enough, failures.withLock({ $0.isEmpty }) { usleep(1000) }
        let next = try site.start("s", ["--take-over"])
        #expect(daemon.wait() == 0, "takeover \(round)")
        daemon = next
    }
    isDone.withLock { $0 = true }
    #expect(ended.wait(timeout: .now() + 60) == .success)
    #expect(failures.withLock { $0 } == [])
    #expect(try Set(site.client("s").list().map(\.name)) == made.withLock { $0 })
    #expect(site.end(daemon) == 0)
    #expect(try site.check().status == 0)
}
