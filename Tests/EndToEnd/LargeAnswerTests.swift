import Foundation
import TestSupport
import Testing

/// Answers that nginx sends as files, on a site that has locations of its own for such names.
struct LargeAnswerTests {
    private let site: WebSite
    /// What the campaign is as an answer.
    private let text: String

    init() throws {
        let data = try TemporaryFolder()
        let description = String(repeating: "long ", count: 40_000)
        try data.write(#"{"id": 5, "name": "Large", "description": "\#(description)"}"#, to: "campaigns/5.json")
        text =
            #"{"id":5,"name":"Large","logo":null,"url":null,"description":"\#(description)","organisations":[]}"#
        site = try WebSite(data: data, own: #"location ~ \.json$ { return 403 "the site's own"; }"#)
    }

    private func ask(_ method: String, _ headers: [(String, String)] = []) throws -> Answered {
        try site.ask(method, "/api/v2/campaigns/5/", headers.map { (name: $0.0, value: $0.1) })
    }

    /// Two long texts that differ would be compared for minutes by `#expect`.
    private func isWhole(_ answered: Answered) -> Bool { answered.body == Data(text.utf8) }

    @Test(
        "a large answer arrives whole, whatever condition comes with the request, and no condition but If-None-Match counts"
    )
    func conditions() throws {
        let plain = try ask("GET", [("If-Match", "*")])
        #expect(try site.largeAnswers.isEmpty)
        _ = try ask("GET")
        #expect(try site.largeAnswers.count == 1)
        let tag = try #require(plain.header("ETag"))
        let (past, future) = ("Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT")
        for headers in [
            [], [("If-Match", tag)], [("If-Match", "\"other\"")], [("If-Match", "*")], [("If-None-Match", "\"other\"")],
            [("If-Unmodified-Since", past)], [("If-Unmodified-Since", future)], [("If-Modified-Since", past)],
            [("If-Modified-Since", future)], [("Range", "bytes=0-9")], [("Range", "bytes=9000000-")],
            [("Range", "bytes=0-9"), ("If-Range", tag)], [("If-None-Match", "\"x\""), ("If-Unmodified-Since", past)],
        ] {
            let answered = try ask("GET", headers)
            #expect(answered.status == 200, "\(headers)")
            #expect(isWhole(answered), "\(headers)")
            #expect(answered.header("ETag") == tag, "\(headers)")
            #expect(answered.header("Content-Type") == "application/json", "\(headers)")
            #expect(answered.header("Cache-Control") == "no-cache", "\(headers)")
            #expect(answered.header("X-Accel-Redirect") == nil && answered.header("Last-Modified") == nil)
            let head = try ask("HEAD", headers)
            #expect(head.status == 200 && head.header("ETag") == tag, "\(headers)")
        }
        for headers in [[("If-None-Match", tag)], [("If-None-Match", tag), ("If-Unmodified-Since", past)]] {
            #expect(try ask("GET", headers).status == 304, "\(headers)")
        }
    }

    @Test("a large answer has the headers of the site and those of the service, each once, as through the socket")
    func headers() throws {
        let origin = "https://tasks.example.org"
        let data = try TemporaryFolder()
        let long = String(repeating: " long", count: 16)
        for id in 1...2_000 {
            try data.write(#"{"id": \#(id), "name": "\#(id)\#(long)"}"#, to: "campaigns/\(id).json")
        }
        let site = try WebSite(data: data, origins: [origin])
        let cross = [(name: "Origin", value: origin)]
        /// The names and values that a client sees, but for those that are of one request.
        func seen(_ answered: Answered, _ asked: String) -> [String] {
            expectSiteHeaders(answered, asked)
            #expect(answered.headers.filter { $0.name.lowercased() == "vary" }.count == 1, "\(asked)")
            return answered.headers.map { (name: $0.name.lowercased(), value: $0.value) }.filter {
                !["date", "x-request-id", "connection"].contains($0.name)
            }.map { "\($0.name): \($0.value)" }.sorted()
        }
        for headers in [[], cross] {
            let socket = try site.ask("GET", "/api/v2/campaigns/", headers + [("If-Match", "*")])
            let large = try site.ask("GET", "/api/v2/campaigns/", headers)
            #expect(large.status == 200 && large.body.count > 131_072)
            #expect(try site.largeAnswers.count == 1)
            #expect(seen(large, "file") == seen(socket, "socket"))
            let tag = try #require(large.header("ETag"))
            #expect(tag.hasPrefix("\""))
            let unchanged = try site.ask("GET", "/api/v2/campaigns/", headers + [("If-None-Match", tag)])
            #expect(unchanged.status == 304 && unchanged.header("ETag") == tag)
            expectSiteHeaders(unchanged, "304")
        }
    }

    @Test("a file of the page keeps nginx's own ETag and Last-Modified, each once, and conditions on them")
    func page() throws {
        let whole = try site.ask("GET", "/page.js")
        expectSiteHeaders(whole, "page.js")
        let (tag, date) = (try #require(whole.header("ETag")), try #require(whole.header("Last-Modified")))
        #expect(tag.hasPrefix("\""))
        for condition in [(name: "If-None-Match", value: tag), (name: "If-Modified-Since", value: date)] {
            let unchanged = try site.ask("GET", "/page.js", [condition])
            #expect(unchanged.status == 304 && unchanged.header("ETag") == tag, "\(condition)")
            #expect(unchanged.header("Last-Modified") == date, "\(condition)")
            expectSiteHeaders(unchanged, "\(condition)")
        }
        let compressed = try site.ask("GET", "/page.js", [("Accept-Encoding", "gzip")])
        #expect(compressed.header("ETag") == "W/\(tag)" && compressed.header("Content-Encoding") == "gzip")
        expectSiteHeaders(compressed, "compressed")
    }

    @Test("no client gets at the files, or decides how an answer comes")
    func notForClients() throws {
        for target in ["/campaigns-large/", "/campaigns-large/1-x.json"] {
            let answered = try site.ask("GET", target)
            #expect(answered.status == 404, "\(target)")
            #expect(answered.header("Content-Type") == "application/json", "\(target)")
        }
        #expect(isWhole(try ask("GET", [("Large-Answers", "/elsewhere/")])))
        // The site's own location is as it was.
        #expect(try site.ask("GET", "/own.json").status == 403)
    }
}
