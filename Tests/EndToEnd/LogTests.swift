import Foundation
import TestSupport
import Testing

// What the log says of who did what, by what name of the request, and what Prometheus is told.

/// A process on a folder with organisations 1 and 2, of which user 2 manages the first; user 3 may do nothing.
private struct Logged {
    let site: Site
    let daemon: Daemon
    let connection: FastCGIClient

    init(_ environment: [String: String?] = [:]) throws {
        site = try Site(projects: 1)
        for (id, name) in [(2, "manager"), (3, "mapper \" action=\"forged")] {
            let name = name.replacing("\"", with: "\\\"")
            try site.folder.write(#"{"id": \#(id), "username": "\#(name)"}"#, to: "data/users/\(id).json")
        }
        try site.folder.write(
            #"{"organisationId": 1, "name": "One", "managers": [2]}"#, to: "data/organisations/1.json")
        daemon = try Daemon(["--data", site.data, "--socket", site.socket("s")], environment: environment)
        connection = try site.client("s").connection
    }

    @discardableResult
    func ask(
        _ method: String, _ path: String, user: Int? = nil, _ body: String? = nil, id: String? = nil,
        _ more: [(name: String, value: String)] = []
    ) throws -> Answered {
        var variables = [("REQUEST_METHOD", method), ("REQUEST_URI", "/api/v2\(path)")] + more
        if let user {
            let token = try Command.run(
                Repository.campaignd.path, ["token", "id:\(user)", "--data", site.data],
                environment: ["TM_SECRET": Daemon.secret])
            variables.append(("HTTP_AUTHORIZATION", "Token \(token.text.trimmingCharacters(in: .newlines))"))
        }
        if let body { variables.append(("CONTENT_LENGTH", "\(body.utf8.count)")) }
        if let id { variables.append(("HTTP_X_REQUEST_ID", id)) }
        try connection.send(FastCGIRecord.request(variables, body: Array((body ?? "").utf8), keep: true))
        return try connection.receive()
    }

    /// Ends the process.
    func lines() -> [String] {
        _ = site.end(daemon)
        return daemon.log.split(separator: "\n").map(String.init)
    }
}

@Test("the log has a line for each change that was accepted, and for each user who was refused")
func whoDidWhat() throws {
    let logged = try Logged()
    try logged.ask("POST", "/campaigns/", user: 2, #"{"name": "One"}"#, id: "made.1")
    try logged.ask("PATCH", "/campaigns/1/", user: 2, #"{"name": "One"}"#, id: "nothing")
    try logged.ask("PATCH", "/campaigns/1/", user: 1, #"{"name": "Two"}"#, id: "changed")
    try logged.ask("PATCH", "/campaigns/1/", user: 3, #"{"name": "Three"}"#, id: "refused")
    try logged.ask("PATCH", "/campaigns/1/", user: 2, #"{"name": ""}"#, id: "wrong")
    try logged.ask("GET", "/campaigns/1/", id: "read")
    for _ in 0..<3 { try logged.ask("DELETE", "/campaigns/1/", nil, [("HTTP_AUTHORIZATION", "Token x")]) }
    try logged.ask("DELETE", "/campaigns/1/")
    let lines = logged.lines().map { String($0.drop { $0 != " " }.dropFirst()) }
    #expect(
        lines.filter { !$0.contains(" ready ") && !$0.contains("stopping") } == [
            #"notice changed action="created" campaign="1" request="made.1" user="2""#,
            #"notice changed action="updated" campaign="1" request="changed" user="1""#,
            #"notice refused request="refused" route="PATCH /campaigns/{campaign_id}/" user="3""#,
            #"notice tokens were refused count="3""#,
        ])
}

@Test("with LOG_FORMAT=json each line of the log is an object")
func jsonLog() throws {
    let logged = try Logged(["LOG_FORMAT": "json", "LOG_LEVEL": nil])
    try logged.ask("POST", "/campaigns/", user: 2, #"{"name": "One"}"#, id: "made")
    try logged.site.folder.write("{\u{2028}\u{202E}\u{85}\"", to: "data/users/9\n\u{202E}.json")
    try logged.site.folder.write("{", to: "data/users/9.json")
    _ = try logged.ask("GET", "/campaigns/2/", user: 9)
    let lines = logged.lines()
    let objects = try lines.map { line in
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    }
    #expect(objects.allSatisfy { $0["time"] != nil && $0["level"] != nil && $0["event"] != nil })
    let changed = try #require(objects.first { $0["event"] == "changed" })
    #expect(changed["action"] == "created" && changed["campaign"] == "1" && changed["request"] == "made")
    #expect(changed["user"] == "2" && changed["level"] == "notice")
    for scalar in lines.joined().unicodeScalars {
        #expect(![.control, .format, .lineSeparator].contains(scalar.properties.generalCategory))
    }
}

@Test("a request keeps the name that it came with, or gets one, in every answer")
func requestID() throws {
    let logged = try Logged()
    let made = try logged.ask("POST", "/campaigns/", user: 2, #"{"name": "One"}"#)
    let id = try #require(made.json["campaignId"] as? Int)
    for (method, path, user) in [
        ("GET", "/campaigns/\(id)/", nil), ("GET", "/campaigns/\(id)/", nil), ("GET", "/none", nil),
        ("GET", "/users/1/", 1), ("PATCH", "/campaigns/\(id)/", 1), ("GET", "/system/heartbeat/", nil),
    ] as [(String, String, Int?)] {
        for sent in ["a-Z_0.9~+/=:@", String(repeating: "x", count: 128)] {
            #expect(try logged.ask(method, path, user: user, id: sent).header("X-Request-ID") == sent, "\(path)")
        }
        var given: Set<String> = []
        for sent in [nil, "", "a b", "a\"b", "é", String(repeating: "x", count: 129)] {
            let answered = try logged.ask(method, path, user: user, id: sent)
            let named = try #require(answered.header("X-Request-ID"))
            #expect(named.wholeMatch(of: /[0-9a-f]{32}/) != nil, "\(path): \(named)")
            given.insert(named)
        }
        #expect(given.count == 6)
        // A web server that has a name for it says so itself.
        #expect(
            try logged.ask(method, path, user: user, id: "client", [("REQUEST_ID", "server")]).header("X-Request-ID")
                == nil)
    }
    let body = #"{"name": "Two"}"#
    try logged.ask("PATCH", "/campaigns/\(id)/", user: 1, body, id: "client", [("REQUEST_ID", "server")])
    #expect(logged.lines().contains { $0.contains(#"request="server""#) })
}

@Test("Prometheus is told what was asked, how long it took, and what there is; others find nothing there")
func prometheus() throws {
    let logged = try Logged()
    try logged.ask("POST", "/campaigns/", user: 2, #"{"name": "One"}"#)
    for _ in 0..<3 { try logged.ask("GET", "/campaigns/1/") }
    try logged.ask("GET", "/campaigns/7/")
    try logged.ask("GET", "/nowhere/")
    try logged.site.folder.write("{", to: "data/users/9.json")
    let answered = try logged.ask("GET", "/system/metrics/")
    #expect(answered.status == 200)
    #expect(answered.header("Content-Type") == "text/plain; version=0.0.4")
    let text = String(decoding: answered.body, as: UTF8.self)
    let lines = Set(text.split(separator: "\n").map(String.init))
    for line in [
        #"campaignd_requests_total{route="POST /campaigns/",status="201"} 1"#,
        #"campaignd_requests_total{route="GET /campaigns/{campaign_id}/",status="200"} 3"#,
        #"campaignd_requests_total{route="GET /campaigns/{campaign_id}/",status="404"} 1"#,
        #"campaignd_requests_total{route="none",status="404"} 1"#,
        #"campaignd_request_duration_seconds_bucket{route="GET /campaigns/{campaign_id}/",le="+Inf"} 4"#,
        #"campaignd_request_duration_seconds_count{route="GET /campaigns/{campaign_id}/"} 4"#,
        #"campaignd_changes_total{action="created"} 1"#, #"campaignd_changes_total{action="deleted"} 0"#,
        "campaignd_campaigns 1", "campaignd_broken_records 1", "campaignd_deliveries_waiting 0",
        "campaignd_emails_waiting 0",
    ] { #expect(lines.contains(line), "\(line)") }
    #expect(text.hasSuffix("\n"))
    // A help and a type before the lines of each name, and no name without.
    for line in lines where !line.hasPrefix("#") {
        let name = line.prefix { $0 != "{" && $0 != " " }
        let base = name.replacing(/_(bucket|sum|count)$/, with: "")
        #expect(
            lines.contains { $0.hasPrefix("# TYPE \(base) ") } && lines.contains { $0.hasPrefix("# HELP \(base) ") })
        #expect(line.wholeMatch(of: /[a-z_]+(\{[^}]*(\{[^}]*\}[^}]*)?\})? [0-9.e+-]+/) != nil, "\(line)")
    }
    #expect(try logged.ask("GET", "/system/metrics/", nil, [("REMOTE_ADDR", "127.0.0.1")]).status == 404)
}

@Test("nginx names each request in its answer and in its log, and keeps the numbers to itself")
func behindNginx() throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"id": 1, "name": "One"}"#, to: "campaigns/1.json")
    let service = try LiveService(data: folder.url, environment: ["TM_SECRET": Daemon.secret, "LOG_LEVEL": "notice"])
    for (target, status) in [
        ("/api/v2/campaigns/1/", 200), ("/api/v2/campaigns/2/", 404), ("/logos/none.svg", 404), ("/api", 404),
        ("/api/v2/%zz", 400),
    ] {
        for id in ["client:1", nil, "a b"] {
            let headers = id.map { [(name: "X-Request-ID", value: $0)] } ?? []
            let answered = try service.curl(Asked("GET", target, headers: headers))
            #expect(answered.status == status)
            let named = answered.headers.filter { $0.name.lowercased() == "x-request-id" }.map(\.value)
            #expect(named.count == 1, "\(target): \(named)")
            // What nginx refuses before it has read the headers it cannot call as they do.
            if id == "client:1", status != 400 {
                #expect(named == [id], "\(target)")
            } else {
                #expect(named.first?.wholeMatch(of: /[0-9a-f]{32}/) != nil, "\(target)")
            }
        }
    }
    for target in [
        "/api/v2/system/metrics/", "/api/v2/system/metrics", "/api/v2//system/metrics/", "/api/v2/system/%6detrics/",
        "/api/v2/x/../system/metrics/", "/api/v2/system/./metrics", "/api/v2/system/metrics/?x",
        "/api/v2/system%2fmetrics/", "/api/v2/system/metrics%2f",
    ] {
        let answered = try service.curl(Asked("GET", target))
        #expect(answered.status == 404, "\(target)")
        #expect(answered.header("Content-Type") == "application/json")
    }
    let log = URL(fileURLWithPath: try service.runFolder + "/access.log")
    let deadline = Date(timeIntervalSinceNow: 60)
    // nginx writes its log once a second.
    while try !String(decoding: Data(contentsOf: log), as: UTF8.self).contains("s client:1\n"), Date() < deadline {
        usleep(50_000)
    }
    #expect(try String(decoding: Data(contentsOf: log), as: UTF8.self).contains("s client:1\n"))
}
