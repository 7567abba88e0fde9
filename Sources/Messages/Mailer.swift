public import CampaignStore
public import Campaigns
internal import Glibc
public import Logging

/// Sends delivered messages by e-mail as well, to recipients who have an address, through a program such as sendmail.
public struct Mailer: Sendable {
    private let store: Store
    /// The program and its arguments.
    private let command: [String]
    private let from: String
    private let appBaseURL: String
    private let settingsURL: String
    private let logger: Logger

    /// Seconds that the program may take for one e-mail.
    private static let patience = 60
    /// Between two e-mails, so that nobody takes them for a flood.
    private static let pause: UInt32 = 100_000

    /// - Parameters:
    ///   - command: `SENDMAIL`, such as `/usr/sbin/sendmail -t -i`; its words are separated by spaces. It gets the e-mail on standard input.
    ///   - from: the address that the e-mails come from.
    ///   - appBaseURL: where the Tasking Manager's web client is, without a slash at the end.
    ///   - settingsURL: where a user says that they want no such messages.
    public init(
        _ store: Store, command: String, from: String, appBaseURL: String, settingsURL: String, logger: Logger
    ) {
        self.store = store
        self.command = command.split(separator: " ").map(String.init)
        self.from = from
        self.appBaseURL = appBaseURL
        self.settingsURL = settingsURL
        self.logger = logger
    }

    /// Whether a text is an e-mail address that can be used.
    public static func isAddress(_ text: String) -> Bool { MailMessage.isAddress(text) }

    /// Sends what has not been sent, unless another process is at it.
    ///
    /// How far it has come is on the disk after every e-mail. A crash between the two can repeat the last one; none is left out.
    ///
    /// - Parameters:
    ///   - isEnding: asked before every e-mail; true leaves the rest for later.
    ///   - progress: told after every e-mail: the message, how many recipients have been dealt with, of how many.
    /// - Throws: ``FolderUnavailable``.
    public func sendWaiting(
        isEnding: () -> Bool = { false }, progress: (Message, Int, Int) -> Void = { _, _, _ in }
    ) throws {
        guard let lock = try store.mailLock() else { return }
        defer { withExtendedLifetime(lock) {} }
        while !isEnding(), let (message, mailing, recipients) = try next() {
            var mailing = mailing
            let html = MessageHTML(appBaseURL: appBaseURL).html(message)
            while mailing.handled < recipients.count {
                if isEnding() { return }
                let id = recipients[mailing.handled]
                mailing.handled += 1
                guard let user = try store.read({ try $0.user(id) }), user.projectsNotifications,
                    let address = user.emailAddress, MailMessage.isAddress(address)
                else { continue }
                let mail = MailMessage(
                    message: message, recipient: user, address: address, from: from, html: html,
                    settingsURL: settingsURL, time: time(nil))
                if !send(mail.text) {
                    mailing.failed.append(id)
                    logger.error("an e-mail was not sent", metadata: ["message": "\(message.id)", "user": "\(id)"])
                }
                try record(mailing)
                progress(message, mailing.handled, recipients.count)
                usleep(Self.pause)
            }
            try record(mailing)
        }
    }

    private func record(_ mailing: Mailing) throws {
        try store.write { $0.put(mailing) }
    }

    private func next() throws -> (Message, Mailing, [Int])? {
        try store.read { catalogue in
            for mailing in try catalogue.allMailings() {
                // The message last: it may have to be read, and nearly all have been sent.
                guard let recipients = try catalogue.recipients(ofMessage: mailing.id),
                    mailing.handled < recipients.count, let message = try catalogue.message(mailing.id)
                else { continue }
                return (message, mailing, recipients)
            }
            return nil
        }
    }

    /// Runs the program with a text on its standard input.
    ///
    /// - Returns: whether it ended in time with status 0.
    private func send(_ text: String) -> Bool {
        // A file, not a pipe: a program that does not read cannot hold this up.
        guard let program = command.first, let input = tmpfile() else { return false }
        defer { fclose(input) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, input) == bytes.count, fflush(input) == 0, fseek(input, 0, SEEK_SET) == 0
        else { return false }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        // The service blocks and ignores signals that the program may need.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &pipe)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The secret is nobody's business but the service's.
        let visible = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        var variables: [UnsafeMutablePointer<CChar>?] = visible.map { strdup($0) } + [nil]
        defer { for variable in variables { free(variable) } }
        var child = pid_t()
        guard posix_spawnp(&child, program, &actions, &attributes, &arguments, &variables) == 0 else { return false }
        return succeeded(child)
    }

    private func succeeded(_ child: pid_t) -> Bool {
        var status: Int32 = 0
        for _ in 0..<(Self.patience * 100) {
            if waitpid(child, &status, WNOHANG) == child { return status == 0 }
            usleep(10_000)
        }
        kill(child, SIGKILL)
        waitpid(child, &status, 0)
        return false
    }
}
