import FastCGI
import Glibc
import HTTPTypes
import Testing

@testable import CampaignAPI

private let origin = "https://tasks.example.org"

// MARK: CORS

@Test("an origin that is named may read, and answers vary by it")
func allowedOrigin() throws {
    let response = try Service(origins: [origin]).ask(.get, "/campaigns/", [.origin: origin])
    #expect(response.headerFields[.accessControlAllowOrigin] == origin)
    #expect(response.headerFields[.vary] == "Origin")
}

@Test(
    "other origins get nothing",
    arguments: [
        "https://evil.example.org", "http://tasks.example.org", "https://tasks.example.org:8443",
        "HTTPS://TASKS.EXAMPLE.ORG", "https://tasks.example.org/", "null", "*", "",
    ])
func otherOrigin(other: String) throws {
    let response = try Service(origins: [origin]).ask(.get, "/campaigns/", [.origin: other])
    #expect(response.headerFields[.accessControlAllowOrigin] == nil)
    #expect(response.headerFields[.vary] == "Origin")
}

@Test("without origins in the configuration there is no CORS at all")
func noOrigins() throws {
    let response = try Service().ask(.get, "/campaigns/", [.origin: origin])
    #expect(response.headerFields[.accessControlAllowOrigin] == nil)
    #expect(response.headerFields[.vary] == nil)
}

@Test("a star stands for every origin")
func everyOrigin() throws {
    let response = try Service(origins: ["*"]).ask(.get, "/campaigns/", [.origin: "https://a.example"])
    #expect(response.headerFields[.accessControlAllowOrigin] == "https://a.example")
}

@Test("errors carry CORS headers too", arguments: [("/campaigns/99/", 404), ("/none", 404)])
func errorsToo(path: String, status: Int) throws {
    let response = try Service(origins: [origin]).ask(.get, path, [.origin: origin])
    #expect(response.status.code == status)
    #expect(response.headerFields[.accessControlAllowOrigin] == origin)
}

@Test("a preflight says the methods of Allow and the headers")
func preflight() throws {
    let response = try Service(origins: [origin]).ask(
        .options, "/campaigns/5/", [.origin: origin, .accessControlRequestMethod: "PATCH"])
    #expect(response.status == .noContent)
    #expect(response.body.isEmpty)
    #expect(response.headerFields[.accessControlAllowOrigin] == origin)
    #expect(response.headerFields[.accessControlAllowMethods] == response.headerFields[.allow])
    let headers = response.headerFields[.accessControlAllowHeaders]?.lowercased() ?? ""
    for name in ["authorization", "content-type", "accept-language", "if-match", "if-none-match"] {
        #expect(headers.contains(name))
    }
}

@Test("a preflight of another origin gets Allow and nothing else")
func otherPreflight() throws {
    let response = try Service(origins: [origin]).ask(
        .options, "/campaigns/5/", [.origin: "https://evil.example.org", .accessControlRequestMethod: "PATCH"])
    #expect(response.status == .noContent)
    #expect(response.headerFields[.allow] != nil)
    #expect(response.headerFields[.accessControlAllowMethods] == nil)
}

// MARK: Revalidation

@Test(
    "every 200 to a GET has a strong tag and says no-cache; the tag gets 304",
    arguments: [
        "/campaigns/", "/campaigns/5/", "/projects/1/campaigns/", "/organisations/1/campaigns/", "/system/docs/json/",
    ])
func revalidation(path: String) throws {
    let service = try Service()
    let first = service.ask(.get, path)
    let tag = try #require(first.headerFields[.eTag])
    #expect(tag.wholeMatch(of: /"[^"]+"/) != nil)
    #expect(first.headerFields[.cacheControl] == "no-cache")
    let second = service.ask(.get, path, [.ifNoneMatch: tag])
    #expect(second.status == .notModified)
    #expect(second.body.isEmpty)
    #expect(second.headerFields[.eTag] == tag)
}

@Test("the tag of a campaign changes when its organisation does")
func tagOfOrganisation() throws {
    let service = try Service()
    let before = service.ask(.get, "/campaigns/5/").headerFields[.eTag]
    try service.folder.write(#"{"organisationId": 1, "name": "Uno", "managers": [2]}"#, to: "organisations/1.json")
    #expect(service.ask(.get, "/campaigns/5/").headerFields[.eTag] != before)
}

@Test(
    "a change that is guarded by a stale tag is refused, and nothing is changed",
    arguments: [HTTPRequest.Method.patch, .delete])
func stale(method: HTTPRequest.Method) throws {
    let service = try Service()
    let before = service.ask(.get, "/campaigns/5/")
    let response = service.ask(method, "/campaigns/5/", user: 1, body: #"{"name": "b"}"#, [.ifMatch: #""stale""#])
    #expect(response.status == .preconditionFailed)
    #expect(service.ask(.get, "/campaigns/5/").body == before.body)
}

@Test("a change that is guarded by the current tag is made", arguments: [HTTPRequest.Method.patch, .delete])
func current(method: HTTPRequest.Method) throws {
    let service = try Service()
    let tag = try #require(service.ask(.get, "/campaigns/5/").headerFields[.eTag])
    #expect(service.ask(method, "/campaigns/5/", user: 1, body: #"{"name": "b"}"#, [.ifMatch: tag]).status == .ok)
}

// MARK: What there is no request for

@Test(
    "what never reaches a handler is answered in the contract's shape",
    arguments: [
        (RequestError.bodyTooLarge(limit: 5), 413, "PayloadTooLarge"), (.bodyCutOff, 400, "InvalidData"),
        (.badVariable("REQUEST_METHOD"), 400, "InvalidData"), (.overloaded, 503, "ServiceUnavailable"),
    ])
func requestErrors(error: RequestError, status: Int, code: String) throws {
    let response = try Service().api.respond(to: error)
    #expect(response.status.code == status)
    #expect(try response.json["SubCode"] as? String == code)
    #expect(try response.json["Error"] as? String != nil)
    #expect(response.headerFields[.contentType] == "application/json")
}

@Test("who is told to come back is told when")
func retryAfter() throws {
    #expect(try Service().api.respond(to: .overloaded).headerFields[.retryAfter].flatMap { Int($0) } != nil)
}

@Test(
    "an unknown method is 405 where there is a path, and 404 where there is none",
    arguments: ["BREW", "TRACE", "PUT", "get"])
func unknownMethod(method: String) throws {
    let method = try #require(HTTPRequest.Method(rawValue: method))
    let response = try Service().ask(method, "/campaigns/")
    #expect(response.status == .methodNotAllowed)
    #expect(response.headerFields[.allow] == "GET, HEAD, OPTIONS, POST")
    #expect(try Service().ask(method, "/none").status == .notFound)
}

@Test(
    "a number that is too large for any id is an unknown organisation or a bad one, never an error of the service's",
    arguments: ["9223372036854775807", "9223372036854775808", "1e400", "-1", "1e18"])
func largeNumbers(number: String) throws {
    let response = try Service().ask(
        .post, "/campaigns/", user: 1, body: #"{"name": "a", "organisations": [\#(number)]}"#)
    #expect([400, 404].contains(response.status.code))
}

@Test(
    "what needs a token may wait for the disk, whatever its path is spelled like, and nothing else does",
    arguments: [
        ("POST", "/campaigns/", true), ("POST", "/campaigns", true), ("PATCH", "/campaigns/5/", true),
        ("DELETE", "/campaigns/5", true), ("POST", "/system/image-upload/", true),
        ("GET", "/notifications/", true), ("GET", "/notifications", true), ("HEAD", "/notifications/", true),
        ("GET", "/notifications?page=1", true), ("GET", "/notifications/7/", true), ("GET", "/notifications/7", true),
        ("HEAD", "/notifications/7/", true), ("GET", "/%6eotifications/7/", true), ("GET", "/%6Eotifications", true),
        ("HEAD", "/notification%73/%37?a=b", true), ("GET", "/notifications/queries/own/count-unread", true),
        ("GET", "/campaigns/", false), ("HEAD", "/campaigns", false), ("GET", "/campaigns/5/", false),
        ("GET", "/projects/1/campaigns/", false), ("GET", "/system/heartbeat/", false),
        ("OPTIONS", "/campaigns/", false), ("OPTIONS", "/notifications/7/", false),
        ("PUT", "/campaigns/", false), ("DELETE", "/campaigns/", false), ("POST", "/notifications/7/", false),
        ("POST", "/none/", false), ("GET", "/notifications/x/", false), ("GET", "/notifications//7/", false),
    ])
func mayWait(method: String, path: String, waits: Bool) throws {
    let method = try #require(HTTPRequest.Method(rawValue: method))
    let request = Request(HTTPRequest(method: method, scheme: "http", authority: nil, path: "/api/v2" + path))
    let service = try Service()
    #expect((service.api.respondAtOnce(to: request) == nil) == waits)
    withExtendedLifetime(service) {}
}

@Test("what is outside of the API waits for nothing")
func mayWaitOutsideOfTheAPI() throws {
    let service = try Service()
    let api = service.api
    for path in ["/%61pi/v2/notifications/7/", "/api/v2", "/notifications/7/", nil] {
        let request = Request(HTTPRequest(method: .get, scheme: "http", authority: nil, path: path))
        #expect(api.respond(to: request).status == .notFound)
        #expect(api.respondAtOnce(to: request) != nil)
    }
}

@Test(
    "the scheme of a token is taken in any letter case, of ASCII's letters alone",
    arguments: [
        ("Token", true), ("token", true), ("TOKEN", true), ("tOkEn", true), ("To\u{212A}en", false), ("Tokens", false),
        ("Toke", false), ("T\u{2F}ken", false), ("Bearer", false),
    ])
func scheme(scheme: String, isTaken: Bool) throws {
    let token = Service.token(1).dropFirst("Token".count)
    var fields = HTTPFields()
    fields[.authorization] = scheme + token
    let response = try Service().ask(.get, "/notifications/", fields)
    #expect(response.status == (isTaken ? .ok : .unauthorized))
}

@Test("the heartbeat names a record that is broken, and shows nothing of what is in it")
func brokenRecords() throws {
    let service = try Service()
    try service.folder.write(#"{"id": 8, "emailAddress": "a" "private": 1}"#, to: "users/8.json")
    try service.folder.write(#"{"id": 9, "role": "private", "private": [1]}"#, to: "users/9.json")
    let text = service.ask(.get, "/system/heartbeat/").text
    #expect(
        text.contains(
            #"{"file":"users/8.json","reason":"it is not valid JSON: something else is expected (line 1, column 39)"}"#)
    )
    #expect(text.contains(#"{"file":"users/9.json","reason":"role is none of ADMIN, MAPPER, READ_ONLY"}"#))
    #expect(!text.contains("private"))
}

// MARK: A disk that fails

@Test("a campaign that the disk does not give back is 503 for whoever asks for it, and the others are served")
func failingDisk() throws {
    let service = try Service()
    // The system answers EIO to who reads the first page of a process.
    symlink("/proc/self/mem", service.folder.path + "/campaigns/6.json")
    for (method, path, body) in [
        (HTTPRequest.Method.get, "/campaigns/6/", ""), (.patch, "/campaigns/6/", #"{"name": "a"}"#),
        (.delete, "/campaigns/6/", ""), (.post, "/organisations/1/campaigns/6/", ""),
    ] {
        let response = service.ask(method, path, user: 1, body: body)
        #expect(response.status == .serviceUnavailable, "\(method)")
        #expect(response.headerFields[.retryAfter] != nil)
        #expect(!response.text.contains(service.folder.path))
    }
    #expect(service.ask(.get, "/campaigns/").text == #"{"campaigns":[{"id":5,"name":"Floods"}]}"#)
    #expect(service.ask(.get, "/campaigns/5/").status == .ok)
    #expect(service.ask(.get, "/system/heartbeat/").text.contains(#""file":"campaigns/6.json""#))
}

@Test("an answer 401 is sent by way of the location that the web server names, and no other answer is")
func unauthorizedLocation() throws {
    let service = try Service()
    func location(_ path: String, _ variables: [String: String]) throws -> String? {
        let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/api/v2" + path)
        let name = try #require(HTTPField.Name("X-Accel-Redirect"))
        return service.api.respond(to: Request(head, variables: variables)).headerFields[name]
    }
    let counted = ["UNAUTHORIZED_LOCATION": "@counted"]
    #expect(try location("/notifications/", counted) == "@counted")
    #expect(try location("/notifications/", [:]) == nil)
    for path in ["/campaigns/5/", "/campaigns/6/", "/nothing/"] { #expect(try location(path, counted) == nil) }
}
