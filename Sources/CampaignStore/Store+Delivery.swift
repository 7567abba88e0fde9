public import Campaigns
internal import Glibc
internal import JSON
internal import Logging

extension Store {
    /// Delivers every message that is waiting for it: finds out who gets it, and makes that known in one step.
    ///
    /// Finding out goes on without a lock. Whoever is first, of all threads and processes, has delivered; a crash
    /// before leaves the message waiting, so that it is delivered later, and nobody has it twice.
    ///
    /// - Parameters:
    ///   - byMail: whether the messages are to be sent by e-mail too.
    ///   - progress: told after each delivery, with the message's outline and the number of recipients.
    /// - Throws: ``FolderUnavailable``.
    public func deliverMessages(byMail: Bool, progress: (Message, Int) -> Void = { _, _ in }) throws {
        while let (message, audience) = try nextToDeliver() {
            var recipients = Set<Int>()
            for contributors in audience.contributors { recipients.formUnion(contributors) }
            recipients.subtract(audience.unwilling)
            recipients.remove(message.sender)
            let delivery = Delivery(id: message.id, recipients: recipients.sorted())
            let record = delivery.json.indented
            if try write({ try $0.deliver(message.id, record: record, byMail: byMail) }) {
                progress(message, recipients.count)
            }
        }
    }

    /// Keeps other processes from sending e-mails.
    ///
    /// - Returns: nil when another is sending.
    /// - Throws: ``FolderUnavailable``.
    public func mailLock() throws(FolderUnavailable) -> MailLock? {
        do throws(SystemError) {
            let file = try Descriptor(folder.mailLock, O_RDWR | O_CREAT, mode: 0o600)
            try file.inherit(from: folder.directory(.messages))
            return flock(file.number, LOCK_EX | LOCK_NB) == 0 ? MailLock(file: file) : nil
        } catch {
            // No folder, no messages, no e-mails.
            if error.code == ENOENT { return nil }
            throw FolderUnavailable("The data folder cannot be locked", error)
        }
    }

    private func nextToDeliver() throws -> (message: Message, audience: (contributors: [[Int]], unwilling: Set<Int>))? {
        try read { catalogue in
            // What it says does not matter here.
            guard let id = try catalogue.pendingMessages().first, let message = try catalogue.outline(ofMessage: id)
            else { return nil }
            return (message, try catalogue.audience(of: message))
        }
    }
}

/// The exclusive flock of the process that sends e-mails, for as long as this lives.
public final class MailLock {
    private let file: Descriptor

    fileprivate init(file: consuming Descriptor) {
        self.file = file
    }
}
