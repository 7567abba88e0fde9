@_spi(_Unicode) internal import Swift

/// A text as a search compares it: letter case and accents aside.
struct FoldedText: Sendable {
    private let bytes: [UInt8]

    init(_ text: String) {
        // Capital letters first: ß and ς have them in common with ss and σ. They may bring accents of their own.
        let upper = Self.withoutAccents(text).unicodeScalars.map(\.properties.uppercaseMapping).joined()
        let lower = upper.unicodeScalars.map(\.properties.lowercaseMapping).joined()
        bytes = Array(Self.withoutAccents(lower).utf8)
    }

    func hasPrefix(_ other: FoldedText) -> Bool { bytes.starts(with: other.bytes) }

    func contains(_ other: FoldedText) -> Bool {
        guard let first = other.bytes.first else { return true }
        var rest = bytes[...]
        while let start = rest.firstIndex(of: first) {
            rest = rest[start...]
            if rest.starts(with: other.bytes) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private static func withoutAccents(_ text: String) -> String {
        // Most names.
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
        var plain = String.UnicodeScalarView()
        for scalar in text._nfd where !isAccent(scalar) { plain.append(strokeless[scalar] ?? scalar) }
        return String(plain)
    }

    /// Whether a scalar is a mark above, below or through the one before it. Signs that make another letter or syllable in
    /// their script are none, such as a virama.
    private static func isAccent(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.canonicalCombiningClass.rawValue {
        case 1, 10...36, 200...: true
        default: false
        }
    }

    /// Letters with a stroke or without a dot, which Unicode does not take apart.
    private static let strokeless: [Unicode.Scalar: Unicode.Scalar] = [
        "đ": "d", "Đ": "D", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ı": "i",
    ]
}
