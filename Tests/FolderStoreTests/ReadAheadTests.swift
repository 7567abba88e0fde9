import CampaignAPI
import Campaigns
import Foundation
import Logging
import Records
import Synchronization
import TestSupport
import Testing

@testable import FolderStore
@testable import RecordIndex

// A process that lasts for one request reads before it takes the lock, and what has changed meanwhile again with it.

extension Fixture {
    /// A store as plain CGI has it.
    fileprivate func brief() throws -> FolderStore {
        try FolderStore(
            folder, CampaignJSON(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, watching: false)
    }

    /// The same for one that finds no index of names, and so reads all campaigns.
    fileprivate func briefReader() throws -> FolderStore {
        unlink("\(folder.ids)/.names")
        return try brief()
    }
}

extension FolderStore {
    /// Creates a campaign unless the name is taken.
    ///
    /// - Parameter whenRead: called once, as soon as all is read that it takes, which is before the lock is held.
    @discardableResult
    fileprivate func createUnlessTaken(
        _ name: String, whenRead: @escaping @Sendable () throws -> Void = {}
    ) throws -> Int? {
        let whenRead = Once(whenRead)
        return try change { transaction in
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
    let fixture = try Fixture(campaigns: [1, 2, 3])
    #expect(try fixture.brief().createUnlessTaken("first") == 4)
    let other = try fixture.store()
    #expect(try fixture.briefReader().createUnlessTaken("new") { try other.create("new") } == nil)
    let next = try fixture.briefReader().createUnlessTaken("Campaign 9") {
        try other.rename(1, "renamed")
        try other.delete(5)
    }
    #expect(next == 6)
    #expect(try fixture.brief().createUnlessTaken("Campaign 1") == 7)
    #expect(try fixture.store().names()[6] == "Campaign 9")
}

@Test("with the lock held nothing is read again that no process of the service has changed")
func costWithLock() throws {
    let fixture = try Fixture(campaigns: Array(1...50))
    try fixture.brief().createUnlessTaken("first")
    // What a person does at this moment may count as done afterwards.
    let id = try fixture.briefReader().createUnlessTaken("second") {
        try fixture.write(Fixture.campaign(60), "campaigns/60.json")
    }
    #expect(id == 52)
    #expect(try fixture.briefReader().createUnlessTaken("third") == 61)
}

@Test("where it is not known what has changed everything is read again", arguments: ["", "x", "1\n"])
func unknownChanges(text: String) throws {
    let fixture = try Fixture(campaigns: [1])
    try fixture.brief().createUnlessTaken("first")
    let other = try fixture.store()
    let id = try fixture.briefReader().createUnlessTaken("new") {
        try other.create("new")
        try fixture.write(text, ".recent")
    }
    #expect(id == nil)
}

@Test("many processes that create at once give no name and no id twice")
func manyBrief() throws {
    let fixture = try Fixture(campaigns: Array(1...20))
    let ids = Mutex<[Int]>([])
    try onThreads(12) { number in
        for name in ["shared", "own \(number)"] {
            if let id = try fixture.brief().createUnlessTaken(name) { ids.withLock { $0.append(id) } }
        }
    }
    let all = ids.withLock { $0 }
    #expect(all.count == 13 && Set(all).count == 13)
    let names = try fixture.store().names().values
    #expect(names.count == 33 && Set(names).count == 33)
}

// MARK: The index of names

extension Fixture {
    fileprivate var indexFile: String { "\(folder.ids)/.names" }

    /// Makes the index: the first change is made without it.
    fileprivate func makeIndex() throws {
        for number in 1...20 {
            if NameIndex(folder) != nil { return }
            try brief().createUnlessTaken("to make the index \(number)")
        }
        Issue.record("there is no index")
    }
}

extension NameIndex {
    fileprivate static func ids(named name: String, in folder: DataFolder) throws -> Set<Int>? {
        try NameIndex(folder, wasGood: true)?.ids(named: name.trimmedName())
    }
}

@Test("the index knows what brief processes do: new names, renames and removals, in any of their forms")
func indexFollows() throws {
    let fixture = try Fixture(campaigns: Array(1...30))
    try fixture.makeIndex()
    let id = try #require(try fixture.brief().createUnlessTaken("Ge\u{301}ant"))
    #expect(try fixture.brief().createUnlessTaken("G\u{e9}ant") == nil)
    #expect(try fixture.brief().createUnlessTaken("G\u{e9}ant\u{200b}") == nil)
    #expect(try fixture.brief().createUnlessTaken("Campaign 30") == nil)
    try fixture.brief().rename(id, "Nain")
    #expect(try fixture.brief().createUnlessTaken("Nain") == nil)
    #expect(try fixture.brief().createUnlessTaken("G\u{e9}ant") == id + 1)
    try fixture.brief().delete(id + 1)
    #expect(try fixture.brief().createUnlessTaken("G\u{e9}ant") == id + 2)
    // It was the same one all the time.
    #expect(try NameIndex.ids(named: "G\u{e9}ant", in: fixture.folder) == [id, id + 1, id + 2])
    #expect(try NameIndex.ids(named: "Campaign 7", in: fixture.folder) == [7])
    #expect(try NameIndex.ids(named: "Campaign 77", in: fixture.folder) == [])
}

@Test("with the index neither a free name nor a new id costs reading the campaigns")
func indexCost() throws {
    let fixture = try Fixture(campaigns: Array(1...30))
    try fixture.makeIndex()
    let live = fixture.untold()
    live.use(try #require(NameIndex(fixture.folder)))
    var pass = Pass()
    let (owners, highest) = try live.run(&pass) { catalogue in
        (try catalogue.campaignIDs(named: "free"), try catalogue.highestID(.campaigns))
    }
    #expect(owners == [] && highest > 30)
    #expect(live.certainNames == nil)
    #expect(try live.run(&pass) { try $0.campaignIDs(named: "Campaign 9") } == [9])
    #expect(live.certainNames == nil)
}

@Test("what a person puts into the folder makes the index no good")
func indexAndHands() throws {
    let fixture = try Fixture(campaigns: [1, 2])
    try fixture.makeIndex()
    try fixture.write(Fixture.campaign(60, "by hand"), "campaigns/60.json")
    #expect(try fixture.brief().createUnlessTaken("by hand") == nil)
    try fixture.makeIndex()
    try FileManager.default.removeItem(atPath: fixture.folder.file(.campaigns, 2))
    #expect(try fixture.brief().createUnlessTaken("Campaign 2") != nil)
    try fixture.makeIndex()
    // Another process of the service does not know the index.
    try fixture.store().create("by another")
    #expect(try fixture.brief().createUnlessTaken("by another") == nil)
}

@Test("what a person writes into a file counts a moment later")
func indexAndEdits() throws {
    let fixture = try Fixture(campaigns: [1, 2])
    try fixture.makeIndex()
    let file = try #require(FileHandle(forWritingAtPath: fixture.folder.file(.campaigns, 2)))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data(Fixture.campaign(2, "in place").utf8))
    try file.close()
    usleep(1_050_000)
    #expect(try fixture.brief().createUnlessTaken("in place") == nil)
}

@Test("an index that is broken, cut off or of another time is left alone")
func brokenIndex() throws {
    let fixture = try Fixture(campaigns: Array(1...5))
    try fixture.makeIndex()
    let whole = try Data(contentsOf: URL(fileURLWithPath: fixture.indexFile))
    for place in 0..<88 {
        var broken = whole
        broken[place] ^= 0x10
        try broken.write(to: URL(fileURLWithPath: fixture.indexFile))
        #expect(NameIndex(fixture.folder, wasGood: true) == nil, "\(place)")
    }
    for count in [0, 1, 87, 88, 100, whole.count - 1] {
        try whole.prefix(count).write(to: URL(fileURLWithPath: fixture.indexFile))
        #expect(try fixture.brief().createUnlessTaken("Campaign 3") == nil, "\(count)")
    }
}

@Test("a campaign that cannot be read keeps its name, and there is no index")
func indexAndBroken() throws {
    let fixture = try Fixture(campaigns: [1, 2])
    try fixture.makeIndex()
    try fixture.write(#"{"id": 50, "name": "broken""#, "campaigns/50.json")
    #expect(try fixture.brief().createUnlessTaken("broken") == nil)
    #expect(NameIndex(fixture.folder) == nil)
}
