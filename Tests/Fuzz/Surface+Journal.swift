import CampaignAPI
import FolderStore
import Foundation
import JSON
import TestSupport

extension Surface {
    /// Between the groups of an input of `journal`: no record has it in it.
    static let groupSeparator: UInt8 = 0x1E

    /// What a group of an input begins with.
    struct GroupMark: OptionSet {
        let rawValue: UInt8
        static let isDone = GroupMark(rawValue: 1)
        static let isOfBefore = GroupMark(rawValue: 2)
        /// It is taken as it is, with whatever it has of a header.
        static let isRaw = GroupMark(rawValue: 4)
    }

    /// A journal that a process that died has left, or a machine that lost its power. Digests and lengths are put right,
    /// for otherwise nothing of it would be looked at.
    ///
    /// It is carried out as far as it is one, and keeps nobody from writing; all processes then show the same, and nothing is
    /// made but records and pictures.
    func strikeJournal(_ input: [UInt8], _ fixture: Fixture) throws {
        let journal = input.split(separator: Self.groupSeparator).flatMap { group -> [UInt8] in
            let mark = GroupMark(rawValue: group.first ?? 0)
            let body = Array(group.dropFirst())
            if mark.contains(.isRaw) { return body }
            let boot = mark.contains(.isOfBefore) ? JournalText.otherBoot : JournalText.thisBoot
            return JournalText(body: body, boot: boot, isDone: mark.contains(.isDone)).bytes
        }
        let names = try Self.names(in: fixture.folder.path)
        try fixture.write(journal, to: ".journal")
        defer { unlink(fixture.folder.url(".journal").path) }

        try fixture.ask("GET", "/campaigns/").check("GET /campaigns/")
        // The start of a process that has to be quick looks only for what a machine has left.
        _ = try FolderStore(fixture.folder, CampaignJSON(), logger: silent, watching: false).read {
            try $0.allCampaigns().representation()
        }
        let answer = fixture.ask("POST", "/campaigns/", user: 1, body: #"{"name": "after the journal"}"#)
        // Where the highest number of all is the id of a campaign, there is none left.
        let lines = journal.split(separator: UInt8(ascii: "\n"))
        let isFull = lines.contains { $0.starts(with: "campaigns/\(Int.max).json".utf8) }
        try answer.check("POST /campaigns/", mayBeUnavailable: isFull)
        let id = answer.json?["campaignId"]?.wholeNumber
        try expect(id != nil || isFull || answer.status == .conflict, "\(answer.status) to POST /campaigns/")
        if let id {
            let made = fixture.ask("GET", "/campaigns/\(id)/").json?["name"]?.text
            try expect(made == "after the journal", "campaign \(id) is \(made ?? "gone")")
        }
        try fixture.store.checkpoint()
        try expect(
            (try? Data(contentsOf: fixture.folder.url(".journal")))?.isEmpty != false, "the journal is not empty")
        let shown = fixture.ask("GET", "/campaigns/").body
        let again = try FolderStore(fixture.folder, CampaignJSON(), logger: silent, watching: false).read {
            try $0.allCampaigns().representation().bytes
        }
        try expect(shown == again, "a start shows another list")
        try expect(
            try Self.names(in: fixture.folder.path) == names, "something else than records and pictures was made")
        for name in try Self.names(in: fixture.folder.logos) { unlink("\(fixture.folder.logos)/\(name)") }
        try fixture.reset()
    }

    private static func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).filter { ![".journal", ".lock"].contains($0) }
            .sorted()
    }
}
