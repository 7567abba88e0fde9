import CampaignAPI
import Foundation
import Records
import TestSupport
import Testing

@testable import FolderStore

// Promise 4: what is changed by hand shows in the next answer.

@Test("a folder that does not exist yet is a service without campaigns")
func noFolder() throws {
    let folder = try TemporaryFolder()
    #expect(try Fixture(in: folder.path).store().names() == [:])
}

@Test("an empty folder is a service without campaigns, and takes one")
func emptyFolder() throws {
    let fixture = try Fixture()
    for name in try FileManager.default.contentsOfDirectory(atPath: fixture.path) { try fixture.remove(name) }
    let store = try fixture.store()
    #expect(try store.names() == [:])
    #expect(try store.create("a") == 1)
    #expect(try store.names() == [1: "a"])
}

@Test("a folder that is not there takes a campaign")
func missingFolder() throws {
    let folder = try TemporaryFolder()
    let store = try Fixture(in: folder.path + "/gone").store()
    try FileManager.default.removeItem(atPath: folder.path + "/gone")
    #expect(try store.create("a") == 1)
    #expect(try store.names() == [1: "a"])
}

@Test("a file that is written in place shows in the next answer")
func inPlace() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    try fixture.write(Fixture.campaign(5, "Changed"), "campaigns/5.json")
    #expect(try store.names() == [5: "Changed"])
}

@Test("a file that is replaced by a rename shows in the next answer")
func byRename() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    try fixture.replace(Fixture.campaign(5, "Changed"), "campaigns/5.json")
    #expect(try store.names() == [5: "Changed"])
}

@Test("of many changes of one file the last shows, each in its answer")
func manyTimes() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    for number in 0..<200 {
        let text = Fixture.campaign(5, "Name \(number % 2)\(number)")
        if number % 3 == 0 {
            try fixture.replace(text, "campaigns/5.json")
        } else {
            try fixture.write(text, "campaigns/5.json")
        }
        #expect(try store.names() == [5: "Name \(number % 2)\(number)"])
    }
}

@Test("a file that is added shows in the next answer")
func added() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    try fixture.write(Fixture.campaign(7), "campaigns/7.json")
    #expect(try store.names() == [5: "Campaign 5", 7: "Campaign 7"])
}

@Test("a file that is removed, moved away or moved elsewhere is gone from the next answer")
func removed() throws {
    let fixture = try Fixture(campaigns: [1, 2, 3])
    let store = try fixture.store()
    try fixture.remove("campaigns/1.json")
    #expect(try store.names().keys.sorted() == [2, 3])
    rename("\(fixture.path)/campaigns/2.json", "\(fixture.holder.path)/2.json")
    #expect(try store.names().keys.sorted() == [3])
    rename("\(fixture.path)/campaigns/3.json", "\(fixture.path)/campaigns/3.json.bak")
    #expect(try store.names().keys.sorted() == [])
}

@Test("a new file that is not written to its end is not there yet, and is not broken")
func begun() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let file = try #require(fopen("\(fixture.path)/campaigns/6.json", "we"))
    fputs(#"{"id": 6, "#, file)
    fflush(file)
    #expect(try store.names().keys.sorted() == [5])
    #expect(try store.broken() == [:])
    fputs(#""name": "a"}"#, file)
    fclose(file)
    #expect(try store.names() == [5: "Campaign 5", 6: "a"])
}

@Test("a file that is being written over shows as it was until it is closed")
func half() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let file = try #require(fopen("\(fixture.path)/campaigns/5.json", "we"))
    fputs(#"{"id": 5, "#, file)
    fflush(file)
    #expect(try store.names() == [5: "Campaign 5"])
    fputs(#""name": "a"}"#, file)
    fclose(file)
    #expect(try store.names() == [5: "a"])
}

@Test(
    "a file of another name is no record",
    arguments: [
        "05.json", "0.json", "-5.json", "+5.json", "a.json", ".json", "5.JSON", "5.json~", "5.json.bak", ".5.json.swp",
        "5", "5.txt",
        ".5.json.tmp", "5.0.json", "99999999999999999999.json", "5 .json", "\u{665}.json", "5.json\u{301}",
    ])
func otherNames(name: String) throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    try fixture.write(Fixture.campaign(5), "campaigns/\(name)")
    #expect(try store.names() == [:])
    #expect(try fixture.store().names() == [:])
    #expect(try store.broken() == [:])
}

// MARK: Broken ones

@Test(
    "a broken file is reported by name with a reason, and all others are served",
    arguments: [
        "", "{", "[]", "null", #"{"id": 6, "name": "a"}"#, #"{"name": 1}"#, #"{"id": 5}"#, #"{"name": "a\u0000"}"#,
        #"{"name": "a", "projects": "1"}"#, #"{"name": "a"} x"#, "\u{FEFF}", String(repeating: "[", count: 100_000),
    ])
func broken(text: String) throws {
    let fixture = try Fixture(campaigns: [4, 5, 6])
    let log = Log()
    let store = try fixture.store(log: log)
    try fixture.write(text, "campaigns/5.json")
    #expect(try store.names().keys.sorted() == [4, 6])
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
    #expect(try store.broken()["campaigns/5.json"]?.isEmpty == false)
    #expect(log.text.contains("campaigns/5.json"))
    #expect(try Array(fixture.store().broken().keys) == ["campaigns/5.json"])
}

@Test(
    "a broken record of any kind is reported by its place",
    arguments: ["campaigns", "organisations", "projects", "users"])
func brokenKinds(kind: String) throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    try fixture.write("x", "\(kind)/7.json")
    #expect(try Array(store.broken().keys) == ["\(kind)/7.json"])
    #expect(try store.names() == [1: "Campaign 1"])
}

@Test("a reason shows no path")
func noPath() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    try fixture.write("x", "campaigns/7.json")
    #expect(try store.broken().values.allSatisfy { !$0.contains(fixture.path) && !$0.contains("/tmp") })
}

@Test("a broken file is logged once, not with every answer")
func loggedOnce() throws {
    let fixture = try Fixture()
    let log = Log()
    let store = try fixture.store(log: log)
    try fixture.write("x", "campaigns/7.json")
    for _ in 0..<10 { _ = try store.names() }
    #expect(log.text.ranges(of: "campaigns/7.json").count == 1)
}

@Test("a broken file that is mended is served in the next answer, and no longer reported")
func mended() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    try fixture.write("{", "campaigns/5.json")
    #expect(try store.names() == [:])
    try fixture.write(Fixture.campaign(5), "campaigns/5.json")
    #expect(try store.names() == [5: "Campaign 5"])
    #expect(try store.broken() == [:])
}

@Test("a broken file that is removed is no longer reported")
func brokenRemoved() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    try fixture.write("{", "campaigns/5.json")
    #expect(try !store.broken().isEmpty)
    try fixture.remove("campaigns/5.json")
    #expect(try store.broken() == [:])
}

@Test("a folder in a record's place is reported by name")
func folderInPlace() throws {
    let fixture = try Fixture(campaigns: [4])
    let store = try fixture.store()
    try FileManager.default.createDirectory(
        atPath: "\(fixture.path)/campaigns/5.json", withIntermediateDirectories: false)
    #expect(try Array(fixture.store().broken().keys) == ["campaigns/5.json"])
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
    #expect(try store.names() == [4: "Campaign 4"])
}

@Test("a pipe in a record's place is reported by name, and waits for nobody")
func pipeInPlace() throws {
    let fixture = try Fixture(campaigns: [4])
    mkfifo("\(fixture.path)/campaigns/5.json", 0o600)
    let store = try fixture.store()
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
    #expect(try store.names() == [4: "Campaign 4"])
}

@Test("a link to a broken file is reported by name; one to nothing is nothing")
func links() throws {
    let fixture = try Fixture(campaigns: [4])
    try fixture.write("x", "broken")
    let store = try fixture.store()
    symlink("\(fixture.path)/none", "\(fixture.path)/campaigns/6.json")
    symlink("\(fixture.path)/broken", "\(fixture.path)/campaigns/5.json")
    #expect(try Array(fixture.store().broken().keys) == ["campaigns/5.json"])
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
}

@Test("a file of more than 16 MiB is reported, not read")
func tooLarge() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    truncate("\(fixture.path)/campaigns/5.json", 17 << 20)
    try fixture.replace(Fixture.campaign(4), "campaigns/4.json")
    // An extension alone closes no file that was open for writing, so the event is the one of a touch.
    utimes("\(fixture.path)/campaigns/5.json", nil)
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
    #expect(try store.names() == [4: "Campaign 4"])
}

@Test(
    "a file that may not be read is reported by name, and served again when it may",
    .enabled(if: geteuid() != 0, "root may read everything"))
func unreadable() throws {
    let fixture = try Fixture(campaigns: [4, 5])
    let store = try fixture.store()
    chmod("\(fixture.path)/campaigns/5.json", 0)
    #expect(try store.names().keys.sorted() == [4])
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
    chmod("\(fixture.path)/campaigns/5.json", 0o600)
    #expect(try store.names().keys.sorted() == [4, 5])
}

// MARK: Whole folders

@Test("a data folder that is moved away is empty in the next answer, and back when it is put back")
func movedAway() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    rename(fixture.path, fixture.path + "-away")
    #expect(try store.names() == [:])
    rename(fixture.path + "-away", fixture.path)
    #expect(try store.names() == [5: "Campaign 5"])
    try fixture.write(Fixture.campaign(5, "After"), "campaigns/5.json")
    #expect(try store.names() == [5: "After"])
}

@Test("a data folder that is replaced by another is the other in the next answer, and is watched")
func folderReplaced() throws {
    let (fixture, other) = (try Fixture(campaigns: [5]), try Fixture(campaigns: [8]))
    let store = try fixture.store()
    rename(fixture.path, fixture.path + "-away")
    rename(other.path, fixture.path)
    #expect(try store.names() == [8: "Campaign 8"])
    try fixture.write(Fixture.campaign(9), "campaigns/9.json")
    #expect(try store.names().keys.sorted() == [8, 9])
}

@Test(
    "a folder of records that is replaced shows in the next answer, and is watched",
    arguments: ["campaigns", "organisations", "projects", "users"])
func kindReplaced(kind: String) throws {
    let (fixture, other) = (try Fixture(campaigns: [5]), try Fixture(campaigns: [8]))
    let store = try fixture.store()
    try other.write("x", "\(kind)/7.json")
    rename("\(fixture.path)/\(kind)", "\(fixture.path)/away")
    #expect(try store.names() == (kind == "campaigns" ? [:] : [5: "Campaign 5"]))
    rename("\(other.path)/\(kind)", "\(fixture.path)/\(kind)")
    #expect(try store.names() == (kind == "campaigns" ? [8: "Campaign 8"] : [5: "Campaign 5"]))
    #expect(try Array(store.broken().keys) == ["\(kind)/7.json"])
    try fixture.remove("\(kind)/7.json")
    #expect(try store.broken() == [:])
}

@Test("a folder of records that is removed and made again is watched")
func kindRemoved() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    try fixture.remove("campaigns")
    #expect(try store.names() == [:])
    mkdir("\(fixture.path)/campaigns", 0o700)
    try fixture.write(Fixture.campaign(6), "campaigns/6.json")
    #expect(try store.names() == [6: "Campaign 6"])
    try fixture.write(Fixture.campaign(6, "b"), "campaigns/6.json")
    #expect(try store.names() == [6: "b"])
}

@Test("more changes at once than the system tells of are all seen")
func manyChanges() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    let limit =
        (try? String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)).flatMap {
            Int($0.dropLast())
        } ?? 16_384
    // Each write makes at least two events.
    for _ in 0...(min(limit, 20_000) / 200) {
        for id in 1...100 { try fixture.write(Fixture.campaign(id), "campaigns/\(id).json") }
    }
    try fixture.write(Fixture.campaign(100, "Last"), "campaigns/100.json")
    #expect(try store.names().count == 100)
    #expect(try store.names()[100] == "Last")
}

// MARK: What answers are made of

@Test("an organisation that is changed by hand shows in its campaigns")
func organisation() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"id": 5, "name": "a", "organisations": [2, 1, 9]}"#, "campaigns/5.json")
    try fixture.write(#"{"name": "One"}"#, "organisations/1.json")
    let store = try fixture.store()
    let one = #"{"organisationId":1,"name":"One","slug":null,"logo":null,"url":null}"#
    let start = #"{"id":5,"name":"a","logo":null,"url":null,"description":null,"organisations":["#
    #expect(try store.shown(5) == "\(start)\(one)]}")
    try fixture.write(#"{"name": "Two", "slug": "two", "logo": "l", "url": "u"}"#, "organisations/2.json")
    #expect(
        try store.shown(5) == start + #"{"organisationId":2,"name":"Two","slug":"two","logo":"l","url":"u"},"# + one
            + "]}")
    try fixture.remove("organisations/1.json")
    try fixture.remove("organisations/2.json")
    #expect(try store.shown(5) == "\(start)]}")
}

@Test("links that are written by hand show in the lists of projects and organisations, by rising id")
func linkLists() throws {
    let fixture = try Fixture(campaigns: [9])
    let store = try fixture.store()
    try fixture.write(#"{"name": "b", "projects": [1], "organisations": [2]}"#, "campaigns/7.json")
    try fixture.write(#"{"name": "a", "projects": [3, 1], "organisations": [2]}"#, "campaigns/3.json")
    let both = #"{"campaigns":[{"id":3,"name":"a"},{"id":7,"name":"b"}]}"#
    #expect(
        try store.read { String(decoding: try $0.campaigns(ofProject: 1).representation().bytes, as: UTF8.self) }
            == both)
    #expect(
        try store.read { String(decoding: try $0.campaigns(ofOrganisation: 2).representation().bytes, as: UTF8.self) }
            == both)
    try fixture.write(#"{"name": "a", "projects": [3]}"#, "campaigns/3.json")
    let one = #"{"campaigns":[{"id":7,"name":"b"}]}"#
    #expect(
        try store.read { String(decoding: try $0.campaigns(ofProject: 1).representation().bytes, as: UTF8.self) } == one
    )
    #expect(
        try store.read { String(decoding: try $0.campaigns(ofOrganisation: 2).representation().bytes, as: UTF8.self) }
            == one)
}

@Test("a digest is the same in every process, and another for other bytes")
func digest() throws {
    let fixture = try Fixture(campaigns: [5])
    let (one, two) = (try fixture.store(), try fixture.store())
    let before = try one.read { try $0.campaign(5)?.digest }
    #expect(try two.read { try $0.campaign(5)?.digest } == before)
    try fixture.write(Fixture.campaign(5, "b"), "campaigns/5.json")
    #expect(try one.read { try $0.campaign(5)?.digest } != before)
    try fixture.write(Fixture.campaign(5), "campaigns/5.json")
    #expect(try one.read { try $0.campaign(5)?.digest } == before)
}

@Test("a writer's digest of a campaign is the one that readers got")
func writersDigest() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"id": 5, "name": "a", "organisations": [1]}"#, "campaigns/5.json")
    try fixture.write(#"{"name": "One"}"#, "organisations/1.json")
    let store = try fixture.store()
    let written = try store.change { transaction in
        try transaction.campaign(5).map { try transaction.digest(of: $0, CampaignJSON()) }
    }
    #expect(try store.read { try $0.campaign(5)?.digest } == written)
}
