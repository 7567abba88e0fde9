internal import Campaigns
internal import Glibc
internal import Synchronization

/// Whether a change could be made, as it was found a moment ago.
final class StoreHealth: Sendable {
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

extension Store {
    /// How much there is of what a person watches over.
    public struct Measures: Sendable {
        public let campaigns: Int
        /// Bytes of texts in memory.
        public let keptBytes: Int
        public let journalBytes: Int
        public let waitingDeliveries: Int
        public let waitingMails: Int
        public let broken: Int
    }

    /// May wait for the disk.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func measures() throws -> Measures {
        let journal = FileState(folder.journal)?.size ?? 0
        return try read { catalogue in
            let mails = try catalogue.allMailings().filter { !$0.isGivenUp }.map { mailing in
                let recipients = try catalogue.recipientCount(ofMessage: mailing.id) ?? 0
                return max(0, recipients - mailing.handled) + mailing.waiting.count + mailing.retrying
            }
            return Measures(
                campaigns: try catalogue.campaignCount(), keptBytes: catalogue.keptBytes, journalBytes: journal,
                waitingDeliveries: try catalogue.pendingMessages().count, waitingMails: mails.reduce(0, +),
                broken: try catalogue.broken().count)
        }
    }

    /// Why a change could not be made now, or nil when it could. Where somebody calls ``look()`` this is known, and waits for
    /// nothing.
    public func trouble() -> String? { health.known() ?? folder.trouble() }

    /// Finds out whether a change could be made, all but making one: whether folders and files can be used, there is room, the
    /// lock is to be had, and nothing is in the journal that cannot be carried out. May wait, for the disk and for the lock.
    ///
    /// - Parameter waiting: whether to wait for the lock.
    public func look(waiting: Bool = true) {
        health.look {
            if let trouble = folder.trouble() { return trouble }
            guard waiting, FileIdentity(folder.lock) != nil else { return nil }
            do throws(FolderUnavailable) {
                try tryLock()
                return nil
            } catch {
                return error.description
            }
        }
    }
}
