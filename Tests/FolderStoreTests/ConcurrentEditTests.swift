import CampaignAPI
import Campaigns
import Foundation
import JSON
import Records
import Synchronization
import TestSupport
import Testing

@testable import FolderStore

// Promise 6: what a person has put into the folder is neither written over nor removed without having been read.

private typealias Group = JournalText

/// Does something once, at the first call.
private final class Once: Sendable {
    private let isDone = Mutex(false)
    func callAsFunction(_ body: () throws -> Void) rethrows {
        let isFirst = isDone.withLock { done in
            defer { done = true }
            return !done
        }
        if isFirst { try body() }
    }
}

/// A campaign with a key of a person's own.
private func byHand(_ id: Int, _ name: String) -> String { #"{"id": \#(id), "name": "\#(name)", "note": "by hand"}"# }

private func text(_ fixture: Fixture, _ id: Int) throws -> String { try fixture.read("campaigns/\(id).json") }

@Test(
    "an edit that is made while a change of the same record is on its way is in the change", arguments: [true, false])
func editedMeanwhile(inPlace: Bool) throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let once = Once()
    try store.change { transaction in
        guard var campaign = try transaction.campaign(5) else { throw Refused() }
        try once {
            let edit = byHand(5, "Edited")
            try inPlace ? fixture.write(edit, "campaigns/5.json") : fixture.replace(edit, "campaigns/5.json")
        }
        campaign.description = "was \(campaign.name)"
        try transaction.put(campaign)
    }
    #expect(try text(fixture, 5).contains(#""note": "by hand""#))
    #expect(try text(fixture, 5).contains(#""description": "was Edited""#))
    #expect(try fixture.everything().keys.sorted() == ["campaigns/5.json"])
}

@Test("a record that is put in the place of a new one stays, and the new one gets another id")
func putMeanwhile() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let once = Once()
    let id = try store.change { transaction in
        let id = try transaction.newCampaignID()
        try once { try fixture.replace(byHand(id, "Mine"), "campaigns/\(id).json") }
        try transaction.put(Campaign(id: id, name: "New"))
        return id
    }
    #expect(id == 7)
    #expect(try text(fixture, 6) == byHand(6, "Mine"))
    #expect(try store.names() == [5: "Campaign 5", 6: "Mine", 7: "New"])
}

@Test("a record that is removed while a change of it is on its way is not there for the change")
func removedMeanwhile() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let once = Once()
    #expect(throws: Refused.self) {
        try store.change { transaction in
            guard var campaign = try transaction.campaign(5) else { throw Refused() }
            try once { try fixture.remove("campaigns/5.json") }
            campaign.name = "changed"
            try transaction.put(campaign)
        }
    }
    #expect(try fixture.everything().isEmpty)
    #expect(try store.names() == [:])
}

@Test("an edit that is made while the record is to be deleted is looked at before")
func editedBeforeDeletion() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let once = Once()
    #expect(throws: Refused.self) {
        try store.change { transaction in
            guard let campaign = try transaction.campaign(5), campaign.name == "Campaign 5" else { throw Refused() }
            try once { try fixture.write(byHand(5, "Keep me"), "campaigns/5.json") }
            try transaction.removeCampaign(5)
        }
    }
    #expect(try text(fixture, 5) == byHand(5, "Keep me"))
    #expect(try fixture.everything().count == 1)
}

@Test("what a user has read is decided anew where the record was edited meanwhile")
func readerEditedMeanwhile() throws {
    let fixture = try Fixture()
    let message = Message(
        id: 1, campaign: 1, campaignName: "c", sender: 1, senderName: "s", senderPicture: nil, subject: "s", text: "t",
        sentDate: "2026-01-01T00:00:00.000000Z", projects: [])
    let store = try fixture.store()
    try store.change { $0.put(message, Delivery(id: 1, recipients: [7]), nil) }
    try fixture.write(#"{"id": 7, "read": [], "deleted": []}"#, "messages/readers/7.json")
    let once = Once()
    try store.change { transaction in
        try transaction.markAsRead([1], by: 7)
        try once { try fixture.write(#"{"id": 7, "read": [], "deleted": [], "note": 1}"#, "messages/readers/7.json") }
    }
    #expect(try fixture.read("messages/readers/7.json").contains("note"))
    #expect(try store.read { try $0.isRead(1, by: 7) })
}

@Test("a change whose file is edited again and again is refused in the end, and the others of its group are made")
func editedAgainAndAgain() throws {
    let fixture = try Fixture(campaigns: [5, 6])
    let store = try fixture.store()
    let holder = try Holder(fixture)
    let count = Atomic(0)
    let isRefused = Mutex(false)
    try onThreads(3) { number in
        switch number {
        case 0:
            usleep(200_000)
            holder.release()
        case 1:
            do {
                try store.change { transaction in
                    guard let campaign = try transaction.campaign(5) else { throw Refused() }
                    let turn = count.add(1, ordering: .relaxed).newValue
                    try fixture.replace(byHand(5, "Edit \(turn)"), "campaigns/5.json")
                    try transaction.put(campaign)
                }
            } catch is StoreUnavailable {
                isRefused.withLock { $0 = true }
            }
        default: try store.rename(6, "changed")
        }
    }
    #expect(isRefused.withLock { $0 })
    #expect(try text(fixture, 5) == byHand(5, "Edit \(count.load(ordering: .relaxed))"))
    #expect(try store.names()[6] == "changed")
}

@Test("a record that somebody has open to write it is not replaced before it is closed")
func openForWriting() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let file = open("\(fixture.path)/campaigns/5.json", O_WRONLY | O_APPEND | O_CLOEXEC)
    #expect(throws: StoreUnavailable.self) { try store.rename(5, "changed") }
    #expect(throws: StoreUnavailable.self) { try store.delete(5) }
    let edit = byHand(5, "Edited")
    ftruncate(file, 0)
    #expect(write(file, edit, edit.utf8.count) == edit.utf8.count)
    close(file)
    #expect(try text(fixture, 5) == edit)
    try store.rename(5, "changed")
    #expect(try text(fixture, 5).contains("by hand"))
}

@Test("an import keeps an edit that is made while it decides")
func editedBeforeImport() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"id": 3, "username": "a"}"#, "users/3.json")
    let store = try fixture.store()
    let once = Once()
    try store.change { transaction in
        guard var user = try transaction.sound(User.self, .users, 3) else { throw Refused() }
        try once { try fixture.replace(#"{"id": 3, "username": "a", "note": 1}"#, "users/3.json") }
        user.role = .admin
        try transaction.put(user)
    }
    #expect(try fixture.read("users/3.json").contains("note"))
    #expect(try fixture.read("users/3.json").contains("ADMIN"))
}

// MARK: A process that died in the middle

@Test(
    "an edit that a process had moved away when it died comes back", arguments: [".5.json.tmp", ".5.json.former.tmp"])
func movedAway(place: String) throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let group = Group(
        [("campaigns/5.json", Fixture.campaign(5), Fixture.campaign(5, "changed"))], isDone: false)
    try fixture.write(group.text, ".journal")
    if place == ".5.json.tmp" {
        try fixture.replace(Fixture.campaign(5, "changed"), "campaigns/5.json")
    } else {
        try fixture.remove("campaigns/5.json")
        try fixture.write(Fixture.campaign(5, "changed"), "campaigns/.5.json.tmp")
    }
    try fixture.write(byHand(5, "Edited"), "campaigns/\(place)")
    store.removeLeftovers()
    #expect(try store.names() == [5: "Edited"])
    #expect(try text(fixture, 5) == byHand(5, "Edited"))
    #expect(try fixture.everything().count == 1)
}

@Test("an edit that a process had moved away to delete the record comes back")
func movedAwayForDeletion() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    try fixture.write(Group([("campaigns/5.json", Fixture.campaign(5), nil)], isDone: false).text, ".journal")
    try fixture.remove("campaigns/5.json")
    try fixture.write(byHand(5, "Edited"), "campaigns/.5.json.tmp")
    try store.create("next")
    #expect(try store.names() == [5: "Edited", 6: "next"])
}

@Test("a record that a process had moved away to put another in its place is seen, and the change is made later")
func betweenTwo() throws {
    let fixture = try Fixture(campaigns: [5, 6])
    try fixture.write(
        Group([("campaigns/5.json", Fixture.campaign(5), Fixture.campaign(5, "changed"))], isDone: false).text,
        ".journal"
    )
    try FileManager.default.moveItem(
        atPath: "\(fixture.path)/campaigns/5.json", toPath: "\(fixture.path)/campaigns/.5.json.former.tmp")
    try fixture.write(Fixture.campaign(5, "changed"), "campaigns/.5.json.tmp")
    let plain = try FolderStore(fixture.folder, CampaignJSON(), logger: .init(label: "test"), watching: false)
    #expect(try plain.shown(5)?.contains("Campaign 5") == true)
    let store = try fixture.store()
    try store.rename(6, "next")
    #expect(try store.names() == [5: "changed", 6: "next"])
    #expect(try fixture.everything().count == 2)
}

@Test("what a person has removed or put in place after the process died stays so")
func afterTheEnd() throws {
    let fixture = try Fixture(campaigns: [1, 2])
    let store = try fixture.store()
    let changes: [(String, String?, String?)] = [
        ("campaigns/1.json", Fixture.campaign(1, "former"), Fixture.campaign(1, "changed")),
        ("campaigns/2.json", Fixture.campaign(2), Fixture.campaign(2, "changed")),
        ("campaigns/3.json", nil, Fixture.campaign(3, "new")),
    ]
    try fixture.write(Group(changes, isDone: false).text, ".journal")
    try fixture.remove("campaigns/2.json")
    try fixture.write(byHand(3, "Mine"), "campaigns/3.json")
    try store.create("next")
    #expect(try store.names() == [1: "Campaign 1", 3: "Mine", 4: "next"])
}

// MARK: A forged journal

@Test("a journal names records and nothing else: what else it names is left alone, and named in the log")
func forgedJournal() throws {
    let fixture = try Fixture(campaigns: [1])
    let log = Log()
    symlink(fixture.holder.path, "\(fixture.path)/logos/evil")
    try fixture.write(
        Group(
            [
                ("logos/evil/file", nil, "x"), ("logos/evil", nil, "x"), ("../outside.json", nil, "{}"),
                ("campaigns/1.json", Fixture.campaign(1), Fixture.campaign(1, "changed")),
            ], isDone: false
        ).text, ".journal")
    let store = try fixture.store(log: log)
    try store.create("next")
    #expect(try store.names() == [1: "changed", 2: "next"])
    #expect(log.text.contains("logos/evil"))
    #expect(log.text.contains("../outside.json"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.holder.path) == ["data"])
    #expect(FileManager.default.fileExists(atPath: "\(fixture.path)/logos/evil"))
}

@Test(
    "root carries out no journal in a folder that is another user's than the journal",
    .enabled(if: geteuid() == 0, "only root can"))
func anothersFolder() throws {
    let fixture = try Fixture()
    let elsewhere = try TemporaryFolder()
    chown(fixture.path, 4711, 4711)
    try fixture.remove("campaigns")
    symlink(elsewhere.path, "\(fixture.path)/campaigns")
    try fixture.write(Group([("campaigns/1.json", nil, "{}")], isDone: false).text, ".journal")
    chown("\(fixture.path)/.journal", 4711, 4711)
    let store = try fixture.store()
    #expect(throws: StoreUnavailable.self) { try store.create("a") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere.path) == [])
}

// MARK: Ids

@Test("an id is not given again, whatever an old copy brings back", arguments: [true, false])
func oldCopy(isRunning: Bool) throws {
    let fixture = try Fixture(campaigns: [13])
    var store = try fixture.store()
    try store.create("fourteen")
    try store.create("fifteen")
    // A commit that is taken back.
    try fixture.remove("campaigns/14.json")
    try fixture.remove("campaigns/15.json")
    try fixture.replace("14\n", "campaigns/.next-id")
    if isRunning { try fixture.remove(".ids") } else { store = try fixture.store() }
    #expect(try store.create("next") == 16)
    #expect(try fixture.read("campaigns/.next-id") == "17\n")
}

@Test("an old copy of the ids adds to them, and git is told to leave them alone")
func mergedIDs() throws {
    let fixture = try Fixture(campaigns: [13])
    try fixture.store().create("fourteen")
    try fixture.remove("campaigns/14.json")
    try fixture.remove("campaigns/.next-id")
    try fixture.write("", ".ids/campaigns-9")
    #expect(try fixture.store().create("next") == 15)
    #expect(try fixture.read(".ids/.gitignore") == "*\n")
    #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(fixture.path)/.ids").filter { $0.hasPrefix("campaigns") }
            == ["campaigns-16"])
}

@Test("where nothing is kept of the ids, what messages name counts too")
func mentioned() throws {
    let fixture = try Fixture(campaigns: [3])
    try fixture.write(
        #"{"id": 1, "campaign": 20, "campaignName": "", "sender": 1, "senderName": "", "subject": "", "text": "", "sentDate": "", "projects": []}"#,
        "messages/1.json")
    #expect(try fixture.store().create("next") == 21)
}

@Test("ids of records that a person has put there and removed again stay used, after a start too")
func byPersons() throws {
    let fixture = try Fixture(campaigns: [3])
    let store = try fixture.store()
    try fixture.write(Fixture.campaign(9), "campaigns/9.json")
    try fixture.write(#"{"organisationId": 4, "name": "O"}"#, "organisations/4.json")
    _ = try store.names()
    store.keepIDs()
    try fixture.remove("campaigns/9.json")
    try fixture.remove("organisations/4.json")
    #expect(try fixture.store().create("next") == 10)
    #expect(try fixture.store().change { try $0.nextID(.organisations) } == 5)
}

// MARK: Files that are in the way

@Test("a journal that cannot be emptied stops growing, and what was refused can be done afterwards")
func lockedJournal() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    let large = String(repeating: "a", count: 15 << 20)
    let groups = (1...9).map { Group([("campaigns/\($0 + 1).json", nil, "\"\(large)\"")], isDone: true).text }
    try fixture.write(groups.joined(), ".journal")
    let other = open("\(fixture.path)/.journal", O_RDONLY | O_CLOEXEC)
    #expect(flock(other, LOCK_EX) == 0)
    #expect(throws: StoreUnavailable.self) { try store.rename(1, "changed") }
    store.look()
    #expect(store.trouble()?.contains(".journal") == true)
    close(other)
    try store.rename(1, "changed")
    store.look()
    #expect(store.trouble() == nil)
    #expect(try FileState.size("\(fixture.path)/.journal") < 1 << 20)
}

@Test("a journal of any size that holds no group is emptied")
func hugeJournal() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    truncate("\(fixture.path)/.journal", 3 << 30)
    try store.rename(1, "changed")
    #expect(try FileState.size("\(fixture.path)/.journal") < 1 << 20)
}

@Test(
    "what is in the place of one of the service's own files is named, and keeps the folder from counting as healthy",
    arguments: [".lock", ".journal", "campaigns/.next-id", "messages/.next-id", "messages/.mail-lock", ".ids", "logos"])
func inItsPlace(name: String) throws {
    let fixture = try Fixture(campaigns: [1])
    #expect(fixture.folder.unusableFiles().isEmpty)
    try fixture.remove(name)
    #expect(fixture.folder.unusableFiles().isEmpty)
    if name == ".ids" || name == "logos" {
        try fixture.write("", name)
    } else {
        #expect(mkfifo("\(fixture.path)/\(name)", 0o600) == 0)
    }
    #expect(fixture.folder.unusableFiles().map(\.file) == [name])
    #expect(fixture.folder.trouble()?.contains(name) == true)
}

@Test("a counter at its end is named")
func counterAtItsEnd() throws {
    let fixture = try Fixture(campaigns: [1])
    try fixture.write("\(Int.max)\n", "campaigns/.next-id")
    #expect(fixture.folder.unusableFiles().map(\.file) == ["campaigns/.next-id"])
}

@Test("a folder that is made has the service's own files from the first, with the owner of the folder")
func madeFiles() throws {
    let fixture = try Fixture()
    #expect(try fixture.read(".gitignore").contains(".journal\n"))
    for name in [".lock", ".journal", "campaigns/.next-id", "messages/.next-id", "messages/.mail-lock"] {
        let found = try FileManager.default.attributesOfItem(atPath: "\(fixture.path)/\(name)")
        #expect(found[.posixPermissions] as? Int == 0o600)
        try fixture.remove(name)
    }
    if geteuid() == 0 {
        for folder in ["", "/campaigns", "/messages"] { chown(fixture.path + folder, 4711, 4712) }
        try fixture.folder.create()
        for name in [".lock", ".journal", "campaigns/.next-id", "messages/.next-id", "messages/.mail-lock"] {
            let found = try FileManager.default.attributesOfItem(atPath: "\(fixture.path)/\(name)")
            #expect(found[.ownerAccountID] as? Int == 4711)
        }
    }
}

@Test("a lock that is held for long makes the folder unhealthy, until it is free")
func heldLock() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store(timeout: .milliseconds(50))
    store.look()
    #expect(store.trouble() == nil)
    let holder = try Holder(fixture)
    store.look()
    #expect(store.trouble()?.contains("locked") == true)
    holder.release()
    let deadline = ContinuousClock.now + .seconds(20)
    repeat { store.look() } while store.trouble() != nil && .now < deadline
    #expect(store.trouble() == nil)
}

private enum FileState {
    static func size(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }
}
