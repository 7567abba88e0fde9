import Foundation

/// Something that a test waits for.
public enum Event {
    /// Waits until something is so, and asks again and again; longer than the slowest machine takes.
    public static func wait(until isSo: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: 120)
        while try !isSo() {
            guard Date() < deadline else { throw Command.Failed(description: "it does not come true") }
            usleep(2_000)
        }
    }
}
