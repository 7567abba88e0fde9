internal import Campaigns
internal import Records
internal import Synchronization

/// What is made of all records of some kinds, for as long as none of them changes.
final class Kept<Value: Sendable>: Sendable {
    private let kinds: [RecordKind]
    private let state = Mutex<(versions: [Int], value: Value)?>(nil)

    init(_ kinds: RecordKind...) {
        self.kinds = kinds
    }

    /// - Parameters:
    ///   - source: takes what is needed out of the records; other readers wait for it.
    ///   - make: makes the value of it; nobody waits for that.
    /// - Throws: ``StoreUnavailable``; ``WouldWait`` when it has to be made and the call may not take that long.
    func value<Source: Sendable>(
        _ call: Call, of source: (any RecordReader) throws -> Source, _ make: (Source) -> Value
    ) throws -> Value {
        let now = try call.read(versions)
        if let kept = state.withLock({ $0 }), kept.versions == now { return kept.value }
        guard call.waits else { throw WouldWait() }
        let (then, found) = try call.read { records in (try versions(records), try source(records)) }
        let value = make(found)
        state.withLock { $0 = (then, value) }
        return value
    }

    private func versions(_ records: any RecordReader) throws -> [Int] {
        try kinds.map { try records.version($0) }
    }
}
