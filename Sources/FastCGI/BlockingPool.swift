internal import Threads

/// The threads on which requests wait for the disk. They are started when they are needed, and stay.
final class BlockingPool: Sendable {
    private struct State {
        /// In their order; nil where one has been taken.
        var jobs: [(@Sendable () -> Void)?] = []
        var next = 0
        var idle = 0
        var threads = 0
    }

    private let state = Monitor(State())
    private let threads: Int
    private let queue: Int
    private let start: @Sendable (@escaping @Sendable () -> Void) throws -> Void

    /// - Parameters:
    ///   - threads: how many at most.
    ///   - queue: how many jobs may wait for a thread.
    ///   - start: starts a thread.
    init(
        threads: Int, queue: Int,
        start: @escaping @Sendable (@escaping @Sendable () -> Void) throws -> Void = {
            try Thread("waiting", $0).detach()
        }
    ) {
        self.threads = threads
        self.queue = queue
        self.start = start
    }

    /// Has a job done, soon.
    ///
    /// - Returns: false when too many wait already; then it will not be done.
    func add(_ job: @escaping @Sendable () -> Void) -> Bool {
        let (isAdded, needsThread) = state.updateOne { state in
            let waiting = state.jobs.count - state.next
            guard waiting < queue else { return (false, false) }
            state.jobs.append(job)
            guard waiting >= state.idle, state.threads < threads else { return (true, false) }
            state.threads += 1
            return (true, true)
        }
        if needsThread {
            do {
                try start { [self] in work() }
            } catch {
                // Another thread will come to it, unless there is none at all: then nor will it come to what others have
                // left to a thread that could not be started.
                let isAlone = state.updateOne { state in
                    state.threads -= 1
                    return state.threads == 0
                }
                while isAlone, let job = take(wait: false) { job() }
            }
        }
        return isAdded
    }

    private func work() {
        while let job = take(wait: true) { job() }
    }

    /// The next job, or nil when there is none and it is not waited for: who does not wait is no idle thread, which
    /// the next job could be left to.
    func take(wait: Bool) -> (@Sendable () -> Void)? {
        var isIdle = false
        return state.wait(timeout: wait ? nil : .zero) { state in
            if isIdle { state.idle -= 1 }
            guard state.next < state.jobs.count else {
                isIdle = wait
                if wait { state.idle += 1 }
                return nil
            }
            isIdle = false
            let job = state.jobs[state.next]
            state.jobs[state.next] = nil
            state.next += 1
            if state.next == state.jobs.count || state.next > 1024 {
                state.jobs.removeFirst(state.next)
                state.next = 0
            }
            return job
        }
    }
}
