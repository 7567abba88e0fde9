import Foundation
import Testing

@testable import CampaignAPI

// What the records of people keep to themselves, as a table: who asks for what, and who sees it.

/// Who asks. 2 is the user whose record it is, 3 is another, 4 is READ_ONLY, 1 an admin, 99 has no record.
private let askers: [Int?] = [nil, 99, 4, 3, 2, 1]

/// An endpoint, a text of a record, and to whom of the askers the endpoint shows it.
private let table: [(path: String, text: String, seenBy: [Bool])] = [
    ("/users/2/", "own@example.org", [false, false, false, false, true, false]),
    ("/users/queries/two/", "own@example.org", [false, false, false, false, true, false]),
    ("/users/2/", #""projectsNotifications":false"#, [false, false, false, false, true, false]),
    ("/users/queries/two/", #""projectsNotifications":false"#, [false, false, false, false, true, false]),
    ("/users/2/", "two.png", [false, true, true, true, true, true]),
    ("/users/queries/filter/two/", "own@example.org", [false, false, false, false, false, false]),
    ("/users/queries/filter/two/", "two", [false, true, true, true, true, true]),
    ("/organisations/", "two.png", [false, true, true, true, true, true]),
    ("/organisations/?omitManagerList=true", "two.png", [false, false, false, false, false, false]),
    ("/organisations/1/", "two.png", [false, true, true, true, true, true]),
    ("/organisations/one/", "two.png", [false, true, true, true, true, true]),
    ("/organisations/", "own@example.org", [false, false, false, false, false, false]),
    ("/organisations/1/", "own@example.org", [false, false, false, false, false, false]),
    ("/organisations/1/", #""isManager":true"#, [false, false, false, false, true, true]),
    ("/projects/", "Published", [true, true, true, true, true, true]),
    // READ_ONLY is its author.
    ("/projects/", "Drafted", [false, false, true, false, true, true]),
    ("/projects/", "Archived", [false, false, true, false, true, true]),
    ("/projects/?organisationId=1", "Drafted", [false, false, true, false, true, true]),
    ("/projects/?textSearch=%233", "Archived", [false, false, true, false, true, true]),
    ("/projects/?campaign=Floods", "Drafted", [false, false, true, false, true, true]),
    ("/projects/", "own@example.org", [false, false, false, false, false, false]),
]

/// In every record, under a key that the service does not know.
private let secret = "c0nfidential"

@Test("what a record keeps to itself is shown to nobody whom it is not for", arguments: table)
func shown(path: String, text: String, seenBy: [Bool]) throws {
    let service = try people()
    for (asker, isSeen) in zip(askers, seenBy) {
        let answer = service.ask(.get, path, user: asker).text
        #expect(answer.contains(text) == isSeen, "\(asker.map(String.init) ?? "nobody"): \(answer)")
        #expect(!answer.contains(secret))
    }
    // Nor does one get another's answer that was kept.
    let ready = service.api.readyAnswer(to: "/api/v2" + path, ifNoneMatch: nil)
    if case .parts(let parts) = ready {
        #expect(String(decoding: parts.joined(), as: UTF8.self).contains(text) == seenBy[0])
    }
}

@Test("an answer that depends on a token says so, and one to a token is for nobody else")
func dependsOnToken() throws {
    let service = try people()
    for path in ["/organisations/", "/organisations/1/", "/projects/", "/organisations/99/"] {
        let anonymous = service.ask(.get, path)
        #expect(anonymous.headerFields[.vary] == "Authorization")
        #expect(anonymous.headerFields[.cacheControl] != "private, no-cache")
        for answer in [service.ask(.get, path, user: 3), service.ask(.get, path, [.authorization: "Token x"])] {
            #expect(answer.headerFields[.vary] == "Authorization")
            #expect(answer.headerFields[.cacheControl] == "private, no-cache")
        }
        #expect(service.ask(.get, path, [.authorization: "Token x"]).body == anonymous.body)
    }
    #expect(service.ask(.get, "/campaigns/", user: 3).headerFields[.vary] == nil)
}

@Test("a user's wish is written to the record, and nothing else of it changes")
func wish() throws {
    let service = try people()
    let body = #"{"projectsNotifications": true, "emailAddress": "other@example.org", "role": "ADMIN"}"#
    #expect(service.ask(.patch, "/users/me/actions/set-user/", user: 2, body: body).status == .ok)
    let text = try service.folder.read("users/2.json")
    let record = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(record["projectsNotifications"] as? Bool == true)
    #expect(record["emailAddress"] as? String == "own@example.org")
    #expect(record["role"] as? String == "MAPPER")
    #expect(record["kept"] as? String == secret)
    #expect(try service.ask(.get, "/users/2/", user: 2).json["projectsNotifications"] as? Bool == true)
    #expect(service.ask(.patch, "/users/me/actions/set-user/", user: 99, body: "{}").status == .forbidden)
    #expect(service.ask(.patch, "/users/me/actions/set-user/", user: 4, body: "{}").status == .ok)
    for wrong in [#"{"projectsNotifications": null}"#, #"{"projectsNotifications": 0}"#, "[]", ""] {
        #expect(service.ask(.patch, "/users/me/actions/set-user/", user: 2, body: wrong).status == .badRequest)
    }
}

@Test("a change by hand shows in every list at once")
func byHand() throws {
    let service = try people()
    for path in ["/organisations/", "/projects/", "/campaigns/?details=true"] { _ = service.ask(.get, path) }
    try service.folder.write(#"{"organisationId": 1, "name": "Renamed", "managers": [2]}"#, to: "organisations/1.json")
    #expect(service.ask(.get, "/organisations/").text.contains("Renamed"))
    #expect(service.ask(.get, "/projects/").text.contains("Renamed"))
    #expect(service.ask(.get, "/campaigns/?details=true").text.contains("Renamed"))
    try service.folder.write(#"{"id": 5, "name": "Flooded", "projects": [1, 2, 77]}"#, to: "campaigns/5.json")
    #expect(service.ask(.get, "/campaigns/?details=true").text.contains(#""name":"Flooded""#))
    #expect(service.ask(.get, "/campaigns/?details=true").text.contains(#""totalProjects":2"#))
    #expect(service.ask(.get, "/projects/").text.contains("Flooded"))
    try FileManager.default.removeItem(atPath: service.folder.path + "/projects/2.json")
    #expect(service.ask(.get, "/campaigns/?details=true").text.contains(#""totalProjects":1"#))
}

@Test("letter case and accents do not matter in a search")
func folded() {
    for (text, part) in [
        ("Électricité", "ELECTRI"), ("Ele\u{301}ctrico", "électrico"), ("Straße", "STRASSE"), ("Łukasz", "lukasz"),
        ("Đồng bằng", "dong b"), ("ΟΔΟΣ", "οδος"), ("İzmir", "izmir"), ("東京", "東"), ("a", ""),
    ] {
        #expect(FoldedText(text).contains(FoldedText(part)), "\(text) \(part)")
    }
    for (text, part) in [("abc", "abd"), ("पुह", "पह"), ("", "a"), ("aab", "ac")] {
        #expect(!FoldedText(text).contains(FoldedText(part)), "\(text) \(part)")
    }
    #expect(FoldedText("aaab").contains(FoldedText("aab")))
}

private func people() throws -> Service {
    let service = try Service()
    let folder = service.folder
    try folder.write(
        #"{"id": 2, "username": "two", "role": "MAPPER", "pictureUrl": "two.png", "emailAddress": "own@example.org", "#
            + #""projectsNotifications": false, "kept": "\#(secret)"}"#, to: "users/2.json")
    try folder.write(
        #"{"organisationId": 1, "name": "One", "slug": "one", "managers": [4, 2], "kept": "\#(secret)"}"#,
        to: "organisations/1.json")
    for (id, status) in [(1, "Published"), (2, "Drafted"), (3, "Archived")] {
        let word = ["PUBLISHED", "DRAFT", "ARCHIVED"][id - 1]
        try folder.write(
            #"{"projectId": \#(id), "name": "\#(status)", "status": "\#(word)", "author": 4, "organisation": 1, "#
                + #""contributors": [2], "kept": "\#(secret)"}"#, to: "projects/\(id).json")
    }
    try folder.write(
        #"{"id": 5, "name": "Floods", "organisations": [1], "projects": [1, 2, 3]}"#, to: "campaigns/5.json")
    return service
}
