/// The origins that ALLOWED_ORIGINS names.
public struct Origins: Sendable, Equatable {
    /// Each as a browser's Origin header has it (RFC 6454, 6.2); `*` stands for every one.
    public let all: Set<String>

    /// - Parameter text: origins with commas or white space between them; nil when one of them is none, or when there is none.
    public init?(_ text: String) {
        let words = text.split { $0 == "," || $0.isWhitespace }
        let origins = words.compactMap { Self.spelled(String($0)) }
        guard !words.isEmpty, origins.count == words.count else { return nil }
        all = Set(origins)
    }

    private static func spelled(_ text: String) -> String? {
        // What browsers say of a page that has no origin of its own.
        if text == "*" || text == "null" { return text }
        if let address = WebAddress(text) { return address.path.isEmpty ? address.origin : nil }
        return ofProgram(text.lowercased())
    }

    /// The origin of the pages of a browser's extension, or of a program that is made of pages.
    private static func ofProgram(_ text: String) -> String? {
        let scheme = text.prefix { $0 != ":" }
        guard scheme.hasSuffix("-extension") || ["app", "capacitor", "ionic", "tauri"].contains(scheme),
            let address = WebAddress("http" + text.dropFirst(scheme.count)), address.path.isEmpty
        else { return nil }
        return "\(scheme)\(address.origin.dropFirst("http".count))"
    }
}
