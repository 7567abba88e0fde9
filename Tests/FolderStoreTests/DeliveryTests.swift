import Campaigns
import Foundation
import Logging
import Messages
import Records
import TestSupport
import Testing

@testable import FolderStore
@testable import RecordIndex

private func message(_ id: Int, projects: [Int] = [1], date: String = "2026-05-06T14:08:46.100000Z") -> String {
    let message = Message(
        id: id, campaign: 1, campaignName: "Floods", sender: 1, senderName: "anna", senderPicture: nil, subject: "s",
        text: "t", sentDate: date, projects: projects)
    return String(decoding: message.json.indented, as: UTF8.self)
}

extension FolderStore {
    fileprivate func box(_ user: Int) throws -> [Int] { try read { try $0.messages(of: user) } }
}

extension Fixture {
    /// Makes of a record one that the disk does not give back: the system answers EIO to who reads the first page of a process.
    fileprivate func makeUnreadable(_ file: String) throws {
        symlink("/proc/self/mem", "\(path)/\(file).new")
        guard rename("\(path)/\(file).new", "\(path)/\(file)") == 0 else { throw FastCGIClient.Broken("rename") }
    }
}

@Suite("what a delivery waits for")
struct DeliveryWaitTests {
    enum Fault: CaseIterable {
        case broken, unreadable
    }

    @Test("a message waits for a project whose record cannot be read, and others do not", arguments: Fault.allCases)
    func project(_ fault: Fault) throws {
        let fixture = try Fixture()
        try fixture.write(#"{"projectId": 1, "contributors": [2]}"#, "projects/1.json")
        switch fault {
        case .broken: try fixture.write(#"{"projectId": 5, "contrib"#, "projects/5.json")
        case .unreadable: try fixture.makeUnreadable("projects/5.json")
        }
        let log = Log()
        let store = try fixture.store(log: log)
        try fixture.write(message(1, projects: [1, 5]), "messages/1.json")
        // What is not there is no reason to wait.
        try fixture.write(message(2, projects: [1, 9]), "messages/2.json")
        for _ in 0..<3 { try store.deliverMessages(byMail: false, logger: Logger(label: "test") { _ in log.handler }) }
        #expect(try store.box(2) == [2])
        #expect(store.messagesThatWait == [1: ["projects/5.json"]])
        #expect(try store.filesLacking(forMessage: 1) == ["projects/5.json"])
        #expect(log.text.components(separatedBy: "a message waits for records").count == 2)
        unlink("\(fixture.path)/projects/5.json")
        try fixture.write(#"{"projectId": 5, "contributors": [3]}"#, "projects/5.json")
        try store.deliverMessages(byMail: false, logger: nil)
        #expect(try store.recipients(ofMessage: 1) == [2, 3])
        #expect(try store.box(3) == [1])
        #expect(store.messagesThatWait == [:])
    }

    @Test("a message waits for a contributor who may want none, and not for other users", arguments: Fault.allCases)
    func user(_ fault: Fault) throws {
        let fixture = try Fixture()
        try fixture.write(#"{"projectId": 1, "contributors": [2, 3]}"#, "projects/1.json")
        for id in [3, 4] {
            switch fault {
            case .broken: try fixture.write("{", "users/\(id).json")
            case .unreadable: try fixture.makeUnreadable("users/\(id).json")
            }
        }
        let store = try fixture.store()
        try fixture.write(message(1), "messages/1.json")
        try store.deliverMessages(byMail: false, logger: nil)
        #expect(store.messagesThatWait == [1: ["users/3.json"]])
        unlink("\(fixture.path)/users/3.json")
        try fixture.write(#"{"id": 3, "projectsNotifications": false}"#, "users/3.json")
        try store.deliverMessages(byMail: false, logger: nil)
        #expect(try store.recipients(ofMessage: 1) == [2])
    }

    @Test("a record that is still being written is waited for")
    func begun() throws {
        let fixture = try Fixture()
        let store = try fixture.store()
        let path = "\(fixture.path)/projects/1.json"
        let number = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try fixture.write(message(1), "messages/1.json")
        try store.deliverMessages(byMail: false, logger: nil)
        #expect(try store.read { try $0.recipientCount(ofMessage: 1) } == nil)
        let text = #"{"projectId": 1, "contributors": [2]}"#
        #expect(write(number, text, text.utf8.count) == text.utf8.count)
        close(number)
        try store.deliverMessages(byMail: false, logger: nil)
        #expect(try store.recipients(ofMessage: 1) == [2])
    }
}

@Suite("messages that come late")
struct LateMessageTests {
    private static func recipients(_ id: Int, _ users: [Int]) -> String {
        String(decoding: RecipientList.record(ofMessage: id, recipients: users), as: UTF8.self)
    }

    @Test("a message that is mended, or comes after its recipients, is shown without a new start")
    func shown() throws {
        let fixture = try Fixture()
        try fixture.write("{", "messages/1.json")
        for id in 1...2 { try fixture.write(Self.recipients(id, [2]), "messages/recipients/\(id).json") }
        let store = try fixture.store()
        #expect(try store.box(2) == [])
        try fixture.write(message(1), "messages/1.json")
        #expect(try store.box(2) == [1])
        try fixture.write(message(2), "messages/2.json")
        #expect(try store.box(2) == [1, 2])
        #expect(try store.read { try $0.newMessages(of: 2) } == 2)
    }

    @Test(
        "what cannot be read while all others are deleted or read is neither when it is back",
        arguments: ["messages/recipients/3.json", "messages/3.json"])
    func notDeleted(_ file: String) throws {
        let fixture = try Fixture()
        for id in 1...5 {
            try fixture.write(message(id), "messages/\(id).json")
            try fixture.write(Self.recipients(id, [2]), "messages/recipients/\(id).json")
        }
        let store = try fixture.store()
        let content = try fixture.read(file)
        try fixture.write("{", file)
        try store.change { try $0.markAsRead(Set($0.messages(of: 2)), by: 2) }
        try store.change { try $0.deleteMessages(Set($0.messages(of: 2)), for: 2) }
        #expect(try store.box(2) == [])
        try fixture.write(content, file)
        #expect(try store.box(2) == [3])
        #expect(try store.read { try $0.newMessages(of: 2) } == 1)
    }

    @Test("what was read and deleted stays so, when its message cannot be read in between")
    func stillDeleted() throws {
        let fixture = try Fixture()
        for id in 1...3 {
            try fixture.write(message(id), "messages/\(id).json")
            try fixture.write(Self.recipients(id, [2]), "messages/recipients/\(id).json")
        }
        let store = try fixture.store()
        try store.change { try $0.deleteMessages([2], for: 2) }
        let content = try fixture.read("messages/2.json")
        try fixture.write("{", "messages/2.json")
        try store.change { try $0.deleteMessages([3], for: 2) }
        try fixture.write(content, "messages/2.json")
        #expect(try store.box(2) == [1])
    }
}

@Suite("lists of recipients")
struct RecipientListTests {
    private static let state = FileState(size: 0, inode: 0, modified: 0, changed: 0)

    @Test("the record is as any other of its kind")
    func record() throws {
        for users in [[], [7], [1, 2, 30, 400], [Int.max]] {
            let record = RecipientList.record(ofMessage: 3, recipients: users)
            #expect(record == Delivery(id: 3, recipients: users).json.indented)
            #expect(try RecipientList.all(file: record, id: 3) == users)
        }
    }

    @Test("one that hands have written is understood all the same")
    func byHand() throws {
        for text in [
            #"{"messageId": 3, "recipients": [5, 2, 5]}"#, #"{"recipients":[2,5],"note":"x"}"#,
            "{\n  \"messageId\": 3,\n  \"recipients\": [2, 5, 5]\n}\n",
            "{\n  \"messageId\": 3,\n  \"recipients\": [2, 5],\n  \"note\": [1]\n}\n",
        ] {
            #expect(try RecipientList.all(file: Array(text.utf8), id: 3) == [2, 5], "\(text)")
        }
        for text in [
            "{\n  \"messageId\": 3,\n  \"recipients\": [2, ]\n}\n",
            "{\n  \"messageId\": 3,\n  \"recipients\": [0]\n}\n",
            "{\n  \"messageId\": 3,\n  \"recipients\": [02]\n}\n",
            "{\n  \"messageId\": 3,\n  \"recipients\": [-2]\n}\n",
            "{\n  \"messageId\": 3,\n  \"recipients\": [99999999999999999999]\n}\n",
            "{\n  \"messageId\": 4,\n  \"recipients\": [2]\n}\n",
        ] {
            #expect(throws: RecordError.self, "\(text)") {
                try RecipientList(file: Array(text.utf8), id: 3, path: "", state: Self.state)
            }
        }
    }

    @Test("a long list is not in memory, and every id of it is found, and no other")
    func search() throws {
        let fixture = try Fixture()
        let users = (1...20_000).map { $0 * 3 + ($0 > 10_000 ? 1_000_000_000 : 0) }
        try fixture.write(
            String(decoding: RecipientList.record(ofMessage: 1, recipients: users), as: UTF8.self),
            "messages/recipients/1.json")
        let path = fixture.folder.file(.deliveries, 1)
        let state = try #require(FileState(path))
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
        let list = try RecipientList(file: bytes, id: 1, path: path, state: state)
        #expect(list.keptBytes == 0)
        #expect(list.count == users.count)
        #expect(list.contains(3) == nil)
        let filed = try #require(list.filed)
        for user in users.prefix(500) + users.suffix(500) + (0..<500).map({ users[$0 * 40 + 7] }) {
            #expect(try filed.contains(user))
            #expect(try !filed.contains(user + 1))
        }
        for user in [1, 2, 500_000_000, Int.max] { #expect(try !filed.contains(user)) }
        // Another file is another list, and nothing is said of it.
        try fixture.replace(try fixture.read("messages/recipients/1.json"), "messages/recipients/1.json")
        #expect(throws: SystemError.self) { try filed.contains(3) }
    }

    @Test("a list of more than 16 MiB is written, read back, and shown")
    func large() throws {
        let fixture = try Fixture()
        let users = [2] + (0..<900_000).map { 1_000_000_000_000_000_000 + $0 }
        try fixture.write(message(1), "messages/1.json")
        let record = RecipientList.record(ofMessage: 1, recipients: users)
        #expect(record.count > 16 << 20)
        do {
            let store = try fixture.store()
            #expect(try store.change { try $0.deliver(1, to: users, byMail: false) })
            #expect(try store.box(2) == [1])
        }
        let store = try fixture.store()
        #expect(try store.broken() == [:])
        #expect(try store.read { try $0.recipientCount(ofMessage: 1) } == users.count)
        #expect(try store.box(1_000_000_000_000_899_999) == [1])
        #expect(try store.box(3) == [])
        #expect(try FolderCheck.run(fixture.folder).problems.isEmpty)
    }
}

@Test("old messages are pruned with all that belongs to them, those that wait stay, and no id is used again")
func prune() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"projectId": 1, "contributors": [2]}"#, "projects/1.json")
    for id in 1...6 {
        let year = id == 5 ? "2026" : "2020"
        try fixture.write(message(id, date: "\(year)-05-06T14:08:46.100000Z"), "messages/\(id).json")
        guard id != 4 else { continue }
        try fixture.write(
            String(decoding: RecipientList.record(ofMessage: id, recipients: [2, 3]), as: UTF8.self),
            "messages/recipients/\(id).json")
    }
    try fixture.write(#"{"messageId": 1, "handled": 2, "failed": [3]}"#, "messages/mailed/1.json")
    try fixture.write(#"{"messageId": 2, "handled": 1}"#, "messages/mailed/2.json")
    try fixture.write(
        #"{"messageId": 3, "handled": 2, "waiting": [{"user": 3, "attempts": 1, "since": 5, "next": 9}]}"#,
        "messages/mailed/3.json")
    let store = try fixture.store()
    #expect(try store.pruneMessages(sentBefore: "2025-01-01T00:00:00Z") == 2)
    #expect(try store.box(2) == [2, 3, 5])
    let files = try fixture.everything().keys.filter { $0.hasPrefix("messages/") }
    #expect(!files.contains { $0.hasSuffix("/1.json") || $0.hasSuffix("/6.json") })
    #expect(try store.change { try $0.nextID(.messages) } == 7)
    #expect(try store.pruneMessages(sentBefore: "2025-01-01T00:00:00Z") == 0)
}
