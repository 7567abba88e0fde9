internal import CCmark
internal import CLinux
public import Campaigns
internal import Glibc
internal import Synchronization

/// Makes of a message HTML that can be put into a page as it is.
public struct MessageHTML: Sendable {
    /// Where the Tasking Manager's web client is, without a slash at the end; nil: there is none to link to.
    private let appBaseURL: String?
    /// Where this service is, without a slash at the end, for links that begin with one.
    private let publicURL: String?

    public init(appBaseURL: String?, publicURL: String? = nil) {
        self.appBaseURL = appBaseURL
        self.publicURL = publicURL
    }

    /// Who says it and about what, then the Markdown rendered, or as it is where that makes far more HTML than text.
    public func html(_ message: Message) -> String {
        html(message, rendered: render(markdown: message.text))
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
        var sender = message.senderName.escapedForHTML
        if let appBaseURL {
            let profile = "\(appBaseURL)/users/\(message.senderName.percentEncoded)"
            sender = "<a href=\"\(profile.escapedForHTML)\">\(sender)</a>"
        }
        return """
            <p>Message for the \(message.campaignName.escapedForHTML) campaign contributors from admin \
            \(sender):<br /><br /></p>

            """
    }

    /// Held while a long text is rendered: cmark takes up to 200 times its size.
    private static let longTurn = Mutex(())
    /// Bytes.
    private static let long = 64 << 10

    /// Bytes of HTML that a text may make. Escaping makes at most six times of it, and elements in a text for people little
    /// more; but a thousand `>` are a thousand quotations in one another, with 26 bytes each.
    private static func limit(_ length: Int) -> Int { length * 8 + 64 << 10 }

    /// Renders Markdown with cmark. Raw HTML comes out as text, and links lead to http, https, mailto or a path alone. As in a
    /// letter, a line break is one, and an address is a link.
    ///
    /// - Returns: nil when the HTML would be out of proportion to the text.
    func render(markdown: String) -> String? {
        guard markdown.utf8.count > Self.long else { return renderOne(markdown) }
        // What cmark has taken would stay with this thread's part of the heap.
        defer { malloc_trim(0) }
        return Self.longTurn.withLock { _ in renderOne(markdown) }
    }

    private func renderOne(_ markdown: String) -> String? {
        let length = markdown.utf8.count
        guard let document = cmark_parse_document(markdown, length, CMARK_OPT_DEFAULT) else { return nil }
        defer { cmark_node_free(document) }
        // A text is in pieces where a character might have begun something.
        cmark_consolidate_text_nodes(document)
        makeHarmless(document)
        // Safe by default: what is left over of raw HTML would be dropped, and dangerous links emptied.
        guard let html = cmark_render_html(document, CMARK_OPT_HARDBREAKS) else { return nil }
        defer { free(html) }
        let count = strlen(html)
        guard count <= Self.limit(length) else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: html, count: count), as: UTF8.self)
    }

    /// Turns raw HTML into text, empties links that are not plainly harmless, and makes links of addresses in the text.
    private func makeHarmless(_ document: OpaquePointer) {
        var raw: [OpaquePointer] = []
        var texts: [OpaquePointer] = []
        // Links in one another are none, and what a picture holds is read out instead of it.
        var depth = 0
        guard let iterator = cmark_iter_new(document) else { return }
        var event = cmark_iter_next(iterator)
        while event != CMARK_EVENT_DONE {
            if let node = cmark_iter_get_node(iterator) {
                switch cmark_node_get_type(node) {
                case CMARK_NODE_HTML_BLOCK, CMARK_NODE_HTML_INLINE: raw.append(node)
                case CMARK_NODE_LINK, CMARK_NODE_IMAGE:
                    depth += event == CMARK_EVENT_ENTER ? 1 : -1
                    if event == CMARK_EVENT_ENTER { cmark_node_set_url(node, target(cmark_node_get_url(node))) }
                case CMARK_NODE_TEXT where depth == 0: texts.append(node)
                default: break
                }
            }
            event = cmark_iter_next(iterator)
        }
        cmark_iter_free(iterator)
        for node in texts { Self.linkAddresses(in: node) }
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

    /// Where a link of a message leads.
    private func target(_ url: UnsafePointer<CChar>?) -> String {
        let url = url.map { String(cString: $0) } ?? ""
        guard url.isHarmlessLink else { return "" }
        guard let publicURL, url.hasPrefix("/") else { return url }
        // With two slashes it names a host, and lacks the scheme alone.
        return url.hasPrefix("//") ? publicURL.prefix { $0 != "/" } + url : publicURL + url
    }

    /// Puts a link in the place of each address in a text.
    private static func linkAddresses(in node: OpaquePointer) {
        guard let literal = cmark_node_get_literal(node) else { return }
        let text = String(cString: literal)
        var rest = text[...]
        for address in BareLink.all(in: text) {
            insertText(rest[..<address.startIndex], before: node)
            if let link = cmark_node_new(CMARK_NODE_LINK) {
                cmark_node_set_url(link, String(address))
                cmark_node_insert_before(node, link)
                if let name = cmark_node_new(CMARK_NODE_TEXT) {
                    cmark_node_set_literal(name, String(address))
                    cmark_node_append_child(link, name)
                }
            }
            rest = text[address.endIndex...]
        }
        if rest.startIndex != text.startIndex { cmark_node_set_literal(node, String(rest)) }
    }

    private static func insertText(_ text: Substring, before node: OpaquePointer) {
        guard !text.isEmpty, let piece = cmark_node_new(CMARK_NODE_TEXT) else { return }
        cmark_node_set_literal(piece, String(text))
        cmark_node_insert_before(node, piece)
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
