import ArgumentParser
import CampaignStore
import Campaigns

struct MessagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "messages",
        abstract: "List the messages: when, by whom, for which campaign, to how many, and how far they are.",
        discussion: "The columns are separated by tabs: id, time, sender, campaign, subject, delivery, e-mail.")

    @OptionGroup var data: DataArgument

    func run() throws {
        try reporting {
            let store = try Store(Settings.folder(data.path), logger: Settings.logger())
            let (ids, mailings) = try store.read { (try $0.messageIDs(), try $0.allMailings()) }
            // One after the other: long ones are read from their files, and are not kept.
            let lines = try ids.compactMap { id -> String? in
                try store.read { catalogue in
                    guard let message = try catalogue.message(id) else { return nil }
                    return Self.line(
                        message, recipients: try catalogue.recipients(ofMessage: id)?.count,
                        mailing: mailings.first { $0.id == id })
                }
            }
            for line in lines { print(line) }
            if lines.isEmpty { print("no messages") }
        }
    }

    private static func line(_ message: Message, recipients: Int?, mailing: Mailing?) -> String {
        var columns = [
            "\(message.id)", message.sentDate, message.senderName, "\(message.campaign) \(message.campaignName)",
            message.subject, recipients.map { "delivered to \($0)" } ?? "waiting for delivery",
        ]
        if let mailing, let recipients {
            let failed = mailing.failed.isEmpty ? "" : ", \(mailing.failed.count) failed"
            columns.append("e-mail \(min(mailing.handled, recipients)) of \(recipients)\(failed)")
        }
        return columns.map(\.printable).joined(separator: "\t")
    }
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
