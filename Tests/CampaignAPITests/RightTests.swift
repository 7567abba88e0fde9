import FastCGI
import HTTPTypes
import Testing

@testable import CampaignAPI

/// What a user of each kind gets; in this order: nobody, admin, manager of organisation 1, mapper, READ_ONLY, no record.
private let users: [Int?] = [nil, 1, 2, 3, 4, 99]

private struct Endpoint: Sendable, CustomTestStringConvertible {
    let method: HTTPRequest.Method
    let path: String
    let statuses: [Int]
    var testDescription: String { "\(method.rawValue) \(path)" }

    static let all: [Endpoint] = [
        .init(method: .get, path: "/campaigns/", statuses: [200, 200, 200, 200, 200, 200]),
        .init(method: .get, path: "/campaigns/5/", statuses: [200, 200, 200, 200, 200, 200]),
        .init(method: .get, path: "/projects/1/campaigns/", statuses: [200, 200, 200, 200, 200, 200]),
        .init(method: .get, path: "/organisations/1/campaigns/", statuses: [200, 200, 200, 200, 200, 200]),
        .init(method: .get, path: "/system/heartbeat/", statuses: [200, 200, 200, 200, 200, 200]),
        .init(method: .get, path: "/system/docs/json/", statuses: [200, 200, 200, 200, 200, 200]),
        .init(method: .post, path: "/campaigns/", statuses: [401, 400, 400, 403, 403, 403]),
        .init(method: .patch, path: "/campaigns/99/", statuses: [401, 400, 400, 403, 403, 403]),
        .init(method: .delete, path: "/campaigns/99/", statuses: [401, 404, 404, 403, 403, 403]),
        .init(
            method: .post, path: "/campaigns/99/actions/message-contributors/",
            statuses: [401, 400, 403, 403, 403, 403]),
        .init(method: .post, path: "/projects/1/campaigns/99/", statuses: [401, 404, 403, 403, 403, 403]),
        .init(method: .delete, path: "/projects/1/campaigns/99/", statuses: [401, 404, 403, 403, 403, 403]),
        .init(method: .post, path: "/projects/99/campaigns/5/", statuses: [401, 404, 404, 404, 404, 404]),
        .init(method: .post, path: "/organisations/1/campaigns/99/", statuses: [401, 404, 404, 403, 403, 403]),
        .init(method: .delete, path: "/organisations/1/campaigns/99/", statuses: [401, 404, 404, 403, 403, 403]),
        .init(method: .post, path: "/organisations/2/campaigns/99/", statuses: [401, 404, 403, 403, 403, 403]),
        .init(method: .delete, path: "/organisations/99/campaigns/5/", statuses: [401, 404, 404, 404, 404, 404]),
    ]
}

@Test("every kind of user gets what they may", arguments: Endpoint.all)
private func rights(endpoint: Endpoint) throws {
    let service = try Service()
    let statuses = users.map { service.ask(endpoint.method, endpoint.path, user: $0).status.code }
    #expect(statuses == endpoint.statuses)
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
    let token = "Token " + SessionTokens(secret: Service.secret).token(user: 1, time: 2_000_000_000 - 604_801)
    #expect(try Service().ask(.delete, "/campaigns/5/", [.authorization: token]).status == .unauthorized)
}
