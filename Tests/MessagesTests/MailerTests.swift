import CampaignAPI
import FolderStore
import Foundation
import Logging
import Records
import Synchronization
import TestSupport
import Testing

@testable import Messages

/// A data folder with a delivered message, a mail program that does as it is told, and a clock.
private final class Post: Sendable {
    let folder: TemporaryFolder
    let store: FolderStore
    private let time = Mutex(1_800_000_000)

    /// - Parameter recipients: the ids of the users who got the message.
    init(_ recipients: ClosedRange<Int>) throws {
        folder = try TemporaryFolder()
        for id in recipients {
            try folder.write(#"{"id": \#(id), "emailAddress": "u\#(id)@example.org"}"#, to: "data/users/\(id).json")
        }
        try folder.write(
            #"{"messageId": 1, "campaign": 1, "sender": 1, "sentDate": "2026-05-06T14:08:46.123456Z"}"#,
            to: "data/messages/1.json")
        try folder.write(#"{"recipients": \#(Array(recipients))}"#, to: "data/messages/recipients/1.json")
        try folder.write(#"{"messageId": 1, "handled": 0, "failed": []}"#, to: "data/messages/mailed/1.json")
        try folder.write(
            """
            #!/bin/sh
            to=$(sed -n 's/^To: <u\\([0-9]*\\)@.*/\\1/p')
            echo "$to" >>'\(folder.path)/tried'
            status=$(cat '\(folder.path)/status')
            grep -qx "$to" '\(folder.path)/bad' 2>/dev/null && status=$(cat '\(folder.path)/bad-status')
            [ "$status" = KILL ] && kill -9 $$
            [ "$status" = 0 ] && echo "$to" >>'\(folder.path)/sent'
            exit "$status"

            """, to: "sendmail")
        chmod("\(folder.path)/sendmail", 0o755)
        store = try FolderStore(
            DataFolder(asOwnerOf: folder.path + "/data"), CampaignJSON(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try answer("0")
    }

    /// What the program ends with: an exit status, or KILL.
    func answer(_ status: String) throws { try folder.write(status, to: "status") }
    /// What it ends with for some users.
    func answer(_ status: String, to users: [Int]) throws {
        try folder.write(status, to: "bad-status")
        try folder.write(users.map { "\($0)\n" }.joined(), to: "bad")
    }

    func pass(_ seconds: Int) { time.withLock { $0 += seconds } }

    func send(_ command: String? = nil) throws {
        let settings = MailSettings(
            command: command ?? "\(folder.path)/sendmail -t", from: "a@example.org", appBaseURL: nil)
        let mailer = Mailer(
            store, settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { self.time.withLock { $0 } })
        // A program that another test is just starting has the last lock, too, until it has begun.
        while try !mailer.sendWaiting() { usleep(1000) }
    }

    /// The users whose e-mails the program was given, and took.
    var tried: [Int] { lines("tried") }
    var sent: [Int] { lines("sent") }
    private func lines(_ file: String) -> [Int] {
        ((try? folder.read(file)) ?? "").split(separator: "\n").compactMap { Int($0) }
    }

    var failed: [Int] { get throws { try store.read { try $0.mailing(1)?.failed ?? [] } } }
}

@Suite("e-mails that are not taken")
struct MailerTests {
    @Test(
        "an exit status that speaks of the address is final, every other one is not",
        arguments: [
            "1", "64", "65", "66", "67", "68", "69", "70", "71", "72", "73", "74", "75", "76", "77", "78", "126", "127",
            "KILL",
        ])
    func statuses(_ status: String) throws {
        let post = try Post(2...4)
        try post.answer(status, to: [3])
        try post.send()
        #expect(post.sent == [2, 4])
        let isFinal = ["65", "67"].contains(status)
        #expect(try post.failed == (isFinal ? [3] : []))
        post.pass(4)
        try post.send()
        #expect(post.tried == [2, 3, 4])
        try post.answer("0", to: [])
        post.pass(1)
        try post.send()
        #expect(post.sent == (isFinal ? [2, 4] : [2, 4, 3]))
    }

    @Test(
        "an e-mail is tried later and later, for two days, is then given up, and is sent again when that is asked for")
    func twoDays() throws {
        let post = try Post(2...3)
        try post.answer("75", to: [3])
        var moments: [Int] = []
        // In steps of five seconds for the first hours, then larger ones.
        for second in Array(stride(from: 0, through: 700, by: 5)) + Array(stride(from: 1000, through: 180_000, by: 500))
        {
            let before = post.tried.count
            try post.send()
            if post.tried.count > before { moments.append(second) }
            post.pass(second < 700 ? 5 : second == 700 ? 300 : 500)
        }
        let gaps = zip(moments.dropFirst(), moments).map { $0 - $1 }
        #expect(gaps.starts(with: [5, 10, 20, 40, 80, 160, 320]))
        #expect(gaps.max() ?? 0 <= 4100)
        #expect((moments.last ?? 0) >= 172_800)
        #expect(try post.failed == [3])
        #expect(post.sent == [2])
        try post.answer("0", to: [])
        let count = post.tried.count
        try post.send()
        #expect(post.tried.count == count)
        #expect(try Mailer.retryFailed(post.store, message: 9) == 0)
        #expect(try Mailer.retryFailed(post.store) == 1)
        try post.send()
        #expect(post.sent == [2, 3])
        #expect(try post.failed == [])
        #expect(try Mailer.retryFailed(post.store) == 0)
    }

    @Test("an outage bothers one recipient at a time, and when it is over everybody gets one e-mail")
    func outage() throws {
        let post = try Post(2...40)
        try post.answer("75")
        try post.send()
        #expect(post.tried.count == 3)
        for _ in 0..<5 {
            try post.send()
            post.pass(700)
            try post.send()
        }
        #expect(post.tried.count == 8)
        #expect(Set(post.tried).count == 8)
        try post.answer("0")
        post.pass(700)
        try post.send()
        #expect(post.sent.sorted() == Array(2...40))
        #expect(try post.failed == [])
    }

    @Test("an outage of two days is given up, and going on is one command")
    func longOutage() throws {
        let post = try Post(2...9)
        try post.answer("75")
        try post.send()
        post.pass(2 * 86_400 + 1)
        try post.send()
        let tried = post.tried.count
        post.pass(86_400)
        try post.send()
        #expect(post.tried.count == tried)
        try post.answer("0")
        try post.send()
        #expect(post.sent == [])
        #expect(try post.store.read { try $0.mailing(1)?.isGivenUp } == true)
        #expect(try Mailer.retryFailed(post.store) == 8)
        try post.send()
        #expect(post.sent.sorted() == Array(2...9))
    }

    @Test("a program that cannot be started is an outage too")
    func notStartable() throws {
        let post = try Post(2...5)
        try post.send("\(post.folder.path)/none")
        #expect(try post.failed == [])
        post.pass(10)
        try post.send()
        #expect(post.sent.sorted() == [2, 3, 4, 5])
    }

    @Test("a recipient whose record cannot be read waits, and the others do not")
    func unreadableUser() throws {
        let post = try Post(2...4)
        try post.folder.write("{", to: "data/users/3.json")
        try post.send()
        #expect(post.sent == [2, 4])
        try post.folder.write(#"{"id": 3, "emailAddress": "u3@example.org"}"#, to: "data/users/3.json")
        post.pass(5)
        try post.send()
        #expect(post.sent == [2, 4, 3])
    }

    @Test("nobody is written to while it cannot be recorded")
    func notRecordable() throws {
        let post = try Post(2...4)
        let lock = open("\(post.folder.path)/data/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #expect(flock(lock, LOCK_EX) == 0)
        #expect(throws: StoreUnavailable.self) { try post.send() }
        #expect(post.tried == [])
        close(lock)
        try post.send()
        #expect(post.sent == [2, 3, 4])
    }
}
