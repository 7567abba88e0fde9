internal import Glibc
internal import Threads

/// A moment at which waiting ends, whatever anybody does to the clock.
public struct Deadline: Sendable, Comparable {
    /// As ``Uptime`` counts.
    private let nanoseconds: Int

    public init(after duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, overflows) = Int(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isLate) = Uptime.now().addingReportingOverflow(overflows ? .max : whole)
        nanoseconds = isLate || sum > .max - 1_000_000_000 ? .max : sum + Int(attoseconds / 1_000_000_000)
    }

    /// How long it is until then; never less than nothing.
    public var remaining: Duration { .nanoseconds(max(nanoseconds - Uptime.now(), 0)) }

    public var isOver: Bool { nanoseconds <= Uptime.now() }

    public static func < (one: Deadline, other: Deadline) -> Bool { one.nanoseconds < other.nanoseconds }

    /// Waits until something can be read from a file or written to it, or is wrong with it.
    ///
    /// - Parameter events: as poll(2) has them.
    /// - Returns: what can be done, or nil when the time was up.
    func wait(for events: Int32, on file: Int32) -> Int32? {
        var waiting = pollfd(fd: file, events: Int16(truncatingIfNeeded: events), revents: 0)
        while true {
            let left = max(nanoseconds - Uptime.now(), 0)
            // Rounded up, and no longer than poll(2) can.
            let milliseconds = Int32(clamping: left / 1_000_000 + (left % 1_000_000 > 0 ? 1 : 0))
            let count = poll(&waiting, 1, milliseconds)
            if count > 0 { return Int32(waiting.revents) }
            if count == 0, isOver { return nil }
            // A signal, or no memory for a moment; anything else cannot be waited for.
            guard count == 0 || errno == EINTR || errno == EAGAIN else { return nil }
        }
    }
}
