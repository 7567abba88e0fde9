import CDeflate
import FastCGI
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import CampaignAPI

@Test(
    "a content coding is chosen as RFC 9110 says",
    arguments: [
        ("gzip", "gzip"), ("gzip, deflate, br", "br"), ("GZip;q=1", "gzip"), ("x-gzip", "gzip"), ("*", "br"),
        ("br;q=0.5, gzip;q=0.9", "gzip"), ("*;q=0", nil), ("gzip;q=0", nil), ("gzip;q=0, *", "br"),
        ("identity;q=0, gzip;q=0.1", "gzip"), ("identity, gzip;q=0.5", nil), ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("deflate", nil), ("", nil), (",, ,", nil), ("gzip;q=2", nil), ("gzip;q=0.0001", nil), ("gzip;q=x", nil),
        ("gzip;level=9", nil), ("gzip ; q=0.001", "gzip"), ("gzip;q=", nil), (";q=1", nil), ("gzip;q=1.001", nil),
        ("gzip;q=0.000, br;q=0.000", nil), ("identity;q=0", nil), ("\tbr\t,gzip", "br"),
    ] as [(String, String?)])
func chosen(field: String, expected: String?) {
    #expect(AcceptEncoding(field).best(of: ContentCoding.allCases)?.rawValue == expected)
}

/// What a gzip body is in full.
private func gunzip(_ body: [UInt8]) throws -> [UInt8] {
    let decompressor = try #require(libdeflate_alloc_decompressor())
    defer { libdeflate_free_decompressor(decompressor) }
    var whole = [UInt8](repeating: 0, count: 32 << 20)
    var count = 0
    try #require(
        libdeflate_gzip_decompress(decompressor, body, body.count, &whole, whole.count, &count) == LIBDEFLATE_SUCCESS)
    return Array(whole[..<count])
}

/// The header and the body of an answer that is ready.
private func ready(
    _ service: Service, _ path: String, ifNoneMatch: String? = nil, _ acceptEncoding: String? = "gzip"
) throws -> (head: String, body: [UInt8]) {
    // What has changed is read first.
    _ = service.ask(.get, path)
    let answer = service.api.readyAnswer(
        to: "/api/v2" + path, ifNoneMatch: ifNoneMatch, acceptEncoding: acceptEncoding)
    guard case .parts(let parts) = answer else {
        Issue.record("\(path) is not ready")
        return ("", [])
    }
    return (String(decoding: parts[0], as: UTF8.self), parts.dropFirst().flatMap { $0 })
}

private func field(_ name: String, in head: String) -> String? {
    head.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
        .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
}

extension Service {
    /// With a campaign whose answer is long enough to be encoded.
    fileprivate static func withLongText() throws -> Service {
        let service = try Service()
        let text = String(repeating: "Every road, every roof. ", count: 100)
        let made = service.ask(.post, "/campaigns/", user: 1, body: #"{"name": "Long", "description": "\#(text)"}"#)
        try #require(made.status == .created)
        return service
    }
}

@Test("what is kept comes in gzip to who takes it, and is the same", arguments: ["/campaigns/6/", "/campaigns/"])
func gzipped(path: String) throws {
    let service = try Service.withLongText()
    if path == "/campaigns/" {
        for number in 0..<30 {
            #expect(
                service.ask(.post, "/campaigns/", user: 1, body: #"{"name": "Campaign \#(number)"}"#).status == .created
            )
        }
    }
    let plain = try ready(service, path, nil)
    for _ in 0..<2 {
        let coded = try ready(service, path)
        #expect(try gunzip(coded.body) == plain.body)
        #expect(coded.body.count < plain.body.count)
        #expect(field("Content-Encoding", in: coded.head) == "gzip")
        #expect(field("Content-Length", in: coded.head) == "\(coded.body.count)")
        #expect(field("Content-Type", in: coded.head) == "application/json")
    }
    for head in [plain.head, try ready(service, path).head] { #expect(field("Vary", in: head) == "Accept-Encoding") }
    // One that comes with an Origin goes another way.
    let cross = try #require(
        service.api.respondAtOnce(
            to: Request(
                HTTPRequest(
                    method: .get, scheme: "https", authority: "localhost", path: "/api/v2" + path,
                    headerFields: [.acceptEncoding: "gzip", .origin: "https://example.org"]))))
    #expect(try gunzip(cross.body) == plain.body)
    #expect(cross.headerFields[.contentEncoding] == "gzip")
}

@Test("each coding has a strong tag of its own, and all are good for both conditions")
func tags() throws {
    let service = try Service.withLongText()
    let plain = try #require(field("ETag", in: try ready(service, "/campaigns/6/", nil).head))
    let coded = try #require(field("ETag", in: try ready(service, "/campaigns/6/").head))
    #expect(plain != coded && coded.hasPrefix("\"") && coded.hasSuffix("-gzip\""))
    for tag in [plain, coded, "W/" + coded, plain.dropLast() + "-br\"", "\"x\", " + coded, "*"] {
        let answer = try ready(service, "/campaigns/6/", ifNoneMatch: tag)
        #expect(answer.head.hasPrefix("Status: 304") && answer.body.isEmpty, "\(tag)")
        #expect(field("ETag", in: answer.head) == coded)
        #expect(field("Vary", in: answer.head) == "Accept-Encoding")
        #expect(field("Content-Encoding", in: answer.head) == nil)
        #expect(field("ETag", in: try ready(service, "/campaigns/6/", ifNoneMatch: tag, nil).head) == plain)
    }
    for tag in [plain.dropLast() + "-x\"", plain.dropLast() + "-\"", plain.dropLast(2) + "\""] {
        #expect(try ready(service, "/campaigns/6/", ifNoneMatch: String(tag)).head.hasPrefix("Status: 200"), "\(tag)")
    }
    let change = #"{"description": "short"}"#
    #expect(
        service.ask(.patch, "/campaigns/6/", user: 1, body: change, [.ifMatch: "\"x-gzip\""]).status
            == .preconditionFailed)
    #expect(service.ask(.patch, "/campaigns/6/", user: 1, body: change, [.ifMatch: coded]).status == .ok)
    // It has another state now, and is too short to be encoded.
    let short = try ready(service, "/campaigns/6/", ifNoneMatch: coded)
    #expect(short.head.hasPrefix("Status: 200") && field("Content-Encoding", in: short.head) == nil)
}

@Test("what is asked for often is made shorter, in brotli too, and only for as long as it is so")
func improved() throws {
    let service = try Service.withLongText()
    let all = "gzip, deflate, br, zstd"
    let plain = try ready(service, "/campaigns/6/", nil)
    for _ in 0..<20 { #expect(field("Content-Encoding", in: try ready(service, "/campaigns/6/", all).head) == "gzip") }
    service.api.improveKeptAnswers()
    let best = try ready(service, "/campaigns/6/", all)
    #expect(field("Content-Encoding", in: best.head) == "br")
    #expect(field("ETag", in: best.head)?.hasSuffix("-br\"") == true)
    #expect(try gunzip(try ready(service, "/campaigns/6/").body) == plain.body)
    let text = String(repeating: "Another road. ", count: 100)
    #expect(service.ask(.patch, "/campaigns/6/", user: 1, body: #"{"description": "\#(text)"}"#).status == .ok)
    let changed = try ready(service, "/campaigns/6/", all)
    #expect(field("Content-Encoding", in: changed.head) == "gzip")
    #expect(String(decoding: try gunzip(changed.body), as: UTF8.self).contains("Another road"))
}

@Test("what takes long to encode is encoded by who may wait, and is ready then")
func long() throws {
    let service = try Service()
    let text = String(repeating: "x", count: 60)
    for id in 100..<12_100 {
        try service.folder.write(#"{"id": \#(id), "name": "\#(text) \#(id)"}"#, to: "campaigns/\(id).json")
    }
    let fields: HTTPFields = [.acceptEncoding: "gzip"]
    let plain = service.ask(.get, "/campaigns/")
    #expect(plain.body.count > CodedAnswers.quick)
    #expect(service.api.readyAnswer(to: "/api/v2/campaigns/", ifNoneMatch: nil, acceptEncoding: "gzip") == .waits)
    // Who has it already waits for nothing.
    let tag = try #require(plain.headerFields[.eTag])
    #expect(try ready(service, "/campaigns/", ifNoneMatch: tag).head.hasPrefix("Status: 304"))
    let coded = service.ask(.get, "/campaigns/", fields)
    #expect(coded.headerFields[.contentEncoding] == "gzip")
    #expect(try gunzip(coded.body) == plain.body)
    #expect(try ready(service, "/campaigns/").body == coded.body)
}
