import Campaigns
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import CampaignStore

// A process that lasts for one request reads before it takes the lock, and what has changed meanwhile again with it.

extension Ground {
    /// A store as plain CGI has it.
    fileprivate func brief() throws -> Store {
        try Store(folder, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, watching: false)
    }
}

extension Store {
    /// Creates a campaign unless the name is taken.
    ///
    /// - Parameter whenRead: called once, as soon as all is read that it takes, which is before the lock is held.
    @discardableResult
    fileprivate func createUnlessTaken(
        _ name: String, whenRead: @escaping @Sendable () throws -> Void = {}
    ) throws -> Int? {
        let whenRead = Once(whenRead)
        return try write { transaction in
            guard try transaction.campaignID(named: name) == nil else { return nil }
            let id = try transaction.newCampaignID()
            try transaction.put(Campaign(id: id, name: name))
            try whenRead.run()
            return id
        }
    }
}

/// Does something the first time.
private final class Once: Sendable {
    private let body: @Sendable () throws -> Void
    private let isDone = Atomic(false)

    init(_ body: @escaping @Sendable () throws -> Void) {
        self.body = body
    }

    func run() throws {
        if !isDone.exchange(true, ordering: .sequentiallyConsistent) { try body() }
    }
}

@Test("what another process does between the reading and the lock is seen: names, ids, renames and removals")
func betweenReadingAndLock() throws {
    let ground = try Ground(campaigns: [1, 2, 3])
    #expect(try ground.brief().createUnlessTaken("first") == 4)
    let other = try ground.store()
    #expect(try ground.brief().createUnlessTaken("new") { try other.create("new") } == nil)
    let next = try ground.brief().createUnlessTaken("Campaign 9") {
        try other.rename(1, "renamed")
        try other.delete(5)
    }
    #expect(next == 6)
    #expect(try ground.brief().createUnlessTaken("Campaign 1") == 7)
    #expect(try ground.store().names()[6] == "Campaign 9")
}

@Test("with the lock held nothing is read again that no process of the service has changed")
func costWithLock() throws {
    let ground = try Ground(campaigns: Array(1...50))
    try ground.brief().createUnlessTaken("first")
    // What a person does at this moment may count as done afterwards.
    let id = try ground.brief().createUnlessTaken("second") {
        try ground.write(Ground.campaign(60), "campaigns/60.json")
    }
    #expect(id == 52)
    #expect(try ground.brief().createUnlessTaken("third") == 61)
}

@Test("where it is not known what has changed everything is read again", arguments: ["", "x", "1\n"])
func unknownChanges(text: String) throws {
    let ground = try Ground(campaigns: [1])
    try ground.brief().createUnlessTaken("first")
    let other = try ground.store()
    let id = try ground.brief().createUnlessTaken("new") {
        try other.create("new")
        try ground.write(text, ".recent")
    }
    #expect(id == nil)
}

@Test("many processes that create at once give no name and no id twice")
func manyBrief() throws {
    let ground = try Ground(campaigns: Array(1...20))
    let ids = Mutex<[Int]>([])
    try onThreads(12) { number in
        for name in ["shared", "own \(number)"] {
            if let id = try ground.brief().createUnlessTaken(name) { ids.withLock { $0.append(id) } }
        }
    }
    let all = ids.withLock { $0 }
    #expect(all.count == 13 && Set(all).count == 13)
    let names = try ground.store().names().values
    #expect(names.count == 33 && Set(names).count == 33)
}
