import Campaigns
import Foundation
import Records
import TestSupport
import Testing

@testable import FolderStore
@testable import RecordIndex

private func problems(_ fixture: Fixture) throws -> [String: String] {
    Dictionary(try FolderCheck.run(fixture.folder).problems.map { ($0.file, $0.reason) }) { $0 + "; " + $1 }
}

@Test(
    "a path is made absolute, and loses the slashes at its end",
    arguments: [("/a/b", "/a/b"), ("/a/b///", "/a/b"), ("/", "/")])
func path(path: String, absolute: String) {
    #expect(DataFolder(path).path == absolute)
    #expect(DataFolder("x").path == FileManager.default.currentDirectoryPath + "/x")
}

@Test("a folder is made with all folders around it, and made again does nothing")
func make() throws {
    let around = try TemporaryFolder()
    let folder = DataFolder(around.path + "/a/b/data")
    try folder.create()
    try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path + "/campaigns/1.json"))
    try folder.create()
    for name in ["campaigns", "organisations", "projects", "users", "logos"] {
        var isFolder: ObjCBool = false
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/\(name)", isDirectory: &isFolder))
        #expect(isFolder.boolValue)
    }
    #expect(FileManager.default.fileExists(atPath: folder.path + "/campaigns/1.json"))
}

@Test("a file where the folder should be is an error that names it")
func fileInTheWay() throws {
    let around = try TemporaryFolder()
    try around.write("x", to: "data")
    let error = #expect(throws: StoreUnavailable.self) { try DataFolder(around.path + "/data").create() }
    #expect(error?.detail.contains(around.path + "/data") == true)
}

// MARK: Checking

@Test("a folder in order has no problems, and its records are counted")
func inOrder() throws {
    let fixture = try Fixture()
    try fixture.write("{}", "users/1.json")
    try fixture.write(#"{"managers": [1]}"#, "organisations/2.json")
    try fixture.write(#"{"author": 1, "organisation": 2, "managers": [1], "contributors": [1]}"#, "projects/3.json")
    try fixture.write(#"{"name": "a", "organisations": [2], "projects": [3]}"#, "campaigns/4.json")
    let result = try FolderCheck.run(fixture.folder)
    #expect(result.records == 4)
    #expect(result.problems.isEmpty)
}

@Test("a file that is broken is named", arguments: ["campaigns", "organisations", "projects", "users"])
func checkBroken(kind: String) throws {
    let fixture = try Fixture()
    try fixture.write("{", "\(kind)/7.json")
    #expect(try Array(problems(fixture).keys) == ["\(kind)/7.json"])
}

@Test("a lock that another process has is named when the time to wait for it is up")
func checkLocked() throws {
    let fixture = try Fixture(campaigns: [1])
    #expect(try FolderCheck.run(fixture.folder, lockTimeout: .zero).problems.isEmpty)
    let holder = try Holder(fixture)
    let found = try FolderCheck.run(fixture.folder, lockTimeout: .zero).problems
    #expect(found.map(\.description) == [".lock: The data folder is locked by another process"])
    holder.release()
    #expect(try FolderCheck.run(fixture.folder).problems.isEmpty)
}

@Test("a journal that is too long for another change is named, and stays as it is")
func checkJournal() throws {
    let fixture = try Fixture(campaigns: [1])
    try fixture.write("", ".journal")
    truncate(fixture.path + "/.journal", Journal.most + 1)
    #expect(try Array(problems(fixture).keys) == [".journal"])
    #expect(FileState(fixture.path + "/.journal")?.size == Journal.most + 1)
}

@Test("a file that is misnamed is named", arguments: ["05.json", "a.json", "5.json.bak", "5", "0.json", "5.JSON"])
func checkMisnamed(name: String) throws {
    let fixture = try Fixture()
    try fixture.write("{}", "users/\(name)")
    #expect(try problems(fixture)["users/\(name)"]?.contains("misnamed") == true)
}

@Test("a record with another id than its name is named")
func checkOtherID() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"id": 6}"#, "users/5.json")
    #expect(try problems(fixture) == ["users/5.json": "id is 6, but the file is named 5.json"])
}

@Test(
    "what refers to something that is not there is named, with the key and the id",
    arguments: [
        ("organisations/1.json", #"{"managers": [9]}"#, "managers refers to user 9, which is not there"),
        ("projects/1.json", #"{"author": 9}"#, "author refers to user 9, which is not there"),
        ("projects/1.json", #"{"organisation": 9}"#, "organisation refers to organisation 9, which is not there"),
        ("projects/1.json", #"{"managers": [9]}"#, "managers refers to user 9, which is not there"),
        ("projects/1.json", #"{"contributors": [9]}"#, "contributors refers to user 9, which is not there"),
        (
            "campaigns/1.json", #"{"name": "a", "organisations": [9]}"#,
            "organisations refers to organisation 9, which is not there"
        ),
        ("campaigns/1.json", #"{"name": "a", "projects": [9]}"#, "projects refers to project 9, which is not there"),
    ])
func checkDangling(file: String, text: String, reason: String) throws {
    let fixture = try Fixture()
    try fixture.write(text, file)
    #expect(try problems(fixture) == [file: reason])
}

@Test("names that differ in what cannot be seen, that cannot be seen, or that users and organisations share, are named")
func checkNames() throws {
    let fixture = try Fixture()
    try fixture.write(Fixture.campaign(1, "Missing Maps"), "campaigns/1.json")
    try fixture.write(Fixture.campaign(2, "Missing Maps\u{200B}"), "campaigns/2.json")
    try fixture.write(Fixture.campaign(3, "\u{3164}"), "campaigns/3.json")
    for id in [1, 2] {
        try fixture.write(#"{"username": "ana"}"#, "users/\(id).json")
        try fixture.write(#"{"name": "Shelter", "slug": "shelter"}"#, "organisations/\(id).json")
        try fixture.write(#"{"name": "Roads"}"#, "projects/\(id).json")
    }
    #expect(
        try problems(fixture) == [
            "campaigns/2.json": "name is that of 1.json as well, but for characters that cannot be seen",
            "campaigns/3.json": "name has no character that can be seen",
            "users/2.json": "username is that of 1.json as well",
            "organisations/2.json": "name is that of 1.json as well; slug is that of 1.json as well",
        ])
}

@Test("records of every kind are read, and counters; what the heartbeat names is among what is named")
func checkEveryKind() throws {
    for kind in RecordKind.allCases {
        let fixture = try Fixture()
        try fixture.write("{", "\(kind.rawValue)/3.json")
        let heartbeat = try fixture.store().read { try $0.broken() }
        #expect(heartbeat.count == 1, "\(kind)")
        #expect(try problems(fixture) == heartbeat, "\(kind)")
        #expect(try FolderCheck.run(fixture.folder).records == 0)
    }
    let fixture = try Fixture()
    let message = #"{"campaign": 1, "sender": 2, "sentDate": "2026-01-01T00:00:00.000000Z"}"#
    try fixture.write(message, "messages/1.json")
    try fixture.write(#"{"recipients": [7]}"#, "messages/recipients/1.json")
    try fixture.write(#"{"handled": 1}"#, "messages/mailed/1.json")
    try fixture.write(#"{"read": [1]}"#, "messages/readers/7.json")
    #expect(try problems(fixture) == [:])
    #expect(try FolderCheck.run(fixture.folder).records == 4)
    try fixture.write("none\n", "messages/.next-id")
    try fixture.write("{}", "messages/mailed/x.json")
    try fixture.write(#"{"recipients": [7]}"#, "messages/recipients/9.json")
    try fixture.write(#"{"handled": 1}"#, "messages/mailed/8.json")
    #expect(
        try problems(fixture) == [
            "messages/.next-id": "it is not an id",
            "messages/mailed/x.json": "it is misnamed: a record is named by its id, such as 5.json",
            "messages/recipients/9.json": "it refers to message 9, which is not there",
            "messages/mailed/8.json":
                "it refers to message 8, which is not there; it refers to the recipients of message 8, which is not there",
        ])
}

@Test("two campaigns with the same name, canonically equivalent ones too, are named")
func checkSameName() throws {
    let fixture = try Fixture()
    try fixture.write(Fixture.campaign(1, "\u{C5}"), "campaigns/1.json")
    try fixture.write(Fixture.campaign(2, "A\u{30A}"), "campaigns/2.json")
    #expect(try problems(fixture) == ["campaigns/2.json": "name is that of 1.json as well"])
}

@Test("what the service keeps for itself is no problem")
func checkOwnFiles() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    try store.delete(store.create("a"))
    try fixture.write("half", "campaigns/.5.json.tmp")
    #expect(try problems(fixture) == [:])
}

@Test("a folder behind a link that leads elsewhere by now is read anew, and nothing in it is written over")
func linkedElsewhere() throws {
    let (one, other) = (try Fixture(campaigns: [1, 2]), try Fixture(campaigns: [3, 7]))
    let holder = try TemporaryFolder()
    let link = holder.path + "/data"
    symlink(one.path, link)
    let fixture = try Fixture(in: link)
    let store = try fixture.store()
    #expect(try store.names() == [1: "Campaign 1", 2: "Campaign 2"])
    unlink(link)
    symlink(other.path, link)
    #expect(try store.create("new") == 8)
    #expect(try store.names() == [3: "Campaign 3", 7: "Campaign 7", 8: "new"])
    unlink(link)
    symlink(one.path, link)
    store.reopenIfReplaced()
    #expect(try store.names() == [1: "Campaign 1", 2: "Campaign 2"])
}

@Test("a folder of records that is a link shows when the link is replaced")
func linkedRecords() throws {
    let (fixture, other) = (try Fixture(campaigns: [1]), try Fixture(campaigns: [5]))
    try FileManager.default.moveItem(atPath: "\(fixture.path)/campaigns", toPath: "\(fixture.path)/before")
    symlink("\(fixture.path)/before", "\(fixture.path)/campaigns")
    let store = try fixture.store()
    #expect(try store.names() == [1: "Campaign 1"])
    symlink("\(other.path)/campaigns", "\(fixture.path)/new")
    rename("\(fixture.path)/new", "\(fixture.path)/campaigns")
    #expect(try store.names() == [5: "Campaign 5"])
}
