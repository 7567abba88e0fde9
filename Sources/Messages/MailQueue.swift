internal import Campaigns

/// Who is written to next about a message, and what becomes of those whose e-mail was not taken. Times are seconds since 1970.
struct MailQueue {
    /// A recipient who has their turn.
    struct Turn {
        let user: Int
        /// What was tried before; nil: nothing.
        let attempts: Mailing.Attempts?
        fileprivate let origin: Origin

        fileprivate enum Origin {
            case waiting, retried, new
        }
    }

    private(set) var mailing: Mailing
    private let recipients: [Int]
    private var failuresInARow = 0

    /// Seconds for which an e-mail is tried again.
    private static let patience = 2 * 24 * 60 * 60
    /// When so many wait, those who have not had their turn wait as well: so the record stays short.
    fileprivate static let mostWaiting = 1000
    /// So many e-mails in a row that the program does not take are an outage.
    private static let outageBegins = 3
    /// Seconds between two attempts at most: with one e-mail, and with a program that takes none.
    private static let mostDelay = 60 * 60
    private static let mostOutageDelay = 10 * 60

    /// Seconds until the next attempt: twice as long each time.
    ///
    /// - Parameter count: how many attempts there have been.
    private static func delay(_ count: Int, most: Int) -> Int { min(5 << max(0, min(count - 1, 20)), most) }

    init(_ mailing: Mailing, _ recipients: [Int]) {
        self.mailing = mailing
        self.recipients = recipients
    }

    /// How many recipients have been dealt with.
    var done: Int { max(0, mailing.handled - mailing.waiting.count - mailing.retrying) }

    /// Takes the next one out, or nil when nobody is to be written to now.
    mutating func takeTurn(now: Int) -> Turn? {
        guard mailing.isDue(now, recipients: recipients.count) else { return nil }
        let hasNew = mailing.retrying > 0 || mailing.handled < recipients.count
        let next = mailing.waiting.indices.min { mailing.waiting[$0].next < mailing.waiting[$1].next }
        // In an outage one who is new is as good a try as any, and those who wait are not bothered.
        if let next, mailing.outage == nil ? mailing.waiting[next].next <= now : !hasNew {
            let attempts = mailing.waiting.remove(at: next)
            return Turn(user: attempts.user, attempts: attempts, origin: .waiting)
        }
        if mailing.retrying > 0, let user = mailing.failed.first {
            mailing.failed.removeFirst()
            mailing.retrying -= 1
            return Turn(user: user, attempts: nil, origin: .retried)
        }
        guard recipients.indices.contains(mailing.handled) else { return nil }
        mailing.handled += 1
        return Turn(user: recipients[mailing.handled - 1], attempts: nil, origin: .new)
    }

    /// As it was before a turn was taken.
    func before(_ turn: Turn) -> Mailing {
        var mailing = mailing
        switch turn.origin {
        case .waiting: if let attempts = turn.attempts { mailing.waiting.append(attempts) }
        case .retried:
            mailing.failed.insert(turn.user, at: 0)
            mailing.retrying += 1
        case .new: mailing.handled -= 1
        }
        return mailing
    }

    /// The program has taken an e-mail, so it works: those who wait for it do not wait any longer.
    mutating func succeed(now: Int) {
        failuresInARow = 0
        guard mailing.outage != nil else { return }
        mailing.outage = nil
        for place in mailing.waiting.indices {
            mailing.waiting[place].next = min(mailing.waiting[place].next, now)
        }
    }

    /// The program says that this user is not to be written to.
    mutating func refuse(_ turn: Turn, now: Int) {
        succeed(now: now)
        mailing.failed.append(turn.user)
    }

    /// The program has not taken an e-mail.
    ///
    /// - Returns: whether this was the last attempt.
    mutating func fail(_ turn: Turn, now: Int) -> Bool {
        failuresInARow += 1
        let isLast = postpone(turn, now: now)
        guard mailing.outage != nil || failuresInARow >= Self.outageBegins else { return isLast }
        var outage = mailing.outage ?? Mailing.Outage(count: 0, since: now, next: now)
        outage.count += 1
        outage.next = now + Self.delay(outage.count, most: Self.mostOutageDelay)
        if now - outage.since >= Self.patience {
            outage.next = nil
            mailing.failed += mailing.waiting.map(\.user)
            mailing.waiting = []
        }
        mailing.outage = outage
        return isLast
    }

    /// Puts somebody off, or gives them up when that has gone on for too long.
    ///
    /// - Returns: whether they were given up.
    @discardableResult
    mutating func postpone(_ turn: Turn, now: Int) -> Bool {
        var attempts = turn.attempts ?? Mailing.Attempts(user: turn.user, count: 0, since: now, next: now)
        guard now - attempts.since < Self.patience else {
            mailing.failed.append(turn.user)
            return true
        }
        attempts.count += 1
        attempts.next = now + Self.delay(attempts.count, most: Self.mostDelay)
        mailing.waiting.append(attempts)
        return false
    }
}

extension Mailing {
    /// Whether somebody is to be written to now.
    ///
    /// - Parameter recipients: how many got the message.
    func isDue(_ now: Int, recipients: Int) -> Bool {
        let hasNew = retrying > 0 || handled < recipients
        if let outage {
            guard let next = outage.next else { return false }
            return next <= now && (hasNew || !waiting.isEmpty)
        }
        return waiting.contains { $0.next <= now } || (hasNew && waiting.count < MailQueue.mostWaiting)
    }

    /// Has everybody who was given up tried again, and who waits tried now.
    ///
    /// - Returns: how many these are.
    mutating func retryFailed(now: Int, recipients: Int) -> Int {
        let count = failed.count + waiting.count + (outage == nil ? 0 : max(0, recipients - handled))
        retrying = failed.count
        waiting = waiting.map { Attempts(user: $0.user, count: 0, since: now, next: now) }
        outage = nil
        return count
    }
}
