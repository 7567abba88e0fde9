import Foundation
import TestSupport
import Testing

@Suite("campaignd export, and import of what it wrote")
struct DocumentTests {
    private let fixture: Fixture
    private let copy: Fixture

    init() throws {
        fixture = try Fixture()
        copy = try Fixture()
    }

    @Test("an empty folder that takes a document has the same files")
    func roundTrip() throws {
        #expect(try fixture.campaignd(["init", fixture.data, "--demo"]).status == 0)
        try fill()
        let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        try fixture.write(#"{"id": 41, "name": "Deep", "deep": \#(deep)}"#, "campaigns/41.json")
        let document = try fixture.export()
        // In the form in which the service writes it.
        try fixture.folder.write(document, to: "document")
        #expect(try fixture.take(fixture.folder.path + "/document").text.contains("0 have changed"))
        try FileManager.default.removeItem(atPath: fixture.data + "/campaigns/41.json")
        _ = try fixture.take(fixture.folder.path + "/document")
        let outcome = try copy.take("-", input: document)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try copy.files() == fixture.files())
        #expect(try copy.export() == document)
        // As a file, and once more.
        try copy.folder.write(document, to: "document")
        let again = try copy.take(copy.folder.path + "/document")
        #expect(again.text.contains("0 records are new, 0 have changed, "))
        #expect(try copy.export() == document)
    }

    @Test("the document is an object with a list for each kind, a record a line, with the keys of the files")
    func form() throws {
        try fill()
        #expect(
            try fixture.export() == """
                {
                  "format": "campaignd",
                  "version": 1,
                  "nextIds": {"campaigns":50,"messages":3},
                  "users": [
                    {"id":21,"username":"Ana","role":"MAPPER","pictureUrl":null,"emailAddress":null,\
                "projectsNotifications":true,"since":2024}
                  ],
                  "organisations": [],
                  "projects": [],
                  "campaigns": [
                    {"id":40,"name":"Kept","logo":null,"url":null,"description":null,"organisations":[3,1],\
                "projects":[2],"colour":{"b":1,"a":[2.5,null]}}
                  ],
                  "messages": [
                    {"messageId":1,"campaign":40,"campaignName":"Kept","sender":1,"senderName":"demo_admin",\
                "senderPicture":null,"subject":"One","message":"A\\n\\"b\\"","sentDate":"2026-01-02T03:04:05.000006Z",\
                "projects":[2]},
                    {"messageId":2,"campaign":40,"campaignName":"Kept","sender":1,"senderName":"demo_admin",\
                "senderPicture":null,"subject":"Two","message":"","sentDate":"2026-01-02T03:04:05.000007Z","projects":[]}
                  ],
                  "recipients": [
                    {"messageId":1,"recipients":[2,21]}
                  ],
                  "mailed": [
                    {"messageId":1,"handled":1,"failed":[2]}
                  ],
                  "readers": [
                    {"id":21,"read":[[1,2]],"deleted":[]}
                  ]
                }

                """)
    }

    @Test("messages come with who got and who read them; where they are already, nothing of them changes")
    func messages() throws {
        try fill()
        let document = try fixture.export()
        _ = try copy.take("-", input: document)
        #expect(try copy.campaignd(["deliver", copy.data]).text == "message 2 delivered to 0 users\n")
        try copy.write(#"{"id": 21, "read": [[1, 2]], "deleted": [1]}"#, "messages/readers/21.json")
        let before = try copy.files()
        #expect(try copy.take("-", input: document).status == 0)
        #expect(try copy.files() == before)
    }

    @Test("a folder with messages of its own gets no others, for their ids would be the same")
    func strangeMessages() throws {
        try fill()
        let document = try fixture.export()
        _ = try copy.campaignd(["init", copy.data])
        try copy.write(message(1, "Another"), "messages/1.json")
        let outcome = try copy.take("-", input: document)
        #expect(outcome.text.contains("messages: 2 left out: the folder has others, with ids of their own"))
        #expect(try copy.files().keys.filter { $0.hasPrefix("messages/") } == ["messages/1.json"])
        #expect(try copy.read("campaigns/40.json") == fixture.read("campaigns/40.json"))
    }

    @Test("a record that is broken is named, and all others are in the document")
    func brokenRecord() throws {
        try fill()
        let whole = try fixture.export()
        try fixture.write("{", "users/4.json")
        let outcome = try fixture.campaignd(["export", "--data", fixture.data])
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("campaignd: left out: users/4.json: it is not valid JSON"))
        #expect(outcome.text == whole)
    }

    @Test("a message of which it is not to be read who got it is left out, for it would be delivered again")
    func brokenDelivery() throws {
        try fill()
        try fixture.write("{", "messages/recipients/1.json")
        let outcome = try fixture.campaignd(["export", "--data", fixture.data])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("messages/1.json: who got it is not to be read"))
        #expect(try copy.take("-", input: outcome.text).status == 0)
        #expect(try copy.files().keys.filter { $0.hasPrefix("messages/") }.sorted().prefix(1) == ["messages/2.json"])
    }

    @Test("a full disk is noticed")
    func fullDisk() throws {
        try fill()
        let outcome = try Command.run(
            "sh", ["-c", "exec '\(Repository.campaignd.path)' export --data '\(fixture.data)' >/dev/full"])
        #expect(outcome.status == 73)
        #expect(outcome.errors == "campaignd: the document cannot be written: No space left on device\n")
    }

    @Test("what is no record is left out, by name and with the reason")
    func faults() throws {
        let outcome = try copy.take(
            "-",
            input: """
                {"format": "campaignd", "version": 1,
                 "users": [{"id": 1, "username": "a"}, {"id": 1, "username": "b"}, {"id": 2, "role": "BOSS"}, 3],
                 "campaigns": [{"id": 1}, {"id": 0, "name": "x"}, {"id": 2, "name": "fine"}]}
                """)
        #expect(outcome.status == 0)
        #expect(
            outcome.text == """
                Left out or changed on the way:
                  user 2: left out: role is none of ADMIN, MAPPER, READ_ONLY
                  user no. 4: left out: id is not an id
                  user 1: comes twice; the first counts
                  campaign 1: left out: name is missing
                  campaign no. 2: left out: id is not an id
                2 records are new, 0 have changed, 0 were the same already

                """)
        #expect(try copy.files().keys.sorted() == ["campaigns/2.json", "users/1.json"])
    }

    @Test(
        "what is no document is refused, and the folder is not touched",
        arguments: [
            ("", "it is empty"), (#"{"format": "campaignd", "version": 1, "users": ["#, "not valid JSON"),
            ("[]", "is not one that"), (#"{"campaigns": []}"#, "is not one that"),
            (#"{"format": "campaignd", "version": 2}"#, "another version"),
            (#"{"format": "campaignd", "version": 1, "users": {}}"#, "users are an object"),
        ])
    func noDocument(text: String, reason: String) throws {
        let outcome = try copy.take("-", input: text)
        #expect(outcome.status == 65)
        #expect(outcome.errors.hasPrefix("campaignd: the document"))
        #expect(outcome.errors.contains(reason))
        #expect(try copy.files().isEmpty)
    }

    @Test("a file that is not there is 66, a folder that cannot be made 73, and no folder named 78")
    func nothing() throws {
        let missing = try copy.take("/nowhere/document.json")
        #expect(missing.status == 66)
        #expect(missing.errors == "campaignd: the document cannot be read: No such file or directory\n")
        #expect(!FileManager.default.fileExists(atPath: copy.data))
        #expect(try fixture.campaignd(["export", "--data", fixture.data]).status == 1)
        _ = try fixture.campaignd(["init", fixture.data])
        let document = try fixture.export()
        try copy.folder.write("", to: "data")
        #expect(try copy.take("-", input: document).status == 73)
        #expect(try copy.campaignd(["import", "-"], input: document).status == 78)
        #expect(try copy.campaignd(["import"]).status == 64)
    }

    /// Puts records into the folder as the service would write them, with keys of somebody else's.
    private func fill() throws {
        try fixture.write(
            """
            {
              "id": 21,
              "username": "Ana",
              "role": "MAPPER",
              "pictureUrl": null,
              "emailAddress": null,
              "projectsNotifications": true,
              "since": 2024
            }

            """, "users/21.json")
        try fixture.write(
            """
            {
              "id": 40,
              "name": "Kept",
              "logo": null,
              "url": null,
              "description": null,
              "organisations": [3, 1],
              "projects": [2],
              "colour": {
                "b": 1,
                "a": [2.5, null]
              }
            }

            """, "campaigns/40.json")
        try fixture.write("50\n", "campaigns/.next-id")
        try fixture.write(message(1, "One", text: #"A\n\"b\""#, projects: "2"), "messages/1.json")
        try fixture.write(message(2, "Two"), "messages/2.json")
        try fixture.write("{\n  \"messageId\": 1,\n  \"recipients\": [2, 21]\n}\n", "messages/recipients/1.json")
        try fixture.write(
            "{\n  \"messageId\": 1,\n  \"handled\": 1,\n  \"failed\": [2]\n}\n", "messages/mailed/1.json")
        try fixture.write(
            "{\n  \"id\": 21,\n  \"read\": [\n    [1, 2]\n  ],\n  \"deleted\": []\n}\n", "messages/readers/21.json")
    }

    private func message(_ id: Int, _ subject: String, text: String = "", projects: String = "") -> String {
        """
        {
          "messageId": \(id),
          "campaign": 40,
          "campaignName": "Kept",
          "sender": 1,
          "senderName": "demo_admin",
          "senderPicture": null,
          "subject": "\(subject)",
          "message": "\(text)",
          "sentDate": "2026-01-02T03:04:05.00000\(id + 5)Z",
          "projects": [\(projects)]
        }

        """
    }
}
