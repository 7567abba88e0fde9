import CampaignAPI
import FastCGI
import FolderStore
import HTTPTypes
import JSON

/// A request as an input holds it: a line for each variable, `NAME=value`, an empty line, and the body.
/// `HTTP_AUTHORIZATION=@5` stands for a good token of user 5.
struct WrittenRequest {
    var variables: [(name: String, value: String)] = []
    var body: [UInt8] = []

    init(_ input: [UInt8]) {
        var rest = input[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")), end > rest.startIndex {
            let line = rest[rest.startIndex..<end]
            rest = rest[(end + 1)...]
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            // libfcgi hands over texts of C, which end at a NUL.
            let texts = parts.map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            var value = texts[1]
            if texts[0] == "HTTP_AUTHORIZATION", value.hasPrefix("@"), let user = Int(value.dropFirst()) {
                value =
                    "Token " + SessionTokens(secret: Array(Fixture.secret.utf8)).token(user: user, time: Fixture.now)
            }
            variables.append((texts[0], value))
        }
        body = Array(rest.first == UInt8(ascii: "\n") ? rest.dropFirst() : rest)
    }
}

extension Surface {
    func strikeRequest(_ input: [UInt8], _ fixture: Fixture) throws {
        let written = WrittenRequest(input)
        let request: Request
        do throws(RequestError) {
            request = Request(try HTTPRequest(meta: written.variables), body: written.body)
        } catch {
            return try fixture.api.respond(to: error).check("a request that is none")
        }
        let what = "\(request.head.method) \(request.head.path ?? "")"
        let response = fixture.api.respond(to: request)
        try response.check(what)
        if fixture.isTouched {
            try checkFolder(fixture, what)
            try checkRoundTrip(fixture, what)
            try fixture.reset()
        } else {
            try checkReady(request, response, fixture, what)
        }
        _ = fixture.api.respondAtOnce(to: request)
    }

    /// The short way to an answer gives what the long one does, and HEAD gives GET's head.
    private func checkReady(_ request: Request, _ response: Response, _ fixture: Fixture, _ what: String) throws {
        guard request.head.method == .get, let target = request.head.path else { return }
        var head = request
        head.head.method = .head
        try expect(fixture.api.respond(to: head).head == response.head, "HEAD gives another head: \(what)")
        let tag = request.head.headerFields[.ifNoneMatch]
        // It is for those who send nothing else.
        guard request.head.headerFields[.origin] == nil, response.status == .ok || response.status == .notModified,
            case .parts(let parts) = fixture.api.readyAnswer(
                to: target, ifNoneMatch: tag, isAuthorized: request.head.headerFields[.authorization] != nil)
        else { return }
        try expect(Array(parts.joined()) == response.head + response.body, "the ready answer is another: \(what)")
    }

    /// What the service has written is in order, and reads again as it is shown.
    func checkFolder(_ fixture: Fixture, _ what: String) throws {
        let problems = try FolderCheck.run(fixture.folder).problems.map(\.description)
        let fresh = problems.filter { !fixture.problems.contains($0) && !$0.contains("which is not there") }
        try expect(fresh.isEmpty, "campaignd check after \(what): \(fresh)")
        let shown = try fixture.store.read { try $0.allCampaigns().representation().bytes }
        let again = try FolderStore(fixture.folder, CampaignJSON(), logger: silent, watching: false).read {
            try $0.allCampaigns().representation().bytes
        }
        try expect(shown == again, "a start shows another list after \(what)")
    }

    /// The whole object that GET gives may be sent back, and changes nothing.
    private func checkRoundTrip(_ fixture: Fixture, _ what: String) throws {
        guard case .array(let campaigns)? = fixture.ask("GET", "/campaigns/").json?["campaigns"] else {
            throw Finding("no list after \(what)")
        }
        for case .object(let campaign) in campaigns {
            let path = "/campaigns/\(campaign["id"]?.wholeNumber ?? 0)/"
            let before = fixture.ask("GET", path)
            try before.check(path)
            let change = fixture.ask("PATCH", path, user: 1, body: String(decoding: before.body, as: UTF8.self))
            try expect(change.status == .ok, "what GET gave is refused after \(what): \(change.status)")
            try expect(fixture.ask("GET", path).body == before.body, "what GET gave changes something after \(what)")
        }
    }
}
