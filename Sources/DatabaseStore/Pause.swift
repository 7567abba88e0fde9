internal import Glibc

/// A time in which others are let go on.
enum Pause {
    static func milliseconds(_ count: UInt32) { usleep(count * 1000) }
}
