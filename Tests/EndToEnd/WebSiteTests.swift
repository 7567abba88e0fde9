import Foundation
import TestSupport
import Testing

@Test(
    "plain HTTP on the port of TLS is answered in JSON: by the documented server block with 400, by nginx/serve with 308"
)
func plainHTTP() throws {
    let site = try WebSite(data: try TemporaryFolder())
    let folder = try TemporaryFolder()
    let service = try LiveService(data: folder.url, environment: ["TM_SECRET": Daemon.secret])
    for (url, status) in [(site.url, 400), (service.url, 308)] {
        let answered = try Asked("GET", "/api/v2/campaigns/").send(to: url.replacing("https:", with: "http:"))
        #expect(answered.status == status)
        #expect(answered.header("Content-Type") == "application/json")
        #expect(try answered.json["SubCode"] as? String == "UseHTTPS")
        #expect((answered.header("Location") == "\(service.url)/api/v2/campaigns/") == (status == 308))
    }
}

/// The headers that every answer of a site has, whoever answers.
func expectSiteHeaders(_ answered: Answered, _ asked: String) {
    #expect(answered.header("Strict-Transport-Security") == "max-age=63072000", "\(asked): \(answered.status)")
    #expect(answered.header("X-Content-Type-Options") == "nosniff", "\(asked): \(answered.status)")
    // None twice.
    let names = answered.headers.map { $0.name.lowercased() }.filter { $0 != "vary" }
    #expect(Set(names).count == names.count, "\(asked): \(names)")
}

@Test("with the documented server block every answer has the headers of the block, and is JSON where it is no file")
func siteHeaders() throws {
    let data = try TemporaryFolder()
    try data.write("<svg xmlns='http://www.w3.org/2000/svg'/>", to: "logos/a.svg")
    let site = try WebSite(data: data, origins: ["https://tasks.example.org"])
    let files = ["/", "/index.html", "/page.js", "/page.css", "/icon.svg", "/logos/a.svg"]
    let places =
        files + [
            "/api/v2/campaigns/", "/api/v2/campaigns/1/", "/api/v2/nothing", "/api/v2/", "/api", "/api/", "/logos",
            "/logos/",
            "/logos/none.svg", "/logos/..%2fx", "/other", "/other.html", "/none.js", "/campaigns-malformed",
            "/campaigns-refused",
            "/campaigns-malformed/", "/campaigns-refused?x", "/campaigns-large/", "/campaigns-large/x",
            "/campaigns-large",
            "/@campaigns_error", "/%00", "/%zz", "/api/%0a", "/x?%0a", "/index.html/", "/50x.html",
            "/api/v2/notifications/", "/api/v2/system/heartbeat/", "/\(String(repeating: "x", count: 9000))",
        ]
    for method in ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "get"] {
        for target in places {
            for headers in [[], [("Origin", "https://tasks.example.org"), ("If-Match", "\"x\"")]] {
                let asked = "\(method) \(target.prefix(40)) \(headers.map(\.0))"
                // curl's own --head waits for no body.
                guard let answered = try? site.ask(method, target, headers) else {
                    Issue.record("\(asked) got no answer")
                    continue
                }
                expectSiteHeaders(answered, asked)
                let isFile = answered.status == 200 && files.contains(target)
                if !isFile, method != "HEAD", answered.status != 204, answered.status != 304 {
                    #expect(answered.header("Content-Type") == "application/json", "\(asked): \(answered.status)")
                    #expect(throws: Never.self, "\(asked)") { try answered.json }
                }
                #expect(
                    answered.status != 500 && answered.status != 200 || isFile || target.hasPrefix("/api/"), "\(asked)")
            }
        }
    }
    let large = Data(count: 2_000_000)
    for target in ["/", "/other", "/page.js", "/logos/a.svg", "/api/v2/campaigns/", "/api/x", "/campaigns-refused"] {
        let answered = try Asked("POST", target, body: large).send(to: site.url, certificate: site.certificate)
        expectSiteHeaders(answered, "a large body to \(target)")
        #expect(answered.header("Content-Type") == "application/json", "a large body to \(target)")
        #expect(
            try answered.json["SubCode"] as? String == "PayloadTooLarge" || answered.status == 404
                || answered.status == 405)
    }
}

@Test("nginx's own errors can be read by the pages of an allowed origin, and by no other's")
func ownErrorsAcrossOrigins() throws {
    let allowed = "https://tasks.example.org"
    let site = try WebSite(data: try TemporaryFolder(), origins: [allowed])
    func check(
        _ status: Int, _ method: String, _ target: String, _ own: [(name: String, value: String)] = [],
        body: Data? = nil
    ) throws {
        for (origin, isAllowed) in [(allowed, true), ("https://evil.example.org", false), (nil, false)] {
            let headers = own + (origin.map { [(name: "Origin", value: $0)] } ?? [])
            let answered = try Asked(method, target, headers: headers, body: body).send(
                to: site.url, certificate: site.certificate)
            #expect(answered.status == status, "\(target)")
            #expect(answered.header("Access-Control-Allow-Origin") == (isAllowed ? allowed : nil), "\(status)")
            let exposed = answered.header("Access-Control-Expose-Headers")
            #expect(exposed == (isAllowed ? "ETag, Location, Retry-After" : nil), "\(status)")
            let vary = answered.headers.filter { $0.name.lowercased() == "vary" }.map(\.value).joined(separator: ", ")
            #expect(vary.contains("Origin"), "\(status)")
            #expect(answered.header("Retry-After") != nil || ![429, 502, 503, 504].contains(status))
            expectSiteHeaders(answered, "\(status)")
        }
    }
    try check(400, "GET", "/api/v2/campaigns/", [("Referer", "\u{1}")])
    try check(413, "POST", "/api/v2/campaigns/", body: Data(count: 1_048_577))
    try check(404, "GET", "/logos/none.svg")
    // Answered by the service, for comparison.
    try check(401, "POST", "/api/v2/campaigns/")
    try check(404, "GET", "/api/v2/campaigns/99/")
    site.endService()
    try check(503, "GET", "/api/v2/campaigns/")
}

@Test("the documented second block sends everybody to https")
func redirect() throws {
    let site = try WebSite(data: try TemporaryFolder())
    let answered = try Asked("GET", "/api/v2/campaigns/?a=b").send(to: "http://localhost:\(site.plainPort)")
    #expect(answered.status == 308)
    #expect(answered.header("Location") == "https://localhost/api/v2/campaigns/?a=b")
}

/// A data folder with the demo in it, and the Authorization header of its administrator.
private func demo() throws -> (data: TemporaryFolder, authorization: [(name: String, value: String)]) {
    let data = try TemporaryFolder()
    let made = try Command.run(Repository.campaignd.path, ["init", data.path, "--demo"])
    let token = try Command.run(
        Repository.campaignd.path, ["token", "1"], environment: ["TM_SECRET": Daemon.secret])
    try #require(made.status == 0 && token.status == 0, "\(made.errors)\(token.errors)")
    return (data, [("Authorization", "Token \(token.text.trimmingCharacters(in: .newlines))")])
}

/// One point.
private let picture = Data(
    #"{"filename": "a.gif", "mime": "image/gif", "data": "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"}"#
        .utf8)

@Test("below a path of another site there are the API, the logos and the page, and the site's own paths stay its own")
func belowAPath() throws {
    let (data, authorization) = try demo()
    let site = try WebSite(data: data, .below)
    let below = "/campaigns-api"
    let read = try site.ask("GET", below + "/api/v2/campaigns/8/")
    #expect(try read.json["name"] as? String == "Clean Water Within Reach")
    let tag = try #require(read.header("ETag"))
    #expect(try site.ask("GET", below + "/api/v2/campaigns/8/", [("If-None-Match", tag)]).status == 304)
    // Not as nginx understands it, but as it was sent.
    let named = try site.ask("GET", below + "/api/v2/users/queries/a%2Fb/?x=%20", authorization)
    #expect((try named.json["error"] as? [String: Any])?["sub_code"] as? String == "USER_NOT_FOUND")
    let made = try site.ask("POST", below + "/api/v2/campaigns/", authorization, body: Data(#"{"name": "New"}"#.utf8))
    #expect(made.status == 201)
    #expect(made.header("Location")?.hasSuffix(below + "/api/v2/campaigns/13/") == true)
    let uploaded = try site.ask("POST", below + "/api/v2/system/image-upload/", authorization, body: picture)
    let logo = try #require(try uploaded.json["url"] as? String)
    #expect(logo.hasPrefix("\(site.url)\(below)/logos/"))
    #expect(try site.ask("GET", String(logo.dropFirst(site.url.count))).header("Content-Type") == "image/gif")
    for size in [1_048_577, 3_000_000] {
        let large = try site.ask("POST", below + "/api/v2/campaigns/", authorization, body: Data(count: size))
        #expect(large.status == 413)
        #expect(try large.json["SubCode"] as? String == "PayloadTooLarge")
    }
    for (file, type) in [
        ("/", "text/html"), ("/page.js", "text/javascript"), ("/languages/en.json", "application/json"),
    ] {
        let answered = try site.ask("GET", below + file)
        #expect(answered.status == 200 && answered.header("Content-Type") == "\(type); charset=utf-8", "\(file)")
    }
    #expect(try site.ask("GET", below).header("Location")?.hasSuffix(below + "/") == true)
    let missing = try site.ask("GET", below + "/nothing")
    #expect(missing.status == 404 && missing.header("Content-Type") == "application/json")
    for own in ["/api/v2/campaigns/", "/", "/logos/storm.svg"] {
        #expect(try site.ask("GET", own).body == Data("Tasking Manager \(own)\n".utf8), "\(own)")
    }
    for odd in ["/x/..\(below)/api/v2/campaigns/", "/\(below)/api/v2/campaigns/", "/campaigns%2Dapi/api/v2/campaigns/"]
    {
        #expect(try site.ask("GET", odd).status == 404, "\(odd)")
    }
}

@Test("beside a Tasking Manager the paths of campaigns come from this service, and all others from the Tasking Manager")
func besideTaskingManager() throws {
    let (data, authorization) = try demo()
    let site = try WebSite(data: data, .taskingManager)
    for (target, key) in [
        ("/api/v2/campaigns/", "campaigns"), ("/api/v2/campaigns", "campaigns"), ("/api/v2/campaigns/8/", "name"),
        ("/api/v2/projects/7/campaigns/", "campaigns"), ("/api/v2/organisations/4/campaigns", "campaigns"),
        ("/api/v2/campaigns/8/actions/message-contributors/", "recipients"),
    ] {
        #expect(try site.ask("GET", target, authorization).json[key] != nil, "\(target)")
    }
    let linked = try site.ask("POST", "/api/v2/projects/7/campaigns/8/", authorization)
    #expect(try linked.json["Success"] != nil)
    let uploaded = try site.ask("POST", "/api/v2/system/image-upload/", authorization, body: picture)
    let logo = try #require(try uploaded.json["url"] as? String)
    #expect(try site.ask("GET", logo).header("Content-Type") == "image/gif")
    for target in [
        "/", "/explore", "/api/v2/projects/", "/api/v2/projects/7/", "/api/v2/organisations/4/", "/api/v2/users/1/",
        "/api/v2/notifications/", "/api/v2/campaignsx/", "/api/v2/projects/7/x/campaigns/",
        "/api/v2/system/heartbeatx/",
    ] {
        #expect(try site.ask("GET", target).body == Data("Tasking Manager \(target)\n".utf8), "\(target)")
    }
}

@Test("two instances on one machine each have their own data, logos, secret and socket, behind one nginx")
func twoInstances() throws {
    let (data, authorization) = try demo()
    let site = try WebSite(data: data, .twoInstances)
    let two = [(name: "Host", value: "two.example.org")]
    #expect((try site.ask("GET", "/api/v2/campaigns/").json["campaigns"] as? [Any])?.count == 12)
    #expect((try site.ask("GET", "/api/v2/campaigns/", two).json["campaigns"] as? [Any])?.isEmpty == true)
    #expect(try site.ask("GET", "/logos/storm.svg").status == 200)
    #expect(try site.ask("GET", "/logos/storm.svg", two).status == 404)
    #expect(try site.ask("GET", "/", two).status == 200)
    // nginx refuses this method by itself, before it knows more than the server.
    for headers in [[], two] {
        #expect(try site.ask("TRACE", "/api/v2/campaigns/", headers).header("Allow") == "GET, HEAD, OPTIONS, POST")
    }
    // The administrator of the first is nobody to the second.
    let refused = try site.ask("POST", "/api/v2/campaigns/", authorization + two, body: Data(#"{"name": "x"}"#.utf8))
    #expect(refused.status == 403)
    site.endService()
    #expect(try site.ask("GET", "/api/v2/campaigns/").status == 503)
    #expect(try site.ask("GET", "/api/v2/campaigns/", two).status == 200)
}

@Test("behind another proxy the documented lines make the limits count clients instead of the proxy")
func behindProxy() throws {
    let lines = try #require(Readme.nginx.text.firstMatch(of: /```nginx\n( +set_real_ip_from [^`]*)```/)).output.1
    let data = try TemporaryFolder()
    let site = try WebSite(
        data: data, own: String(lines).replacing(/set_real_ip_from [^;]*/, with: "set_real_ip_from 127.0.0.1"))
    func send(_ client: String) throws -> Int {
        try site.ask(
            "POST", "/api/v2/campaigns/1/actions/message-contributors/", [("CF-Connecting-IP", client)]
        ).status
    }
    let deadline = Date(timeIntervalSinceNow: 300)
    while try send("198.51.100.1") != 429, Date() < deadline {}
    #expect(Date() < deadline)
    #expect(try send("198.51.100.2") == 401)
}
