import ArgumentParser
import CampaignStore
import Campaigns
import Glibc
import Messages

struct Deliver: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deliver the messages that are waiting, and send their e-mails.",
        discussion: """
            For cron, where the service runs as plain CGI and nothing runs between requests; a running 'campaignd serve' \
            does this by itself. E-mails are sent when SENDMAIL names a command, such as '/usr/sbin/sendmail -t -i'.
            """)

    @OptionGroup var data: DataArgument

    func run() throws {
        try reporting {
            let logger = try Settings.logger()
            let store = try Store(Settings.folder(data.path), logger: logger)
            let mailer = try Settings.mailer(store, logger)
            try store.deliverMessages(byMail: mailer != nil) { message, recipients in
                print("message \(message.id) delivered to \(recipients) \(recipients == 1 ? "user" : "users")")
            }
            let isTerminal = isatty(STDOUT_FILENO) == 1
            try mailer?.sendWaiting(progress: { message, handled, total in
                guard isTerminal || handled == total || handled % 100 == 0 else { return }
                let end = isTerminal && handled < total ? "\r" : "\n"
                print("message \(message.id): \(handled) of \(total) dealt with by e-mail", terminator: end)
                fflush(nil)
            })
        }
    }
}
