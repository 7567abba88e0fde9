import CampaignAPI
import FastCGI
import FolderStore
import Foundation
import HTTPTypes
import Logging
import TestSupport
import Testing

@testable import CampaignAPI

private func ready(_ bytes: [UInt8]) -> AnswerCache.Ready {
    AnswerCache.Ready(route: 0, digest: "tag", fields: [:], head: bytes, body: [], notModified: [])
}

private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

/// nil: there is no answer at once.
private func text(_ answer: Ready) -> String? {
    if case .parts(let parts) = answer { text(Array(parts.joined())) } else { nil }
}

@Test(
    "an answer that is ready is the one that would be made, the first time and after it",
    arguments: [
        "/campaigns/", "/campaigns", "/campaigns/5/", "/campaigns/5/?a=b", "/projects/1/campaigns/",
        "/organisations/1/campaigns/",
        "/system/docs/json/", "/campaigns?", "/campaigns/005", "/campaigns/%35/?a", "/%63ampaigns/",
        "/projects/01/campaigns?n=1", "/organisations/1/campaigns/?n=%zz&/",
    ])
func same(path: String) throws {
    for service in [try Service(), try Service(origins: ["https://tasks.example.org"])] {
        let made = service.ask(.get, path)
        for _ in 0..<3 {
            #expect(
                text(service.api.readyAnswer(to: "/api/v2" + path, ifNoneMatch: nil)) == text(made.head + made.body))
        }
    }
}

@Test(
    "what depends on who asks, or has no route, is never ready",
    arguments: ["/none", "/notifications/", "/notifications/1/", ""])
func never(path: String) throws {
    let service = try Service()
    for _ in 0..<2 { #expect(service.api.readyAnswer(to: "/api/v2" + path, ifNoneMatch: nil) == .unknown) }
}

@Test(
    "what is no 200, or depends on more than the records, is answered at once too, and not kept",
    arguments: ["/campaigns/99/", "/organisations/99/campaigns/"])
func atOnce(path: String) throws {
    let service = try Service()
    let made = service.ask(.get, path)
    #expect(made.status == .notFound)
    #expect(text(service.api.readyAnswer(to: "/api/v2" + path, ifNoneMatch: nil)) == text(made.head + made.body))
    try service.folder.write(
        #"{"name": "a"}"#, to: path.hasPrefix("/c") ? "campaigns/99.json" : "organisations/99.json")
    // It has to be read first.
    #expect(service.api.readyAnswer(to: "/api/v2" + path, ifNoneMatch: nil) == .waits)
    #expect(service.ask(.get, path).status == .ok)
    #expect(text(service.api.readyAnswer(to: "/api/v2" + path, ifNoneMatch: nil))?.hasPrefix("Status: 200") == true)
}

@Test("a thread that answers from memory reads no file: what has changed, and long texts, are for those that may wait")
func waits() throws {
    let service = try Service()
    try service.folder.write(
        #"{"name": "long", "description": "\#(String(repeating: "x", count: 40_000))"}"#, to: "campaigns/6.json")
    func isReady(_ path: String) -> Bool {
        text(service.api.readyAnswer(to: "/api/v2" + path, ifNoneMatch: nil)) != nil
    }
    #expect(!isReady("/campaigns/"))
    #expect(!isReady("/campaigns/6/"))
    // They need nothing of it.
    #expect(isReady("/campaigns/5/") && isReady("/campaigns/99/"))
    #expect(service.ask(.get, "/campaigns/").status == .ok)
    #expect(isReady("/campaigns/"))
    #expect(!isReady("/campaigns/6/"))
    #expect(service.ask(.get, "/campaigns/6/").status == .ok)
}

@Test("however a path is spelled, and whatever its query is, one answer is kept")
func spellings() throws {
    for (target, path) in [
        ("/campaigns?n=1", "/campaigns/"), ("/projects/%31/campaigns", "/projects/1/campaigns/"),
        ("/organisations/001/campaigns/?n=2", "/organisations/1/campaigns/"), ("/campaigns/5", "/campaigns/5/"),
        ("/system/docs/json?n", "/system/docs/json/"), ("/campaigns/5/actions/message-contributors/x", nil),
        ("/none/1", nil), ("/campaigns/x/", nil),
    ] as [(String, String?)] {
        let destination = Destination(target.prefix { $0 != "?" }, in: API.routes)
        #expect(destination?.route(for: .get).map { destination?.path(of: $0) ?? "" } == path, "\(target)")
    }
    // What is kept for one spelling is what the next one gets.
    let service = try Service()
    let first = service.api.readyAnswer(to: "/api/v2/projects/1/campaigns/?n=1", ifNoneMatch: nil)
    for target in ["/api/v2/projects/1/campaigns/", "/api/v2/projects/%31/campaigns?n=2"] {
        #expect(text(first) != nil && service.api.readyAnswer(to: target, ifNoneMatch: nil) == first)
    }
}

@Test("a ready answer shows a change by hand, and one by the service, at once")
func changes() throws {
    let service = try Service()
    let target = "/api/v2/campaigns/5/"
    #expect(text(service.api.readyAnswer(to: target, ifNoneMatch: nil))?.contains("Floods") == true)
    try service.folder.write(#"{"id": 5, "name": "By hand"}"#, to: "campaigns/5.json")
    // Who answers from memory does not read it.
    #expect(service.api.readyAnswer(to: target, ifNoneMatch: nil) == .waits)
    #expect(service.ask(.get, "/campaigns/5/").text.contains("By hand"))
    #expect(text(service.api.readyAnswer(to: target, ifNoneMatch: nil))?.contains("By hand") == true)
    #expect(service.ask(.patch, "/campaigns/5/", user: 1, body: #"{"name": "By PATCH"}"#).status == .ok)
    #expect(service.ask(.get, "/campaigns/5/").text.contains("By PATCH"))
    #expect(text(service.api.readyAnswer(to: target, ifNoneMatch: nil))?.contains("By PATCH") == true)
    #expect(service.ask(.delete, "/campaigns/5/", user: 1).status == .ok)
    #expect(service.ask(.get, "/campaigns/5/").status == .notFound)
    #expect(text(service.api.readyAnswer(to: target, ifNoneMatch: nil))?.hasPrefix("Status: 404") == true)
}

@Test("the answers that are kept take bounded memory, long targets included")
func bounded() {
    let cache = AnswerCache()
    let answer = ready([UInt8](repeating: 1, count: 200))
    let targets = (0..<3500).map { "/api/v2/campaigns/5/?\($0)" + String(repeating: "x", count: 8000) }
    for target in targets { cache.keep(answer, to: target, generation: 1) }
    let kept = targets.filter { cache.answer(to: $0, generation: 1) != nil }
    #expect(kept.reduce(0) { $0 + $1.utf8.count + answer.head.count } <= 20 << 20)
}

@Test("an answer of an older state is not given for a newer one")
func generations() {
    let cache = AnswerCache()
    cache.keep(ready([1]), to: "/a", generation: 1)
    #expect(cache.answer(to: "/a", generation: 1)?.ready.head == [1])
    #expect(cache.answer(to: "/a", generation: 2)?.isCurrent != true)
    cache.keep(ready([2]), to: "/b", generation: 2)
    #expect(cache.answer(to: "/a", generation: 2)?.isCurrent != true)
}

/// The API on a folder with large campaigns.
///
/// - Parameter large: where it puts large answers.
private func largeCampaigns(_ count: Int, in data: TemporaryFolder, large: TemporaryFolder) throws -> API {
    for id in 1...count {
        let description = String(repeating: "\(id) ", count: 100_000)
        try data.write(#"{"name": "\#(id)", "description": "\#(description)"}"#, to: "campaigns/\(id).json")
    }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var configuration = Configuration(secret: Array(Service.secret.utf8))
    configuration.largeAnswers = LargeAnswers(directory: large.path)
    return API(
        try FolderStore(DataFolder(asOwnerOf: data.path), CampaignJSON(), logger: logger), configuration, logger: logger
    )
}

@Test("a large answer is a file for who takes files, and whole for who does not, whoever asked before")
func takesFiles() throws {
    let (data, large) = (try TemporaryFolder(), try TemporaryFolder())
    let api = try largeCampaigns(1, in: data, large: large)
    let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/api/v2/campaigns/1/")
    func answer(_ place: String?) -> [UInt8] {
        let variables = place.map { ["LARGE_ANSWERS": $0] } ?? [:]
        if case .parts(let parts) = api.readyAnswer(to: head.path ?? "", variables: variables) {
            return Array(parts.joined())
        }
        let made = api.respond(to: Request(head, variables: variables))
        return made.head + made.body
    }
    for place in [nil, "/large/", nil, "/other/", nil] as [String?] {
        let answer = text(answer(place)) ?? ""
        if let place {
            #expect(answer.contains(": \(place)\(getpid())-") && answer.hasSuffix(".json\r\n\r\n"))
        } else {
            #expect(!answer.lowercased().contains("x-accel") && answer.utf8.count > 200_000)
        }
    }
}

/// What the web server is told that takes files.
private func handedOver(_ api: API, _ path: String) -> String {
    #expect(api.readyAnswer(to: path, ifNoneMatch: nil, variables: ["LARGE_ANSWERS": "/large/"]) == .waits)
    let request = Request(
        HTTPRequest(method: .get, scheme: nil, authority: nil, path: path), variables: ["LARGE_ANSWERS": "/large/"])
    #expect(api.respondAtOnce(to: request) == nil)
    let made = api.respond(to: request)
    return String(decoding: made.head + made.body, as: UTF8.self)
}

@Test("a large answer is there again when its folder was emptied, and whole when the folder has gone")
func emptied() throws {
    let (data, large) = (try TemporaryFolder(), try TemporaryFolder())
    let api = try largeCampaigns(1, in: data, large: large)
    for _ in 0..<3 {
        #expect(handedOver(api, "/api/v2/campaigns/1/").lowercased().contains("x-accel-redirect"))
        let names = try FileManager.default.contentsOfDirectory(atPath: large.path)
        #expect(names.count == 1)
        for name in names { unlink("\(large.path)/\(name)") }
    }
    rmdir(large.path)
    #expect(handedOver(api, "/api/v2/campaigns/1/").utf8.count > 200_000)
    mkdir(large.path, 0o755)
    #expect(handedOver(api, "/api/v2/campaigns/1/").lowercased().contains("x-accel-redirect"))
}

@Test("a large answer that is a file is there for every request, however many others there are")
func largeAnswers() throws {
    let (data, large) = (try TemporaryFolder(), try TemporaryFolder())
    let api = try largeCampaigns(20, in: data, large: large)
    for _ in 0..<2 {
        for id in 1...20 {
            let answer = handedOver(api, "/api/v2/campaigns/\(id)/")
            let location = try #require(answer.firstMatch(of: /(?i)x-accel-redirect: \/large\/(\S+)/))
            #expect(FileManager.default.fileExists(atPath: "\(large.path)/\(location.1)"), "campaign \(id)")
        }
    }
}

@Test("who names the ETag of a ready answer gets 304, and who names another gets the whole")
func notModified() throws {
    let service = try Service()
    let target = "/api/v2/campaigns/5/"
    let tag = service.ask(.get, "/campaigns/5/").headerFields[.eTag]
    for _ in 0..<2 {
        #expect(text(service.api.readyAnswer(to: target, ifNoneMatch: tag))?.hasPrefix("Status: 304") == true)
        #expect(text(service.api.readyAnswer(to: target, ifNoneMatch: "\"x\""))?.hasPrefix("Status: 200") == true)
    }
}

@Test("after a change of another record an answer is known to be good again, and is not made anew")
func renewed() throws {
    let service = try Service()
    let path = "/api/v2/campaigns/5/"
    func isCurrent() -> Bool? {
        service.api.answers.answer(to: path, generation: service.api.store.generation())?.isCurrent
    }
    let first = service.api.readyAnswer(to: path)
    #expect(isCurrent() == true)
    #expect(service.ask(.post, "/campaigns/", user: 1, body: #"{"name": "Another"}"#).status == .created)
    #expect(isCurrent() == false)
    #expect(service.api.readyAnswer(to: path) == first)
    #expect(isCurrent() == true)
    #expect(service.ask(.patch, "/campaigns/5/", user: 1, body: #"{"url": "https://example.org"}"#).status == .ok)
    #expect(text(service.api.readyAnswer(to: path))?.contains("https://example.org") == true)
    #expect(isCurrent() == true)
}
