/// A strong entity-tag (RFC 9110, 8.8.3).
struct EntityTag: CustomStringConvertible {
    private let digest: String
    private let coding: ContentCoding?

    /// - Parameters:
    ///   - digest: what changes when the record does; without quotes.
    ///   - coding: the content coding of the representation, where it has one.
    init(_ digest: String, _ coding: ContentCoding? = nil) {
        self.digest = digest
        self.coding = coding
    }

    var description: String { "\"\(digest)\(coding?.tagSuffix ?? "")\"" }

    /// Whether If-Match or If-None-Match (RFC 9110, 13.1) names this tag, or any.
    ///
    /// A `W/` before a tag is passed over for both: a web server that compresses an answer puts it there, and what
    /// the client then has is still the state that the tag stands for. So it is in each content coding.
    func isIn(_ condition: String) -> Bool {
        let quote = UInt8(ascii: "\"")
        var rest = condition.utf8[...]
        while true {
            rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\t") }
            if rest.isEmpty { return false }
            if rest.elementsEqual("*".utf8) { return true }
            if rest.starts(with: "W/".utf8) { rest = rest.dropFirst(2) }
            guard rest.popFirst() == quote, let end = rest.firstIndex(of: quote) else { return false }
            if isMine(rest[..<end]) { return true }
            rest = rest[end...].dropFirst()
        }
    }

    private func isMine(_ opaque: Substring.UTF8View) -> Bool {
        guard opaque.starts(with: digest.utf8) else { return false }
        let suffix = opaque.dropFirst(digest.utf8.count)
        return suffix.isEmpty || ContentCoding.allCases.contains { suffix.elementsEqual($0.tagSuffix.utf8) }
    }
}
