import ArgumentParser
import CampaignAPI
import Campaigns
import FolderStore
import Glibc
import Messages

struct Deliver: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deliver the messages that are waiting, and send their e-mails.",
        discussion: """
            For cron, where the service runs as plain CGI and nothing runs between requests; a running 'campaignd serve' \
            does this by itself. E-mails are sent when SENDMAIL names a command, such as '/usr/sbin/sendmail -t -i', and \
            APP_BASE_URL or MAIL_FROM says where they come from.

            An e-mail that the command does not take is tried again, later and later, for two days. What is given up then, \
            or at once because of the address (exit status 65 or 67), 'campaignd messages' names. --retry-failed begins \
            anew with all of these. A running service then sends them; without one, this command does.
            """)

    @OptionGroup var data: DataArgument

    @Flag(help: "Send the e-mails again that were given up, and those at once that wait for another attempt.")
    var retryFailed = false

    @Option(help: ArgumentHelp("With --retry-failed: only those of this message.", valueName: "id"))
    var message: Int?

    func validate() throws {
        guard message == nil || retryFailed else { throw ValidationError("--message needs --retry-failed.") }
    }

    func run() throws {
        try reporting {
            let logger = try Settings.logger()
            let mail = try Settings.mail()
            let store = try FolderStore(Settings.folder(data.path), CampaignJSON(), logger: logger)
            try store.deliverMessages(byMail: mail != nil, logger: logger) { message, recipients in
                print("message \(message.id) delivered to \(recipients) \(recipients == 1 ? "user" : "users")")
            }
            for (id, files) in store.messagesThatWait.sorted(by: { $0.key < $1.key }) {
                print("message \(id) waits: \(files.abridged) cannot be read")
            }
            if retryFailed {
                guard let count = try Mailer.retryFailed(store, message: message) else {
                    throw Failure.refused("another process is sending e-mails: try again when it is done")
                }
                print("\(count) \(count == 1 ? "e-mail is" : "e-mails are") to be sent again")
            }
            if let mail { try send(Mailer(store, mail, logger: logger)) }
        }
    }

    private func send(_ mailer: Mailer) throws {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        try mailer.sendWaiting(progress: { message, handled, total in
            guard isTerminal || handled == total || handled % 100 == 0 else { return }
            let end = isTerminal && handled < total ? "\r" : "\n"
            print("message \(message.id): \(handled) of \(total) dealt with by e-mail", terminator: end)
            fflush(nil)
        })
    }
}
