import Foundation
import Synchronization
import TestSupport
import Testing

/// What one writer has been told of its campaigns, and what it was not told any more.
private struct Books {
    /// The name of each campaign, nil when it is deleted.
    var told: [Int: String?] = [:]
    /// What was asked for when the process was killed: either may be there afterwards.
    var open: (id: Int?, name: String?)?
}

@Test(
    "kill -9 of the processes under load: every acknowledged change is there after the start, and the folder is in order"
)
func killed() throws {
    let site = try Site()
    let books = Mutex<[Int: Books]>([:])
    let everTold = Mutex<Set<Int>>([])
    for round in 0..<6 {
        let daemons = try (0..<2).map { try site.start("\($0)") }
        let list = try site.client("\(round % 2)").list()
        books.withLock { $0 = compare($0, with: list) }
        let count = Mutex(0)
        let enough = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        inBackground {
            try? onThreads(6) { writer in
                guard let client = try? site.client("\(writer % 2)") else { return }
                var mine = books.withLock { $0[writer] } ?? Books()
                var number = 0
                while (try? work(client, writer, round, number, &mine, everTold)) != nil {
                    mine.open = nil
                    number += 1
                    let done = count.withLock { count in
                        count += 1
                        return count
                    }
                    // The moment of the kill is another in every round.
                    if done == 12 + round * 17 { enough.signal() }
                }
                books.withLock { [mine] in $0[writer] = mine }
            }
            enough.signal()
            ended.signal()
        }
        enough.wait()
        for daemon in daemons { daemon.send(SIGKILL) }
        for daemon in daemons { #expect(daemon.wait() == nil) }
        ended.wait()
        let check = try site.check()
        #expect(check.status == 0, "\(check.text)\(check.errors)")
    }
    let daemon = try site.start("0")
    let list = try site.client("0").list()
    books.withLock { $0 = compare($0, with: list) }
    let client = try site.client("0")
    let id = try #require(try client.create("after all"))
    #expect(id > (everTold.withLock { $0.max() } ?? 0))
    #expect(site.end(daemon) == 0)
    let leftovers = try FileManager.default.subpathsOfDirectory(atPath: site.data).filter { $0.hasSuffix(".tmp") }
    #expect(leftovers == [])
}

/// One change by a writer, noted before it is asked for and after it is answered.
private func work(
    _ client: SiteClient, _ writer: Int, _ round: Int, _ number: Int, _ books: inout Books,
    _ ever: borrowing Mutex<Set<Int>>
) throws {
    let name = "w\(writer) r\(round) n\(number)"
    let mine = books.told.compactMap { $0.value == nil ? nil : $0.key }.sorted()
    switch (number % 4, mine.last) {
    case (1, let id?):
        books.open = (id, name)
        try client.rename(id, name)
        books.told[id] = .some(name)
    case (3, let id?):
        books.open = (id, nil)
        try client.delete(id)
        books.told[id] = .some(nil)
    default:
        books.open = (nil, name)
        guard let id = try client.create(name) else { throw FastCGIClient.Broken("a free name was refused") }
        let isNew = ever.withLock { $0.insert(id).inserted }
        #expect(isNew, "the id \(id) was used twice")
        books.told[id] = .some(name)
    }
}

/// Expects what is there to be what was acknowledged, apart from what was open.
///
/// - Returns: the books as they go on from here.
private func compare(_ books: [Int: Books], with list: [(id: Int, name: String)]) -> [Int: Books] {
    let found = Dictionary(list.map { ($0.id, $0.name) }) { $1 }
    #expect(Set(found.values).count == list.count)
    return books.mapValues { book in
        var next = book
        next.open = nil
        for (id, name) in book.told {
            if let open = book.open, open.id == id, found[id] == open.name {
                next.told[id] = .some(found[id])
            } else {
                #expect(found[id] == name, "\(id) should be \(name ?? "gone")")
            }
        }
        return next
    }
}

@Test("a socket that a killed process has left is replaced by the next")
func socketLeft() throws {
    let site = try Site()
    let first = try site.start("s")
    #expect(first.end(SIGKILL) == nil)
    #expect(FileManager.default.fileExists(atPath: site.socket("s")))
    let second = try site.start("s")
    #expect(try site.client("s").list().isEmpty)
    #expect(site.end(second) == 0)
}

@Test("a lock that a killed process held is free")
func lockLeft() throws {
    let site = try Site()
    let first = try site.start("a")
    let second = try site.start("b")
    let client = try site.client("a")
    for number in 0..<20 {
        try client.connection.send(
            FastCGIClient.request(
                Asked(
                    "POST", "/api/v2/campaigns/", headers: [("Authorization", site.authorization)],
                    body: Data(#"{"name": "\#(number)"}"#.utf8)))
        )
        if number == 0 { _ = try client.connection.receive() }
    }
    first.end(SIGKILL)
    #expect(try site.client("b").create("after") != nil)
    #expect(site.end(second) == 0)
}

@Test("a file that may grow no further is an answer 503, and the process goes on")
func fileSizeLimit() throws {
    let site = try Site()
    // 64 blocks of 512 bytes; what is larger brings SIGXFSZ.
    let daemon = try Daemon(
        program: "/bin/sh",
        [
            "-c", #"ulimit -f 64; exec "$@""#, "sh", Repository.campaignd.path, "serve", "--data", site.data,
            "--socket", site.socket("s"),
        ])
    let client = try site.client("s")
    let id = try #require(try client.create("small"))
    let answered = try client.ask(
        "PATCH", "/campaigns/\(id)/", ["description": String(repeating: "x", count: 40 << 10)])
    #expect(answered.status == 503)
    #expect(answered.header("Retry-After") != nil)
    #expect(try client.name(of: id) == "small")
    try client.rename(id, "still small")
    #expect(daemon.process.isRunning)
    #expect(site.end(daemon) == 0)
    let check = try site.check()
    #expect(check.status == 0, "\(check.text)\(check.errors)")
}
