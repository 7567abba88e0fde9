import Campaigns
import FolderStore
import Logging
import Messages
import Threads

/// Does what has time, off the threads that answer requests: delivers messages, empties the journal, and looks after the folder.
final class BackgroundWorker: Sendable {
    private enum Signal {
        case none, message, end
    }

    private let store: FolderStore
    private let mailer: Mailer?
    private let logger: Logger
    private let deliverySignal = Monitor(Signal.none)
    private let mailSignal = Monitor(Signal.none)
    private let journalSignal = Monitor(Signal.none)
    private let healthSignal = Monitor(Signal.none)
    private let improvementSignal = Monitor(Signal.none)
    private let running = Monitor(0)

    /// How often it looks for messages that another process has stored and not delivered, and into the journal.
    private static let rhythm = Duration.milliseconds(500)

    init(_ store: FolderStore, mailer: Mailer?, logger: Logger) {
        self.store = store
        self.mailer = mailer
        self.logger = logger
    }

    /// Says that there is a message.
    func wake() {
        deliverySignal.update { $0 = $0 == .end ? .end : .message }
    }

    /// Says that it is time to end. What is not begun is done after the next start, here or elsewhere.
    func end() {
        deliverySignal.update { $0 = .end }
        mailSignal.update { $0 = .end }
        journalSignal.update { $0 = .end }
        healthSignal.update { $0 = .end }
        improvementSignal.update { $0 = .end }
    }

    /// Waits until what was begun is done: an e-mail that is on its way would be sent again.
    func wait(until deadline: ContinuousClock.Instant) {
        _ = running.wait(timeout: max(.zero, deadline - .now)) { $0 == 0 ? true : nil }
    }

    /// - Parameters:
    ///   - improve: makes answers shorter that are asked for often.
    ///   - now: done now and then.
    func start(
        improving improve: @escaping @Sendable () -> Void, everyRound now: @escaping @Sendable () -> Void
    ) throws {
        try Thread("delivery") { [self] in
            store.writeCache()
            repeatUntilEnd(deliverySignal, else: "messages cannot be delivered") {
                try store.deliverMessages(byMail: mailer != nil, logger: logger) { [logger] message, recipients in
                    logger.notice(
                        "a message was delivered", metadata: ["id": "\(message.id)", "recipients": "\(recipients)"])
                }
            }
        }.detach()
        try Thread("journal") { [self] in
            repeatUntilEnd(journalSignal, else: "the journal cannot be emptied") {
                store.reopenIfReplaced()
                store.keepIDs()
                try store.checkpoint()
                try store.complete()
            }
        }.detach()
        // So that the first heartbeat knows.
        store.look(waiting: false)
        try Thread("health") { [self] in
            repeatUntilEnd(healthSignal, else: "the folder cannot be looked at") {
                now()
                store.look()
            }
        }.detach()
        try Thread("answers") { [self] in
            repeatUntilEnd(improvementSignal, else: "answers cannot be encoded", improve)
        }.detach()
        guard let mailer else { return }
        try Thread("mail") { [self] in
            repeatUntilEnd(mailSignal, else: "messages cannot be sent by e-mail") {
                try mailer.sendWaiting(isEnding: { [mailSignal] in mailSignal.update { $0 == .end } })
            }
        }.detach()
    }

    private func repeatUntilEnd(_ signal: Monitor<Signal>, else complaint: Logger.Message, _ work: () throws -> Void) {
        running.update { $0 += 1 }
        defer { running.update { $0 -= 1 } }
        var hasFailed = false
        while true {
            do {
                try work()
                hasFailed = false
            } catch {
                // Once: a full disk would otherwise fill the log as well.
                if !hasFailed { logger.error(complaint, metadata: ["reason": "\(error)"]) }
                hasFailed = true
            }
            let isEnding = signal.wait(timeout: Self.rhythm) { signal -> Bool? in
                guard signal != .none else { return nil }
                let isEnding = signal == .end
                if !isEnding { signal = .none }
                return isEnding
            }
            if isEnding == true { return }
        }
    }
}
