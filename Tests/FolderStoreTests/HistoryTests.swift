import Campaigns
import Foundation
import JSON
import Records
import TestSupport
import Testing

@testable import FolderStore
@testable import RecordIndex

// Who changed what: an entry is there exactly when its change is.

/// The file of this month, and what tests do with it.
private struct History {
    let fixture: Fixture
    let file = LogAddition.path(month: String(UTC.now().prefix(7)))

    init(_ fixture: Fixture) {
        self.fixture = fixture
    }

    var text: String { (try? fixture.read(file)) ?? "" }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    /// Of all that can be read, oldest first.
    func entries() throws -> [ChangeEntry] {
        try ChangeHistory(fixture.folder).entries(ofCampaign: nil, { 0..<$0 }, { entry, _ in entry }).reversed()
    }
    /// As `created 5 name`.
    func deeds() throws -> [String] { try entries().map { "\($0.action.rawValue) \($0.campaign) \($0.campaignName)" } }

    static func line(_ id: Int, _ campaign: Int, _ name: String) -> String {
        #"{"changeId":\#(id),"date":"2026-05-06T14:08:46.123456Z","userId":7,"campaignId":\#(campaign),"campaignName":"\#(name)","action":"created","fields":{}}"#
    }
}

extension FolderStore {
    @discardableResult
    fileprivate func make(_ name: String, by user: Int = 7) throws -> Int {
        try change { transaction in
            let campaign = Campaign(id: try transaction.newCampaignID(), name: name)
            try transaction.put(campaign, as: .creation(of: campaign, by: user))
            return campaign.id
        }
    }

    fileprivate func change(_ id: Int, _ name: String, by user: Int = 7) throws {
        try change { transaction in
            guard let campaign = try transaction.campaign(id) else { throw Refused() }
            var changed = campaign
            changed.name = name
            try transaction.put(changed, as: .update(of: campaign, to: changed, by: user))
        }
    }
}

/// A group of the journal that makes campaign 1 and adds a line of the history.
private func group(_ line: String, at place: Int, to file: String, boot: String, isDone: Bool) -> String {
    let campaign = Fixture.campaign(1, "made")
    let body =
        "campaigns/1.json - \(campaign.utf8.count)\n\(campaign)\n"
        + "\(file) \(place) \(line.utf8.count + 1)\n\(line)\n\n"
    return JournalText(body: Array(body.utf8), boot: boot, isDone: isDone).text
}

// MARK: Writing

@Test("a change and its entry are in one group of the journal, and then both in their files")
func entryInJournal() throws {
    let fixture = try Fixture()
    let history = History(fixture)
    let store = try fixture.store()
    try store.make("one")
    try store.change(1, "two")
    #expect(try history.deeds() == ["created 1 one", "updated 1 two"])
    #expect(try history.entries().map(\.id) == [1, 2])
    let journal = try fixture.read(".journal")
    for line in history.lines { #expect(journal.contains(" 0\n\(line)") || journal.contains("\(line)\n")) }
    #expect(journal.contains("\(history.file) 0 \(history.lines[0].utf8.count + 1)\n"))
    #expect(journal.contains("\(history.file) \(history.lines[0].utf8.count + 1) \(history.lines[1].utf8.count + 1)\n"))
    let mode = try FileManager.default.attributesOfItem(atPath: "\(fixture.path)/\(history.file)")[.posixPermissions]
    #expect(mode as? Int == 0o600)
}

@Test("an entry is as the contract has it")
func entryForm() throws {
    let fixture = try Fixture()
    try fixture.store().make("é \"1\"")
    let entry = try #require(try History(fixture).entries().first)
    #expect(
        History(fixture).text
            == #"{"changeId":1,"date":"\#(entry.date)","userId":7,"campaignId":1,"campaignName":"é \"1\"","action":"created","fields":{"name":{"from":null,"to":"é \"1\""}}}"#
            + "\n")
    #expect(entry.date.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil)
}

@Test("a change that is refused has no entry, whatever refuses it")
func refusedChange() throws {
    let fixture = try Fixture()
    let history = History(fixture)
    let store = try fixture.store(timeout: .milliseconds(100))
    try store.make("one")
    #expect(throws: Refused.self) {
        try store.change { transaction in
            let campaign = Campaign(id: try transaction.newCampaignID(), name: "two")
            try transaction.put(campaign, as: .creation(of: campaign, by: 7))
            throw Refused()
        }
    }
    let holder = try Holder(fixture)
    #expect(throws: StoreUnavailable.self) { try store.make("three") }
    holder.release()
    // What cannot be put in its place is taken back.
    let obstacle = "\(fixture.path)/campaigns/.1.json.tmp"
    try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
    #expect(throws: StoreUnavailable.self) { try store.change(1, "four") }
    try FileManager.default.removeItem(atPath: obstacle)
    try store.make("five")
    #expect(try history.deeds() == ["created 1 one", "created 2 five"])
    #expect(try history.entries().map(\.id) == [1, 2])
}

@Test("stores on one folder write one history, in the order of the changes")
func oneHistory() throws {
    let fixture = try Fixture()
    let stores = try (0..<3).map { _ in try fixture.store() }
    for number in 1...12 { try stores[number % 3].make("\(number)") }
    let entries = try History(fixture).entries()
    #expect(entries.map(\.id) == Array(1...12))
    #expect(entries.map(\.campaign) == Array(1...12))
    #expect(entries.map(\.date) == entries.map(\.date).sorted())
}

@Test("writers that go to the disk together have their entries in the order in which they decided")
func grouped() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    DispatchQueue.concurrentPerform(iterations: 32) { number in _ = try? store.make("\(number)") }
    let entries = try History(fixture).entries()
    #expect(entries.map(\.id) == Array(1...32))
    #expect(entries.map(\.campaign) == Array(1...32))
    #expect(try entries.map(\.campaignName) == (1...32).map { try store.names()[$0] })
}

// MARK: What stands in the way

@Test("where the history cannot be written nothing is changed, and the reason is told", arguments: [true, false])
func historyUnwritable(isFolder: Bool) throws {
    let fixture = try Fixture()
    let history = History(fixture)
    let store = try fixture.store()
    if isFolder {
        try FileManager.default.createDirectory(
            atPath: "\(fixture.path)/\(history.file)", withIntermediateDirectories: false)
    } else {
        try fixture.write("", "elsewhere")
        symlink("../elsewhere", "\(fixture.path)/\(history.file)")
    }
    #expect(throws: StoreUnavailable.self) { try store.make("one") }
    #expect(try store.names() == [:])
    #expect(fixture.folder.trouble()?.contains(history.file) == true)
    if !isFolder { #expect(try fixture.read("elsewhere") == "") }
    // Others need no entry.
    try store.create("without an entry")
    try FileManager.default.removeItem(atPath: "\(fixture.path)/\(history.file)")
    try store.make("two")
    #expect(try history.deeds() == ["created 2 two"])
    #expect(fixture.folder.trouble() == nil)
}

@Test("a history that is gone is begun anew, and its ids are not used again")
func historyRemoved() throws {
    let fixture = try Fixture()
    let history = History(fixture)
    var store = try fixture.store()
    try store.make("one")
    try fixture.remove(history.file)
    try store.make("two")
    #expect(try history.entries().map(\.id) == [2])
    try store.checkpoint()
    try fixture.remove("changes")
    store = try fixture.store()
    try store.make("three")
    #expect(try history.entries().map(\.id) == [3])
}

@Test(
    "an entry has a line of its own, however a hand has left the file",
    arguments: ["note", "{\"changeId\":1", "\n\n", History.line(4, 9, "by hand"), "\u{0}\u{0}"])
func handMade(text: String) throws {
    let fixture = try Fixture()
    let history = History(fixture)
    try fixture.write(text, history.file)
    let store = try fixture.store()
    try store.make("one")
    try fixture.replace(history.text + text, history.file)
    try store.make("two")
    let made = history.lines.filter { $0.contains(#""userId":7,"campaignId":1"#) || $0.contains(#""campaignId":2"#) }
    #expect(made.count == 2)
    #expect(try history.entries().filter { $0.campaign != 9 }.map(\.campaignName) == ["one", "two"])
    let ids = text.hasPrefix("{\"changeId\":4") ? [5, 6] : [1, 2]
    #expect(try history.entries().filter { $0.campaign != 9 }.map(\.id) == ids)
}

@Test("an entry goes into the file that has the name, be it put there while the change is on its way")
func replacedMeanwhile() throws {
    let fixture = try Fixture()
    let history = History(fixture)
    try fixture.write(History.line(1, 9, "old") + "\n", history.file)
    let addition = LogAddition(
        path: history.file, place: history.text.utf8.count, bytes: Array((History.line(2, 1, "new") + "\n").utf8))
    try fixture.write(History.line(1, 9, "old") + "\nby hand", history.file)
    try addition.write(in: fixture.folder)
    #expect(history.lines == [History.line(1, 9, "old"), "by hand", History.line(2, 1, "new")])
}

// MARK: After a crash

@Test(
    "an entry that a process or a machine has left undone is there once, as much of it as there was",
    arguments: [JournalText.thisBoot, JournalText.otherBoot])
func completed(boot: String) throws {
    let line = History.line(2, 1, "made")
    let before = History.line(1, 9, "old") + "\n"
    for length in 0...line.utf8.count + 1 {
        let fixture = try Fixture()
        let history = History(fixture)
        try fixture.write(before + String("\(line)\n".prefix(length)), history.file)
        try fixture.write(
            group(line, at: before.utf8.count, to: history.file, boot: boot, isDone: false), ".journal")
        let store = try fixture.store()
        try store.make("next")
        #expect(try history.deeds() == ["created 9 old", "created 1 made", "created 2 next"], "\(length)")
        #expect(try history.entries().map(\.id) == [1, 2, 3])
        #expect(try store.names() == [1: "made", 2: "next"])
    }
}

@Test("what a power cut has made of the entries since the last sync is put right, in their order")
func afterPowerCut() throws {
    let lines = (1...3).map { History.line($0, $0, "c\($0)") + "\n" }
    let whole = lines.joined()
    var journal = ""
    var place = 0
    for line in lines {
        let body = Array(#"changes/2026-05.jsonl \#(place) \#(line.utf8.count)\#n\#(line)\#n"#.utf8)
        journal += JournalText(body: body, boot: JournalText.otherBoot, isDone: true).text
        place += line.utf8.count
    }
    let zeros = String(repeating: "\u{0}", count: lines[0].utf8.count)
    let states: [String?] = [
        nil, "", lines[0], zeros + lines[1] + lines[2], lines[0] + zeros + lines[2], zeros + zeros + zeros, whole,
        String(whole.prefix(whole.utf8.count / 2)), zeros,
    ]
    for state in states {
        let fixture = try Fixture()
        if let state { try fixture.write(state, "changes/2026-05.jsonl") }
        try fixture.write(journal, ".journal")
        _ = try fixture.store()
        #expect(try fixture.read("changes/2026-05.jsonl") == whole, "\(state ?? "nothing")")
    }
    // What a hand has written meanwhile stays.
    for (state, wanted) in [
        (lines[0] + "by hand\n", lines[0] + "by hand\n" + lines[1] + lines[2]),
        ("by hand\n" + lines[0], "by hand\n" + whole), ("by hand", "by hand\n" + whole),
    ] {
        let fixture = try Fixture()
        try fixture.write(state, "changes/2026-05.jsonl")
        try fixture.write(journal, ".journal")
        _ = try fixture.store()
        #expect(try fixture.read("changes/2026-05.jsonl") == wanted)
    }
}

@Test(
    "a journal writes lines into the history alone, and nowhere else",
    arguments: [
        "changes/x.jsonl", "changes/../2026-05.jsonl", "changes/2026-05.jsonl/", "2026-05.jsonl",
        "changes/2026-5.jsonl",
    ])
func onlyHistory(path: String) throws {
    let fixture = try Fixture()
    let log = Log()
    try fixture.write(
        JournalText(body: Array("\(path) 0 2\nx\n\n".utf8), boot: JournalText.thisBoot, isDone: false).text, ".journal")
    try fixture.store(log: log).create("one")
    #expect(log.text.contains("names what is no record"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(fixture.path)/changes").isEmpty)
}

// MARK: Reading

@Test("a history is read on where it has grown, and anew where a hand has changed it")
func readOn() throws {
    let fixture = try Fixture()
    let history = ChangeHistory(fixture.folder)
    func names() throws -> [String] {
        try history.entries(ofCampaign: nil, { 0..<$0 }, { entry, _ in entry.campaignName })
    }
    #expect(try names() == [])
    try fixture.write(History.line(1, 1, "a") + "\n", "changes/2026-04.jsonl")
    try fixture.write(History.line(2, 1, "b") + "\n" + History.line(3, 2, "c"), "changes/2026-05.jsonl")
    #expect(try names() == ["c", "b", "a"])
    try fixture.write(
        History.line(2, 1, "b") + "\n" + History.line(3, 2, "c") + "\n" + History.line(4, 2, "d") + "\n",
        "changes/2026-05.jsonl")
    #expect(try names() == ["d", "c", "b", "a"])
    #expect(try history.entries(ofCampaign: 2, { _ in 1..<2 }, { entry, _ in entry.campaignName }) == ["c"])
    try fixture.write(History.line(2, 7, "x") + "\n" + History.line(4, 2, "d") + "\n", "changes/2026-05.jsonl")
    #expect(try names() == ["d", "x", "a"])
    try fixture.replace(History.line(9, 1, "z") + "\n", "changes/2026-04.jsonl")
    #expect(try names() == ["z", "d", "x"])
    try fixture.remove("changes/2026-05.jsonl")
    #expect(try names() == ["z"])
}

@Test("a line that is no entry is named, in check as well, and all others are shown")
func brokenLine() throws {
    let fixture = try Fixture()
    let log = Log()
    let store = try fixture.store(log: log)
    try fixture.write(
        History.line(1, 1, "a") + "\nno entry\n{}\n" + History.line(2, 1, "b") + "\n", "changes/2026-05.jsonl")
    #expect(try History(fixture).entries().map(\.campaignName) == ["a", "b"])
    try store.complete()
    #expect(store.brokenHistory["changes/2026-05.jsonl"]?.hasPrefix("line 2: it is not valid JSON") == true)
    #expect(log.text.contains("the history is broken"))
    let (_, problems) = try FolderCheck.run(fixture.folder)
    #expect(problems.map(\.file) == ["changes/2026-05.jsonl"])
    try fixture.write(History.line(1, 1, "a") + "\n", "changes/2026-05.jsonl")
    try store.complete()
    #expect(store.brokenHistory.isEmpty)
    #expect(try FolderCheck.run(fixture.folder).problems.isEmpty)
}

@Test("an id that only the history knows was used")
func idsOfHistory() throws {
    let fixture = try Fixture()
    try fixture.write(History.line(1, 41, "gone") + "\n", "changes/2026-05.jsonl")
    try fixture.remove("campaigns/.next-id")
    #expect(try fixture.store().highestCampaignEver() == 41)
    #expect(try fixture.store().make("next") == 42)
}
