import Campaigns
import Foundation
import Records
import Synchronization
import TestSupport
import Testing

@testable import FolderStore

// MARK: Files

@Test("a new campaign is a file of the documented form, for its owner alone")
func form() throws {
    let fixture = try Fixture()
    try fixture.store().change { transaction in
        try transaction.put(
            Campaign(
                id: 5, name: "Fl\u{F3}\"ods\"", logo: "/a.svg", url: nil, description: "a\nb", organisations: [2, 1],
                projects: [3]))
    }
    #expect(
        try fixture.read("campaigns/5.json") == #"""
            {
              "id": 5,
              "name": "Fló\"ods\"",
              "logo": "/a.svg",
              "url": null,
              "description": "a\nb",
              "organisations": [2, 1],
              "projects": [3]
            }

            """#)
    #expect(try mode("\(fixture.path)/campaigns/5.json") == 0o600)
}

@Test("the service's own files are for their owner alone, and so are the folders of records")
func modes() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    try store.delete(store.create("a"))
    for name in ["campaigns", "organisations", "projects", "users"] {
        #expect(try mode("\(fixture.path)/\(name)") == 0o700)
    }
    #expect(try mode("\(fixture.path)/.lock") == 0o600)
    #expect(try mode("\(fixture.path)/campaigns/.next-id") == 0o600)
}

@Test("the web server may pass through the data folder to the logos, and read those alone")
func logoModes() throws {
    let fixture = try Fixture()
    #expect(try mode(fixture.path) == 0o711)
    #expect(try mode("\(fixture.path)/logos") == 0o755)
}

@Test("a file has the permissions that its folder has been given")
func inherited() throws {
    let fixture = try Fixture()
    chmod("\(fixture.path)/campaigns", 0o2770)
    try fixture.store().create("a")
    #expect(try mode("\(fixture.path)/campaigns/1.json") == 0o660)
}

private func mode(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
}

@Test("unknown keys are kept when a file is rewritten")
func unknownKeys() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"x": [1, {"y": null}], "name": "a", "z": "\u00e9"}"#, "campaigns/5.json")
    try fixture.store().rename(5, "b")
    #expect(
        try fixture.read("campaigns/5.json") == """
            {
              "x": [
                1,
                {
                  "y": null
                }
              ],
              "id": 5,
              "name": "b",
              "logo": null,
              "url": null,
              "description": null,
              "organisations": [],
              "projects": [],
              "z": "é"
            }

            """)
}

@Test("what was changed by hand a moment before is not lost in a change")
func handThenWrite() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    for number in 0..<50 {
        try fixture.write(#"{"name": "a", "description": "\#(number)"}"#, "campaigns/5.json")
        try store.rename(5, "b\(number)")
        #expect(try fixture.read("campaigns/5.json").contains(#""description": "\#(number)""#))
    }
}

@Test("no temporary file is left behind by a change")
func noTemporary() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    for number in 0..<10 { try store.create("\(number)") }
    try store.rename(3, "x")
    try store.delete(4)
    #expect(try fixture.everything().keys.allSatisfy { $0.hasSuffix(".json") && !$0.contains("/.") })
}

@Test("temporary files that a crash has left are no records, and in nobody's way")
func leftovers() throws {
    let fixture = try Fixture(campaigns: [5])
    try fixture.write("half", "campaigns/.5.json.tmp")
    try fixture.write(Fixture.campaign(6), "campaigns/.6.json.tmp")
    let store = try fixture.store()
    #expect(try store.names() == [5: "Campaign 5"])
    #expect(try store.broken() == [:])
    try store.rename(5, "a")
    #expect(try store.create("b") == 6)
    #expect(try store.names() == [5: "a", 6: "b"])
    #expect(try fixture.everything().keys.sorted() == ["campaigns/5.json", "campaigns/6.json"])
}

// MARK: Ids

@Test("ids rise from 1")
func rising() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    #expect(try (0..<5).map { try store.create("\($0)") } == [1, 2, 3, 4, 5])
}

@Test("ids begin after those that are there, in gaps or not, broken ones included")
func afterHighest() throws {
    let fixture = try Fixture(campaigns: [3, 10])
    try fixture.write("x", "campaigns/12.json")
    #expect(try fixture.store().create("a") == 13)
}

@Test("an id is not used again after a delete, by this store or after a restart")
func afterDelete() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    _ = try store.create("a")
    try store.delete(store.create("b"))
    #expect(try store.create("c") == 3)
    try store.delete(3)
    #expect(try fixture.store().create("d") == 4)
}

@Test("an id is not used again when everything is deleted")
func afterAll() throws {
    let fixture = try Fixture(campaigns: [1, 2, 7])
    let store = try fixture.store()
    for id in [7, 2, 1] { try store.delete(id) }
    #expect(try fixture.store().create("a") == 8)
}

@Test("an id is not used again after its file was removed by hand, by this store or after a restart")
func afterHand() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    for number in 1...3 { try store.create("\(number)") }
    try fixture.remove("campaigns/3.json")
    #expect(try store.create("a") == 4)
    try fixture.remove("campaigns/4.json")
    #expect(try fixture.store().create("b") == 5)
}

@Test("an id is not used again after a file that was put there by hand was removed while the store looked on")
func afterHandBoth() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    try fixture.write(Fixture.campaign(40), "campaigns/40.json")
    _ = try store.names()
    try fixture.remove("campaigns/40.json")
    #expect(try store.create("a") == 41)
}

@Test("a campaign that is made and deleted in one go leaves its id used")
func madeAndDeleted() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    try store.change { transaction in
        let id = try transaction.newCampaignID()
        try transaction.put(Campaign(id: id, name: "a"))
        try transaction.removeCampaign(id)
    }
    #expect(try store.names() == [:])
    #expect(try fixture.store().create("b") == 2)
}

@Test(
    "a counter that is damaged or gone does not matter as long as the records are there",
    arguments: ["", "x", "-5\n", "0\n", "99999999999999999999\n", "2", "\u{0}", "3\r\n"])
func damagedCounter(text: String) throws {
    let fixture = try Fixture(campaigns: [4])
    try fixture.write(text, "campaigns/.next-id")
    #expect(try fixture.store().create("a") == 5)
    try fixture.remove("campaigns/.next-id")
    #expect(try fixture.store().create("b") == 6)
}

@Test("a counter that an editor has saved in its own way counts", arguments: ["12\r\n", "12", "12 \n", "12\n\n"])
func editedCounter(text: String) throws {
    let fixture = try Fixture(campaigns: [4])
    try fixture.write(text, "campaigns/.next-id")
    #expect(try fixture.store().create("a") == 12)
}

@Test("when the highest id is taken a campaign is refused, and the folder goes on")
func noIDs() throws {
    let fixture = try Fixture(campaigns: [Int.max, 1])
    let store = try fixture.store()
    #expect(throws: StoreUnavailable.self) { try store.create("a") }
    try store.rename(1, "b")
    #expect(try store.names() == [.max: "Campaign \(Int.max)", 1: "b"])
    try store.delete(1)
    try store.delete(.max)
    #expect(try store.names() == [:])
}

// MARK: Names

@Test(
    "two names are the same when they are canonically equivalent; letter case counts",
    arguments: [
        ("\u{C5}", "A\u{30A}", true), ("\u{212B}", "\u{C5}", true), ("\u{1E69}", "s\u{307}\u{323}", true),
        ("\u{AC00}", "\u{1100}\u{1161}", true), ("a", "A", false), ("\u{FB01}", "fi", false), ("\u{FF21}", "A", false),
        ("a", "a ", true), ("a", "\u{200B} a\u{2060}", true), ("a\u{200B}b", "ab", false),
    ])
func equivalent(name: String, other: String, isSame: Bool) throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    let id = try store.create(name)
    #expect(try store.owner(of: other) == (isSame ? id : nil))
}

@Test("a name is free again after a delete, a change, and a removal by hand")
func freeNames() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    for name in ["a", "b", "c"] { try store.create(name) }
    try store.delete(1)
    #expect(try store.owner(of: "a") == nil)
    try store.rename(2, "d")
    #expect(try store.owner(of: "b") == nil)
    #expect(try store.owner(of: "d") == 2)
    try fixture.remove("campaigns/3.json")
    #expect(try store.owner(of: "c") == nil)
}

@Test("a name that hands have given twice is taken until both are gone")
func sharedName() throws {
    let fixture = try Fixture(campaigns: [1, 2])
    try fixture.write(Fixture.campaign(1, "a"), "campaigns/1.json")
    try fixture.write(Fixture.campaign(2, "a"), "campaigns/2.json")
    let store = try fixture.store()
    #expect(try store.names() == [1: "a", 2: "a"])
    // Also for who comes in the same group as the one that takes it away.
    let left = try store.change { transaction in
        try transaction.removeCampaign(1)
        return try transaction.campaignID(named: "a")
    }
    #expect(left == 2)
    #expect(try store.owner(of: "a") == 2)
    try store.rename(2, "b")
    #expect(try store.owner(of: "a") == nil)
}

@Test("a name that another writer of the same group has just taken is taken")
func sameTransaction() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    let owners = try store.change { transaction in
        try transaction.put(Campaign(id: try transaction.newCampaignID(), name: "a"))
        let first = try transaction.campaignID(named: "a")
        try transaction.put(Campaign(id: 1, name: "b"))
        return try [first, transaction.campaignID(named: "a"), transaction.campaignID(named: "b")]
    }
    #expect(owners == [1, nil, 1])
}

// MARK: Writers that throw

@Test("a writer that throws changes nothing, and gets its own error")
func throwing() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let before = try fixture.everything()
    #expect(throws: Refused.self) {
        try store.change { transaction in
            try transaction.put(Campaign(id: try transaction.newCampaignID(), name: "a"))
            try transaction.put(Campaign(id: 5, name: "b"))
            throw Refused()
        }
    }
    #expect(try fixture.everything() == before)
    #expect(try store.names() == [5: "Campaign 5"])
    #expect(try store.create("a") == 6)
}

@Test("a writer that changes nothing writes nothing")
func noChange() throws {
    let fixture = try Fixture(campaigns: [5])
    let before = try FileManager.default.subpathsOfDirectory(atPath: fixture.path)
    try fixture.store().change { _ in }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: fixture.path) == before)
}

@Test("of a group of writers those that throw change nothing, and the others all they wanted")
func throwingInGroup() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    let holder = try Holder(fixture)
    let refused = Mutex<Set<Int>>([])
    inBackground {
        // The writers come while the lock is held, so that most of them go together.
        holder.release()
    }
    try onThreads(16) { number in
        do {
            try store.change { transaction in
                try transaction.put(Campaign(id: try transaction.newCampaignID(), name: "w\(number)"))
                if number % 2 == 0 { throw Refused() }
            }
        } catch is Refused {
            refused.withLock { _ = $0.insert(number) }
        }
    }
    #expect(refused.withLock { $0 } == Set(stride(from: 0, to: 16, by: 2)))
    #expect(try Set(store.names().values) == Set(stride(from: 1, to: 16, by: 2).map { "w\($0)" }))
    #expect(try fixture.store().names() == store.names())
}

// MARK: Many at once

@Test("32 threads that create at once: all are there, with ids and names of their own")
func manyThreads() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    let ids = Mutex<[Int: String]>([:])
    try onThreads(32) { thread in
        for number in 0..<8 {
            let name = "t\(thread) n\(number)"
            let id = try store.create(name)
            ids.withLock { $0[id] = name }
            guard try store.names()[id] == name else { throw Refused() }
        }
    }
    let made = ids.withLock { $0 }
    #expect(made.count == 256)
    #expect(try store.names() == made)
    #expect(try fixture.store().names() == made)
    #expect(try FolderCheck.run(fixture.folder).problems.isEmpty)
}

@Test("of many threads that want one name, one gets it")
func oneName() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    let winners = Mutex(0)
    try onThreads(16) { _ in
        do {
            try store.change { transaction in
                guard try transaction.campaignID(named: "a") == nil else { throw Refused() }
                try transaction.put(Campaign(id: try transaction.newCampaignID(), name: "a"))
            }
            winners.withLock { $0 += 1 }
        } catch is Refused {}
    }
    #expect(winners.withLock { $0 } == 1)
    #expect(try store.names().count == 1)
}

@Test("several stores on one folder lose no update of one campaign")
func noLostUpdate() throws {
    let fixture = try Fixture(campaigns: [5])
    let stores = try (0..<4).map { _ in try fixture.store(timeout: .seconds(30)) }
    try onThreads(8) { thread in
        for number in 0..<10 {
            try stores[thread % 4].change { transaction in
                guard var campaign = try transaction.campaign(5) else { throw Refused() }
                campaign.projects.append(thread * 100 + number + 1)
                try transaction.put(campaign)
            }
        }
    }
    let projects = try stores[0].change { try $0.campaign(5)?.projects ?? [] }
    #expect(Set(projects).count == 80)
    #expect(projects.count == 80)
}

@Test("what one store has answered another shows in its very next answer")
func veryNext() throws {
    let fixture = try Fixture()
    let (one, two) = (try fixture.store(), try fixture.store())
    for number in 0..<25 {
        let id = try one.create("a\(number)")
        #expect(try two.names()[id] == "a\(number)")
        try two.rename(id, "b\(number)")
        #expect(try one.names()[id] == "b\(number)")
        try one.delete(id)
        #expect(try two.names()[id] == nil)
    }
}

@Test("readers go on while a writer waits for the lock")
func readersGoOn() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store(timeout: .seconds(30))
    let holder = try Holder(fixture)
    let done = DispatchSemaphore(value: 0)
    inBackground {
        _ = try? store.create("a")
        done.signal()
    }
    for _ in 0..<100 { #expect(try store.names() == [5: "Campaign 5"]) }
    #expect(done.wait(timeout: .now()) == .timedOut)
    holder.release()
    done.wait()
    #expect(try store.names().count == 2)
}
