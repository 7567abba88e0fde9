internal import Glibc

/// The time that has gone by since some moment, whatever anybody does to the clock.
public enum Uptime {
    /// Nanoseconds.
    public static func now() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec &* 1_000_000_000 &+ now.tv_nsec
    }
}
