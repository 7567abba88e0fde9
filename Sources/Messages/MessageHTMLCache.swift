public import Campaigns
internal import Synchronization

/// Renders messages once: who is sent to reads the same, and cmark takes long for some texts.
public final class MessageHTMLCache: Sendable {
    private struct Kept {
        /// Tells the text that was rendered from others, while the process lives.
        let fingerprint: Int
        /// The text's own; nil: it is shown as it is, which is soon made again.
        let html: String?

        /// What it takes besides the HTML is not much more.
        var size: Int { 64 + (html?.utf8.count ?? 0) }
    }

    private struct State {
        var rendered: [Int: Kept] = [:]
        var size = 0
    }

    private let renderer: MessageHTML
    private let state = Mutex(State())
    /// Bytes that are kept at most; when there are more, it begins anew.
    private static let capacity = 16 << 20

    public init(_ renderer: MessageHTML) {
        self.renderer = renderer
    }

    /// As ``MessageHTML/html(_:)``.
    public func html(_ message: Message) -> String {
        var hasher = Hasher()
        hasher.combine(message.text.utf8.count)
        var text = message.text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        let fingerprint = hasher.finalize()
        var kept = state.withLock { $0.rendered[message.id] }
        if kept?.fingerprint != fingerprint {
            let new = Kept(fingerprint: fingerprint, html: renderer.render(markdown: message.text))
            keep(new, message.id)
            kept = new
        }
        return renderer.html(message, rendered: kept?.html)
    }

    private func keep(_ new: Kept, _ id: Int) {
        guard new.size <= Self.capacity else { return }
        state.withLock { state in
            if state.size + new.size > Self.capacity { state = State() }
            state.size += new.size - (state.rendered.updateValue(new, forKey: id)?.size ?? 0)
        }
    }

    /// How many bytes are kept.
    var keptBytes: Int { state.withLock { $0.size } }

    /// As ``MessageHTML/abridged(_:)``.
    public func abridged(_ message: Message) -> String { renderer.abridged(message) }
}
