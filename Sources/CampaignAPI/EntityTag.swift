/// A strong entity-tag (RFC 9110, 8.8.3).
struct EntityTag: CustomStringConvertible {
    private let opaque: String

    /// - Parameter digest: what changes when the representation does; without quotes.
    init(_ digest: String) {
        opaque = digest
    }

    var description: String { "\"\(opaque)\"" }

    /// Whether If-Match or If-None-Match (RFC 9110, 13.1) names this tag, or any.
    ///
    /// A `W/` before a tag is passed over for both: a web server that compresses an answer puts it there, and what
    /// the client then has is still the state that the tag stands for.
    func isIn(_ condition: String) -> Bool {
        let quote = UInt8(ascii: "\"")
        var rest = condition.utf8[...]
        while true {
            rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\t") }
            if rest.isEmpty { return false }
            if rest.elementsEqual("*".utf8) { return true }
            if rest.starts(with: "W/".utf8) { rest = rest.dropFirst(2) }
            guard rest.popFirst() == quote, let end = rest.firstIndex(of: quote) else { return false }
            if rest[..<end].elementsEqual(opaque.utf8) { return true }
            rest = rest[end...].dropFirst()
        }
    }
}
