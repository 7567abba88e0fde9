import Foundation
import TestSupport
import Testing

/// What the service keeps to itself, seen through nginx.
@Suite(.serialized)
struct PrivacyTests {
    private let folder: TemporaryFolder
    private let service: LiveService
    private static let secret = "a-secret-of-the-privacy-tests"
    /// Stands in every file that is nobody's business.
    private static let mark = "nobodys-business"

    init() throws {
        folder = try TemporaryFolder()
        for (name, text) in [
            ("users/1.json", #"{"id": 1, "username": "u", "role": "MAPPER", "emailAddress": "\#(Self.mark)"}"#),
            ("organisations/1.json", #"{"organisationId": 1, "name": "O", "managers": [1], "x": "\#(Self.mark)"}"#),
            ("projects/1.json", #"{"projectId": 1, "name": "\#(Self.mark)", "author": 1}"#),
            ("campaigns/1.json", #"{"id": 1, "name": "C", "x": "\#(Self.mark)"}"#),
            ("logos/good.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
            ("logos/sub/good.png", "png"), ("logos/.hidden.svg", Self.mark), ("logos/.git/x.svg", Self.mark),
            ("logos/notes.txt", Self.mark), ("logos/page.html", Self.mark), ("logos/good.svg.bak", Self.mark),
        ] {
            try folder.write(text, to: name)
        }
        for (name, target) in [
            ("record.svg", "../users/1.json"), ("whole.svg", folder.path + "/users/1.json"), ("users", "../users"),
            ("up", ".."), ("etc.svg", "/etc/passwd"),
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/logos/\(name)", withDestinationPath: target)
        }
        service = try LiveService(
            data: folder.url, environment: ["TM_SECRET": Self.secret, "LOG_LEVEL": "trace", "CAMPAIGNS_DATA": nil])
    }

    @Test("no address leads to a file of the data folder, but to the logos")
    func addresses() throws {
        for name in ["good.svg", "sub/good.png"] {
            #expect(try service.curl(Asked("GET", "/logos/\(name)")).status == 200)
        }
        let files = [
            "users/1.json", "organisations/1.json", "projects/1.json", "campaigns/1.json", ".lock", ".journal",
            "campaigns/.next-id",
            "messages/", "",
        ]
        let ways = [
            "/", "/data/", "//", "/logos/../", "/logos/..%2f", "/logos/%2e%2e/", "/logos/%2e%2e%2f", "/logos/.%2e/",
            "/logos/..%5c", "/logos/..\\", "/logos/%252e%252e/", "/logos/..;/", "/logos//../", "/logos/./../",
            "/logos/sub/../../", "/logos/good.svg/../../", "/logos/up/", "/logos/%c0%ae%c0%ae/", "/logos../",
            "/logos%2f../",
            "/LOGOS/../", "/logos/%E2%80%A5/", "/api/../", "/api/v2/../../", "/api/v2/logos/../../../",
            "/campaigns-large/", "/campaigns-large/../", "/campaigns-refused/", "/@campaigns_error/", "/tls/",
            "/large/",
        ]
        let targets =
            ways.flatMap { way in files.map { way + $0 } }
            + [
                "/logos", "/logos/", "/logos/sub/", "/logos/.hidden.svg", "/logos/%2ehidden.svg",
                "/logos/sub/../.hidden.svg",
                "/logos/.git/x.svg", "/logos/notes.txt", "/logos/page.html", "/logos/good.svg.bak", "/logos/good.svg~",
                "/logos/record.svg", "/logos/whole.svg", "/logos/users/1.json", "/logos/users/1.json%00.svg",
                "/logos/users/1.json%3f.svg", "/logos/users/1.json?.svg", "/logos/users/1.json/.svg", "/logos/etc.svg",
                "/logos/good.svg%00.json", "/logos/good.svg/", "/logos/good.svg/x.svg", "/.git/config", "/nginx.conf",
                "/campaignd.sock", "/campaignd.pid", "/access.log", "/tls/key.pem", "/data/users/1.json",
            ]
        let page = try String(
            contentsOf: Repository.root.appendingPathComponent("nginx/page/index.html"), encoding: .utf8)
        for (target, status, type, body) in try get(targets) {
            // What leads to the server's own address gets the page that is there.
            if status == 200, body == page { continue }
            #expect([400, 404, 405].contains(status), "\(target): \(status)")
            #expect(type == "application/json", "\(target): \(body)")
            for word in [Self.mark, "root:", folder.path, "nginx"] {
                #expect(!body.contains(word), "\(target): \(body)")
            }
        }
    }

    /// Fetches many addresses with one curl.
    private func get(
        _ targets: [String]
    ) throws -> [(target: String, status: Int, type: String, body: String)] {
        let answers = try TemporaryFolder()
        let lines = targets.enumerated().map { number, target in
            let escaped = (service.url + target).replacing("\\", with: "\\\\")
            return "url = \"\(escaped)\"\noutput = \"\(answers.path)/\(number)\"\n"
        }
        try answers.write(lines.joined(), to: "list")
        let outcome = try Command.run(
            "curl",
            [
                "--silent", "--path-as-is", "--globoff", "--noproxy", "*", "--cacert", service.certificate,
                "--write-out",
                "%{http_code} %{content_type}\n", "--config", answers.path + "/list",
            ])
        let heads = outcome.text.split(separator: "\n")
        #expect(heads.count == targets.count)
        return try zip(targets, heads).enumerated().map { number, pair in
            let parts = pair.1.split(separator: " ")
            return (
                pair.0, Int(parts[0]) ?? 0, parts.count > 1 ? String(parts[1]) : "", try answers.read("\(number)")
            )
        }
    }

    @Test("an SVG that is opened by itself runs no script, and no logo is taken for something else")
    func logoHeaders() throws {
        let answered = try service.curl(Asked("GET", "/logos/good.svg"))
        #expect(answered.header("Content-Type") == "image/svg+xml")
        #expect(answered.header("X-Content-Type-Options") == "nosniff")
        let policy = try #require(answered.header("Content-Security-Policy"))
        let rules = policy.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(rules.contains("default-src 'none'"))
        #expect(rules.contains("sandbox"))
        #expect(!policy.contains("script-src") && !policy.contains("allow-scripts"))
        #expect(try service.curl(Asked("GET", "/logos/sub/good.png")).header("Content-Security-Policy") == policy)
    }

    @Test("secret and token are in no log, no process list, no error, and not in nginx's environment")
    func secrets() throws {
        let made = try Command.run(
            Repository.campaignd.path, ["token", "1"], environment: ["TM_SECRET": Self.secret])
        let token = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let authorization = [("Authorization", "Token \(token)")].map { (name: $0.0, value: $0.1) }
        var answers: [Answered] = []
        for (method, target) in [
            ("POST", "/api/v2/campaigns/"), ("DELETE", "/api/v2/campaigns/99/"), ("GET", "/api/v2/notifications/"),
            ("GET", "/api/v2/nothing"), ("GET", "/api/v2/%00"), ("PUT", "/api/v2/campaigns/"), ("POST", "/logos/x.svg"),
            ("GET", "/api/v2/system/heartbeat/"),
        ] {
            answers.append(try service.curl(Asked(method, target, headers: authorization, body: nil)))
        }
        answers.append(
            try service.curl(
                Asked("GET", "/api/v2/campaigns/?token=\(token)&secret=\(Self.secret)", headers: authorization)))
        answers.append(
            try service.curl(
                Asked("POST", "/api/v2/campaigns/", headers: [(name: "Authorization", value: "Token x\(token)")])))
        var seen = answers.map { ("an answer", String(decoding: $0.body, as: UTF8.self) + "\($0.headers)") }
        let run = try service.runFolder
        seen.append(("what serve prints", service.printed))
        for name in try FileManager.default.subpathsOfDirectory(atPath: run) {
            guard let text = try? Data(contentsOf: URL(fileURLWithPath: "\(run)/\(name)")) else { continue }
            seen.append((name, String(decoding: text, as: UTF8.self)))
        }
        for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(process) != nil {
            guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { continue }
            let words = String(decoding: line, as: UTF8.self)
            // The curl of this test has ended.
            seen.append(("process \(process)", words))
            guard words.hasPrefix("nginx"),
                let variables = FileManager.default.contents(atPath: "/proc/\(process)/environ")
            else { continue }
            seen.append(("the environment of nginx", String(decoding: variables, as: UTF8.self)))
        }
        #expect(seen.contains { $0.0 == "access.log" })
        for (place, text) in seen {
            #expect(!text.contains(Self.secret), "\(place)")
            #expect(!text.contains(token), "\(place)")
        }
    }

    @Test("no line of nginx's log, or of the service's, can be forged by an address, a method, a header or a record")
    func logs() throws {
        let forged = "127.0.0.1%20[2026-01-01T00:00:00+00:00]%20GET%20/forged"
        let targets = [
            "/api/v2/a%0a\(forged)", "/api/v2/a%0d%0a\(forged)", "/logos/%1b[2J%1b]0;x%07.svg",
            "/logos/a%0a\(forged).svg", "/logos/%c2%9b2J.svg", "/x%e2%80%a8\(forged)",
            "/x%c2%85%9b2J", "/api/v2/%22%20%5c%22", "/logos/none.svg%0a", "/logos/none.svg%0d", "/page.js%0a",
            "/none.js", "/none.js%0a\(forged).js", "/api/v2/campaigns/1/%0a",
        ]
        for target in targets {
            _ = try service.curl(
                Asked(
                    "GET", target,
                    headers: [(name: "User-Agent", value: "\u{1B}[31m"), (name: "X-Forwarded-For", value: "forged")]))
        }
        // In the error log a request has its query, Host and Referer, as they are.
        for (method, target, host, body) in [
            ("GET", "/api/v2/campaigns/?\u{9B}2J", nil, nil), ("GET", "/logos/none.svg?\u{85}forged", nil, nil),
            ("GET", "/api/v2/campaigns/?\u{2028}\(forged)", nil, nil), ("GET", "/none.js", "a\u{9B}2J", nil),
            ("TRACE", "/api/v2/campaigns/?\u{9B}2J", nil, nil),
            ("POST", "/api/v2/campaigns/?\u{9B}2J", nil, Data(count: 2 << 20)),
        ] as [(String, String, String?, Data?)] {
            let headers = host.map { [(name: "Host", value: $0)] } ?? []
            let answered = try service.curl(Asked(method, target, headers: headers, body: body))
            #expect(answered.status == 400, "\(method) \(target)")
            #expect(answered.header("Content-Type") == "application/json", "\(method) \(target)")
        }
        let referers = ["https://x/\u{1B}[2J\u{07}forged", "\u{9B}2J"]
        for (target, referer) in zip(
            ["/logos/none.svg", "/api/v2/campaigns/", "/other", "/logos/none.svg"], referers + referers)
        {
            let answered = try service.curl(Asked("GET", target, headers: [(name: "Referer", value: referer)]))
            #expect(answered.status == 400)
            #expect(answered.header("Content-Type") == "application/json")
        }
        #expect(try service.curl(Asked("GET", "/campaigns-malformed")).status == 404)
        #expect(
            try service.curl(Asked("GET", "/logos/none.svg", headers: [(name: "Referer", value: "x")])).status == 404)
        try folder.write("{", to: "users/7\n2026-01-01T00:00:00Z critical forged.json")
        try folder.write(
            #"{"id": 8, "username": "x", "role": "\u001b[2J\n2026-01-01T00:00:00Z critical forged\" file=\"forged"}"#,
            to: "users/8.json")
        _ = try service.curl(Asked("GET", "/api/v2/campaigns/"))
        // nginx writes its log once a second.
        let log = URL(fileURLWithPath: try service.runFolder + "/access.log")
        let deadline = Date(timeIntervalSinceNow: 60)
        var lines: [Substring] = []
        repeat {
            usleep(50_000)
            lines = String(decoding: try Data(contentsOf: log), as: UTF8.self).split(separator: "\n")
        } while !lines.contains { $0.contains(" GET /api/v2/campaigns/ ") } && Date() < deadline
        #expect(lines.count >= targets.count + 1)
        for line in lines {
            #expect(
                line.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
                    && line.wholeMatch(
                        of: /127\.0\.0\.1 \[[^\]]+\] [A-Z]+ .+ HTTP\/[12]\.[01] \d+ \d+ [\d.]+s [0-9a-f]{32}/) != nil,
                "\(line)")
        }
        // What is not there is no error of nginx's.
        #expect(!service.printed.contains("none.svg") && !service.printed.contains("none.js"))
        #expect(service.printed.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        for line in service.printed.split(separator: "\n") where line.contains("forged") {
            #expect(
                line.firstMatch(of: #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (?:warning|error|debug|trace) /#) != nil,
                "\(line)")
            #expect(!line.contains(#""forged""#), "\(line)")
        }
    }
}
