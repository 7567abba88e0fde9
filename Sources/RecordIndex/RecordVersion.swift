internal import Synchronization

/// Numbers that a process never gets twice: what still has its number has not changed.
enum RecordVersion {
    private static let last = Atomic(0)

    static func next() -> Int { last.add(1, ordering: .relaxed).newValue }
}
