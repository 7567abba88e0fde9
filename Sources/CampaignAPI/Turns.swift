internal import Synchronization

/// Lets only so many do something at once.
final class Turns: Sendable {
    private let taken = Mutex(0)
    private let count: Int

    init(_ count: Int) {
        self.count = count
    }

    /// Does something, unless too many are at it.
    ///
    /// - Throws: what `body` throws, or `busy`.
    func take<Value>(otherwise busy: @autoclosure () -> Problem, _ body: () throws -> Value) throws -> Value {
        let isFree = taken.withLock { taken in
            guard taken < count else { return false }
            taken += 1
            return true
        }
        guard isFree else { throw busy() }
        defer { taken.withLock { $0 -= 1 } }
        return try body()
    }
}
