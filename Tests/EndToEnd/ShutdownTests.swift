import Foundation
import Synchronization
import TestSupport
import Testing

@Test("SIGTERM and SIGINT end an idle process soon, with 0 and without its socket", arguments: [SIGTERM, SIGINT])
func idle(signal: Int32) throws {
    let site = try Site()
    let daemon = try site.start("s")
    let time = ContinuousClock().measure { #expect(daemon.end(signal) == 0) }
    #expect(time < .seconds(2))
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
    #expect(time < .seconds(3))
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
    #expect(ended.wait(timeout: .now() + 20) == .success)
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
    #expect(done.wait(timeout: .now() + 10) == .success)
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

@Test("a process that takes over the path keeps its socket when the old one ends")
func takeover() throws {
    let site = try Site()
    let old = try site.start("s")
    let kept = try site.client("s")
    #expect(try kept.list().isEmpty)
    // The new one is made beside and renamed into place.
    let new = try site.start("new")
    #expect(rename(site.socket("new"), site.socket("s")) == 0)
    #expect(try kept.create("a") != nil)
    kept.connection.close()
    #expect(old.end() == 0)
    #expect(try site.client("s").list().count == 1)
    #expect(site.end(new) == 0)
}
