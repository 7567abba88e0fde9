import Foundation
import TestSupport
import Testing

@Test("plain HTTP on the port of TLS is answered in JSON: by the README's server with 400, by nginx/serve with 308")
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
private func expectSiteHeaders(_ answered: Answered, _ asked: String) {
    #expect(answered.header("Strict-Transport-Security") == "max-age=63072000", "\(asked): \(answered.status)")
    #expect(answered.header("X-Content-Type-Options") == "nosniff", "\(asked): \(answered.status)")
    // None twice.
    let names = answered.headers.map { $0.name.lowercased() }.filter { $0 != "vary" }
    #expect(Set(names).count == names.count, "\(asked): \(names)")
}

@Test("with the README's server block every answer has the headers of the block, and is JSON where it is no file")
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

@Test("the README's second block sends everybody to https")
func redirect() throws {
    let site = try WebSite(data: try TemporaryFolder())
    let answered = try Asked("GET", "/api/v2/campaigns/?a=b").send(to: "http://localhost:\(site.plainPort)")
    #expect(answered.status == 308)
    #expect(answered.header("Location") == "https://localhost/api/v2/campaigns/?a=b")
}
