import Foundation
import TestSupport
import Testing

/// A data folder with an admin (user 1) and a campaign (1) that is linked to every project.
private final class Fixture: Sendable {
    let folder: TemporaryFolder
    var path: String { folder.path + "/data" }

    /// - Parameter projects: the contributors of each, by id from 1 on.
    init(_ projects: [[Int]]) throws {
        folder = try TemporaryFolder()
        try put(["id": 1, "username": "hot_admin", "role": "ADMIN", "emailAddress": "admin@example.org"], "users/1")
        try put(["id": 1, "name": "Floods", "projects": Array(projects.indices.map { $0 + 1 })], "campaigns/1")
        for (place, contributors) in projects.enumerated() {
            try put(
                ["projectId": place + 1, "name": "P\(place + 1)", "contributors": contributors], "projects/\(place + 1)"
            )
        }
    }

    /// Puts a record into the folder as another program would: at once, by a rename.
    func put(_ record: [String: Any], _ name: String) throws {
        let text = String(decoding: try JSONSerialization.data(withJSONObject: record), as: UTF8.self)
        try put(text, file: name + ".json")
    }

    func put(_ text: String, file: String) throws {
        try folder.write(text, to: "data/\(file).new")
        guard rename("\(path)/\(file).new", "\(path)/\(file)") == 0 else { throw POSIXError(.init(rawValue: errno)!) }
    }

    /// Queues a message as a process does that ends right after.
    func queue(_ id: Int, subject: String = "News", text: String = "Hello", projects: [Int] = [1]) throws {
        try put(
            [
                "messageId": id, "campaign": 1, "campaignName": "Floods", "sender": 1, "senderName": "hot_admin",
                "subject": subject, "message": text, "sentDate": "2026-05-06T14:08:46.123456Z", "projects": projects,
            ], "messages/\(id)")
    }

    func start(_ name: String = "0", _ environment: [String: String?] = [:]) throws -> Daemon {
        var variables: [String: String?] = [
            "SENDMAIL": nil, "MAIL_FROM": nil, "APP_BASE_URL": "https://tm.example.org/",
        ]
        variables.merge(environment) { $1 }
        return try Daemon(["--data", path, "--socket", "\(folder.path)/\(name)"], environment: variables)
    }

    /// Runs campaignd.
    func run(_ arguments: [String], _ environment: [String: String?] = [:]) throws -> Command.Outcome {
        var variables: [String: String?] = [
            "SENDMAIL": nil, "MAIL_FROM": nil, "APP_BASE_URL": "https://tm.example.org/",
        ]
        variables.merge(environment) { $1 }
        return try Command.run(Repository.campaignd.path, arguments, environment: variables)
    }

    func ask(_ method: String, _ path: String, user: Int, body: [String: Any]? = nil, at name: String = "0") throws
        -> Answered
    {
        try FastCGIClient("\(folder.path)/\(name)").ask(
            Asked(
                method, "/api/v2" + path, headers: [("Authorization", Daemon.token(user))],
                body: body.map { try JSONSerialization.data(withJSONObject: $0) }), keep: false)
    }

    /// Sends a message through the API.
    func send(subject: String = "News", text: String = "Hello", at name: String = "0") throws {
        let answer = try ask(
            "POST", "/campaigns/1/actions/message-contributors/", user: 1,
            body: ["subject": subject, "message": text], at: name)
        try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    }

    /// The ids of the messages that a user is shown, newest first.
    func messages(of user: Int, at name: String = "0") throws -> [Int] {
        let answer = try ask("GET", "/notifications/?pageSize=100", user: user, at: name)
        let page = try JSONDecoder().decode(NotificationPage.self, from: answer.body)
        #expect(page.pagination.total == page.userMessages.count)
        return page.userMessages.map(\.messageId)
    }

    /// Who got a message, by its file.
    func recipients(_ id: Int) throws -> [Int]? {
        try record("messages/recipients/\(id)")?["recipients"] as? [Int]
    }

    func record(_ name: String) throws -> [String: Any]? {
        guard let data = FileManager.default.contents(atPath: "\(path)/\(name).json") else { return nil }
        return try JSONSerialization.jsonObject(with: data) as? [String: Any]
    }

    /// Waits until something is so.
    func wait(until isSo: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        while try !isSo() {
            try #require(Date() < deadline, "it did not come to be within 60 s")
            usleep(5_000)
        }
    }
}

/// What is moved into folders, in the order in which it happens (inotify).
private final class Arrivals {
    private let number: Int32
    private var folders: [Int32: String] = [:]

    init(_ folders: [String]) throws {
        number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        for folder in folders {
            let watch = inotify_add_watch(number, folder, UInt32(IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE))
            try #require(watch >= 0, "\(folder)")
            self.folders[watch] = URL(fileURLWithPath: folder).lastPathComponent
        }
    }

    deinit { close(number) }

    /// What has come since the last call: `recipients/1.json` and so on. Temporary files do not count.
    func take() -> [String] {
        var found: [String] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(number, &buffer, buffer.count)
            guard count > 0 else { return found }
            var offset = 0
            while offset < count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                offset += MemoryLayout<inotify_event>.size
                let name = String(decoding: buffer[offset..<offset + Int(event.len)].prefix { $0 != 0 }, as: UTF8.self)
                offset += Int(event.len)
                if !name.hasPrefix("."), !name.hasSuffix(".new") { found.append("\(folders[event.wd] ?? "")/\(name)") }
            }
        }
    }
}

/// A program to be named in SENDMAIL, which stores what it is given.
private struct Sendmail {
    private let folder: TemporaryFolder
    var command: String { "\(folder.path)/sendmail -t -i" }

    /// - Parameter body: shell commands that are run for each e-mail, with its file in `$mail`.
    init(_ body: String = "") throws {
        folder = try TemporaryFolder()
        try folder.write(
            """
            #!/bin/sh
            set -eu
            cd '\(folder.path)'
            echo "begin $$" >>log
            echo "$*" >arguments
            env >environment
            ls -l /proc/self/fd >descriptors
            mail=$(mktemp incoming.XXXXXX)
            cat >"$mail"
            \(body)
            mv "$mail" "mail.$(date +%s%N).$$"
            echo "end $$" >>log

            """, to: "sendmail")
        chmod("\(folder.path)/sendmail", 0o755)
    }

    func read(_ name: String) throws -> String { try folder.read(name) }
    func write(_ name: String) throws { try folder.write("", to: name) }

    var count: Int { names.count }
    private var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasPrefix("mail.") }
    }

    /// What has been stored, in the order in which it came.
    func mails() throws -> [ParsedMail] {
        try ParsedMail.parse(names.sorted().map { try Data(contentsOf: folder.url.appendingPathComponent($0)) })
    }

    /// To whom, in the order in which they came.
    func recipients() throws -> [String] { try mails().flatMap(\.to) }

    /// Whether two e-mails were ever on their way at the same time.
    func overlapped() throws -> Bool {
        let lines = try folder.read("log").split(separator: "\n")
        return zip(lines, lines.dropFirst()).contains { $0.hasPrefix("begin") && $1.hasPrefix("begin") }
    }
}

// MARK: Delivery

@Suite("messages: delivery")
struct DeliveryTests {
    @Test("kill -9 after the answer, at any moment of the delivery: everybody gets every message once")
    func killed() throws {
        // 20,000 contributors of 1,000 projects, each of them in three.
        let fixture = try Fixture((0..<1_000).map { project in (0..<60).map { (project * 20 + $0) % 20_000 + 100 } })
        try fixture.put(["id": 150, "username": "quiet", "projectsNotifications": false], "users/150")
        let rounds = 10
        for round in 0..<rounds {
            let daemon = try fixture.start()
            try fixture.send(subject: "Round \(round)")
            usleep(.random(in: 0..<300_000))
            daemon.end(SIGKILL)
            #expect(try fixture.record("messages/\(round + 1)") != nil)
        }
        let daemon = try fixture.start()
        try fixture.wait { try fixture.recipients(rounds) != nil }
        let expected = (100..<20_100).filter { $0 != 150 }
        for id in 1...rounds { #expect(try fixture.recipients(id) == expected) }
        let all = Array((1...rounds).reversed())
        for user in [100, 101, 149, 151, 10_000, 20_098, 20_099] + (0..<5).map({ _ in Int.random(in: 200..<20_000) }) {
            #expect(try fixture.messages(of: user) == all, "user \(user)")
        }
        for user in [1, 99, 150, 20_100] { #expect(try fixture.messages(of: user) == [], "user \(user)") }
        daemon.end()
        let files = try FileManager.default.subpathsOfDirectory(atPath: fixture.path + "/messages")
        #expect(files.filter { $0.hasSuffix(".json") }.count == 2 * rounds)
        #expect(files.filter { $0.hasSuffix(".tmp") } == [])
    }

    @Test("many processes on one folder deliver a message once, and write its file once")
    func onlyOne() throws {
        let fixture = try Fixture((0..<100).map { project in (0..<100).map { project * 50 + $0 + 100 } })
        let daemons = try ["0", "1"].map { try fixture.start($0) }
        let arrivals = try Arrivals([fixture.path + "/messages/recipients"])
        let projects = Array(1...100)
        for id in 1...8 { try fixture.queue(id, projects: projects) }
        let outputs = Outputs()
        try onThreads(3) { _ in outputs.add(try fixture.run(["deliver", fixture.path])) }
        try fixture.wait { try fixture.recipients(8) != nil }
        for name in ["0", "1"] { try fixture.send(at: name) }
        try fixture.wait { try fixture.recipients(9) != nil && fixture.recipients(10) != nil }
        // Whoever was late has come to see that there is nothing to do when it does the next thing.
        #expect(try fixture.run(["deliver", fixture.path]).text == "")
        for daemon in daemons { #expect(daemon.end() == 0) }
        #expect(arrivals.take().sorted() == (1...10).map { "recipients/\($0).json" }.sorted())
        let expected = Array(100..<5_150)
        for id in 1...10 { #expect(try fixture.recipients(id) == expected) }
        let said =
            outputs.all.flatMap { $0.text.split(separator: "\n").map(String.init) }
            + daemons.flatMap { daemon in
                daemon.log.split(separator: "\n").filter { $0.contains("was delivered") }.map(String.init)
            }
        #expect(said.count == 10, "each delivery is told once: \(said)")
    }

    @Test("a running process delivers what another has left behind, by itself and soon")
    func pickedUp() throws {
        let fixture = try Fixture([[2, 3]])
        let daemon = try fixture.start()
        defer { daemon.end() }
        let begin = Date()
        try fixture.queue(1)
        try fixture.wait { try fixture.recipients(1) == [2, 3] }
        #expect(Date().timeIntervalSince(begin) < 20)
    }

    @Test("a process for one request (plain CGI) delivers the message that it took, when it has answered")
    func plainCGI() throws {
        let fixture = try Fixture([[2, 3]])
        let body = Data(#"{"subject": "News", "message": "Hello"}"#.utf8)
        func send() throws {
            let outcome = try Command.run(
                Repository.campaignd.path, [],
                environment: [
                    "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "POST",
                    "REQUEST_URI": "/api/v2/campaigns/1/actions/message-contributors/",
                    "CONTENT_LENGTH": "\(body.count)",
                    "HTTP_AUTHORIZATION": Daemon.token(1), "CAMPAIGNS_DATA": fixture.path, "TM_SECRET": Daemon.secret,
                ], input: body)
            #expect(outcome.text.hasPrefix("Status: 200"), "\(outcome.text)\(outcome.errors)")
        }
        try send()
        #expect(try fixture.record("messages/1")?["message"] as? String == "Hello")
        #expect(try fixture.recipients(1) == [2, 3])
        #expect(try fixture.run(["deliver", fixture.path]).text == "")
        let daemon = try fixture.start()
        defer { daemon.end() }
        try send()
        try fixture.wait { try fixture.recipients(2) == [2, 3] }
        #expect(try fixture.messages(of: 2) == [2, 1])
    }

    @Test("what is left behind is delivered at the next start")
    func afterStart() throws {
        let fixture = try Fixture([[2, 3]])
        for id in 1...3 { try fixture.queue(id) }
        let daemon = try fixture.start()
        defer { daemon.end() }
        try fixture.wait { try fixture.recipients(3) != nil }
        #expect(try fixture.messages(of: 3) == [3, 2, 1])
    }

    @Test("campaignd deliver does what is waiting, says so, and does it once")
    func deliver() throws {
        let fixture = try Fixture([[2, 3], [4]])
        try fixture.queue(1)
        try fixture.queue(2, projects: [2])
        try fixture.queue(3, projects: [99])
        let outcome = try fixture.run(["deliver", fixture.path])
        #expect(outcome.status == 0)
        #expect(
            outcome.text == """
                message 1 delivered to 2 users
                message 2 delivered to 1 user
                message 3 delivered to 0 users

                """)
        #expect(outcome.errors == "")
        #expect(try [1, 2, 3].map { try fixture.recipients($0) } == [[2, 3], [4], []])
        let before = try Snapshot(fixture.path)
        let again = try fixture.run(["deliver", fixture.path])
        #expect(again.status == 0 && again.text == "")
        #expect(try Snapshot(fixture.path).changes(since: before) == [])
    }

    @Test("campaignd deliver on a folder that is not there delivers nothing")
    func deliverNothing() throws {
        let folder = try TemporaryFolder()
        let outcome = try Command.run(Repository.campaignd.path, ["deliver", folder.path + "/none"])
        #expect(outcome.status == 0 && outcome.text == "")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/none"))
    }

    @Test("neither the sender nor who wants no messages gets it, and who contributed often gets it once")
    func audience() throws {
        let fixture = try Fixture([[1, 2, 3, 4], [2, 2, 3, 5, 6], [7, 3], [8]])
        try fixture.put(["id": 4, "username": "quiet", "projectsNotifications": false], "users/4")
        try fixture.put(["id": 5, "username": "loud", "projectsNotifications": true], "users/5")
        // A link that is made after the message was sent does not count, and one that is taken away then does.
        try fixture.put(["id": 1, "name": "Floods", "projects": [1, 2, 3]], "campaigns/1")
        let daemon = try fixture.start()
        defer { daemon.end() }
        try fixture.send()
        try fixture.wait { try fixture.recipients(1) != nil }
        #expect(try fixture.recipients(1) == [2, 3, 5, 6, 7])
        try fixture.put(["id": 1, "name": "Other", "projects": [4]], "campaigns/1")
        try fixture.put(["id": 4, "username": "quiet", "projectsNotifications": true], "users/4")
        try fixture.put(["id": 2, "username": "quiet now", "projectsNotifications": false], "users/2")
        #expect(try fixture.messages(of: 2) == [1])
        #expect(try fixture.messages(of: 4) == [])
        #expect(try fixture.messages(of: 8) == [])
    }

    @Test("the sender in the body, and all else that is no part of a message, changes nothing")
    func senderOfToken() throws {
        let fixture = try Fixture([[1, 2, 3]])
        let daemon = try fixture.start()
        defer { daemon.end() }
        let answer = try fixture.ask(
            "POST", "/campaigns/1/actions/message-contributors/", user: 1,
            body: [
                "subject": "s", "message": "m", "fromUserId": 2, "messageId": 77, "projects": [9], "recipients": [4],
            ])
        #expect(answer.status == 200)
        try fixture.wait { try fixture.recipients(1) != nil }
        #expect(try fixture.recipients(1) == [2, 3])
        #expect(try fixture.record("messages/1")?["sender"] as? Int == 1)
    }

    @Test("a broken list of recipients stays as it is, is named, and comes back when it is mended")
    func brokenRecipients() throws {
        let fixture = try Fixture([[2, 3]])
        try fixture.queue(1)
        let broken = #"{"messageId": 1, "recipients": [2, "#
        try fixture.put(broken, file: "messages/recipients/1.json")
        let daemon = try fixture.start()
        defer { daemon.end() }
        // They are delivered in their order, so that 1 had its turn before 2.
        try fixture.queue(2)
        try fixture.wait { try fixture.recipients(2) != nil }
        #expect(try fixture.run(["deliver", fixture.path]).status == 0)
        #expect(try fixture.folder.read("data/messages/recipients/1.json") == broken)
        #expect(daemon.log.contains("messages/recipients/1.json"))
        let heartbeat = try fixture.ask("GET", "/system/heartbeat/", user: 1)
        #expect(String(decoding: heartbeat.body, as: UTF8.self).contains("recipients/1.json"))
        #expect(try fixture.messages(of: 2) == [2])
        try fixture.put(["messageId": 1, "recipients": [2]], "messages/recipients/1")
        #expect(try fixture.messages(of: 2) == [2, 1])
        #expect(try fixture.messages(of: 3) == [2])
    }

    @Test("a message is stored once, however many get it, and its own file never changes")
    func storedOnce() throws {
        let fixture = try Fixture([Array(100..<5_100)])
        let daemon = try fixture.start()
        defer { daemon.end() }
        try fixture.send(subject: "the only copy")
        let before = try Snapshot(fixture.path)
        try fixture.wait { try fixture.recipients(1) != nil }
        _ = try fixture.ask("GET", "/notifications/1/", user: 100)
        #expect(
            try Snapshot(fixture.path).changes(since: before).filter { $0.hasSuffix(".json") }
                == ["messages/readers/100.json", "messages/recipients/1.json"])
        let texts = try FileManager.default.subpathsOfDirectory(atPath: fixture.path).filter { name in
            FileManager.default.contents(atPath: "\(fixture.path)/\(name)")?.range(of: Data("the only copy".utf8))
                != nil
        }
        #expect(texts.filter { $0 != ".journal" } == ["messages/1.json"])
    }
}

/// What commands said, from several threads.
private final class Outputs: @unchecked Sendable {
    // Unchecked: the lock guards what there is.
    private let lock = NSLock()
    private var outcomes: [Command.Outcome] = []

    func add(_ outcome: Command.Outcome) { lock.withLock { outcomes.append(outcome) } }
    var all: [Command.Outcome] { lock.withLock { outcomes } }
}

// MARK: Reading

/// Every file and folder below a folder, as stat(2) tells of it.
private struct Snapshot {
    private var states: [String: String] = [:]

    init(_ folder: String) throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name != ".journal" {
            var status = stat()
            // What is gone meanwhile is not there.
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            states[name] =
                "\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) "
                + "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        }
    }

    /// What was made, changed or removed.
    func changes(since before: Snapshot) -> [String] {
        Set(states.keys).union(before.states.keys).filter { states[$0] != before.states[$0] }.sorted()
    }
}

@Suite("messages: reading")
struct ReadingTests {
    @Test("reading, marking and deleting touch the user's own small file, and nothing else")
    func ownFile() throws {
        let fixture = try Fixture([[2, 3, 4]])
        for id in 1...40 { try fixture.queue(id) }
        let daemon = try fixture.start()
        defer { daemon.end() }
        try fixture.wait { try fixture.recipients(40) != nil }
        let changes: [(method: String, path: String, body: [String: Any]?)] = [
            ("GET", "/notifications/7/", nil),
            ("POST", "/notifications/mark-as-read-multiple/", ["messageIds": [1, 2, 3]]),
            ("DELETE", "/notifications/9/", nil),
            ("DELETE", "/notifications/delete-multiple/", ["messageIds": [20, 21]]),
            ("POST", "/notifications/mark-as-read-all/", nil),
            ("DELETE", "/notifications/delete-all/", nil),
        ]
        for change in changes {
            let before = try Snapshot(fixture.path)
            let answer = try fixture.ask(change.method, change.path, user: 3, body: change.body)
            #expect(answer.status == 200, "\(change.path)")
            let changed = try Snapshot(fixture.path).changes(since: before)
            // The folder changes with its file, which is replaced.
            #expect(changed == ["messages/readers", "messages/readers/3.json"], "\(change.path)")
        }
        #expect(try fixture.messages(of: 3) == [])
        #expect(try fixture.messages(of: 2).count == 40)
        let size = try fixture.folder.read("data/messages/readers/3.json").utf8.count
        #expect(size < 200, "40 ids are one run")
    }

    @Test("what only looks touches no file")
    func looking() throws {
        let fixture = try Fixture([[2, 3]])
        for id in 1...12 { try fixture.queue(id) }
        let daemon = try fixture.start()
        defer { daemon.end() }
        try fixture.wait { try fixture.recipients(12) != nil }
        _ = try fixture.ask("GET", "/notifications/3/", user: 2)
        let before = try Snapshot(fixture.path)
        for (method, path) in [
            ("GET", "/notifications/"), ("GET", "/notifications/queries/own/count-unread/"),
            ("GET", "/notifications/3/"),
            ("HEAD", "/notifications/4/"), ("GET", "/notifications/99/"), ("GET", "/notifications/?status=unread"),
        ] {
            _ = try fixture.ask(method, path, user: 2)
        }
        #expect(try Snapshot(fixture.path).changes(since: before) == [])
        // What is read already is not written again.
        _ = try fixture.ask("POST", "/notifications/mark-as-read-multiple/", user: 2, body: ["messageIds": [3]])
        #expect(try Snapshot(fixture.path).changes(since: before) == [])
    }

    @Test("what one process has marked, another shows at once")
    func betweenProcesses() throws {
        let fixture = try Fixture([[2]])
        for id in 1...3 { try fixture.queue(id) }
        let daemons = try ["0", "1"].map { try fixture.start($0) }
        defer { for daemon in daemons { daemon.end() } }
        try fixture.wait { try fixture.recipients(3) != nil }
        for id in 1...3 {
            let (here, there) = id % 2 == 0 ? ("0", "1") : ("1", "0")
            #expect(try fixture.ask("DELETE", "/notifications/\(id)/", user: 2, at: here).status == 200)
            #expect(try fixture.messages(of: 2, at: there).contains(id) == false)
        }
    }
}

// MARK: The list of messages

@Suite("campaignd messages")
struct MessagesCommandTests {
    @Test("a folder without messages has none")
    func none() throws {
        let fixture = try Fixture([])
        let outcome = try fixture.run(["messages", fixture.path])
        #expect(outcome.status == 0 && outcome.text == "no messages\n")
    }

    @Test("it says when, by whom, for which campaign, to how many, and how far the delivery is")
    func lines() throws {
        let fixture = try Fixture([[2, 3, 4]])
        for id in 1...4 { try fixture.queue(id, subject: "News \(id)") }
        try fixture.put(["messageId": 1, "recipients": [2, 3, 4]], "messages/recipients/1")
        for id in 3...4 { try fixture.put(["messageId": id, "recipients": [2, 3, 4]], "messages/recipients/\(id)") }
        try fixture.put(["messageId": 3, "handled": 1, "failed": [] as [Int]], "messages/mailed/3")
        try fixture.put(["messageId": 4, "handled": 3, "failed": [2, 4]], "messages/mailed/4")
        let outcome = try fixture.run(["messages", fixture.path])
        let time = "2026-05-06T14:08:46.123456Z"
        #expect(outcome.status == 0)
        #expect(
            outcome.text == """
                1\t\(time)\thot_admin\t1 Floods\tNews 1\tdelivered to 3
                2\t\(time)\thot_admin\t1 Floods\tNews 2\twaiting for delivery
                3\t\(time)\thot_admin\t1 Floods\tNews 3\tdelivered to 3\te-mail 1 of 3
                4\t\(time)\thot_admin\t1 Floods\tNews 4\tdelivered to 3\te-mail 3 of 3, 2 failed: users 2 4

                """)
    }

    @Test("it says what a message waits for, and which e-mails are tried again")
    func waiting() throws {
        let fixture = try Fixture([[2, 3, 4]])
        for id in 1...3 { try fixture.queue(id, projects: id == 1 ? [1, 2] : [1]) }
        try fixture.put("{", file: "projects/2.json")
        for id in 2...3 { try fixture.put(["messageId": id, "recipients": [2, 3, 4]], "messages/recipients/\(id)") }
        try fixture.put(
            [
                "messageId": 2, "handled": 3, "failed": [2],
                "waiting": [["user": 3, "attempts": 2, "since": 1_800_000_000, "next": 1_800_000_010]],
            ], "messages/mailed/2")
        try fixture.put(
            [
                "messageId": 3, "handled": 1, "failed": [2],
                "outage": ["attempts": 9, "since": 1_800_000_000, "next": NSNull()] as [String: Any],
            ], "messages/mailed/3")
        let lines = try fixture.run(["messages", fixture.path]).text.split(separator: "\n")
        #expect(lines[0].hasSuffix("\twaiting for projects/2.json"))
        #expect(
            lines[1].hasSuffix(
                "\te-mail 2 of 3, 1 failed: user 2, 1 to be tried again, the next after 2027-01-15T08:00:10Z"))
        #expect(lines[2].hasSuffix("\te-mail 3 of 3, 3 failed: users 2 3 4"))
    }

    @Test("it prunes what is old, and nothing without a time")
    func prune() throws {
        let fixture = try Fixture([[2]])
        try fixture.queue(1)
        try fixture.put(["messageId": 1, "recipients": [2]], "messages/recipients/1")
        for arguments in [["--prune"], ["--older-than", "1d"], ["--prune", "--older-than", "soon"]] {
            #expect(try fixture.run(["messages", fixture.path] + arguments).status == 64)
        }
        #expect(
            try fixture.run(["messages", fixture.path, "--prune", "--older-than", "90000d"]).text
                == "0 messages removed\n")
        #expect(
            try fixture.run(["messages", fixture.path, "--prune", "--older-than", "1s"]).text == "1 message removed\n")
        #expect(try fixture.run(["messages", fixture.path]).text == "no messages\n")
    }

    @Test("no subject makes a line or a column of its own, or commands the terminal")
    func controls() throws {
        let fixture = try Fixture([[2]])
        try fixture.queue(1, subject: "a\nb\r\nc\td\u{b}e\u{c}f\u{85}g\u{2028}h\u{1b}[2Ji\u{7}\u{9b}31mj\u{7f}")
        let text = try fixture.run(["messages", fixture.path]).text
        let line = try #require(text.split(separator: "\n", omittingEmptySubsequences: true).first)
        #expect(text.unicodeScalars.count { $0.properties.generalCategory == .control && $0 != "\t" } == 1)
        #expect(line.split(separator: "\t").count == 6)
    }
}

// MARK: E-mail

@Suite("messages: e-mail", .enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/sh"), "there is no /bin/sh"))
struct MailTests {
    /// Contributors with addresses that show their ids.
    private static func fixture(_ users: ClosedRange<Int>) throws -> Fixture {
        let fixture = try Fixture([Array(users)])
        for id in users {
            try fixture.put(["id": id, "username": "u\(id)", "emailAddress": "u\(id)@example.org"], "users/\(id)")
        }
        return fixture
    }

    @Test("where no Tasking Manager is named an e-mail leads to the settings on the page of the service")
    func settings() throws {
        let fixture = try Self.fixture(2...2)
        let sendmail = try Sendmail()
        let daemon = try fixture.start(
            "0",
            [
                "SENDMAIL": sendmail.command, "MAIL_FROM": "tm@example.org", "APP_BASE_URL": nil,
                "PUBLIC_URL": "https://campaigns.example.org",
            ])
        try fixture.send(subject: "Hello", text: "Hello")
        try fixture.wait { try Self.isMailed(fixture, 1) }
        #expect(daemon.end() == 0)
        let mail = try #require(try sendmail.mails().first)
        #expect(mail.unsubscribe == "<https://campaigns.example.org/#/settings>")
        #expect(mail.parts[1].text.contains("<a href=\"https://campaigns.example.org/#/settings\">"))
    }

    private static func isMailed(_ fixture: Fixture, _ id: Int) throws -> Bool {
        guard let recipients = try fixture.recipients(id), let mailing = try fixture.record("messages/mailed/\(id)")
        else {
            return false
        }
        return mailing["handled"] as? Int == recipients.count
    }

    @Test("who has an address and wants it gets the message by e-mail, the others do not, and a failure stops nobody")
    func content() throws {
        let fixture = try Self.fixture(2...12)
        try fixture.put(["id": 3, "username": "no address"], "users/3")
        try fixture.put(
            ["id": 4, "username": "u4", "emailAddress": "u4@example.org\nBcc: evil@example.org"], "users/4")
        try fixture.put(
            ["id": 5, "username": "u5", "emailAddress": "u5@example.org", "projectsNotifications": false], "users/5")
        try fixture.put(["id": 6, "username": "u6", "emailAddress": "fails@example.org"], "users/6")
        try FileManager.default.removeItem(atPath: fixture.path + "/users/8.json")
        try fixture.put(["id": 9, "username": "u9", "emailAddress": "u9@example.org, evil@example.org"], "users/9")
        try fixture.put(["id": 10, "username": "u10", "emailAddress": ""], "users/10")
        try fixture.put(["id": 11, "username": "u11", "emailAddress": "-oQ/tmp@example.org"], "users/11")
        try fixture.put(
            [
                "id": 1, "username": "Zoë \"<b>\"\r\nBcc: evil@example.org", "role": "ADMIN",
                "emailAddress": "admin@example.org",
            ], "users/1")
        try fixture.put(["id": 1, "name": "Flöds \"<b>\" & =?x?=", "projects": [1]], "campaigns/1")
        let sendmail = try Sendmail(#"if grep -q '^To: <fails@' "$mail"; then mv "$mail" "refused.$$"; exit 67; fi"#)
        let daemon = try fixture.start("0", ["SENDMAIL": sendmail.command])
        let subject = "Grüße, 世界\r\nBcc: evil@example.org\n\n<script>"
        try fixture.send(subject: subject, text: "Dear *mappers*,\n\n<b>see</b> https://example.org/ 世界\n.\nbye")
        try fixture.wait { try Self.isMailed(fixture, 1) }
        #expect(daemon.end() == 0)

        let mails = try sendmail.mails()
        #expect(mails.flatMap(\.to) == ["u2@example.org", "u7@example.org", "u12@example.org"])
        #expect(Set(mails.map(\.id)).count == 3)
        for mail in mails {
            #expect(
                mail.names == [
                    "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "Auto-Submitted", "MIME-Version",
                    "Content-Type",
                ])
            #expect(mail.defects == [])
            #expect(mail.from == ["noreply@tm.example.org"])
            // Python makes one space of two.
            #expect(mail.fromName == "Zoë \"<b>\" Bcc: evil@example.org")
            #expect(mail.subject == "Grüße, 世界  Bcc: evil@example.org  <script>")
            #expect(abs(Double(mail.time) - Date().timeIntervalSince1970) < 120)
            #expect(mail.unsubscribe == "<https://tm.example.org/settings>")
            #expect(mail.parts.map(\.type) == ["text/plain", "text/html"])
            #expect(mail.parts[0].text.contains("Dear *mappers*,\n\n<b>see</b> https://example.org/ 世界\n.\nbye\n"))
            #expect(mail.parts[0].text.contains("\n-- \n"))
            #expect(mail.parts[0].text.contains("https://tm.example.org/settings"))
            #expect(mail.parts[1].text.contains("<p>Dear <em>mappers</em>,</p>\n<p>&lt;b&gt;see&lt;/b&gt; "))
            #expect(mail.parts[1].text.contains("<a href=\"https://example.org/\">https://example.org/</a> 世界<br />"))
            #expect(mail.parts[1].text.contains("Flöds &quot;&lt;b&gt;&quot; &amp; =?x?="))
            #expect(mail.parts[1].text.contains("<a href=\"https://tm.example.org/settings\">"))
        }
        #expect(try fixture.record("messages/mailed/1")?["failed"] as? [Int] == [6])
        #expect(try fixture.recipients(1) == [2, 3, 4, 6, 7, 8, 9, 10, 11, 12])
        #expect(
            try fixture.run(["messages", fixture.path]).text.hasSuffix(
                "\tdelivered to 10\te-mail 10 of 10, 1 failed: user 6\n"))
        #expect(
            daemon.log.split(separator: "\n").count { $0.contains("was not sent") && $0.contains("user=\"6\"") } == 1)

        #expect(try sendmail.read("arguments") == "-t -i\n")
        #expect(try !sendmail.read("environment").contains("SECRET"))
        // It gets the e-mail and what it may write to, but nothing that the service has open.
        let descriptors = try sendmail.read("descriptors").split(separator: "\n")
        let leaked = descriptors.filter { line in
            [fixture.folder.path, "inotify", "eventpoll"].contains { line.contains($0) }
        }
        #expect(leaked == [])
    }

    @Test("where several processes could send, one does, one e-mail after the other, and nobody gets two")
    func onlyOne() throws {
        let fixture = try Self.fixture(2...13)
        try fixture.queue(1)
        let sendmail = try Sendmail()
        let environment: [String: String?] = ["SENDMAIL": sendmail.command]
        try onThreads(3) { number in
            if number == 0 {
                let daemon = try fixture.start("0", environment)
                try fixture.wait { try Self.isMailed(fixture, 1) }
                daemon.end()
            } else {
                _ = try fixture.run(["deliver", fixture.path], environment)
            }
        }
        #expect(try sendmail.recipients().sorted() == (2...13).map { "u\($0)@example.org" }.sorted())
        #expect(try !sendmail.overlapped())
        #expect(try fixture.run(["deliver", fixture.path], environment).text == "")
        #expect(sendmail.count == 12)
    }

    @Test("while nobody can record who got an e-mail, nobody gets one, and nobody gets it twice")
    func notRecordable() throws {
        let fixture = try Self.fixture(2...6)
        try fixture.queue(1)
        // With the first e-mail somebody else takes the folder's lock, and keeps it.
        let sendmail = try Sendmail(
            """
            [ -e locked ] || {
                : >locked
                flock '\(fixture.path)/.lock' sh -c ': >held; until [ -e go ]; do sleep 0.05; done' >/dev/null 2>&1 &
                until [ -e held ]; do sleep 0.05; done
            }
            """)
        let daemon = try fixture.start("0", ["SENDMAIL": sendmail.command])
        defer { daemon.end() }
        try fixture.wait { daemon.log.contains("no e-mail is sent before it is recorded") }
        _ = try fixture.run(["deliver", fixture.path], ["SENDMAIL": sendmail.command])
        #expect(sendmail.count == 1)
        try sendmail.write("go")
        try fixture.wait { try Self.isMailed(fixture, 1) }
        #expect(try sendmail.recipients().sorted() == (2...6).map { "u\($0)@example.org" })
    }

    @Test("without an address of one's own nothing starts that sends e-mails")
    func noAddress() throws {
        let fixture = try Fixture([])
        let environment: [String: String?] = ["SENDMAIL": "/bin/true", "APP_BASE_URL": nil, "TM_SECRET": "x"]
        for arguments in [
            ["deliver", fixture.path], ["serve", "--data", fixture.path, "--socket", "\(fixture.folder.path)/0"],
        ] {
            let outcome = try fixture.run(arguments, environment)
            #expect(outcome.status == 78)
            #expect(outcome.errors.split(separator: "\n").count == 1)
            #expect(outcome.errors.contains("APP_BASE_URL"))
        }
    }

    @Test("with MAIL_FROM alone no e-mail says anything of a site that is somebody else's")
    func addressAlone() throws {
        let fixture = try Self.fixture(2...2)
        try fixture.queue(1, text: "[x](/projects/1) ![y](/logos/a.png)")
        let sendmail = try Sendmail()
        _ = try fixture.run(
            ["deliver", fixture.path],
            [
                "SENDMAIL": sendmail.command, "MAIL_FROM": "tm@example.org", "APP_BASE_URL": nil,
                "PUBLIC_URL": "https://c.example.org",
            ])
        let mail = try #require(try sendmail.mails().first)
        #expect(mail.unsubscribe == "<https://c.example.org/#/settings>")
        for part in mail.parts { #expect(!part.text.contains("hotosm")) }
        #expect(mail.parts[1].text.contains(#"href="https://c.example.org/projects/1""#))
        #expect(mail.parts[1].text.contains(#"src="https://c.example.org/logos/a.png""#))
    }

    @Test("kill -9 in the middle: nobody is left out, and at most the one in flight is repeated")
    func killed() throws {
        let fixture = try Self.fixture(2...16)
        try fixture.queue(1)
        // However late the last kill comes, there is something left to do.
        let sendmail = try Sendmail("while [ $(ls | grep -c '^mail[.]') -ge 12 ] && [ ! -e go ]; do sleep 0.05; done")
        let environment: [String: String?] = ["SENDMAIL": sendmail.command]
        var kills = 0
        for count in [3, 6, 10] {
            let daemon = try fixture.start("0", environment)
            try fixture.wait { sendmail.count >= count }
            usleep(.random(in: 0..<60_000))
            daemon.end(SIGKILL)
            kills += 1
        }
        #expect(try !Self.isMailed(fixture, 1))
        try sendmail.write("go")
        let outcome = try fixture.run(["deliver", fixture.path], environment)
        #expect(outcome.text.contains("message 1: 15 of 15 dealt with by e-mail\n"))
        #expect(try Self.isMailed(fixture, 1))
        let counts = Dictionary(grouping: try sendmail.recipients()) { $0 }.mapValues(\.count)
        #expect(counts.keys.sorted() == (2...16).map { "u\($0)@example.org" }.sorted())
        #expect(counts.values.allSatisfy { $0 <= 2 })
        #expect(counts.values.count { $0 == 2 } <= kills)
    }

    @Test("an end by SIGTERM repeats no e-mail, however long the program takes")
    func ended() throws {
        let fixture = try Self.fixture(2...5)
        try fixture.queue(1)
        let sendmail = try Sendmail("sleep 0.5")
        let environment: [String: String?] = ["SENDMAIL": sendmail.command]
        let daemon = try fixture.start("0", environment)
        try fixture.wait { (try? sendmail.read("log"))?.hasPrefix("begin") == true }
        #expect(daemon.end() == 0)
        try fixture.wait { try sendmail.read("log").split(separator: "\n").last?.hasPrefix("end") == true }
        _ = try fixture.run(["deliver", fixture.path], environment)
        #expect(try sendmail.recipients().sorted() == (2...5).map { "u\($0)@example.org" })
    }

    @Test("a message cannot be delivered without being noted for e-mail first")
    func noted() throws {
        let fixture = try Self.fixture(2...3)
        let sendmail = try Sendmail()
        let daemon = try fixture.start("0", ["SENDMAIL": sendmail.command])
        defer { daemon.end() }
        let arrivals = try Arrivals([fixture.path + "/messages/recipients", fixture.path + "/messages/mailed"])
        try fixture.send()
        try fixture.wait { try Self.isMailed(fixture, 1) }
        // A kill -9 between the two would otherwise leave a message that everybody has and nobody is sent.
        #expect(arrivals.take().prefix(2) == ["mailed/1.json", "recipients/1.json"])
    }

    @Test("without SENDMAIL nothing is sent, and a later SENDMAIL sends nothing that was delivered before")
    func later() throws {
        let fixture = try Self.fixture(2...4)
        let sendmail = try Sendmail()
        let silent = try fixture.start()
        try fixture.send(subject: "old")
        try fixture.wait { try fixture.recipients(1) != nil }
        silent.end()
        #expect(try fixture.record("messages/mailed/1") == nil)
        let daemon = try fixture.start("0", ["SENDMAIL": sendmail.command])
        try fixture.send(subject: "new")
        try fixture.wait { try Self.isMailed(fixture, 2) }
        daemon.end()
        #expect(try sendmail.mails().map(\.subject) == ["new", "new", "new"])
        #expect(try fixture.run(["deliver", fixture.path], ["SENDMAIL": sendmail.command]).text == "")
        #expect(sendmail.count == 3)
    }

    @Test("a program that is not there is an outage: nobody is given up, and the message goes out when it is back")
    func missingProgram() throws {
        let fixture = try Self.fixture(2...8)
        try fixture.queue(1)
        let outcome = try fixture.run(["deliver", fixture.path], ["SENDMAIL": "\(fixture.folder.path)/sendmail -t"])
        #expect(outcome.status == 0)
        let mailing = try #require(try fixture.record("messages/mailed/1"))
        #expect(mailing["failed"] as? [Int] == [])
        #expect((mailing["waiting"] as? [[String: Any]])?.compactMap { $0["user"] as? Int } == [2, 3, 4])
        let sendmail = try Sendmail()
        try fixture.wait {
            _ = try fixture.run(["deliver", fixture.path], ["SENDMAIL": sendmail.command])
            return sendmail.count == 7
        }
        #expect(try sendmail.recipients().sorted() == (2...8).map { "u\($0)@example.org" })
        #expect(try fixture.run(["messages", fixture.path]).text.hasSuffix("\tdelivered to 7\te-mail 7 of 7\n"))
    }

    @Test(
        "an address to send from that is none is refused at the start",
        arguments: ["x", "a b@example.org", "a@example.org\nBcc: b@example.org", "A <a@example.org>"])
    func badFrom(_ from: String) throws {
        let fixture = try Fixture([])
        let outcome = try fixture.run(["deliver", fixture.path], ["SENDMAIL": "/bin/true", "MAIL_FROM": from])
        #expect(outcome.status == 78)
    }

    @Test("MAIL_FROM is where the e-mails come from")
    func mailFrom() throws {
        let fixture = try Self.fixture(2...2)
        try fixture.queue(1)
        let sendmail = try Sendmail()
        _ = try fixture.run(["deliver", fixture.path], ["SENDMAIL": sendmail.command, "MAIL_FROM": "tm@example.org"])
        let mail = try #require(try sendmail.mails().first)
        #expect(mail.from == ["tm@example.org"])
        #expect(mail.fromName == "hot_admin")
        #expect(mail.id.hasSuffix("@example.org>"))
    }
}
