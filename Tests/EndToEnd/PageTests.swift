import Foundation
import TestSupport
import Testing

/// The page for coordinators, as nginx gives it out and as a real browser shows it. What is done there is in `page.py`.
@Suite("the page", .serialized)
struct PageTests {
    @Test("in a browser", .enabled(if: !scenarios.isEmpty, "Chromium or Selenium is missing"), arguments: scenarios)
    func scenario(_ name: String) throws {
        let service = try Self.service.get()
        let outcome = try Self.python(
            [name],
            [
                "PAGE_URL": service.url, "PAGE_DATA": service.data.path, "CAMPAIGND": Repository.campaignd.path,
                "TM_SECRET": "page-secret",
            ])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    @Test(
        "below a path of another site", .enabled(if: !scenarios.isEmpty, "Chromium or Selenium is missing"),
        arguments: scenarios.filter { name in belowAPath.contains { name.hasPrefix($0) } })
    func scenarioBelow(_ name: String) throws {
        let site = try Self.siteBelow.get()
        let outcome = try Self.python(
            [name],
            [
                "PAGE_URL": site.url + "/campaigns-api", "PAGE_DATA": site.data.path,
                "CAMPAIGND": Repository.campaignd.path, "TM_SECRET": Daemon.secret,
            ])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    @Test("there is a scenario for everything, also for axe-core where it is there")
    func scenariosAreThere() throws {
        #expect(Browser.program == nil || Self.scenarios.count >= (Self.axe == nil ? 43 : 47))
    }

    @Test("the page's files come with a policy that lets nothing else in, and are asked for anew each time")
    func headers() throws {
        let service = try Self.service.get()
        let folder = Repository.root.appendingPathComponent("nginx/page")
        let types = [
            "html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml",
            "json": "application/json",
        ]
        let names = try Self.files(of: folder)
        #expect(names.contains("page.js") && names.contains("languages/en.json"))
        for path in names.map({ "/\($0)" }) + ["/", "/?x=1"] {
            let file = path.hasPrefix("/?") || path == "/" ? "/index.html" : path
            let answer = try service.curl(Asked("GET", path))
            #expect(answer.status == 200, "\(path)")
            #expect(try answer.body == Data(contentsOf: folder.appendingPathComponent(file)), "\(path)")
            let type = types[String(file.split(separator: ".").last ?? "")] ?? "none"
            #expect(answer.header("Content-Type") == "\(type); charset=utf-8", "\(path)")
            #expect(
                answer.header("Content-Security-Policy")
                    == "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: blob:; connect-src 'self'; "
                    + "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
                    + "trusted-types message", "\(path)")
            for (name, value) in [
                "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
                "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
            ] { #expect(answer.header(name) == value, "\(name) of \(path)") }
            let tag = try #require(answer.header("ETag"))
            let again = try service.curl(Asked("GET", path, headers: [("If-None-Match", tag)]))
            #expect(again.status == 304, "\(path)")
        }
    }

    @Test("what is no file of the page is not found, and nothing can be sent there, in the API's own words")
    func others() throws {
        let service = try Self.service.get()
        for path in [
            "/nothing", "/page/", "/README.md", "/languages/", "/languages/xx.json", "/page.js/", "/../campaigns.conf",
            "/%2e%2e/secret", "/.page.css", "/index.html/x",
        ] {
            let answer = try service.curl(Asked("GET", path))
            // nginx itself refuses what leads out of the site.
            #expect(answer.status == (path.contains("/../") || path.contains("%2e%2e") ? 400 : 404), "\(path)")
            #expect(answer.header("Content-Type") == "application/json", "\(path)")
        }
        let answer = try service.curl(Asked("POST", "/", body: Data("x".utf8)))
        #expect(answer.status == 405)
        #expect(answer.header("Allow") == "GET, HEAD")
        #expect(try answer.json["error"] != nil)
    }

    @Test("the page loads nothing from elsewhere, and nothing of it is a text that becomes a script")
    func sources() throws {
        let folder = Repository.root.appendingPathComponent("nginx/page")
        for name in try Self.files(of: folder) {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            for unwanted in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc",
                " style=",
                " onclick=\"", "src=\"http", "href=\"http", "url(http", "@import",
            ] {
                #expect(!text.contains(unwanted), "\(unwanted) in \(name)")
            }
            // What stays in the browser: the language, and the token of those who wish it to.
            #expect(!text.contains("localStorage") || ["start.js", "words.js", "session.js"].contains(name), "\(name)")
        }
    }

    @Test("the address of the Tasking Manager is the web server's setting")
    func settings() throws {
        let answer = try Self.service.get().curl(Asked("GET", "/settings.json"))
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "application/json")
        #expect(try answer.json as? [String: String] == ["taskingManager": "https://tasks.example.org"])
    }

    // MARK: -

    /// The files that are given out, by their path in the page's folder.
    private static func files(of folder: URL) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
            $0.contains(".") && !$0.hasSuffix(".md")
        }
    }

    /// The names of what `page.py` does; none where it cannot run.
    static let scenarios: [String] = {
        guard Browser.program != nil, let outcome = try? python([]), outcome.status == 0 else { return [] }
        return outcome.text.split(separator: "\n").map(String.init)
    }()

    /// What `Tests/run` has fetched.
    private static let axe: String? = {
        let file = Repository.root.appendingPathComponent(".build/axe/axe_playwright_python/axe.min.js").path
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }()

    /// Runs `page.py`, by Debian's Python, for Debian has the module that drives the browser.
    static func python(
        _ arguments: [String], _ environment: [String: String?] = [:]
    ) throws -> Command.Outcome {
        try Command.run(
            "/usr/bin/timeout",
            ["--kill-after=5", "600", "/usr/bin/python3", "-B", "\(Repository.root.path)/Tests/EndToEnd/page.py"]
                + arguments,
            environment: environment.merging(["PAGE_AXE": axe]) { $1 })
    }

    /// How the scenarios begin that touch every kind of address.
    static let belowAPath = [
        "cards get their logo", "a campaign is opened", "a campaign is created", "a picture is uploaded",
        "one signs in with OpenStreetMap",
    ]

    private static let siteBelow = Result {
        let data = try TemporaryFolder()
        let made = try Command.run(Repository.campaignd.path, ["init", data.path, "--demo"])
        try #require(made.status == 0, "\(made.errors)")
        return try WebSite(data: data, .below)
    }

    private static let folder = Result { try TemporaryFolder() }
    // Started when first used, on the demo's data, and for all: they do not depend on one another.
    private static let service = Result {
        try LiveService(
            data: folder.get().url.appendingPathComponent("data"),
            environment: [
                "TM_SECRET": "page-secret", "LOG_LEVEL": "critical", "APP_BASE_URL": "https://tasks.example.org/",
            ])
    }
}
