public import Campaigns
internal import Synchronization

/// Renders messages once: who is sent to reads the same, and cmark takes long for some texts.
public final class MessageHTMLCache: Sendable {
    private struct State {
        var rendered: [Int: (message: Message, html: String)] = [:]
        var size = 0
    }

    private let renderer: MessageHTML
    private let state = Mutex(State())
    /// Bytes that are kept at the most; when there are more, it begins anew.
    private static let capacity = 16 << 20

    public init(_ renderer: MessageHTML) {
        self.renderer = renderer
    }

    /// As ``MessageHTML/html(_:)``.
    public func html(_ message: Message) -> String {
        if let kept = state.withLock({ $0.rendered[message.id] }), kept.message == message { return kept.html }
        let html = renderer.html(message)
        let size = html.utf8.count + message.text.utf8.count
        state.withLock { state in
            if state.size + size > Self.capacity { state = State() }
            if size <= Self.capacity, state.rendered.updateValue((message, html), forKey: message.id) == nil {
                state.size += size
            }
        }
        return html
    }

    /// As ``MessageHTML/abridged(_:)``.
    public func abridged(_ message: Message) -> String { renderer.abridged(message) }
}
