import HTTPTypes
import Testing

@testable import CampaignAPI

private func find(_ path: String) -> Destination? {
    Destination(path[...], in: API.routes)
}

@Test(
    "every route is found by its own path, with its ids in order and its text, with and without the slash at the end",
    arguments: API.routes.map(\.path))
func everyRoute(path: String) throws {
    var next = 10
    var ids: [Int] = []
    var text = ""
    let asked = path.split(separator: "/").map { segment in
        guard segment.hasPrefix("{") else { return String(segment) }
        next += 1
        if segment.hasSuffix("_id}") { ids.append(next) } else { text = "\(next)" }
        return "\(next)"
    }.joined(separator: "/")
    for spelling in ["/\(asked)/", "/\(asked)"] {
        let found = try #require(find(spelling))
        #expect(found.routes.contains { $0.path == path })
        #expect(found.ids == ids)
        #expect(found.text == text)
    }
}

@Test("a text in a path is decoded, and its path has one spelling that no other text has")
func texts() throws {
    for (path, text, spelling) in [
        ("/organisations/a%2Fb%3Fc/", "a/b?c", "/organisations/a%2Fb%3Fc/"),
        ("/organisations/%61", "a", "/organisations/a/"),
        ("/users/queries/filter/", "filter", "/users/queries/filter/"),
        ("/users/queries/e%CC%81/", "\u{E9}", "/users/queries/\u{E9}/"),
        ("/users/queries/filter/a%20b", "a b", "/users/queries/filter/a%20b/"),
    ] {
        let found = try #require(find(path))
        #expect(found.text == text)
        #expect(found.path(of: try #require(found.route(for: .get))) == spelling)
    }
    #expect(find("/organisations//") == nil)
    #expect(find("/users/queries/%ff/") == nil)
}

@Test(
    "an id is a whole number in decimal",
    arguments: [("1", 1), ("12", 12), ("9223372036854775807", .max), ("007", 7), ("%31", 1), ("1%32", 12)])
func ids(segment: String, id: Int) {
    #expect(find("/campaigns/\(segment)/")?.ids == [id])
}

@Test(
    "what is not an id leads nowhere",
    arguments: [
        "0", "00", "-1", "+1", "1.0", "1e3", "0x1", "abc", "1a", "a1", " 1", "1 ", "%201", "1%20", "", "\u{661}",
        "%D9%A1", "\u{FF11}", "1_000",
        "9223372036854775808", "99999999999999999999999999", "%", "%3", "%zz", "%C3", "%00", "1%00", "1%2F",
        "{campaign_id}",
        "null", "*",
    ])
func noIDs(segment: String) {
    #expect(find("/campaigns/\(segment)/") == nil)
}

@Test(
    "an odd path leads nowhere",
    arguments: [
        "", "/", "//", "campaigns/", "//campaigns/", "/campaigns//", "/campaigns//1/", "/Campaigns/", "/campaigns/1/x/",
        "/campaigns/1//", "/campaign/", "/campaignss/", "/campaigns%2F1", "/campaigns/../campaigns/", "/./campaigns/",
        "/campaigns/1/actions/", "/project/", "/projects/1/", "/projects/1/campaigns//", "/system/", "/campaigns;a=b/",
        "/campaigns/1;a/", "/campaigns\u{301}/", "/campaigns%00/", "/campaigns /",
    ])
func oddPaths(path: String) {
    #expect(find(path) == nil)
}

@Test(
    "a percent-encoded letter is that letter",
    arguments: ["/%63ampaigns/", "/camp%61igns", "/%63%61%6D%70%61%69%67%6e%73/5"])
func encoded(path: String) {
    #expect(find(path) != nil)
}

@Test("a very long path leads nowhere, soon")
func longPath() {
    #expect(find("/" + String(repeating: "campaigns/", count: 50_000)) == nil)
    #expect(find("/campaigns/" + String(repeating: "1", count: 500_000)) == nil)
}

@Test("what a path may be asked is said in Allow, HEAD and OPTIONS included")
func allow() {
    #expect(find("/campaigns/")?.allow == "GET, HEAD, OPTIONS, POST")
    #expect(find("/campaigns/5")?.allow == "DELETE, GET, HEAD, OPTIONS, PATCH")
    #expect(find("/projects/1/campaigns/2")?.allow == "DELETE, OPTIONS, POST")
}

@Test("no two routes have the same method and path")
func unique() {
    let routes = API.routes.map { "\($0.method.rawValue) \($0.path)" }
    #expect(Set(routes).count == routes.count)
}

@Test("every route's path ends in a slash, as the contract writes it")
func slashes() {
    #expect(API.routes.allSatisfy { $0.path.hasPrefix("/") && $0.path.hasSuffix("/") })
}

@Test("no route that changes anything is open to everybody")
func closed() {
    #expect(API.routes.allSatisfy { $0.method == .get || $0.right.needsToken })
}
