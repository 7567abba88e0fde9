import ArgumentParser
import CampaignAPI
import Campaigns
import FolderStore
import Glibc
import Messages
import Records

struct MessagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "messages",
        abstract: "List the messages: when, by whom, for which campaign, to how many, and how far they are.",
        discussion: """
            The columns are separated by tabs: id, time, sender, campaign, subject, delivery, e-mail. A message that waits \
            for a record which cannot be read says for which. Users whose e-mail was given up are named; \
            'campaignd deliver --retry-failed' sends them again.

            With --prune, messages that were sent before the time in --older-than are removed instead, for all who got \
            them. Those that wait for their delivery, or whose e-mails are not all sent, stay. Their ids are not used again.
            """)

    @OptionGroup var data: DataArgument

    @Flag(help: "Remove old messages.")
    var prune = false

    @Option(help: ArgumentHelp("How old they are at least, such as 365d or 12h.", valueName: "time"))
    var olderThan: String?

    func validate() throws {
        guard prune == (olderThan != nil) else { throw ValidationError("--prune and --older-than need each other.") }
        guard let olderThan else { return }
        guard Self.seconds(olderThan) != nil else {
            throw ValidationError("--older-than is a time such as 365d, not '\(olderThan)'.")
        }
    }

    /// Nothing is older than a thousand years.
    private static func seconds(_ text: String) -> Int? { Duration.seconds(of: text, atMost: 365_000 * 86_400) }

    func run() throws {
        try reporting {
            let store = try FolderStore(Settings.folder(data.path), CampaignJSON(), logger: Settings.logger())
            if let olderThan = olderThan.flatMap(Self.seconds) {
                let date = UTC.text(Glibc.time(nil) - olderThan, UTC.rfc3339)
                let count = try store.pruneMessages(sentBefore: date)
                print("\(count) \(count == 1 ? "message" : "messages") removed")
            } else {
                try list(store)
            }
        }
    }

    private func list(_ store: FolderStore) throws {
        let ids = try store.read { try $0.messageIDs() }
        for id in ids {
            let (message, recipients, mailing) = try store.read { catalogue in
                (
                    try catalogue.message(id), try catalogue.recipientCount(ofMessage: id),
                    try catalogue.isUnreadable(.mailings, id) ? nil : try catalogue.mailing(id)
                )
            }
            guard let message else { continue }
            var columns = [
                "\(message.id)", message.sentDate, message.senderName, "\(message.campaign) \(message.campaignName)",
                message.subject,
            ]
            if let recipients {
                columns.append("delivered to \(recipients)")
                if let mailing { columns.append(try Self.progress(of: mailing, recipients, store)) }
            } else {
                let files = try store.filesLacking(forMessage: id)
                columns.append("waiting for \(files.isEmpty ? "delivery" : files.abridged)")
            }
            print(columns.map(\.printable).joined(separator: "\t"))
        }
        if ids.isEmpty { print("no messages") }
    }

    /// How many have been dealt with, who was given up, and what is tried again.
    private static func progress(of mailing: Mailing, _ recipients: Int, _ store: FolderStore) throws -> String {
        let handled = min(mailing.handled, recipients)
        var failed = Array(mailing.failed.dropFirst(mailing.retrying))
        if mailing.isGivenUp { failed += try store.recipients(ofMessage: mailing.id).dropFirst(handled) }
        let waiting = mailing.waiting.count + mailing.retrying
        let done = mailing.isGivenUp ? recipients : handled - min(waiting, handled)
        var text = "e-mail \(done) of \(recipients)"
        if !failed.isEmpty {
            let some = failed.prefix(100).map { "\($0)" }.joined(separator: " ")
            let rest = failed.count > 100 ? " and \(failed.count - 100) more" : ""
            text += ", \(failed.count) failed: \(failed.count == 1 ? "user" : "users") \(some)\(rest)"
        }
        if waiting > 0 {
            text += ", \(waiting) to be tried again"
            if let next = mailing.waiting.map(\.next).min() { text += ", the next after \(time(next))" }
        }
        if let next = mailing.outage?.next { text += ", SENDMAIL fails, to be tried after \(time(next))" }
        return text
    }

    private static func time(_ seconds: Int) -> String { "\(UTC.text(seconds, UTC.rfc3339))Z" }
}

extension String {
    /// The text such that a name in it cannot make a line or a column of its own, nor command the terminal.
    var printable: String { String(String.UnicodeScalarView(unicodeScalars.map { $0.isPrintable ? $0 : " " })) }
}

extension Unicode.Scalar {
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
