public import Campaigns
public import Logging
public import Records

extension RecordStore {
    /// Delivers every message that is waiting for it: finds out who gets it, and makes that known in one step.
    ///
    /// Finding out goes on without a lock. Whoever is first, of all threads and processes, has delivered; a crash
    /// before leaves the message waiting, so that it is delivered later, and nobody has it twice. A message also waits as long
    /// as a record cannot be read that says who gets it: of a project, or of a user who may want no messages.
    ///
    /// - Parameters:
    ///   - byMail: whether the messages are to be sent by e-mail too.
    ///   - logger: told of messages that have to wait.
    ///   - progress: told after each delivery, with the message's outline and the number of recipients.
    /// - Throws: ``StoreUnavailable``.
    public func deliverMessages(
        byMail: Bool, logger: Logger?, progress: (Message, Int) -> Void = { _, _ in }
    ) throws {
        let before = waitingDeliveries
        var waiting: [Int: [RecordRef]] = [:]
        defer { waitingDeliveries = waiting }
        for id in try read({ try $0.pendingMessages() }) {
            // As long as one of those that were lacking still is, the rest need not be looked at.
            let still = try read { records in
                try before[id, default: []].filter { try records.isUnreadable($0.kind, $0.id) }
            }
            guard still.isEmpty else {
                waiting[id] = still
                continue
            }
            // What it says does not matter here.
            guard let (message, audience) = try audience(ofMessage: id) else { continue }
            let recipients = audience.recipients(besides: message.sender)
            let lacking = audience.lacks(among: recipients)
            guard lacking.isEmpty else {
                waiting[id] = lacking
                if before[id] == nil {
                    logger?.warning(
                        "a message waits for records that cannot be read",
                        metadata: ["message": "\(id)", "files": "\(lacking.map(\.place).abridged)"])
                }
                continue
            }
            if try write({ try $0.deliver(id, to: recipients, byMail: byMail) }) {
                progress(message, recipients.count)
            }
        }
    }

    private func audience(ofMessage id: Int) throws -> (Message, Audience)? {
        try read { records in
            guard let message = try records.outline(ofMessage: id) else { return nil }
            return (message, try records.audience(of: message))
        }
    }

    /// The messages that wait for records which cannot be read, with the files of these, as far as the last
    /// ``deliverMessages(byMail:logger:progress:)`` of this process found.
    public var messagesThatWait: [Int: [String]] { waitingDeliveries.mapValues { $0.map(\.place) } }

    /// The files that keep a message from being delivered now, of those that cannot be read.
    ///
    /// - Throws: ``StoreUnavailable``.
    public func filesLacking(forMessage id: Int) throws -> [String] {
        guard let (message, audience) = try audience(ofMessage: id) else { return [] }
        return audience.lacks(among: audience.recipients(besides: message.sender)).map(\.place)
    }

    /// Removes messages for all who got them. Those stay that wait for their delivery, or whose e-mails are not all dealt with.
    ///
    /// - Parameter date: in UTC, as RFC 3339 has it: what was sent before goes.
    /// - Returns: how many are gone.
    /// - Throws: ``StoreUnavailable``.
    public func pruneMessages(sentBefore date: String) throws -> Int {
        func old(_ records: any RecordReader) throws -> [Int] {
            try records.messageIDs().filter { id in
                guard let message = try records.outline(ofMessage: id), message.sentDate < date,
                    let recipients = try records.recipientCount(ofMessage: id),
                    try !records.isUnreadable(.mailings, id)
                else { return false }
                guard let mailing = try records.mailing(id), !mailing.isGivenUp else { return true }
                return mailing.handled >= recipients && mailing.waiting.isEmpty && mailing.retrying == 0
            }
        }
        var count = 0
        // A few at a time, so that others can write in between.
        while case let ids = try read({ Array(try old($0).prefix(100)) }), !ids.isEmpty {
            try write { writer in for id in ids { try writer.removeMessage(id) } }
            count += ids.count
        }
        return count
    }
}

extension [String] {
    /// The first few, for a line of the log.
    public var abridged: String {
        prefix(10).joined(separator: " ") + (count > 10 ? " and \(count - 10) more" : "")
    }
}
