internal import Glibc
public import Records
internal import Synchronization

/// Whether a change could be made, as it was found a moment ago.
final class HealthWatch: Sendable {
    private struct State {
        var trouble: String?
        /// When the look began that is not at its end.
        var begun: ContinuousClock.Instant?
        /// Whether somebody looks again and again.
        var isWatched = false
    }

    /// A look that takes longer has found trouble enough: a disk that does not answer.
    private static let longest = Duration.seconds(8)

    private let state = Mutex(State())

    /// What is known, or nothing when nobody looks.
    func known() -> String?? {
        state.withLock { state in
            guard state.isWatched else { return nil }
            if let begun = state.begun, .now - begun > Self.longest {
                return .some("The data folder does not answer")
            }
            return .some(state.trouble)
        }
    }

    func look(_ body: () -> String?) {
        state.withLock { $0.begun = .now }
        let trouble = body()
        state.withLock { $0 = State(trouble: trouble, isWatched: true) }
    }
}

extension FolderStore {
    public func health() -> StoreHealth {
        StoreHealth(trouble: healthWatch.known() ?? folder.trouble(), broken: history.broken)
    }

    public var journalBytes: Int { FileState(folder.journal)?.size ?? 0 }

    /// Finds out whether a change could be made, all but making one: whether folders and files can be used, there is room, the
    /// lock is to be had, and nothing is in the journal that cannot be carried out. May wait, for the disk and for the lock.
    ///
    /// - Parameter waiting: whether to wait for the lock.
    public func look(waiting: Bool = true) {
        healthWatch.look {
            if let trouble = folder.trouble() { return trouble }
            guard waiting, FileIdentity(folder.lock) != nil else { return nil }
            do throws(StoreUnavailable) {
                try tryLock()
                return nil
            } catch {
                return error.description
            }
        }
    }
}
