import Campaigns
import FolderStore
import Foundation
import Logging
import Messages
import Testing

@testable import CampaignAPI

/// A service whose user 3 has got messages with these texts; the first is 1.
func service(messages texts: [String]) throws -> Service {
    let service = try Service()
    try service.folder.write(#"{"projectId": 1, "contributors": [3]}"#, to: "projects/1.json")
    for (index, text) in texts.enumerated() {
        let message = Message(
            id: index + 1, campaign: 5, campaignName: "Floods", sender: 1, senderName: "user1", senderPicture: nil,
            subject: "s\(index + 1)", text: text, sentDate: "2026-05-06T14:08:46.\(100_000 + index)Z", projects: [1])
        try service.folder.write(
            String(decoding: message.json.indented, as: UTF8.self), to: "messages/\(index + 1).json")
    }
    try service.api.store.deliverMessages(byMail: false, logger: nil)
    return service
}

private func page(_ service: Service, _ query: String = "") throws -> [[String: Any]] {
    try service.ask(.get, "/notifications/\(query)", user: 3).json["userMessages"] as? [[String: Any]] ?? []
}

@Test("long messages and short ones are shown alike, on a page and alone, also after a change by hand")
func longAndShort() throws {
    let texts = ["short *1*", String(repeating: "long *2* ", count: 4000), "short *3*"]
    let service = try service(messages: texts)
    for _ in 0..<2 {
        let shown = try page(service)
        #expect(shown.map { $0["messageId"] as? Int } == [3, 2, 1])
        for (message, text) in zip(shown, texts.reversed()) {
            let html = text.split(separator: "*").enumerated()
                .map { $0.offset.isMultiple(of: 2) ? $0.element : "<em>\($0.element)</em>" }.joined()
            #expect((message["message"] as? String)?.hasSuffix("<p>\(html.trimmed())</p>\n") == true)
            let id = message["messageId"] as? Int ?? 0
            let single = try service.ask(.get, "/notifications/\(id)/", user: 3).json
            #expect(single["message"] as? String == message["message"] as? String)
            #expect(single["subject"] as? String == "s\(id)")
        }
    }
    let path = "messages/2.json"
    let before = try String(
        decoding: Data(contentsOf: URL(fileURLWithPath: service.folder.path + "/" + path)), as: UTF8.self)
    try service.folder.write(before.replacingOccurrences(of: "long", with: "changed"), to: path)
    #expect(try (page(service)[1]["message"] as? String)?.contains("changed <em>2</em> changed") == true)
    try FileManager.default.removeItem(atPath: service.folder.path + "/" + path)
    #expect(try page(service).map { $0["messageId"] as? Int } == [3, 1])
    #expect(service.ask(.get, "/notifications/2/", user: 3).status == .forbidden)
}

@Test("a page of the longest messages is bounded, has them all, and each is whole when it is opened")
func fullPage() throws {
    let texts = ["short"] + (2...12).map { "\($0) " + String(repeating: "&", count: 1_000_000) }
    let service = try service(messages: texts)
    let response = service.ask(.get, "/notifications/?pageSize=100&sortDirection=asc", user: 3)
    #expect(response.body.count < 40 << 20)
    let shown = try response.json["userMessages"] as? [[String: Any]] ?? []
    #expect(shown.map { $0["messageId"] as? Int } == Array(1...12))
    #expect((shown[2]["message"] as? String)?.utf8.count ?? 0 > 5_000_000)
    #expect((shown[11]["message"] as? String)?.contains("open the message to read it") == true)
    let single = try service.ask(.get, "/notifications/12/", user: 3).json
    #expect((single["message"] as? String)?.utf8.count ?? 0 > 5_000_000)
}
