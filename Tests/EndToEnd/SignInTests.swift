import Foundation
import Synchronization
import TestSupport
import Testing

/// Signing in through nginx, with `./nginx/serve --demo-osm`.
@Suite(.serialized)
struct SignInTests {
    private let service: LiveService
    private let standIn: StandIn
    private let folder: TemporaryFolder
    private static let secret = "a-secret-of-the-sign-in-tests"

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(#"{"id": 1, "username": "admin", "role": "ADMIN"}"#, to: "users/1.json")
        service = try LiveService(
            data: folder.url, environment: ["TM_SECRET": Self.secret, "LOG_LEVEL": "trace"], demoOSM: true)
        let line = try #require(service.printed.firstMatch(of: /Stand-in of OpenStreetMap: (\S+)/))
        standIn = StandIn(at: String(line.1))
    }

    private static let base = "/api/v2/system/authentication"

    /// What comes back from OpenStreetMap for somebody.
    private func code(user: Int, name: String = "", fail: String = "") throws -> String {
        let login = try service.curl(Asked("GET", "\(Self.base)/login/"))
        let page = try #require(try login.json["auth_url"] as? String)
        let back = try standIn.authorize(page: page, user: user, name: name, fail: fail)
        #expect(back.value("state") == (try login.json["state"] as? String))
        #expect(back.string?.hasPrefix(service.url + "/?") == true)
        return try #require(back.value("code"))
    }

    private func callback(_ code: String) throws -> Answered {
        try service.curl(Asked("GET", "\(Self.base)/callback/?code=\(code)&email_address=x"))
    }

    private func create(_ name: String, _ token: String) throws -> Int {
        try service.curl(
            Asked(
                "POST", "/api/v2/campaigns/", headers: [("Authorization", token)],
                body: Data(#"{"name": "\#(name)"}"#.utf8))
        ).status
    }

    private func header(_ answered: Answered) throws -> String {
        let inner = try #require(try answered.json["session_token"] as? String)
        return "Token " + Data(inner.utf8).base64EncodedString()
    }

    @Test("the whole way: an administrator may do what the record says, a newcomer has a record and no rights")
    func wholeWay() throws {
        let admin = try callback(try code(user: 1, name: "renamed"))
        #expect(admin.status == 200 && admin.header("Cache-Control") == "no-store" && admin.header("ETag") == nil)
        #expect(try create("A", header(admin)) == 201)
        #expect(try folder.read("users/1.json").contains(#""username": "renamed""#))
        let newcomer = try callback(try code(user: 4242))
        #expect(newcomer.status == 200)
        #expect(try create("B", header(newcomer)) == 403)
        #expect(try folder.read("users/4242.json").contains(#""role": "MAPPER""#))
    }

    @Test("neither code, secret nor token is in a log, an error page or the list of processes, after a crash neither")
    func secrets() throws {
        var words = [Self.secret]
        let daemon = try #require(Int32(folderOfRun("campaignd.pid").trimmingCharacters(in: .whitespacesAndNewlines)))
        let variables = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(daemon)/environ"))
        let client = try #require(
            String(decoding: variables, as: UTF8.self).split(separator: "\0").first {
                $0.hasPrefix("TM_CLIENT_SECRET=")
            })
        words.append(String(client.dropFirst("TM_CLIENT_SECRET=".count)))
        var answers: [String] = []
        for fail in ["", "token-refused", "token-big", "details-html"] {
            let code = try code(user: 8, fail: fail)
            words.append(code)
            let answered = try callback(code)
            if answered.status == 200 {
                words.append(try #require(try answered.json["session_token"] as? String))
                let session = try #require(try answered.json["session"] as? [String: Any])
                words.append(try #require(session["access_token"] as? String))
            } else {
                answers.append(String(decoding: answered.body, as: UTF8.self))
            }
            // As the page has it, and as somebody else's server may have it.
            for target in [
                "/?code=\(code)&state=x", "\(Self.base)/?code=\(code)", "\(Self.base)/callback/x?code=\(code)",
            ] {
                _ = try service.curl(Asked("GET", target))
            }
            for method in ["HEAD", "POST", "OPTIONS"] {
                _ = try service.curl(Asked(method, "\(Self.base)/callback/?code=\(code)"))
            }
            let cookie = (name: "Cookie", value: String(repeating: "x", count: 20_000))
            // nginx refuses it, and over HTTP/2 without an answer.
            _ = try? service.curl(Asked("GET", "/?code=\(code)", headers: [cookie]))
            _ = try service.curl(
                Asked("GET", "\(Self.base)/callback/?code=\(code)", headers: [], body: Data(count: 2 << 20)))
        }
        // It dies while OpenStreetMap is being asked.
        let slow = try code(user: 8, fail: "details-slow")
        words.append(slow)
        let answered = Mutex<Answered?>(nil)
        let ended = DispatchSemaphore(value: 0)
        inBackground {
            let answer = try? callback(slow)
            answered.withLock { $0 = answer }
            ended.signal()
        }
        let curls = try waitForCurl(of: daemon)
        // It tells what it was doing. Of a signal that somebody has sent it may not die.
        kill(daemon, SIGSEGV)
        ended.wait()
        kill(daemon, SIGKILL)
        let crashed = try #require(answered.withLock { $0 })
        #expect(crashed.status == 502)
        answers.append(String(decoding: crashed.body, as: UTF8.self) + "\(crashed.headers)")
        #expect(!service.printed.contains("Registers:"))
        // And it is not there.
        let deadline = Date(timeIntervalSinceNow: 60)
        while try service.curl(Asked("GET", "/api/v2/system/heartbeat/")).status != 200, Date() < deadline {}

        var seen = answers.map { ("an answer", $0) } + curls + [("what serve prints", service.printed)]
        let run = try service.runFolder
        for name in try FileManager.default.subpathsOfDirectory(atPath: run) {
            guard let text = try? Data(contentsOf: URL(fileURLWithPath: "\(run)/\(name)")) else { continue }
            seen.append((name, String(decoding: text, as: UTF8.self)))
        }
        #expect(seen.contains { $0.0 == "access.log" } && seen.contains { $0.0.hasPrefix("the program curl") })
        for (place, text) in seen {
            for word in words { #expect(!text.contains(word), "\(place)") }
        }
    }

    @Test("nginx's usual access log has no code, and its error log neither, whether the service is there or not")
    func usualLogs() throws {
        let site = try WebSite(
            data: folder,
            settings: [
                "TM_CLIENT_ID": "x", "TM_CLIENT_SECRET": "x", "OSM_SERVER_URL": "http://127.0.0.1:1",
                "PUBLIC_URL": "https://localhost",
            ])
        let targets = [
            "/?code=c0de", "/index.html?state=x&code=c0de", "\(Self.base)/callback/?code=c0de",
            "\(Self.base)/callback?code=c0de", "\(Self.base)/x?code=c0de", "\(Self.base)/callback/%zz?code=c0de",
        ]
        for isThere in [true, false] {
            if !isThere { site.endService() }
            for target in targets {
                for method in target.hasPrefix("/api/") ? ["GET", "POST", "HEAD"] : ["GET", "HEAD"] {
                    let answered = try site.ask(method, target)
                    #expect(!String(decoding: answered.body, as: UTF8.self).contains("c0de"))
                    if !isThere, method == "GET", target.contains("/callback/?") { #expect(answered.status == 503) }
                }
            }
            // The log is written, and would have them.
            _ = try site.ask("GET", "/api/v2/campaigns/?seen=\(isThere)")
            let log = try site.accessLog
            #expect(log.contains("/api/v2/campaigns/?seen=\(isThere)") && !log.contains("c0de"), "\(log)")
            #expect(!site.printed.contains("c0de"))
        }
        #expect(site.printed.contains("seen=false"))
    }

    @Test("in a browser", .enabled(if: Browser.program != nil, "there is no chromium"))
    func browser() throws {
        let settings = [
            "PAGE_URL": service.url, "PAGE_DATA": folder.path, "CAMPAIGND": Repository.campaignd.path,
            "TM_SECRET": Self.secret,
        ]
        let osm = ["PAGE_OSM": standIn.url]
        let names = try Set(PageTests.python([], osm).text.split(separator: "\n"))
            .subtracting(PageTests.python([]).text.split(separator: "\n"))
        #expect(names.count == 1)
        for name in names {
            let outcome = try PageTests.python([String(name)], settings.merging(osm) { $1 })
            #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        }
    }

    private func folderOfRun(_ name: String) throws -> String {
        try String(contentsOfFile: service.runFolder + "/" + name, encoding: .utf8)
    }

    /// Waits until a process has a child `curl` that talks to somebody.
    ///
    /// - Returns: what everybody can see of it.
    private func waitForCurl(of process: Int32) throws -> [(String, String)] {
        let deadline = Date(timeIntervalSinceNow: 60)
        while Date() < deadline {
            for thread in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? [] {
                let children =
                    (try? String(contentsOfFile: "/proc/\(process)/task/\(thread)/children", encoding: .utf8)) ?? ""
                for child in children.split(separator: " ") {
                    guard let line = FileManager.default.contents(atPath: "/proc/\(child)/cmdline"),
                        let variables = FileManager.default.contents(atPath: "/proc/\(child)/environ"),
                        line.starts(with: Data("curl\0".utf8))
                    else { continue }
                    return [
                        ("the program curl", String(decoding: line, as: UTF8.self)),
                        ("the program curl, its environment", String(decoding: variables, as: UTF8.self)),
                    ]
                }
            }
        }
        throw Command.Failed(description: "there is no curl")
    }

    @Test("a slow OpenStreetMap takes ten seconds of those who sign in, and nothing of others")
    func slow() throws {
        let admin = try header(try callback(try code(user: 1)))
        let codes = try (0..<12).map { _ in try code(user: 8, fail: "token-slow") }
        let statuses = Mutex<[Int: Int]>([:])
        let (ended, began) = (DispatchGroup(), ContinuousClock.now)
        for code in codes {
            ended.enter()
            inBackground {
                let status = (try? callback(code))?.status ?? 0
                statuses.withLock { $0[status, default: 0] += 1 }
                ended.leave()
            }
        }
        // When there are too many, the others are at it.
        while statuses.withLock({ $0[503] ?? 0 }) == 0, ended.wait(timeout: .now()) == .timedOut { usleep(1_000) }
        var meanwhile = 0
        while ended.wait(timeout: .now()) == .timedOut {
            #expect(try create("slow \(meanwhile)", admin) == 201)
            #expect(try service.curl(Asked("GET", "/api/v2/campaigns/")).status == 200)
            if ended.wait(timeout: .now()) == .timedOut { meanwhile += 1 }
        }
        #expect(meanwhile > 0)
        let seen = statuses.withLock { $0 }
        #expect(Set(seen.keys) == [502, 503] && seen[502] ?? 0 >= 4, "\(seen)")
        // Ten, and what a busy machine takes for twelve programs.
        #expect(ContinuousClock.now - began < .seconds(40))
    }
}
