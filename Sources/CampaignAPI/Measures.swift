internal import Campaigns
internal import Records

/// How much there is of what a person watches over.
struct Measures: Sendable {
    let campaigns: Int
    /// Bytes of texts in memory.
    let keptBytes: Int
    let journalBytes: Int
    let waitingDeliveries: Int
    let waitingMails: Int
    let broken: Int

    /// It may wait for the disk.
    ///
    /// - Throws: ``StoreUnavailable``.
    init(of store: any RecordStore) throws {
        journalBytes = store.journalBytes
        (campaigns, keptBytes, waitingDeliveries, waitingMails, broken) = try store.read { records in
            let mails = try records.allMailings().filter { !$0.isGivenUp }.map { mailing in
                let recipients = try records.recipientCount(ofMessage: mailing.id) ?? 0
                return max(0, recipients - mailing.handled) + mailing.waiting.count + mailing.retrying
            }
            return (
                try records.campaignCount(), records.keptBytes, try records.pendingMessages().count, mails.reduce(0, +),
                try records.broken().count
            )
        }
    }
}
