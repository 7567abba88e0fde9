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
        var rest = condition[...]
        while true {
            rest = rest.drop { $0 == " " || $0 == "," || $0 == "\t" }
            if rest.isEmpty { return false }
            if rest == "*" { return true }
            if rest.hasPrefix("W/") { rest = rest.dropFirst(2) }
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return false }
            if rest.dropFirst()[..<end] == opaque[...] { return true }
            rest = rest[rest.index(after: end)...]
        }
    }
}
