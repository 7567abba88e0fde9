import Foundation
import Synchronization

/// What is done at the end of the process: what is static is never released.
public enum AtExit {
    private static let actions = Mutex<[@Sendable () -> Void]>([])

    /// Adds an action. The one that was added last is done first.
    public static func add(_ action: @escaping @Sendable () -> Void) {
        let isFirst = actions.withLock { actions in
            actions.append(action)
            return actions.count == 1
        }
        guard isFirst else { return }
        atexit {
            while let action = AtExit.actions.withLock({ $0.popLast() }) { action() }
        }
    }
}
