import ArgumentParser
import CampaignAPI
import Campaigns
import FolderStore
import Glibc
import JSON

struct ChangesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "List who changed what: when, by whom, and what it was before.",
        discussion: """
            The columns are separated by tabs: number, time in UTC, user, action, campaign, and what changed. The oldest \
            entry comes first. Long texts are cut short; the files in changes/ have them whole.

              campaignd changes data --since 7d
              campaignd changes data --campaign 5 --user amina_maps
              tail -f data/changes/2026-11.jsonl

            A change that somebody made by hand in the files has no entry, nor have records that were imported.
            """)

    @OptionGroup var data: DataArgument

    @Option(help: ArgumentHelp("Only changes of this campaign, be it deleted by now.", valueName: "id"))
    var campaign: Int?

    @Option(help: ArgumentHelp("Only changes by this user, by id or name.", valueName: "user"))
    var user: String?

    @Option(
        help: ArgumentHelp(
            "Only changes since then: a time ago such as 7d or 12h, or a date such as 2026-11-01.", valueName: "time"))
    var since: String?

    func validate() throws {
        guard let since, Self.date(since) == nil else { return }
        throw ValidationError("--since is a time such as 7d, or a date such as 2026-11-01, not '\(since)'.")
    }

    /// The beginning of a time as entries have it.
    private static func date(_ text: String) -> String? {
        if let seconds = Duration.seconds(of: text, atMost: 365_000 * 86_400) {
            return UTC.text(Glibc.time(nil) - seconds, UTC.rfc3339)
        }
        return ["0000-00-00", "0000-00-00T00:00", "0000-00-00T00:00:00"].contains(where: text.hasForm) ? text : nil
    }

    func run() throws {
        try reporting {
            let folder = try Settings.folder(data.path)
            let users = try folder.users()
            let names = Dictionary(users.map { ($0.id, $0.username) }) { first, _ in first }
            // One who has no record any more has an id.
            let wanted = try user.map { try UserReference($0).id(among: users, needsRecord: false) }
            let since = since.flatMap(Self.date) ?? ""
            let store = try FolderStore(folder, CampaignJSON(), logger: Settings.logger(), watching: false)
            let line = { (entry: ChangeEntry, _: [String?]) -> String? in
                guard entry.date >= since, wanted.map({ $0 == entry.user }) ?? true else { return nil }
                let columns = [
                    "\(entry.id)", entry.date, names[entry.user].flatMap { $0 } ?? "user \(entry.user)",
                    entry.action.rawValue, "\(entry.campaign) \(entry.campaignName)",
                    entry.fields.members.map(Self.difference).joined(separator: "; "),
                ]
                return columns.map(\.printable).joined(separator: "\t")
            }
            let lines = try store.changes(ofCampaign: campaign, { 0..<$0 }, line)
            for case .some(let line) in lines.reversed() { print(line) }
            if !lines.contains(where: { $0 != nil }) { print("no changes") }
        }
    }

    private static func difference(_ field: JSONObject.Member) -> String {
        guard case .object(let values) = field.value, let old = values["from"], let new = values["to"] else {
            return field.name
        }
        if old == .null { return "\(field.name) \(text(new))" }
        return new == .null ? "\(field.name) \(text(old)) removed" : "\(field.name) \(text(old)) -> \(text(new))"
    }

    private static func text(_ value: JSONValue) -> String {
        let text = String(decoding: value.compact, as: UTF8.self)
        return text.unicodeScalars.count > 100 ? "\(String(text.unicodeScalars.prefix(100)))…" : text
    }
}
