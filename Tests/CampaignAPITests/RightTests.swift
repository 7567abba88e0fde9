import FastCGI
import HTTPTypes
import Testing

@testable import CampaignAPI

@Test(
    "an unknown project or organisation is 404 before anybody asks for the right, but not before the token",
    arguments: ["/projects/99/campaigns/5/", "/organisations/99/campaigns/5/"], [HTTPRequest.Method.post, .delete])
func unknownFirst(path: String, method: HTTPRequest.Method) throws {
    let service = try Service()
    // Nobody, admin, manager of organisation 1, mapper, READ_ONLY, no record.
    let statuses = [nil, 1, 2, 3, 4, 99].map { service.ask(method, path, user: $0).status.code }
    #expect(statuses == [401, 404, 404, 404, 404, 404])
}

@Test("the right is asked for before the body is looked at, and the body before the campaign is looked for")
func order() throws {
    let service = try Service()
    for (method, path, statuses) in [
        (HTTPRequest.Method.post, "/campaigns/", [401, 400, 400, 403, 403, 403]),
        (.patch, "/campaigns/99/", [401, 400, 400, 403, 403, 403]),
        (.delete, "/campaigns/99/", [401, 404, 404, 403, 403, 403]),
        (.post, "/campaigns/99/actions/message-contributors/", [401, 400, 403, 403, 403, 403]),
    ] {
        #expect([nil, 1, 2, 3, 4, 99].map { service.ask(method, path, user: $0).status.code } == statuses)
    }
}

@Test(
    "a header that is no token is 401, with WWW-Authenticate",
    arguments: ["", "Token", "Token ", "Bearer abc", "abc", "Token x y", "Tokenabc", "Basic YTpi", ",", "Token\u{A0}x"])
func noToken(header: String) throws {
    let response = try Service().ask(.delete, "/campaigns/5/", [.authorization: header])
    #expect(response.status == .unauthorized)
    #expect(response.headerFields[.wwwAuthenticate] == "Token")
}

@Test(
    "the scheme is taken in any letter case, with any number of spaces",
    arguments: ["Token ", "token ", "TOKEN ", "tOkEn   "])
func scheme(scheme: String) throws {
    let token = Service.token(1).dropFirst("Token ".count)
    #expect(try Service().ask(.delete, "/campaigns/5/", [.authorization: scheme + token]).status == .ok)
}

@Test("where no token is asked for, a bad one is not looked at")
func notLookedAt() throws {
    #expect(try Service().ask(.get, "/campaigns/", [.authorization: "Token x"]).status == .ok)
}

@Test("a right that is taken away by hand is gone in the next answer")
func takenAway() throws {
    let service = try Service()
    #expect(service.ask(.post, "/campaigns/", user: 2, body: #"{"name": "a"}"#).status == .created)
    try service.folder.write(#"{"organisationId": 1, "name": "One", "managers": []}"#, to: "organisations/1.json")
    #expect(service.ask(.post, "/campaigns/", user: 2, body: #"{"name": "b"}"#).status == .forbidden)
}

@Test("a token is checked against the time that the service is told")
func expired() throws {
    let token =
        "Token " + SessionTokens(secret: Array(Service.secret.utf8)).token(user: 1, time: 2_000_000_000 - 604_801)
    #expect(try Service().ask(.delete, "/campaigns/5/", [.authorization: token]).status == .unauthorized)
}
