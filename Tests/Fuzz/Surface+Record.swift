import CampaignAPI
import Crypto
import FastCGI
import FolderStore
import Foundation
import JSON
import Logging
import Messages

let silent = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }

extension Surface {
    /// What an input of `record` may be written over; its first byte says which.
    static let files = [
        "campaigns/5.json", "campaigns/.next-id", "organisations/1.json", "projects/11.json", "users/2.json",
        "messages/1.json", "messages/recipients/1.json", "messages/mailed/1.json", "messages/readers/9.json",
        "messages/.next-id", "changes/2000-01.jsonl", thisMonth,
    ]
    /// Where the history goes on.
    static let thisMonth = "changes/\(Date().ISO8601Format().prefix(7)).jsonl"

    /// Everything that can be asked of a folder in which one file is strange: never a server error but for the 503 of a
    /// change that would overwrite what cannot be read, and nothing is lost that the service does not know.
    func strikeRecord(_ input: [UInt8], _ fixture: Fixture) throws {
        guard let first = input.first else { return }
        let path = Self.files[Int(first) % Self.files.count]
        let bytes = Array(input.dropFirst())
        try fixture.write(bytes, to: path)
        for (user, path) in [
            (1, "/campaigns/"), (1, "/campaigns/5/"), (1, "/projects/11/campaigns/"),
            (1, "/organisations/1/campaigns/"),
            (9, "/notifications/"), (9, "/notifications/queries/own/count-unread/"), (9, "/notifications/1/"),
            (1, "/system/heartbeat/"), (1, "/campaigns/changes/?pageSize=100"), (1, "/campaigns/5/changes/"),
        ] {
            try fixture.ask("GET", path, user: user).check("GET \(path)", mayBeUnavailable: true)
        }
        let before = fixture.ask("GET", "/campaigns/5/")
        for (method, path, user, body) in [
            ("POST", "/campaigns/", 1, #"{"name": "new", "organisations": [1]}"#),
            ("PATCH", "/campaigns/5/", 1, #"{"description": "changed"}"#),
            ("POST", "/projects/12/campaigns/5/", 1, ""), ("POST", "/organisations/2/campaigns/5/", 2, ""),
            ("POST", "/campaigns/5/actions/message-contributors/", 1, #"{"subject": "s", "message": "m"}"#),
            ("POST", "/notifications/mark-as-read-all/", 9, ""), ("DELETE", "/notifications/1/", 9, ""),
        ] {
            try fixture.ask(method, path, user: user, body: body).check(
                "\(method) \(path)", mayBeUnavailable: true)
        }
        try fixture.store.deliverMessages(byMail: true, logger: nil)
        try fixture.ask("GET", "/campaigns/changes/", user: 1).check("GET changes", mayBeUnavailable: true)
        if path == "campaigns/5.json", before.status == .ok {
            try checkKept(bytes, Array(Data(contentsOf: fixture.folder.url(path))))
        }
        try fixture.ask("DELETE", "/campaigns/5/", user: 1).check("DELETE /campaigns/5/", mayBeUnavailable: true)
        let shown = fixture.ask("GET", "/campaigns/").body
        let again = try FolderStore(fixture.folder, CampaignJSON(), logger: silent, watching: false).read {
            try $0.allCampaigns().representation().bytes
        }
        try expect(shown == again, "a start shows another list")
        try fixture.reset()
    }

    /// What the service does not know stays where it is when it writes the file.
    private func checkKept(_ before: [UInt8], _ after: [UInt8]) throws {
        guard case .object(let old)? = try? JSONValue(parsing: before),
            case .object(let new)? = try? JSONValue(parsing: after)
        else { throw Finding("the campaign's file is not a JSON object") }
        let known = ["id", "name", "logo", "url", "description", "organisations", "projects"]
        for member in old.members where !known.contains(member.name) {
            try expect(new[member.name] == member.value, "\(member.name) got lost")
        }
        try expect(new["name"] == old["name"], "the name has changed")
    }

    /// The input is what stands between the cache's first line and its digest. The states that it says of files are put
    /// right, for otherwise nothing of it would be looked at.
    func strikeCache(_ input: [UInt8], _ fixture: Fixture) throws {
        // Below this number of files there is no cache.
        let ids = 1...500
        if !FileManager.default.fileExists(atPath: fixture.folder.url("campaigns/500.json").path) {
            for id in ids where fixture.files["campaigns/\(id).json"] == nil {
                try fixture.folder.write(Array(#"{"id": \#(id), "name": "c\#(id)"}"#.utf8), to: "campaigns/\(id).json")
            }
        }
        var bytes = input
        var offset = 0
        while bytes.count - offset >= 72 {
            let numbers = (0..<9).map { place in
                bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset + place * 8, as: Int.self) }
            }
            var status = stat()
            if ids.contains(numbers[0]), stat(fixture.folder.url("campaigns/\(numbers[0]).json").path, &status) == 0 {
                let state = [
                    Int(status.st_size), Int(bitPattern: UInt(status.st_ino)),
                    status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec,
                    status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec,
                ]
                state.withUnsafeBytes { bytes.replaceSubrange((offset + 8)..<(offset + 40), with: $0) }
            }
            // -1 is an opening that is not there.
            let opening = numbers[6] == -1 ? 0 : numbers[6]
            let lengths = [numbers[5], opening, numbers[7] &* 8, numbers[8] &* 8]
            guard lengths.allSatisfy({ (0...bytes.count).contains($0) }) else { break }
            offset += 72 + lengths.reduce(0, +)
        }
        bytes = Array("campaignd cache 2\n".utf8) + bytes
        bytes += Array(SHA256.hash(data: bytes))
        try fixture.folder.write(bytes, to: "campaigns/.cache")
        let store = try FolderStore(fixture.folder, CampaignJSON(), logger: silent, watching: false)
        let shown = try store.read { catalogue in
            for id in [1, 5, 499, 500] { _ = try catalogue.campaign(id) }
            _ = try catalogue.campaigns(ofProject: 11)
            _ = try catalogue.campaigns(ofOrganisation: 1)
            return try catalogue.campaignCount()
        }
        try expect(shown == ids.count, "\(shown) campaigns are shown")
        _ = try store.read { try $0.allCampaigns().representation() }
    }
}
