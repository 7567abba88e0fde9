import Foundation
import HTTPTypes
import Testing

@testable import CampaignAPI

@Test(
    "what the disk does not give back of messages is refused for now, and nothing of it gets lost",
    arguments: ["messages/2.json", "messages/recipients/2.json"])
func unreadableMessage(file: String) throws {
    let service = try service(messages: ["one", "two", "three"])
    let path = "\(service.folder.path)/\(file)"
    let content = try #require(FileManager.default.contents(atPath: path))
    func ask(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") -> Int {
        service.ask(method, path, user: 3, body: body).status.code
    }
    #expect(ask(.delete, "/notifications/2/") == 200)
    #expect(ask(.post, "/notifications/mark-as-read-multiple/", #"{"messageIds": [1]}"#) == 200)
    // The system answers EIO to who reads the first page of a process.
    symlink("/proc/self/mem", "\(path).new")
    rename("\(path).new", path)
    #expect(ask(.get, "/notifications/2/") == 503)
    #expect(ask(.delete, "/notifications/2/") == 503)
    #expect(ask(.post, "/notifications/mark-as-read-multiple/", #"{"messageIds": [2]}"#) == 503)
    // What was deleted between these two would otherwise be forgotten, or be taken for read.
    #expect(ask(.post, "/notifications/mark-as-read-multiple/", #"{"messageIds": [1, 3]}"#) == 503)
    #expect(ask(.post, "/notifications/mark-as-read-all/") == 503)
    #expect(ask(.delete, "/notifications/delete-all/") == 503)
    #expect(ask(.get, "/notifications/") == 200)
    unlink(path)
    try content.write(to: URL(fileURLWithPath: path))
    #expect(ask(.post, "/notifications/mark-as-read-multiple/", #"{"messageIds": [3]}"#) == 200)
    #expect(ask(.get, "/notifications/2/") == 404)
    let shown = try service.ask(.get, "/notifications/", user: 3).json["userMessages"] as? [[String: Any]] ?? []
    #expect(shown.map { $0["messageId"] as? Int } == [3, 1])
    #expect(shown.map { $0["read"] as? Bool } == [true, true])
}
