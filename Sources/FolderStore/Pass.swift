internal import Campaigns
internal import Records

/// One call of a reader or a writer: what it has asked for that is not in memory, and what has been read for it since.
///
/// A body runs under the lock that all readers take, so it never reads a file. Where it would have to, it notes what it lacks
/// and throws; that is read without the lock, and the body runs again.
struct Pass: Sendable {
    /// What was told of the folder up to here has to be in the answer.
    var start = 0

    // What is lacking.
    var kinds: Set<RecordKind> = []
    var records: Set<RecordRef> = []
    var texts: Set<RecordRef> = []
    var outside: [String: @Sendable () throws -> any Sendable] = [:]

    var lacks: Bool { !kinds.isEmpty || !records.isEmpty || !texts.isEmpty || !outside.isEmpty }

    // What has been read.
    var wholeRecords: [RecordRef: Result<(any Record)?, StoreUnavailable>] = [:]
    var values: [String: Result<any Sendable, any Error>] = [:]
    /// What was unreadable and has been tried again.
    var tried: Set<RecordRef> = []
}

extension StoreUnavailable {
    /// Thrown to end a body that lacks something; nobody outside of the store sees it.
    static let notRead = StoreUnavailable("The record has not been read yet")
}
