import Foundation
import Synchronization
import TestSupport
import Testing

/// What the writers of a test have been told.
private struct Told {
    var ids: [Int] = []
    /// Names that are there for good, by id.
    var names: [Int: String] = [:]
    var deleted: Set<Int> = []
    var linked: Set<Int> = []
}

@Test(
    "eight writers in four processes: no update lost, no id twice, no name twice, every answer seen everywhere at once")
func eightWriters() throws {
    let site = try Site(projects: 400)
    let daemons = try (0..<4).map { try site.start("\($0)") }
    let shared = try #require(try site.client("0").create("shared"))
    let told = Mutex(Told())
    let deadline = ContinuousClock.now + .seconds(4)
    try onThreads(8) { writer in
        let mine = try site.client("\(writer % 4)")
        let other = try site.client("\((writer + 1) % 4)")
        var round = 0
        while round < 3 || (ContinuousClock.now < deadline && round < 50) {
            // A name of its own, and one that all want.
            guard let id = try mine.create("w\(writer) \(round)") else {
                throw FastCGIClient.Broken("a free name was refused")
            }
            guard try other.name(of: id) == "w\(writer) \(round)" else {
                throw FastCGIClient.Broken("\(id) was not seen")
            }
            let contested = try mine.create("contested \(round)")
            let project = writer * 50 + round + 1
            try mine.link(project: project, shared)
            guard try other.campaigns(ofProject: project) == [shared] else {
                throw FastCGIClient.Broken("a link was not seen")
            }
            var name: String? = "w\(writer) \(round)"
            if round % 3 == 1 {
                name = "renamed \(writer) \(round)"
                try other.rename(id, name ?? "")
                guard try mine.name(of: id) == name else { throw FastCGIClient.Broken("a change was not seen") }
            } else if round % 3 == 2 {
                name = nil
                try other.delete(id)
                guard try mine.name(of: id) == nil else { throw FastCGIClient.Broken("a removal was not seen") }
            }
            told.withLock { told in
                told.ids += [id] + [contested].compactMap { $0 }
                if let name { told.names[id] = name } else { told.deleted.insert(id) }
                if let contested { told.names[contested] = "contested \(round)" }
                told.linked.insert(project)
            }
            round += 1
        }
    }
    let result = told.withLock { $0 }
    #expect(result.ids.count > 16)
    #expect(Set(result.ids).count == result.ids.count)
    #expect(Set(result.names.values).count == result.names.count)
    for number in 0..<4 {
        let list = try site.client("\(number)").list()
        #expect(list.map(\.id) == list.map(\.id).sorted())
        #expect(Dictionary(list.map { ($0.id, $0.name) }) { $1 } == result.names.merging([shared: "shared"]) { $1 })
    }
    let client = try site.client("0")
    for project in result.linked { #expect(try client.campaigns(ofProject: project) == [shared]) }
    for daemon in daemons { #expect(site.end(daemon) == 0) }
    let check = try site.check()
    #expect(check.status == 0, "\(check.text)")
}

@Test("a record that the command line adds shows in the very next answer of a process that runs")
func commandLineBeside() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let client = try site.client("s")
    #expect(try client.ask("GET", "/organisations/1/campaigns/").status == 404)
    let added = try Command.run(Repository.campaignd.path, ["organisation", "add", "Shelter", "--data", site.data])
    #expect(added.status == 0)
    #expect(try client.ask("GET", "/organisations/1/campaigns/").status == 200)
    #expect(site.end(daemon) == 0)
}

@Test(
    "a campaign with a broken file is reported in the heartbeat and the log of a process that runs, and the others are served"
)
func brokenBeside() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let client = try site.client("s")
    let id = try #require(try client.create("a"))
    try site.folder.write("{", to: "data/campaigns/99.json")
    #expect(try client.list().map(\.id) == [id])
    let heartbeat = try client.ask("GET", "/system/heartbeat/")
    #expect(heartbeat.status == 200)
    #expect(String(decoding: heartbeat.body, as: UTF8.self).contains("campaigns/99.json"))
    #expect(site.end(daemon) == 0)
    #expect(daemon.log.contains("campaigns/99.json"))
}

@Test("while another program holds the lock a change gets 503 with Retry-After, reads go on, and nothing is changed")
func lockedBeside() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let (writer, reader) = (try site.client("s"), try site.client("s"))
    let id = try #require(try writer.create("a"))
    let lock = open("\(site.data)/.lock", O_RDWR | O_CLOEXEC)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX) == 0)
    let answer = Mutex<Answered?>(nil)
    let done = DispatchSemaphore(value: 0)
    inBackground {
        let answered = try? writer.ask("PATCH", "/campaigns/\(id)/", ["name": "b"])
        answer.withLock { $0 = answered }
        done.signal()
    }
    for _ in 0..<50 { #expect(try reader.name(of: id) == "a") }
    #expect(done.wait(timeout: .now() + 10) == .success)
    let answered = try #require(answer.withLock { $0 })
    #expect(answered.status == 503)
    #expect(answered.header("Retry-After").flatMap { Int($0) } != nil)
    #expect(try reader.name(of: id) == "a")
    flock(lock, LOCK_UN)
    try reader.rename(id, "c")
    #expect(site.end(daemon) == 0)
}

@Test("no file of the data folder can be read by other users, the logos apart")
func privateFiles() throws {
    let site = try Site()
    let daemon = try site.start("s")
    let client = try site.client("s")
    let id = try #require(try client.create("a"))
    try client.delete(try #require(try client.create("b")))
    try client.rename(id, "c")
    #expect(site.end(daemon) == 0)
    for name in try FileManager.default.subpathsOfDirectory(atPath: site.data) where !name.hasPrefix("logos") {
        let mode = try #require(
            FileManager.default.attributesOfItem(atPath: "\(site.data)/\(name)")[.posixPermissions] as? Int)
        #expect(mode & 0o077 == 0, "\(name) \(String(mode, radix: 8))")
    }
}
