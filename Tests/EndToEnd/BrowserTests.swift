import Foundation
import TestSupport
import Testing

/// What the API gives out as safe to show, shown in a real browser.
@Suite("messages in a browser", .enabled(if: Browser.program != nil, "there is no chromium"), .serialized)
struct BrowserTests {
    @Test("no scripting input runs, in a message, in a campaign's name, or in a sender's name")
    func nothingRuns() throws {
        let inputs = try Self.inputs()
        let pieces = try Self.asMessages(inputs)
        #expect(pieces.count == 3 * inputs.count)
        let result = try Browser.show(pieces, inPage: pieces)
        // One that was lost, or has swallowed the next, was not tried.
        #expect(result.pieces == pieces.count)
        #expect(result.places == 2 * pieces.count)
        #expect(result.ran == [])
        #expect(result.dangers == [])
    }

    @Test("the trap works: what does run is found, in every way in which it can")
    func control() throws {
        let traps = [
            "<script>xss()</script>", "<script>alert(1)</script>", "<img src=x onerror=xss()>", "<svg onload=prompt()>",
            "<a href='javascript:xss()'>x</a>", "<b onmouseover=confirm()>x</b>", "<input onfocus=print()>",
            "<iframe srcdoc='<script>parent.xss()</script>'></iframe>",
        ]
        let result = try Browser.show(Self.inputs(), inPage: traps)
        #expect(result.places == traps.count + result.pieces)
        let places = Set(result.ran.map(\.place))
        for (number, trap) in traps.enumerated() {
            #expect(places.contains("\(number) in the page") || places.contains("while parsing"), "\(trap)")
        }
        #expect(Set(result.ran.map(\.name)).isSuperset(of: ["xss", "alert", "prompt", "confirm", "print"]))
        // The inputs as they are, by innerHTML: many of them do run.
        #expect(result.ran.map(\.place).filter { $0.hasSuffix("by innerHTML") }.count > 60)
        #expect(result.dangers.count > 100)
    }

    private static func inputs() throws -> [String] {
        let file = Repository.root.appendingPathComponent("Tests/MessagesTests/scripting-inputs.json")
        let groups = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: file))
        return groups.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    /// The HTML that the service makes of the inputs.
    private static func asMessages(_ inputs: [String]) throws -> [String] {
        let folder = try TemporaryFolder()
        var id = 0
        for input in inputs {
            for place in ["message", "campaignName", "senderName"] {
                id += 1
                var message: [String: Any] = [
                    "messageId": id, "campaign": 1, "campaignName": "Floods", "sender": 1, "senderName": "anna",
                    "subject": input, "message": "Hello", "sentDate": "2026-05-06T14:08:46.123456Z",
                ]
                message[place] = input
                try folder.write(json(message), to: "messages/\(id).json")
                try folder.write(json(["messageId": id, "recipients": [7]]), to: "messages/recipients/\(id).json")
            }
        }
        let socket = folder.path + "/socket"
        let daemon = try Daemon(["--data", folder.path, "--socket", socket])
        defer { daemon.end() }
        let client = try FastCGIClient(socket)
        let token = try Daemon.token(7)
        var pieces: [String] = []
        for page in 1...(id + 99) / 100 {
            let target = "/api/v2/notifications/?pageSize=100&page=\(page)&sortDirection=asc"
            let answer = try client.ask(Asked("GET", target, headers: [("Authorization", token)]))
            let messages = try JSONDecoder().decode(NotificationPage.self, from: answer.body).userMessages
            pieces += messages.map(\.message)
        }
        return pieces
    }

    private static func json(_ object: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }
}

extension Daemon {
    /// What a user's Authorization header holds.
    static func token(_ user: Int) throws -> String {
        let outcome = try Command.run(
            Repository.campaignd.path, ["token", "\(user)"], environment: ["TM_SECRET": Daemon.secret])
        return "Token " + outcome.text.trimmingCharacters(in: .newlines)
    }
}

/// A page of notifications.
struct NotificationPage: Decodable {
    struct Pagination: Decodable {
        let total: Int
    }
    struct Notification: Decodable {
        let messageId: Int
        let subject: String
        let message: String
        let read: Bool
    }

    let pagination: Pagination
    let userMessages: [Notification]
}

/// Chromium without a screen.
enum Browser {
    /// What came of a page; see `trap.js`.
    struct Result: Decodable {
        struct Call: Decodable, Equatable {
            /// Which piece of HTML was looked at.
            let place: String
            let name: String
        }

        let pieces: Int
        let places: Int
        /// The functions that were called by what is no part of the page.
        let ran: [Call]
        let dangers: [String]
    }

    static let program = ["chromium", "chromium-browser", "google-chrome"].lazy.flatMap { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":").map { "\($0)/\(name)" }
    }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Shows pieces of HTML in a page that notices when one of them runs.
    ///
    /// - Parameters:
    ///   - pieces: those that a script puts into the page.
    ///   - inPage: those that are in the page's own text.
    static func show(_ pieces: [String], inPage: [String]) throws -> Result {
        let folder = try TemporaryFolder()
        try folder.write(page(pieces, inPage), to: "page.html")
        let outcome = try Command.run(
            "timeout",
            [
                "--kill-after=5", "300", try #require(program), "--headless", "--no-sandbox", "--disable-gpu",
                "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                "--disable-component-update",
                "--disable-extensions", "--disable-sync", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND",
                "--user-data-dir=\(folder.path)/profile", "--virtual-time-budget=60000", "--dump-dom",
                "file://\(folder.path)/page.html",
            ], environment: ["HOME": folder.path])
        let dom = outcome.text
        guard let start = dom.range(of: #"<pre id="result">"#, options: .backwards),
            let end = dom.range(of: "</pre>", range: start.upperBound..<dom.endIndex),
            let result = Data(base64Encoded: String(dom[start.upperBound..<end.lowerBound]))
        else { throw NoResult(status: outcome.status, errors: outcome.errors, dom: String(dom.prefix(500))) }
        return try JSONDecoder().decode(Result.self, from: result)
    }

    struct NoResult: Error {
        let status: Int32
        let errors: String
        let dom: String
    }

    private static func page(_ pieces: [String], _ inPage: [String]) throws -> String {
        let trap = Repository.root.appendingPathComponent("Tests/EndToEnd/trap.js")
        // JSON stands in a script here, so that nothing in it may end the script.
        let texts = try String(decoding: JSONEncoder().encode(pieces), as: UTF8.self)
            .replacingOccurrences(of: "<", with: "\\u003c")
        let places = inPage.enumerated().map { number, piece in
            "<div class=\"piece\" data-piece=\"\(number) in the page\">\(piece)</div>"
        }
        return """
            <!DOCTYPE html>
            <html><head><meta charset="utf-8"><title>A trap for scripts</title><base href="http://127.0.0.1:9/">
            <script>
            const record = [];
            var now = "while parsing";
            for (const name of ["xss", "alert", "confirm", "prompt", "print", "MsgBox"]) {
                const trap = () => { record.push({ place: now, name }); };
                Object.defineProperty(window, name, { value: trap, writable: false, configurable: false });
            }
            const bases = ["http:", "https:", "mailto:"];
            const pieces = \(texts);
            </script>
            <script>\(String(decoding: try Data(contentsOf: trap), as: UTF8.self))</script>
            </head><body>
            \(places.joined(separator: "\n"))
            </body></html>

            """
    }
}
