import Campaigns
import Foundation
import Records
import TestSupport
import Testing

@testable import FolderStore
@testable import RecordIndex

// A name that a record may have which cannot be read is not free.

@Test(
    "a name that can still be read in a broken text is found",
    arguments: [
        (#"{"id": 5, "name": "Floods", "projects": [1,}"#, "Floods"),
        (#"{"id": 5, "name": "Floods" "logo": null}"#, "Floods"),
        (#"{"id": 5, "name": "Floods"#, "Floods"),
        ("{\n  \"id\": 5,\n  \"name\": \"Floods,\n  \"logo\": null\n}", "Floods"),
        ("{\n  \"name\": Floods in Mozambique,\n  \"logo\": null\n}", "Floods in Mozambique"),
        (#"{'id': 5, 'name': 'Floods'}"#, "Floods"),
        (#"{id: 5, name: "Floods"}"#, "Floods"),
        (#"{"id": 5, "Name": "Floods"}"#, "Floods"),
        (#"{"id": 5, "nmae": "Floods"}"#, "Floods"),
        (#"{"id": 5, "name": "\u00dcberschwemmung \"West\"", }"#, "Überschwemmung \"West\""),
        (#"{"id": 6, "name": "Floods"}"#, "Floods"),
        (#"{"name": "Floods", "projects": "1"}"#, "Floods"),
        ("<<<<<<< HEAD\n{\"name\": \"Floods\"}\n=======\n{\"name\": \"Drought\"}\n>>>>>>> x\n", "Drought"),
        ("{\"name\": \"Cafe\u{301}\"", "Caf\u{E9}"),
        (#"{"name": "Floods"} x"#, "Floods"),
    ])
func found(text: String, name: String) {
    #expect(BrokenName(in: Array(text.utf8)).names.contains(name))
}

@Test("a name is found in Latin-1 and in UTF-16 too")
func encodings() {
    let text = #"{"name": "Überschwemmung"}"#
    #expect(BrokenName(in: text.unicodeScalars.map { UInt8($0.value) }).names.contains("Überschwemmung"))
    let units: [UInt8] = [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    #expect(BrokenName(in: units).names.contains("Überschwemmung"))
}

@Test("a text that is cut off within the name keeps all names that begin so", arguments: ["Flo", "F", "Floods"])
func cutOff(rest: String) throws {
    let fixture = try Fixture()
    try fixture.write(#"{"id": 5, "name": "\#(rest)"#, "campaigns/5.json")
    let store = try fixture.store()
    #expect(try store.owner(of: "Floods") == 5)
    #expect(try store.owner(of: "Drought") == nil)
}

@Test(
    "a text without a name keeps nobody from giving one",
    arguments: ["", "{", "x", #"{"id": 5, "#, "\0\0\0\0", "[1, 2]"])
func noName(text: String) throws {
    let fixture = try Fixture()
    try fixture.write(text, "campaigns/5.json")
    #expect(try fixture.store().owner(of: "Floods") == nil)
}

@Test("the name that a broken record had is not free, until the record is mended or removed")
func formerName() throws {
    let fixture = try Fixture(campaigns: [4])
    let store = try fixture.store()
    try fixture.write(Fixture.campaign(5, "Floods"), "campaigns/5.json")
    #expect(try store.owner(of: "Floods") == 5)
    for text in ["", "{", #"{"name": "Drought""#] {
        try fixture.write(text, "campaigns/5.json")
        #expect(try store.names() == [4: "Campaign 4"])
        #expect(try store.owner(of: "Floods") == 5)
    }
    #expect(try store.owner(of: "Drought") == 5)
    try fixture.write(Fixture.campaign(5, "Famine"), "campaigns/5.json")
    #expect(try store.owner(of: "Floods") == nil)
    #expect(try store.owner(of: "Famine") == 5)
    try fixture.write("{", "campaigns/5.json")
    try fixture.remove("campaigns/5.json")
    #expect(try store.owner(of: "Famine") == nil)
}

@Test("the name that a broken record had outlasts a replaced folder")
func formerNameAfterReload() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    try fixture.write("{", "campaigns/5.json")
    #expect(try store.names() == [:])
    try fixture.remove("users")
    mkdir("\(fixture.path)/users", 0o700)
    #expect(try store.owner(of: "Campaign 5") == 5)
}

@Test("a name that a broken record may have and another has is reported, where the other is")
func heldDouble() throws {
    let fixture = try Fixture(campaigns: [4])
    try fixture.write(#"{"name": "Campaign 4","#, "campaigns/7.json")
    let store = try fixture.store()
    #expect(try store.names() == [4: "Campaign 4"])
    let reason = "name may be that of 7.json as well, which cannot be read"
    #expect(try store.read { $0.doubles } == ["campaigns/4.json": reason])
    let problems = try FolderCheck.run(fixture.folder).problems.map(\.description)
    #expect(problems.contains("campaigns/4.json: \(reason)"))
}

@Test("a name that hands have given twice is reported, and no longer when one of them has gone")
func doubles() throws {
    let fixture = try Fixture(campaigns: [4, 5])
    let store = try fixture.store()
    #expect(try store.read { $0.doubles } == [:])
    try fixture.write(Fixture.campaign(6, "Campaign 4"), "campaigns/6.json")
    #expect(try store.names().count == 3)
    #expect(try store.read { $0.doubles } == ["campaigns/6.json": "name is that of 4.json as well"])
    try fixture.remove("campaigns/4.json")
    #expect(try store.names().count == 2)
    #expect(try store.read { $0.doubles } == [:])
}
