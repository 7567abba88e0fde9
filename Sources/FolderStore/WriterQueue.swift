internal import Glibc
internal import Records
internal import Synchronization

/// One writer's wish, while its thread waits for the outcome.
final class Writer: @unchecked Sendable {
    // Unchecked: `failure` is set by the leader before `wake`, and read by the writer after its `sleep`; the semaphore
    // orders the two.
    let decide: @Sendable (Transaction) throws -> Void
    fileprivate(set) var failure: StoreUnavailable?
    fileprivate var isDone = false
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init(_ decide: @escaping @Sendable (Transaction) throws -> Void) {
        self.decide = decide
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    fileprivate func sleep() {
        while sem_wait(semaphore) != 0 {}
    }

    fileprivate func wake() {
        sem_post(semaphore)
    }
}

/// Makes of the writers of one process groups that go to the disk together (group commit): the first leads, those that
/// come while it is at work wait, and one of them leads the next group.
final class WriterQueue: Sendable {
    private struct State {
        var waiting: [Writer] = []
        var isLed = false
    }

    private let state = Mutex(State())

    /// Waits until the writer has been served, or has to lead.
    ///
    /// - Returns: the group that the caller has to serve, its own writer among it; nil when another has served it.
    func enter(_ writer: Writer) -> [Writer]? {
        let group: [Writer]? = state.withLock { state in
            state.waiting.append(writer)
            guard !state.isLed else { return nil }
            return Self.lead(&state)
        }
        if let group { return group }
        writer.sleep()
        return writer.isDone ? nil : state.withLock { Self.lead(&$0) }
    }

    /// Tells the group how it went, and hands the lead on.
    ///
    /// Who came while the group waited for the lock in vain has waited as well: one after another they would wait for
    /// longer than their clients do.
    ///
    /// - Parameter failures: for each of the group, nil where there is none.
    func finish(_ group: [Writer], _ failures: [StoreUnavailable?]) {
        let locked = state.withLock { state -> [Writer] in
            state.isLed = false
            if failures.contains(.locked) {
                defer { state.waiting = [] }
                return state.waiting
            }
            // Still led, in the name of the one that is about to wake.
            if let next = state.waiting.first {
                state.isLed = true
                next.wake()
            }
            return []
        }
        let outcomes = Array(zip(group, failures)) + locked.map { ($0, .locked) }
        for (writer, failure) in outcomes {
            writer.failure = failure
            writer.isDone = true
            writer.wake()
        }
    }

    private static func lead(_ state: inout State) -> [Writer] {
        state.isLed = true
        defer { state.waiting = [] }
        return state.waiting
    }
}
