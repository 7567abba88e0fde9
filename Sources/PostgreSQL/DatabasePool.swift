internal import Threads

/// Connections to one database that threads share, each of them for a while.
public final class DatabasePool: Sendable {
    private struct Idle: @unchecked Sendable {
        // Unchecked: a connection is one thread's at a time. Who takes it from the pool is the only one who has it.
        let connection: DatabaseConnection
        let generation: Int
    }

    private struct State {
        /// The one that was used last comes last, and is the next.
        var idle: [Idle] = []
        /// How many there are or are being made, idle ones and others.
        var count = 0
        /// Rises when something happens after which none that was there is to be trusted.
        var generation = 0
        var isClosed = false

        mutating func removeIdle() -> [Idle] {
            defer {
                count -= idle.count
                idle = []
            }
            return idle
        }
    }

    private let settings: ConnectionSettings
    private let size: Int
    private let timelines: HighestTimeline?
    private let state = Monitor(State())

    /// Connects to nobody before a connection is needed.
    ///
    /// - Parameters:
    ///   - size: how many connections there are at most.
    ///   - timelines: shared with everybody who uses the same database; nil where any server will do.
    public init(_ settings: ConnectionSettings, size: Int, timelines: HighestTimeline? = nil) {
        self.settings = settings
        self.size = max(size, 1)
        self.timelines = timelines
    }

    /// Has a connection used, which nobody else uses meanwhile.
    ///
    /// A connection that was broken, or left within a transaction, is closed afterwards. When one breaks, those that are idle
    /// are closed as well: most times their server is gone.
    ///
    /// - Parameters:
    ///   - deadline: for the wait for a connection, for connecting, and for each wait of `body`.
    ///   - body: must not keep the connection.
    /// - Throws: what `body` throws, and ``DatabaseError``: with ``DatabaseError/deadlineExceeded(_:)`` and
    ///   ``DatabaseError/refused(_:)`` from here, `body` was not called.
    public func use<Value>(by deadline: Deadline, _ body: (DatabaseConnection) throws -> Value) throws -> Value {
        let (connection, generation) = try take(by: deadline)
        connection.deadline = deadline
        do {
            let value = try body(connection)
            giveBack(connection, generation)
            return value
        } catch {
            if let error = error as? DatabaseError, error.concernsServer { distrust(generation) }
            giveBack(connection, generation)
            throw error
        }
    }

    /// Closes all connections, those that are used when they come back, and gives out no more.
    public func close() {
        let idle = state.update { state in
            state.isClosed = true
            return state.removeIdle()
        }
        for one in idle { one.connection.close() }
    }

    // MARK: -

    private func take(by deadline: Deadline) throws(DatabaseError) -> (DatabaseConnection, generation: Int) {
        enum Turn {
            case closed
            case idle(Idle)
            case new(generation: Int)
        }
        while true {
            let turn = state.wait(timeout: deadline.remaining) { [size] state -> Turn? in
                if state.isClosed { return .closed }
                if let idle = state.idle.popLast() { return .idle(idle) }
                guard state.count < size else { return nil }
                state.count += 1
                return .new(generation: state.generation)
            }
            switch turn {
            case nil: throw .deadlineExceeded("all \(size) connections are in use")
            case .closed: throw .connectionLost("the service ends")
            case .idle(let idle):
                if isGood(idle) { return (idle.connection, idle.generation) }
                discard(idle.connection)
            case .new(let generation):
                do throws(DatabaseError) {
                    return (try DatabaseConnection(settings, by: deadline, timelines: timelines), generation)
                } catch {
                    state.updateOne { $0.count -= 1 }
                    throw error
                }
            }
        }
    }

    private func isGood(_ idle: Idle) -> Bool {
        !idle.connection.hasEnded() && (timelines.map { idle.connection.timeline == $0.current } ?? true)
    }

    private func giveBack(_ connection: DatabaseConnection, _ generation: Int) {
        let isReusable = connection.isReusable
        let back = Idle(connection: connection, generation: generation)
        let isKept = state.updateOne { state in
            guard isReusable, !state.isClosed, state.generation == generation else { return false }
            state.idle.append(back)
            return true
        }
        if !isKept { discard(connection) }
    }

    private func discard(_ connection: DatabaseConnection) {
        connection.close()
        state.updateOne { $0.count -= 1 }
    }

    /// - Parameter generation: of the connection that broke; when a later one has begun, others have done this already.
    private func distrust(_ generation: Int) {
        let idle = state.update { state -> [Idle] in
            guard state.generation == generation else { return [] }
            state.generation += 1
            return state.removeIdle()
        }
        for one in idle { one.connection.close() }
    }
}
