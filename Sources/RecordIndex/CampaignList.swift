internal import Crypto
internal import Records
internal import Synchronization

/// A list of campaigns, by rising id. Its text is made, and hashed, by who asks first for it, without the lock that all readers
/// take; it grows at its end without being made anew.
final class CampaignList: RenderedList {
    private struct State {
        /// Campaigns whose text has not been made.
        var waiting: [(id: Int, name: String)] = []
        /// Of those before them; empty where it has been moved into `made`.
        var text: [UInt8]
        /// What the hash has seen is the text without its end.
        var hash = SHA256()
        var hashed = 0
        var made: Representation?
    }

    private let rendering: any CampaignRendering
    private let state: Mutex<State>

    init(_ campaigns: [(id: Int, name: String)], _ rendering: any CampaignRendering) {
        self.rendering = rendering
        state = Mutex(State(waiting: campaigns, text: rendering.listOpening))
    }

    func append(_ id: Int, _ name: String) {
        state.withLock { $0.waiting.append((id, name)) }
    }

    /// The text as it is now: with what has been added since the list was asked for, perhaps.
    func representation() -> Representation {
        let (opening, separator, end) = (rendering.listOpening.count, rendering.listSeparator, rendering.listEnd)
        return state.withLock { state in
            if let made = state.made {
                if state.waiting.isEmpty { return made }
                state.text = made.bytes
                state.text.removeLast(end.count)
                state.made = nil
            }
            state.text.reserveCapacity(state.text.count + state.waiting.count * 64)
            for (id, name) in state.waiting {
                if state.text.count > opening { state.text += separator }
                rendering.append(item: id, name: name, to: &state.text)
            }
            state.waiting = []
            let hashed = state.hashed
            state.text.withUnsafeBytes {
                state.hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[hashed...]))
            }
            state.hashed = state.text.count
            var whole = state.hash
            whole.update(data: end)
            let made = Representation(state.text + end, whole.finalize())
            state.text = []
            state.made = made
            return made
        }
    }
}
