public import Campaigns
internal import Glibc
public import Logging
public import Records

/// Sends delivered messages by e-mail as well, to recipients who have an address, through a program such as sendmail.
///
/// An e-mail that the program does not take is tried again, later and later, for two days. A program that takes none at all
/// is tried with one e-mail at a time, so that an outage does not go through all recipients.
public struct Mailer: Sendable {
    private let store: any RecordStore
    private let settings: MailSettings
    private let program: MailProgram
    private let logger: Logger
    /// Seconds since 1970.
    private let now: @Sendable () -> Int

    /// Between two e-mails, so that nobody takes them for a flood.
    private static let pause: UInt32 = 100_000

    /// - Parameter now: the time in seconds since 1970.
    public init(
        _ store: any RecordStore, _ settings: MailSettings, logger: Logger, now: (@Sendable () -> Int)? = nil
    ) {
        self.store = store
        self.settings = settings
        program = MailProgram(settings.command)
        self.logger = logger
        self.now = now ?? { time(nil) }
    }

    /// Sends what is to be sent now, unless another process is at it.
    ///
    /// How far it has come is on the disk after every e-mail, before the next. While that is not possible, it waits, and keeps
    /// other processes from sending. A crash between the two can repeat the last one; none is left out.
    ///
    /// - Parameters:
    ///   - isEnding: asked before every e-mail; true leaves the rest for later.
    ///   - progress: told after every e-mail: the message, how many recipients have been dealt with, of how many.
    /// - Returns: false when another process is sending, and so nothing was done.
    /// - Throws: ``StoreUnavailable``; then nobody has been written to of whom it is not on the disk.
    @discardableResult
    public func sendWaiting(
        isEnding: () -> Bool = { false }, progress: (Message, Int, Int) -> Void = { _, _, _ in }
    ) throws -> Bool {
        guard let lock = try store.mailLock() else { return false }
        defer { withExtendedLifetime(lock) {} }
        var looked: Set<Int> = []
        var failure: StoreUnavailable?
        while !isEnding(), let id = try next(after: looked) {
            looked.insert(id)
            do {
                try send(id, isEnding, progress)
            } catch let error as StoreUnavailable {
                // The others may be in order.
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return true
    }

    /// Has the e-mails that were given up sent again, and those that wait sent at once.
    ///
    /// - Parameter message: nil: of all messages.
    /// - Returns: how many are to be sent again; nil when another process goes on sending.
    /// - Throws: ``StoreUnavailable``.
    public static func retryFailed(_ store: any RecordStore, message: Int? = nil) throws -> Int? {
        guard try store.read({ try !$0.allMailings().isEmpty }) else { return 0 }
        // Whoever is sending knows how far it is, and would write that over this.
        var lock = try store.mailLock()
        for _ in 0..<100 where lock == nil {
            usleep(100_000)
            lock = try store.mailLock()
        }
        guard let lock else { return nil }
        defer { withExtendedLifetime(lock) {} }
        var count = 0
        for id in try store.read({ try $0.allMailings().map(\.id) }) where message == nil || message == id {
            let recipients = try store.recipients(ofMessage: id).count
            count += try store.write { writer in
                guard var mailing = try writer.mailing(id) else { return 0 }
                let count = mailing.retryFailed(now: time(nil), recipients: recipients)
                if count > 0 { try writer.put(mailing) }
                return count
            }
        }
        return count
    }

    private func next(after looked: Set<Int>) throws -> Int? {
        let time = now()
        return try store.read { records in
            try records.allMailings().first { mailing in
                guard !looked.contains(mailing.id), try records.outline(ofMessage: mailing.id) != nil else {
                    return false
                }
                return mailing.isDue(time, recipients: try records.recipientCount(ofMessage: mailing.id) ?? 0)
            }?.id
        }
    }

    /// Sends of one message what is to be sent now.
    private func send(_ id: Int, _ isEnding: () -> Bool, _ progress: (Message, Int, Int) -> Void) throws {
        let (found, text) = try store.read { (try $0.mailing(id), try $0.message(id)) }
        guard let mailing = found, let message = text else { return }
        var queue = MailQueue(mailing, try store.recipients(ofMessage: id))
        let count = try store.read { try $0.recipientCount(ofMessage: id) ?? 0 }
        let html = MessageHTML(appBaseURL: settings.appBaseURL, publicURL: settings.publicURL).html(message)
        var recorded: Mailing?
        var isEndOfTurns = false
        while !isEndOfTurns, !isEnding(), let turn = queue.takeTurn(now: now()) {
            switch try mail(to: turn.user, message, html) {
            case .none: continue
            case .unreadable: queue.postpone(turn, now: now())
            case .text(let text):
                // Nobody is written to before it is certain that this can be recorded.
                if recorded == nil { try record(queue.before(turn)) }
                isEndOfTurns = account(for: program.send(text), turn, &queue)
                try recordPatiently(queue.mailing)
                recorded = queue.mailing
                progress(message, queue.done, count)
                usleep(Self.pause)
            }
        }
        if queue.mailing != recorded ?? mailing { try recordPatiently(queue.mailing) }
    }

    private enum Mail {
        /// This user gets none.
        case none
        /// Nobody knows whether this user gets one.
        case unreadable
        case text(String)
    }

    private func mail(to id: Int, _ message: Message, _ html: String) throws -> Mail {
        let (isUnreadable, user) = try store.read { records in
            let isUnreadable = try records.isUnreadable(.users, id)
            return (isUnreadable, isUnreadable ? nil : try records.user(id))
        }
        if isUnreadable { return .unreadable }
        guard let user, user.projectsNotifications, let address = user.emailAddress, MailMessage.isAddress(address)
        else { return .none }
        return .text(
            MailMessage(
                message: message, recipient: user, address: address, settings: settings, html: html, time: now()
            ).text)
    }

    /// - Returns: whether the program is to be left alone for now.
    private func account(for outcome: MailProgram.Outcome, _ turn: MailQueue.Turn, _ queue: inout MailQueue) -> Bool {
        let wasOut = queue.mailing.outage != nil
        var metadata: Logger.Metadata = ["message": "\(queue.mailing.id)", "user": "\(turn.user)"]
        switch outcome {
        case .sent:
            queue.succeed(now: now())
            if wasOut { logger.notice("e-mails are sent again", metadata: ["message": "\(queue.mailing.id)"]) }
            return false
        case .refused(let reason):
            queue.refuse(turn, now: now())
            metadata["reason"] = "\(reason)"
            logger.error("an e-mail was not sent", metadata: metadata)
            return false
        case .failed(let reason):
            let isLast = queue.fail(turn, now: now())
            metadata["reason"] = "\(reason)"
            // Of many attempts the log tells the first and the last.
            logger.log(
                level: turn.attempts == nil || isLast ? .error : .info,
                isLast ? "an e-mail was given up" : "an e-mail was not sent, and will be tried again",
                metadata: metadata)
            if queue.mailing.outage != nil, !wasOut {
                logger.error("no e-mail can be sent for now", metadata: ["reason": "\(reason)"])
            } else if queue.mailing.isGivenUp {
                logger.error("the e-mails of a message were given up", metadata: ["message": "\(queue.mailing.id)"])
            }
            return queue.mailing.outage != nil
        }
    }

    private func record(_ mailing: Mailing) throws {
        try store.write { try $0.put(mailing) }
    }

    /// Records how far it has come, however long that takes: whoever went on without would write to somebody twice.
    private func recordPatiently(_ mailing: Mailing) throws {
        var hasFailed = false
        while true {
            do {
                return try record(mailing)
            } catch let error as StoreUnavailable {
                if !hasFailed {
                    logger.error(
                        "no e-mail is sent before it is recorded who got the last one",
                        metadata: ["message": "\(mailing.id)", "reason": "\(error.detail)"])
                }
                hasFailed = true
                usleep(500_000)
            }
        }
    }
}
