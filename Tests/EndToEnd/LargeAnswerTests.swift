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
