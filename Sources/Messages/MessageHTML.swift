internal import CCmark
internal import CLinux
public import Campaigns
internal import Glibc
internal import Synchronization

/// Makes of a message HTML that can be put into a page as it is.
public struct MessageHTML: Sendable {
    /// Where the Tasking Manager's web client is, without a slash at the end.
    private let appBaseURL: String

    public init(appBaseURL: String) {
        self.appBaseURL = appBaseURL
    }

    /// Who says it and about what, then the Markdown rendered, or as it is where that makes far more HTML than text.
    public func html(_ message: Message) -> String {
        html(message, rendered: Self.render(markdown: message.text))
    }

    /// - Parameter rendered: what ``render(markdown:)`` gives for the text.
    func html(_ message: Message, rendered: String?) -> String {
        heading(message) + (rendered ?? "<pre>\(message.text.escapedForHTML)</pre>\n")
    }

    /// Who says it and about what, and where the rest is, for a page that has no room for it.
    public func abridged(_ message: Message) -> String {
        heading(message) + "<p>This message is long, and so is the page: open the message to read it.</p>\n"
    }

    private func heading(_ message: Message) -> String {
        let profile = "\(appBaseURL)/users/\(message.senderName.percentEncoded)"
        return """
            <p>Message for the \(message.campaignName.escapedForHTML) campaign contributors from admin \
            <a href="\(profile.escapedForHTML)">\(message.senderName.escapedForHTML)</a>:<br /><br /></p>

            """
    }

    /// Held while a long text is rendered: cmark takes up to 200 times its size.
    private static let longTurn = Mutex(())
    /// Bytes.
    private static let long = 64 << 10

    /// Bytes of HTML that a text may make. Escaping makes at most six times of it, and elements in a text for people little
    /// more; but a thousand `>` are a thousand quotations in one another, with 26 bytes each.
    private static func limit(_ length: Int) -> Int { length * 8 + 64 << 10 }

    /// Renders Markdown with cmark. Raw HTML comes out as text, and links lead to http, https, mailto or a path alone.
    ///
    /// - Returns: nil when the HTML would be out of proportion to the text.
    static func render(markdown: String) -> String? {
        guard markdown.utf8.count > long else { return renderOne(markdown) }
        // What cmark has taken would stay with this thread's part of the heap.
        defer { malloc_trim(0) }
        return longTurn.withLock { _ in renderOne(markdown) }
    }

    private static func renderOne(_ markdown: String) -> String? {
        let length = markdown.utf8.count
        guard let document = cmark_parse_document(markdown, length, CMARK_OPT_DEFAULT) else { return nil }
        defer { cmark_node_free(document) }
        disarm(document)
        // Safe by default: what is left over of raw HTML would be dropped, and dangerous links emptied.
        guard let html = cmark_render_html(document, CMARK_OPT_DEFAULT) else { return nil }
        defer { free(html) }
        let count = strlen(html)
        guard count <= limit(length) else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: html, count: count), as: UTF8.self)
    }

    /// Turns raw HTML into text, and empties links that are not plainly harmless.
    private static func disarm(_ document: OpaquePointer) {
        var raw: [OpaquePointer] = []
        guard let iterator = cmark_iter_new(document) else { return }
        var event = cmark_iter_next(iterator)
        while event != CMARK_EVENT_DONE {
            if event == CMARK_EVENT_ENTER, let node = cmark_iter_get_node(iterator) {
                switch cmark_node_get_type(node) {
                case CMARK_NODE_HTML_BLOCK, CMARK_NODE_HTML_INLINE: raw.append(node)
                case CMARK_NODE_LINK, CMARK_NODE_IMAGE:
                    let url = cmark_node_get_url(node).map { String(cString: $0) } ?? ""
                    if !url.isHarmlessLink { cmark_node_set_url(node, "") }
                default: break
                }
            }
            event = cmark_iter_next(iterator)
        }
        cmark_iter_free(iterator)
        for node in raw {
            guard let text = cmark_node_new(CMARK_NODE_TEXT) else { continue }
            cmark_node_set_literal(text, cmark_node_get_literal(node))
            if cmark_node_get_type(node) == CMARK_NODE_HTML_BLOCK, let paragraph = cmark_node_new(CMARK_NODE_PARAGRAPH)
            {
                cmark_node_append_child(paragraph, text)
                cmark_node_replace(node, paragraph)
            } else {
                cmark_node_replace(node, text)
            }
            cmark_node_free(node)
        }
    }
}

extension String {
    /// For a place between tags or in a quoted attribute.
    var escapedForHTML: String {
        var escaped = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// As a segment of a path (RFC 3986, 3.3): everything but unreserved characters is encoded.
    var percentEncoded: String {
        var encoded = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count < 2 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    /// Whether a link leads to http, https or mailto, or has no scheme. Browsers pass over white space and control
    /// characters in a scheme, so they do not count here either.
    fileprivate var isHarmlessLink: Bool {
        let seen = unicodeScalars.filter { $0.value > 0x20 && !$0.properties.isWhitespace && $0.value != 0x7F }
        guard let end = seen.firstIndex(where: { ":/?#".unicodeScalars.contains($0) }), seen[end] == ":" else {
            return true
        }
        return ["http", "https", "mailto"].contains(String(seen[..<end]).lowercased())
    }
}
