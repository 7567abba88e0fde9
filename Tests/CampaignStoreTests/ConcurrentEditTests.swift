import CampaignStore
import Campaigns
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

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

private func text(_ ground: Ground, _ id: Int) throws -> String { try ground.read("campaigns/\(id).json") }

@Test(
    "an edit that is made while a change of the same record is on its way is in the change", arguments: [true, false])
func editedMeanwhile(inPlace: Bool) throws {
    let ground = try Ground(campaigns: [5])
    let store = try ground.store()
    let once = Once()
    try store.write { transaction in
        guard var campaign = try transaction.campaign(5) else { throw Refused() }
        try once {
            let edit = byHand(5, "Edited")
            try inPlace ? ground.write(edit, "campaigns/5.json") : ground.replace(edit, "campaigns/5.json")
        }
        campaign.description = "was \(campaign.name)"
        try transaction.put(campaign)
    }
    #expect(try text(ground, 5).contains(#""note": "by hand""#))
    #expect(try text(ground, 5).contains(#""description": "was Edited""#))
    #expect(try ground.everything().keys.sorted() == ["campaigns/5.json"])
}

@Test("a record that is put in the place of a new one stays, and the new one gets another id")
func putMeanwhile() throws {
    let ground = try Ground(campaigns: [5])
    let store = try ground.store()
    let once = Once()
    let id = try store.write { transaction in
        let id = try transaction.newCampaignID()
        try once { try ground.replace(byHand(id, "Mine"), "campaigns/\(id).json") }
        try transaction.put(Campaign(id: id, name: "New"))
        return id
    }
    #expect(id == 7)
    #expect(try text(ground, 6) == byHand(6, "Mine"))
    #expect(try store.names() == [5: "Campaign 5", 6: "Mine", 7: "New"])
}

@Test("a record that is removed while a change of it is on its way is not there for the change")
func removedMeanwhile() throws {
    let ground = try Ground(campaigns: [5])
    let store = try ground.store()
    let once = Once()
    #expect(throws: Refused.self) {
        try store.write { transaction in
            guard var campaign = try transaction.campaign(5) else { throw Refused() }
            try once { try ground.remove("campaigns/5.json") }
            campaign.name = "changed"
            try transaction.put(campaign)
        }
    }
    #expect(try ground.everything().isEmpty)
    #expect(try store.names() == [:])
}

@Test("an edit that is made while the record is to be deleted is looked at before")
func editedBeforeDeletion() throws {
    let ground = try Ground(campaigns: [5])
    let store = try ground.store()
    let once = Once()
    #expect(throws: Refused.self) {
        try store.write { transaction in
            guard let campaign = try transaction.campaign(5), campaign.name == "Campaign 5" else { throw Refused() }
            try once { try ground.write(byHand(5, "Keep me"), "campaigns/5.json") }
            try transaction.removeCampaign(5)
        }
    }
    #expect(try text(ground, 5) == byHand(5, "Keep me"))
    #expect(try ground.everything().count == 1)
}

@Test("what a user has read is decided anew where the record was edited meanwhile")
func readerEditedMeanwhile() throws {
    let ground = try Ground()
    let message = Message(
        id: 1, campaign: 1, campaignName: "c", sender: 1, senderName: "s", senderPicture: nil, subject: "s", text: "t",
        sentDate: "2026-01-01T00:00:00.000000Z", projects: [])
    let store = try ground.store()
    try store.write { $0.put(message, Delivery(id: 1, recipients: [7]), nil) }
    try ground.write(#"{"id": 7, "read": [], "deleted": []}"#, "messages/readers/7.json")
    let once = Once()
    try store.write { transaction in
        try transaction.markAsRead([1], by: 7)
        try once { try ground.write(#"{"id": 7, "read": [], "deleted": [], "note": 1}"#, "messages/readers/7.json") }
    }
    #expect(try ground.read("messages/readers/7.json").contains("note"))
    #expect(try store.read { try $0.isRead(1, by: 7) })
}

@Test("a change whose file is edited again and again is refused in the end, and the others of its group are made")
func editedAgainAndAgain() throws {
    let ground = try Ground(campaigns: [5, 6])
    let store = try ground.store()
    let holder = try Holder(ground)
    let count = Atomic(0)
    let isRefused = Mutex(false)
    try onThreads(3) { number in
        switch number {
        case 0:
            usleep(200_000)
            holder.release()
        case 1:
            do {
                try store.write { transaction in
                    guard let campaign = try transaction.campaign(5) else { throw Refused() }
                    let turn = count.add(1, ordering: .relaxed).newValue
                    try ground.replace(byHand(5, "Edit \(turn)"), "campaigns/5.json")
                    try transaction.put(campaign)
                }
            } catch is FolderUnavailable {
                isRefused.withLock { $0 = true }
            }
        default: try store.rename(6, "changed")
        }
    }
    #expect(isRefused.withLock { $0 })
    #expect(try text(ground, 5) == byHand(5, "Edit \(count.load(ordering: .relaxed))"))
    #expect(try store.names()[6] == "changed")
}

@Test("a record that somebody has open to write it is not replaced before it is closed")
func openForWriting() throws {
    let ground = try Ground(campaigns: [5])
    let store = try ground.store()
    let file = open("\(ground.path)/campaigns/5.json", O_WRONLY | O_APPEND | O_CLOEXEC)
    #expect(throws: FolderUnavailable.self) { try store.rename(5, "changed") }
    #expect(throws: FolderUnavailable.self) { try store.delete(5) }
    let edit = byHand(5, "Edited")
    ftruncate(file, 0)
    #expect(write(file, edit, edit.utf8.count) == edit.utf8.count)
    close(file)
    #expect(try text(ground, 5) == edit)
    try store.rename(5, "changed")
    #expect(try text(ground, 5).contains("by hand"))
}

@Test("an import keeps an edit that is made while it decides")
func editedBeforeImport() throws {
    let ground = try Ground()
    try ground.write(#"{"id": 3, "username": "a"}"#, "users/3.json")
    let store = try ground.store()
    let once = Once()
    try store.write { transaction in
        guard var user = try transaction.sound(User.self, .users, 3) else { throw Refused() }
        try once { try ground.replace(#"{"id": 3, "username": "a", "note": 1}"#, "users/3.json") }
        user.role = .admin
        try transaction.put(user)
    }
    #expect(try ground.read("users/3.json").contains("note"))
    #expect(try ground.read("users/3.json").contains("ADMIN"))
}

// MARK: A process that died in the middle

@Test(
    "an edit that a process had moved away when it died comes back", arguments: [".5.json.tmp", ".5.json.former.tmp"])
func movedAway(place: String) throws {
    let ground = try Ground(campaigns: [5])
    let store = try ground.store()
    let group = Group(
        [("campaigns/5.json", Ground.campaign(5), Ground.campaign(5, "changed"))], isDone: false)
    try ground.write(group.text, ".journal")
    if place == ".5.json.tmp" {
        try ground.replace(Ground.campaign(5, "changed"), "campaigns/5.json")
    } else {
        try ground.remove("campaigns/5.json")
        try ground.write(Ground.campaign(5, "changed"), "campaigns/.5.json.tmp")
    }
    try ground.write(byHand(5, "Edited"), "campaigns/\(place)")
    store.removeLeftovers()
    #expect(try store.names() == [5: "Edited"])
    #expect(try text(ground, 5) == byHand(5, "Edited"))
    #expect(try ground.everything().count == 1)
}

@Test("an edit that a process had moved away to delete the record comes back")
func movedAwayForDeletion() throws {
    let ground = try Ground(campaigns: [5])
    let store = try ground.store()
    try ground.write(Group([("campaigns/5.json", Ground.campaign(5), nil)], isDone: false).text, ".journal")
    try ground.remove("campaigns/5.json")
    try ground.write(byHand(5, "Edited"), "campaigns/.5.json.tmp")
    try store.create("next")
    #expect(try store.names() == [5: "Edited", 6: "next"])
}

@Test("a record that a process had moved away to put another in its place is seen, and the change is made later")
func betweenTwo() throws {
    let ground = try Ground(campaigns: [5, 6])
    try ground.write(
        Group([("campaigns/5.json", Ground.campaign(5), Ground.campaign(5, "changed"))], isDone: false).text, ".journal"
    )
    try FileManager.default.moveItem(
        atPath: "\(ground.path)/campaigns/5.json", toPath: "\(ground.path)/campaigns/.5.json.former.tmp")
    try ground.write(Ground.campaign(5, "changed"), "campaigns/.5.json.tmp")
    let plain = try Store(ground.folder, logger: .init(label: "test"), watching: false)
    #expect(try plain.shown(5)?.contains("Campaign 5") == true)
    let store = try ground.store()
    try store.rename(6, "next")
    #expect(try store.names() == [5: "changed", 6: "next"])
    #expect(try ground.everything().count == 2)
}

@Test("what a person has removed or put in place after the process died stays so")
func afterTheEnd() throws {
    let ground = try Ground(campaigns: [1, 2])
    let store = try ground.store()
    let changes: [(String, String?, String?)] = [
        ("campaigns/1.json", Ground.campaign(1, "former"), Ground.campaign(1, "changed")),
        ("campaigns/2.json", Ground.campaign(2), Ground.campaign(2, "changed")),
        ("campaigns/3.json", nil, Ground.campaign(3, "new")),
    ]
    try ground.write(Group(changes, isDone: false).text, ".journal")
    try ground.remove("campaigns/2.json")
    try ground.write(byHand(3, "Mine"), "campaigns/3.json")
    try store.create("next")
    #expect(try store.names() == [1: "Campaign 1", 3: "Mine", 4: "next"])
}

// MARK: A forged journal

@Test("a journal names records and nothing else: what else it names is left alone, and named in the log")
func forgedJournal() throws {
    let ground = try Ground(campaigns: [1])
    let log = Log()
    symlink(ground.holder.path, "\(ground.path)/logos/evil")
    try ground.write(
        Group(
            [
                ("logos/evil/file", nil, "x"), ("logos/evil", nil, "x"), ("../outside.json", nil, "{}"),
                ("campaigns/1.json", Ground.campaign(1), Ground.campaign(1, "changed")),
            ], isDone: false
        ).text, ".journal")
    let store = try ground.store(log: log)
    try store.create("next")
    #expect(try store.names() == [1: "changed", 2: "next"])
    #expect(log.text.contains("logos/evil"))
    #expect(log.text.contains("../outside.json"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: ground.holder.path) == ["data"])
    #expect(FileManager.default.fileExists(atPath: "\(ground.path)/logos/evil"))
}

@Test(
    "root carries out no journal in a folder that is another user's than the journal",
    .enabled(if: geteuid() == 0, "only root can"))
func anothersFolder() throws {
    let ground = try Ground()
    let elsewhere = try TemporaryFolder()
    chown(ground.path, 4711, 4711)
    try ground.remove("campaigns")
    symlink(elsewhere.path, "\(ground.path)/campaigns")
    try ground.write(Group([("campaigns/1.json", nil, "{}")], isDone: false).text, ".journal")
    chown("\(ground.path)/.journal", 4711, 4711)
    let store = try ground.store()
    #expect(throws: FolderUnavailable.self) { try store.create("a") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere.path) == [])
}

// MARK: Ids

@Test("an id is not given again, whatever an old copy brings back", arguments: [true, false])
func oldCopy(isRunning: Bool) throws {
    let ground = try Ground(campaigns: [13])
    var store = try ground.store()
    try store.create("fourteen")
    try store.create("fifteen")
    // A commit that is taken back.
    try ground.remove("campaigns/14.json")
    try ground.remove("campaigns/15.json")
    try ground.replace("14\n", "campaigns/.next-id")
    if isRunning { try ground.remove(".ids") } else { store = try ground.store() }
    #expect(try store.create("next") == 16)
    #expect(try ground.read("campaigns/.next-id") == "17\n")
}

@Test("an old copy of the ids adds to them, and git is told to leave them alone")
func mergedIDs() throws {
    let ground = try Ground(campaigns: [13])
    try ground.store().create("fourteen")
    try ground.remove("campaigns/14.json")
    try ground.remove("campaigns/.next-id")
    try ground.write("", ".ids/campaigns-9")
    #expect(try ground.store().create("next") == 15)
    #expect(try ground.read(".ids/.gitignore") == "*\n")
    #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(ground.path)/.ids").filter { $0.hasPrefix("campaigns") }
            == ["campaigns-16"])
}

@Test("where nothing is kept of the ids, what messages name counts too")
func mentioned() throws {
    let ground = try Ground(campaigns: [3])
    try ground.write(
        #"{"id": 1, "campaign": 20, "campaignName": "", "sender": 1, "senderName": "", "subject": "", "text": "", "sentDate": "", "projects": []}"#,
        "messages/1.json")
    #expect(try ground.store().create("next") == 21)
}

@Test("ids of records that a person has put there and removed again stay used, after a start too")
func byPersons() throws {
    let ground = try Ground(campaigns: [3])
    let store = try ground.store()
    try ground.write(Ground.campaign(9), "campaigns/9.json")
    try ground.write(#"{"organisationId": 4, "name": "O"}"#, "organisations/4.json")
    _ = try store.names()
    store.keepIDs()
    try ground.remove("campaigns/9.json")
    try ground.remove("organisations/4.json")
    #expect(try ground.store().create("next") == 10)
    #expect(try ground.store().write { try $0.nextID(.organisations) } == 5)
}

// MARK: Files that are in the way

@Test("a journal that cannot be emptied stops growing, and what was refused can be done afterwards")
func lockedJournal() throws {
    let ground = try Ground(campaigns: [1])
    let store = try ground.store()
    let large = String(repeating: "a", count: 15 << 20)
    let groups = (1...9).map { Group([("campaigns/\($0 + 1).json", nil, "\"\(large)\"")], isDone: true).text }
    try ground.write(groups.joined(), ".journal")
    let other = open("\(ground.path)/.journal", O_RDONLY | O_CLOEXEC)
    #expect(flock(other, LOCK_EX) == 0)
    #expect(throws: FolderUnavailable.self) { try store.rename(1, "changed") }
    store.look()
    #expect(store.trouble()?.contains(".journal") == true)
    close(other)
    try store.rename(1, "changed")
    store.look()
    #expect(store.trouble() == nil)
    #expect(try FileState.size("\(ground.path)/.journal") < 1 << 20)
}

@Test("a journal of any size that holds no group is emptied")
func hugeJournal() throws {
    let ground = try Ground(campaigns: [1])
    let store = try ground.store()
    truncate("\(ground.path)/.journal", 3 << 30)
    try store.rename(1, "changed")
    #expect(try FileState.size("\(ground.path)/.journal") < 1 << 20)
}

@Test(
    "what is in the place of one of the service's own files is named, and keeps the folder from counting as healthy",
    arguments: [".lock", ".journal", "campaigns/.next-id", "messages/.next-id", "messages/.mail-lock", ".ids", "logos"])
func inItsPlace(name: String) throws {
    let ground = try Ground(campaigns: [1])
    #expect(ground.folder.unusableFiles().isEmpty)
    try ground.remove(name)
    #expect(ground.folder.unusableFiles().isEmpty)
    if name == ".ids" || name == "logos" {
        try ground.write("", name)
    } else {
        #expect(mkfifo("\(ground.path)/\(name)", 0o600) == 0)
    }
    #expect(ground.folder.unusableFiles().map(\.file) == [name])
    #expect(ground.folder.trouble()?.contains(name) == true)
}

@Test("a counter at its end is named")
func counterAtItsEnd() throws {
    let ground = try Ground(campaigns: [1])
    try ground.write("\(Int.max)\n", "campaigns/.next-id")
    #expect(ground.folder.unusableFiles().map(\.file) == ["campaigns/.next-id"])
}

@Test("a folder that is made has the service's own files from the first, with the owner of the folder")
func madeFiles() throws {
    let ground = try Ground()
    #expect(try ground.read(".gitignore").contains(".journal\n"))
    for name in [".lock", ".journal", "campaigns/.next-id", "messages/.next-id", "messages/.mail-lock"] {
        let found = try FileManager.default.attributesOfItem(atPath: "\(ground.path)/\(name)")
        #expect(found[.posixPermissions] as? Int == 0o600)
        try ground.remove(name)
    }
    if geteuid() == 0 {
        for folder in ["", "/campaigns", "/messages"] { chown(ground.path + folder, 4711, 4712) }
        try ground.folder.create()
        for name in [".lock", ".journal", "campaigns/.next-id", "messages/.next-id", "messages/.mail-lock"] {
            let found = try FileManager.default.attributesOfItem(atPath: "\(ground.path)/\(name)")
            #expect(found[.ownerAccountID] as? Int == 4711)
        }
    }
}

@Test("a lock that is held for long makes the folder unhealthy, until it is free")
func heldLock() throws {
    let ground = try Ground(campaigns: [1])
    let store = try ground.store(timeout: .milliseconds(50))
    store.look()
    #expect(store.trouble() == nil)
    let holder = try Holder(ground)
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
