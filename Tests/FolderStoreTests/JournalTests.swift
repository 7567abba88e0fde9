import Campaigns
import Foundation
import Records
import Synchronization
import TestSupport
import Testing

@testable import FolderStore

// Promises 1 and 2: what was answered is on the disk, in the journal until the files are.

private typealias Group = JournalText

private func campaign(_ id: Int, _ name: String) -> String { Fixture.campaign(id, name) }

// MARK: Its form

@Test("a change is in the journal, with what was there before, until its file is on the disk")
func journalled() throws {
    let fixture = try Fixture(campaigns: [5])
    let before = try fixture.read("campaigns/5.json")
    let store = try fixture.store()
    try store.rename(5, "new")
    let after = try fixture.read("campaigns/5.json")
    let change = Group([("campaigns/5.json", before, after)]).text
    #expect(try fixture.read(".journal") == change)
    try store.delete(5)
    let removal = Group([("campaigns/5.json", after, nil)]).text
    #expect(try fixture.read(".journal") == change + removal)
    try store.checkpoint()
    #expect(try fixture.read(".journal") == "")
    #expect(try store.create("next") == 6)
    #expect(try store.names() == [6: "next"])
}

@Test("the journal is for its owner alone")
func journalMode() throws {
    let fixture = try Fixture(campaigns: [5])
    try fixture.store().rename(5, "new")
    let mode = try FileManager.default.attributesOfItem(atPath: "\(fixture.path)/.journal")[.posixPermissions] as? Int
    #expect(mode == 0o600)
}

@Test("a store that ends leaves nothing in the journal, unless somebody else is writing")
func leftEmpty() throws {
    let fixture = try Fixture(campaigns: [5])
    do { try fixture.store().rename(5, "one") }
    #expect(try fixture.read(".journal") == "")
    var store: FolderStore? = try fixture.store(timeout: .milliseconds(100))
    try store?.rename(5, "two")
    let holder = try Holder(fixture)
    store = nil
    #expect(try !fixture.read(".journal").isEmpty)
    holder.release()
    #expect(try fixture.store().names() == [5: "two"])
}

@Test("a journal that has become long is emptied before more is written")
func longJournal() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    var sizes: [Int] = []
    for number in 1...20 {
        try store.create("\(number)", description: String(repeating: "a", count: 1 << 20))
        sizes.append(try FileManager.default.attributesOfItem(atPath: "\(fixture.path)/.journal")[.size] as? Int ?? 0)
    }
    #expect(sizes.max() ?? 0 > 16 << 20)
    #expect(sizes.max() ?? 0 < 18 << 20)
    #expect(sizes.last ?? 0 < 5 << 20)
    #expect(try store.names().count == 20)
}

// MARK: A process that died

@Test("what a process has left undone when it died is done by the next that writes")
func unfinished() throws {
    let fixture = try Fixture(campaigns: [1, 2])
    let log = Log()
    let store = try fixture.store(log: log)
    let changes: [(String, String?, String?)] = [
        ("campaigns/1.json", campaign(1, "Campaign 1"), campaign(1, "changed")),
        ("campaigns/2.json", campaign(2, "Campaign 2"), nil),
        ("campaigns/7.json", nil, campaign(7, "made")),
    ]
    try fixture.write(Group(changes, isDone: false).text, ".journal")
    // Nobody was told of it, so it need not be seen yet.
    #expect(try store.names() == [1: "Campaign 1", 2: "Campaign 2"])
    #expect(try store.create("next") == 8)
    #expect(try store.names() == [1: "changed", 7: "made", 8: "next"])
    #expect(log.text.isEmpty)
}

@Test(
    "what cannot be carried out now is carried out before anything else is changed",
    arguments: [Group.thisBoot, Group.otherBoot])
func carriedOutLater(boot: String) throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    try fixture.write(
        Group([("campaigns/1.json", campaign(1, "Campaign 1"), campaign(1, "changed"))], boot: boot, isDone: false)
            .text,
        ".journal")
    let obstacle = "\(fixture.path)/campaigns/.1.json.tmp"
    try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
    for _ in 0..<2 { #expect(throws: StoreUnavailable.self) { try store.create("new") } }
    #expect(try store.names() == [1: "Campaign 1"])
    try FileManager.default.removeItem(atPath: obstacle)
    try store.create("new")
    #expect(try store.names() == [1: "changed", 2: "new"])
}

@Test("the id of a campaign whose removal was left undone is not used again")
func unfinishedRemoval() throws {
    let fixture = try Fixture(campaigns: [9])
    try fixture.write(Group([("campaigns/9.json", campaign(9, "Campaign 9"), nil)], isDone: false).text, ".journal")
    let store = try fixture.store()
    #expect(try store.create("next") == 10)
    #expect(try store.names() == [10: "next"])
}

@Test("what was done is not done again: a file edited or removed by hand since stays as it is")
func finished() throws {
    let fixture = try Fixture(campaigns: [1, 3])
    let store = try fixture.store()
    try store.rename(1, "by the service")
    try store.create("made")
    try fixture.replace(campaign(1, "by hand"), "campaigns/1.json")
    try fixture.remove("campaigns/4.json")
    // One that knows the journal, one that reads it for the first time.
    try store.create("next")
    try fixture.store().create("last")
    #expect(try store.names() == [1: "by hand", 3: "Campaign 3", 5: "next", 6: "last"])
}

@Test("a group that was cut off anywhere has never been, and is cut away")
func cutOff() throws {
    let whole = Group([("campaigns/1.json", campaign(1, "Campaign 1"), campaign(1, "changed"))], isDone: false).text
    for length in 0..<whole.utf8.count {
        let fixture = try Fixture(campaigns: [1])
        try fixture.write(String(decoding: whole.utf8.prefix(length), as: UTF8.self), ".journal")
        let store = try fixture.store()
        try store.create("new")
        #expect(try store.names() == [1: "Campaign 1", 2: "new"])
        #expect(try fixture.read(".journal").hasPrefix("group \(Group.thisBoot)"))
    }
}

@Test(
    "what is no journal harms nothing",
    arguments: [
        "hello", "\n\n\n", "group", String(repeating: "x", count: 5000),
        Group([("campaigns/1.json", nil, "{}")], isDone: false).text.replacing("000", with: "999"),
        Group([("campaigns/1.json", nil, "{}")], isDone: false).text.replacing("{}", with: "[]"),
        Group([("../outside.json", nil, "{}")], isDone: false).text,
        Group([("elsewhere/1.json", nil, "{}")], isDone: false).text,
        Group([("campaigns/", nil, "{}")], isDone: false).text,
        Group([("campaigns/.next-id", nil, "1")], isDone: false).text,
        Group([("campaigns/.1.json.tmp", nil, "{}")], isDone: false).text,
        Group([("campaigns/0.json", nil, "{}")], isDone: false).text,
        Group([("logos/", nil, "{}")], isDone: false).text,
        Group([("/tmp/outside.json", nil, "{}")], isDone: false).text,
        Group([("campaigns/1.json extra", nil, "{}")], isDone: false).text,
        Group([], boot: Group.otherBoot).text,
    ])
func noJournal(text: String) throws {
    let fixture = try Fixture(campaigns: [1])
    try fixture.write(text, ".journal")
    let store = try fixture.store()
    try store.create("new")
    #expect(try store.names() == [1: "Campaign 1", 2: "new"])
    #expect(!FileManager.default.fileExists(atPath: fixture.path + "/../outside.json"))
}

@Test("a journal that is removed, or of which there is another, keeps nobody from writing")
func journalRemoved() throws {
    let fixture = try Fixture(campaigns: [1])
    let (one, other) = (try fixture.store(), try fixture.store())
    try one.rename(1, "a")
    try fixture.remove(".journal")
    try one.rename(1, "b")
    try other.rename(1, "c")
    try fixture.replace("", ".journal")
    try one.rename(1, "d")
    try other.checkpoint()
    try one.rename(1, "e")
    #expect(try other.names() == [1: "e"])
    #expect(try fixture.read(".journal").contains("\"e\""))
}

@Test("a change that was left undone is told from the same one that was done at the same place before")
func sameAgain() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    let before = try fixture.read("campaigns/1.json")
    try store.rename(1, "changed")
    let after = try fixture.read("campaigns/1.json")
    // Other processes have taken it back, emptied the journal, and died when they began with it again.
    try fixture.replace(before, "campaigns/1.json")
    try fixture.write(Group([("campaigns/1.json", before, after)], isDone: false).text, ".journal")
    try store.create("next")
    #expect(try store.names() == [1: "changed", 2: "next"])
}

@Test("where the journal cannot be written, nothing is changed")
func inTheWay() throws {
    let fixture = try Fixture(campaigns: [1])
    try fixture.remove(".journal")
    try FileManager.default.createDirectory(atPath: "\(fixture.path)/.journal", withIntermediateDirectories: false)
    let store = try fixture.store()
    let before = try fixture.everything()
    #expect(throws: StoreUnavailable.self) { try store.rename(1, "changed") }
    #expect(throws: StoreUnavailable.self) { try store.create("new") }
    #expect(try fixture.everything() == before)
    try fixture.remove(".journal")
    try store.rename(1, "changed")
    #expect(try store.names() == [1: "changed"])
}

@Test("several processes' stores, and checkpoints between, leave every change where it belongs")
func several() throws {
    let fixture = try Fixture()
    let stores = try (0..<3).map { _ in try fixture.store() }
    try onThreads(6) { number in
        let store = stores[number % 3]
        for serial in 1...20 {
            let id = try store.create("\(number) \(serial)")
            if serial % 4 == 0 { try store.rename(id, "\(number) \(serial) renamed") }
            if serial % 5 == 0 { try store.delete(id) }
            if serial % 7 == 0 { try store.checkpoint() }
        }
    }
    let expected = (0..<6).flatMap { number in
        (1...20).filter { $0 % 5 != 0 }.map { "\(number) \($0)\($0 % 4 == 0 ? " renamed" : "")" }
    }
    for store in try stores + [fixture.store()] {
        #expect(try store.names().values.sorted() == expected.sorted())
    }
    try stores[0].checkpoint()
    #expect(try fixture.read(".journal") == "")
}

// MARK: A disk that refuses something

@Test("files whose way to the disk has come to no end are written anew before they count as being there")
func syncedAgain() throws {
    let fixture = try Fixture(campaigns: [1, 2, 3])
    let store = try fixture.store()
    try store.rename(1, "changed")
    try store.delete(2)
    try store.rename(3, "changed too")
    try fixture.replace(Fixture.campaign(3, "by hand"), "campaigns/3.json")
    let before = try fixture.everything()
    let files = try [1, 3].map { try fixture.inode("campaigns/\($0).json") }
    // As a process leaves it whose sync has failed, or that died before it was told.
    try fixture.write(String(fixture.read(".journal").replacing("+", with: "!", maxReplacements: 1)), ".journal")
    try store.checkpoint()
    #expect(try fixture.everything() == before)
    #expect(try fixture.inode("campaigns/1.json") != files[0])
    #expect(try fixture.inode("campaigns/3.json") == files[1])
    #expect(try fixture.read(".journal") == "")
    try store.rename(1, "once more")
    let file = try fixture.inode("campaigns/1.json")
    try store.checkpoint()
    #expect(try fixture.inode("campaigns/1.json") == file)
}

@Test("stores that end while others write leave nothing behind that makes others write files anew")
func endedBesideWriters() throws {
    let fixture = try Fixture()
    let files = Mutex<[Int: UInt64?]>([:])
    try onThreads(4) { writer in
        for number in 0..<40 {
            let id = try fixture.store().create("\(writer) \(number)")
            let file = try fixture.inode("campaigns/\(id).json")
            files.withLock { $0[id] = file }
        }
    }
    let anew = try files.withLock { $0 }.filter { try fixture.inode("campaigns/\($0.key).json") != $0.value }
    #expect(anew.keys.sorted() == [])
}

@Test("while one process brings files to the disk, no other empties the journal")
func oneTurn() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    try store.rename(1, "changed")
    let other = open("\(fixture.path)/.journal", O_RDONLY | O_CLOEXEC)
    #expect(flock(other, LOCK_EX) == 0)
    let journal = try fixture.read(".journal")
    try store.checkpoint()
    #expect(try fixture.read(".journal") == journal)
    try store.rename(1, "again")
    close(other)
    try store.checkpoint()
    #expect(try fixture.read(".journal") == "")
}

// MARK: A machine that lost its power

private let former = campaign(5, "former")
private let middle = campaign(5, "middle")
private let last = campaign(5, "last")

@Test(
    "after a power cut a file is what the journal says, whatever is left of it",
    arguments: [
        nil, "", former, middle, last, String(last.prefix(9)), String(middle.prefix(20)),
        String(repeating: "\0", count: 40), String(last.prefix(5)) + String(repeating: "\0", count: 20),
    ])
func torn(left: String?) throws {
    let fixture = try Fixture()
    if let left { try fixture.write(left, "campaigns/5.json") }
    let first = Group([("campaigns/5.json", former, middle)], boot: Group.otherBoot)
    let second = Group([("campaigns/5.json", middle, last)], boot: Group.otherBoot, isDone: false)
    try fixture.write(first.text + second.text, ".journal")
    let store = try fixture.store()
    #expect(try store.names() == [5: "last"])
    #expect(try fixture.read(".journal") == "")
    #expect(try fixture.read("campaigns/5.json") == last)
}

@Test("after a power cut a removed file is gone, and its id is not used again", arguments: [nil, "", former, middle])
func tornRemoval(left: String?) throws {
    let fixture = try Fixture()
    if let left { try fixture.write(left, "campaigns/5.json") }
    let groups = [
        Group([("campaigns/5.json", former, middle)], boot: Group.otherBoot),
        Group([("campaigns/5.json", middle, nil)], boot: Group.otherBoot),
    ]
    try fixture.write(groups.map(\.text).joined(), ".journal")
    let store = try fixture.store()
    #expect(try store.names() == [:])
    #expect(try store.create("next") == 6)
}

@Test(
    "after a power cut a file that somebody has edited since stays as it is, broken or not",
    arguments: [campaign(5, "by hand"), "{ \"id\": 5, \"nam"])
func editedSince(left: String) throws {
    let fixture = try Fixture()
    try fixture.write(left, "campaigns/5.json")
    try fixture.write(
        Group(
            [("campaigns/5.json", former, middle), ("campaigns/6.json", nil, campaign(6, "six"))], boot: Group.otherBoot
        )
        .text, ".journal")
    let store = try fixture.store()
    #expect(try fixture.read("campaigns/5.json") == left)
    #expect(try store.names()[6] == "six")
}

@Test("a folder whose journal cannot be carried out is served, and the log says so")
func cannotBeCarriedOut() throws {
    let fixture = try Fixture(campaigns: [1])
    try fixture.write(
        Group([("campaigns/5.json", nil, middle)], boot: Group.otherBoot).text, ".journal")
    let holder = try Holder(fixture)
    let log = Log()
    let store = try fixture.store(timeout: .milliseconds(100), log: log)
    #expect(try store.names() == [1: "Campaign 1"])
    #expect(log.text.contains("the journal cannot be carried out"))
    holder.release()
    try store.rename(1, "changed")
    #expect(try store.names() == [1: "changed", 5: "middle"])
}

@Test("a journal that was written over at random keeps nobody from reading or writing")
func writtenOver() throws {
    var random = Dice(seed: 7)
    let records = [("campaigns/1.json", Fixture.campaign(1), campaign(1, "changed")), ("campaigns/2.json", nil, "{}")]
    for turn in 0..<300 {
        let fixture = try Fixture(campaigns: [1])
        let boot = turn.isMultiple(of: 2) ? Group.thisBoot : Group.otherBoot
        var bytes = Array((Group(records, boot: boot).text + Group(records, boot: boot, isDone: false).text).utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + 30))
            default: bytes[place] ^= 1
            }
        }
        #expect(FileManager.default.createFile(atPath: fixture.path + "/.journal", contents: Data(bytes)))
        let store = try fixture.store()
        _ = try store.names()
        let id = try store.create("new")
        #expect(try store.names()[id] == "new")
        #expect(try fixture.store().names()[id] == "new")
    }
}

@Test("a folder that is missing when the journal is carried out is made")
func journalWithoutFolder() throws {
    let fixture = try Fixture()
    try fixture.remove("campaigns")
    try fixture.write(Group([("campaigns/5.json", nil, middle)], boot: Group.otherBoot).text, ".journal")
    #expect(try fixture.store().names() == [5: "middle"])
}
