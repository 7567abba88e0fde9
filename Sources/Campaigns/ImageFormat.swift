/// What a logo may be: a format whose files show by their first bytes that they are of it.
///
/// SVG is not among them: it is a document, which may hold scripts.
public enum ImageFormat: String, Sendable, CaseIterable {
    case png, jpeg, webp, gif

    public var mediaType: String { "image/\(rawValue)" }
    /// How a file's name ends, without the dot.
    public var fileExtension: String { self == .jpeg ? "jpg" : rawValue }

    /// The format that bytes are of, or nil when it is none of these. Only how the file begins is looked at.
    public init?(of bytes: [UInt8]) {
        guard let format = Self.allCases.first(where: { $0.isBeginning(of: bytes) }) else { return nil }
        self = format
    }

    private func isBeginning(of bytes: [UInt8]) -> Bool {
        switch self {
        case .png:
            // The signature, and the header that has to come first, with a width and a height (PNG specification, 5.2 and 11.2.2).
            return bytes.count >= 33 && bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
                && bytes[8..<16].elementsEqual([0, 0, 0, 13] + "IHDR".utf8)
                && bytes[16..<20].contains { $0 != 0 } && bytes[20..<24].contains { $0 != 0 }
        case .jpeg:
            // The start of the image, and a whole first segment after it (ITU-T T.81, B.1).
            guard bytes.count >= 6, bytes.starts(with: [0xFF, 0xD8, 0xFF]), (0xC0...0xFE).contains(bytes[3]) else {
                return false
            }
            let length = Int(bytes[4]) << 8 | Int(bytes[5])
            return length >= 2 && bytes.count > 4 + length
        case .webp:
            // A RIFF file as long as it says, but for a byte that fills it up, and its first chunk (RFC 9649, 2.4 and 2.5).
            guard bytes.count >= 20, bytes.starts(with: "RIFF".utf8), bytes[8..<15].elementsEqual("WEBPVP8".utf8),
                " LX".utf8.contains(bytes[15])
            else { return false }
            let length = bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
            return (0...1).contains(bytes.count - 8 - length)
        case .gif:
            // The header, and a screen with a width and a height (GIF89a specification, 17 and 18).
            return bytes.count > 13 && (bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8))
                && bytes[6..<8].contains { $0 != 0 } && bytes[8..<10].contains { $0 != 0 }
        }
    }
}
