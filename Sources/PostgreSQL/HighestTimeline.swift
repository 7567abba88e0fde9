internal import Synchronization

/// The highest timeline that any server has been on to which this process had a connection.
///
/// A server gets a new one when it is promoted. One with a lower number than has been seen was primary before: it answers
/// for a past that has had another future, until somebody stops it. To be shared by all connections to a database.
public final class HighestTimeline: Sendable {
    private let highest: Mutex<UInt32>

    public init(_ timeline: UInt32 = 0) {
        highest = Mutex(timeline)
    }

    public var current: UInt32 { highest.withLock { $0 } }

    /// Takes note of a timeline.
    ///
    /// - Returns: whether it is the highest.
    func see(_ timeline: UInt32) -> Bool {
        highest.withLock { highest in
            highest = max(highest, timeline)
            return highest == timeline
        }
    }
}
