import Foundation
import HTTPTypes
import Testing

@testable import CampaignAPI

// An answer that would be wrong without a record that cannot be read is 503 (promise 7).

/// Puts something in a record's place that is there but gives no record.
private func spoil(_ service: Service, _ file: String, _ how: String) throws {
    let path = "\(service.folder.path)/\(file)"
    unlink(path)
    if how == "disk" {
        // The system answers EIO to who reads the first page of a process.
        symlink("/proc/self/mem", path)
    } else {
        try service.folder.write("{", to: file)
    }
}

@Test(
    "without the record of who asks, of the project or of the organisation nobody is told that they may not, or that there is none",
    arguments: ["disk", "text"],
    [
        ("users/1.json", "POST", "/campaigns/", 1), ("users/1.json", "PATCH", "/campaigns/5/", 1),
        ("users/1.json", "POST", "/campaigns/5/actions/message-contributors/", 1),
        ("users/1.json", "POST", "/notifications/mark-as-read-all/", 1),
        ("users/4.json", "DELETE", "/campaigns/5/", 4),
        ("organisations/1.json", "POST", "/campaigns/", 2),
        ("organisations/1.json", "GET", "/organisations/1/campaigns/", 1),
        ("organisations/1.json", "POST", "/organisations/1/campaigns/5/", 2),
        ("organisations/1.json", "GET", "/campaigns/5/", 1),
        ("projects/1.json", "GET", "/projects/1/campaigns/", 1),
        ("projects/1.json", "POST", "/projects/1/campaigns/5/", 2),
        ("organisations/2.json", "POST", "/projects/1/campaigns/5/", 2),
        ("campaigns/5.json", "GET", "/campaigns/5/", 1), ("campaigns/5.json", "DELETE", "/campaigns/5/", 1),
        ("campaigns/5.json", "POST", "/projects/1/campaigns/5/", 1),
    ])
func unreadable(how: String, input: (file: String, method: String, path: String, user: Int)) throws {
    let service = try Service()
    let method = try #require(HTTPRequest.Method(rawValue: input.method))
    let content = try #require(FileManager.default.contents(atPath: "\(service.folder.path)/\(input.file)"))
    try spoil(service, input.file, how)
    let body = #"{"name": "new", "subject": "a", "message": "b"}"#
    let response = service.ask(method, input.path, user: input.user, body: body)
    #expect(response.status == .serviceUnavailable)
    #expect(response.headerFields[.retryAfter] != nil)
    #expect(!response.text.contains(service.folder.path))
    // What needs nothing of it goes on.
    #expect(service.ask(.get, "/campaigns/").status == .ok)
    #expect(service.ask(.get, "/notifications/", user: input.user).status == .ok)
    unlink("\(service.folder.path)/\(input.file)")
    try content.write(to: URL(fileURLWithPath: "\(service.folder.path)/\(input.file)"))
    #expect(service.ask(method, input.path, user: input.user, body: body).status != .serviceUnavailable)
}

@Test("what a token alone allows needs no record")
func tokenAlone() throws {
    let service = try Service()
    try spoil(service, "users/3.json", "disk")
    #expect(service.ask(.get, "/notifications/", user: 3).status == .ok)
    #expect(service.ask(.get, "/notifications/queries/own/count-unread/", user: 3).status == .ok)
}

@Test("who manages an organisation that can be read need not wait for the others")
func otherOrganisation() throws {
    let service = try Service()
    try spoil(service, "organisations/2.json", "text")
    #expect(service.ask(.post, "/campaigns/", user: 2, body: #"{"name": "a"}"#).status == .created)
    #expect(service.ask(.post, "/campaigns/", user: 3, body: #"{"name": "b"}"#).status == .serviceUnavailable)
}

@Test("a name that a broken campaign may have is taken, for a new campaign and for a renamed one")
func brokenName() throws {
    let service = try Service()
    try service.folder.write(#"{"id": 7, "name": "Drought", "projects": [1,}"#, to: "campaigns/7.json")
    let body = #"{"name": "Drought"}"#
    let created = service.ask(.post, "/campaigns/", user: 1, body: body)
    #expect(created.status == .conflict && created.text.contains("NameExists"))
    let renamed = service.ask(.patch, "/campaigns/5/", user: 1, body: body)
    #expect(renamed.status == .badRequest && renamed.text.contains("NameExists"))
    #expect(service.ask(.post, "/campaigns/", user: 1, body: #"{"name": "Other"}"#).status == .created)
}

@Test("the heartbeat names a name that hands have given twice")
func doubleName() throws {
    let service = try Service()
    try service.folder.write(#"{"name": "Floods"}"#, to: "campaigns/7.json")
    let text = service.ask(.get, "/system/heartbeat/").text
    #expect(text.contains(#"{"file":"campaigns/7.json","reason":"name is that of 5.json as well"}"#))
}
