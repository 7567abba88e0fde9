internal import Crypto
internal import JSON
internal import Synchronization

/// A list of campaigns, by rising id. Its text is made, and hashed, by who asks first for it, without the lock that all readers
/// take; it grows at its end without being made anew.
public final class CampaignList: Sendable {
    private struct State {
        /// Campaigns whose text has not been made.
        var waiting: [(id: Int, name: String)] = []
        /// Of those before them; empty where it has been moved into `made`.
        var text = Array(#"{"campaigns":["#.utf8)
        /// What the hash has seen is the text without its end.
        var hash = SHA256()
        var hashed = 0
        var made: Representation?
    }

    private let state: Mutex<State>
    private static let end = Array("]}".utf8)

    init(_ campaigns: [(id: Int, name: String)]) {
        state = Mutex(State(waiting: campaigns))
    }

    func append(_ id: Int, _ name: String) {
        state.withLock { $0.waiting.append((id, name)) }
    }

    /// The text as it is now: with what has been added since the list was asked for, perhaps.
    public func representation() -> Representation {
        state.withLock { state in
            if let made = state.made {
                if state.waiting.isEmpty { return made }
                state.text = made.bytes
                state.text.removeLast(Self.end.count)
                state.made = nil
            }
            state.text.reserveCapacity(state.text.count + state.waiting.count * 64)
            for (id, name) in state.waiting {
                state.text.append(utf8: state.text.last == UInt8(ascii: "[") ? #"{"id":"# : #",{"id":"#)
                state.text.append(utf8: String(id))
                state.text.append(utf8: #","name":"#)
                state.text.append(jsonString: name)
                state.text.append(UInt8(ascii: "}"))
            }
            state.waiting = []
            let hashed = state.hashed
            state.text.withUnsafeBytes {
                state.hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[hashed...]))
            }
            state.hashed = state.text.count
            var whole = state.hash
            whole.update(data: Self.end)
            let made = Representation(state.text + Self.end, whole.finalize())
            state.text = []
            state.made = made
            return made
        }
    }
}
