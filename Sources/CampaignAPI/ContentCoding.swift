internal import CBrotli
internal import CDeflate

/// A content coding that answers are kept in (RFC 9110, 8.4.1).
enum ContentCoding: String, Sendable, CaseIterable {
    /// RFC 7932.
    case brotli = "br"
    /// RFC 1952.
    case gzip = "gzip"

    /// What stands behind the digest in an entity-tag, for each coding is a representation of its own (RFC 9110, 8.8.3.3).
    var tagSuffix: String { "-\(rawValue)" }

    /// Bytes; what is shorter fits into one packet anyway.
    static let least = 512

    enum Effort {
        /// Some hundred megabytes a second.
        case little
        /// A tenth of that, or less.
        case much
    }

    /// - Returns: nil where there is no memory for it, or it would be no shorter.
    func encode(_ body: [UInt8], _ effort: Effort) -> [UInt8]? {
        let room = body.count
        var isDone = false
        let encoded = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            count = body.withUnsafeBufferPointer { body in
                switch self {
                case .gzip: Self.gzip(body, into: buffer, level: effort == .little ? 1 : 9)
                case .brotli: Self.brotli(body, into: buffer, quality: effort == .little ? 1 : 6)
                }
            }
            isDone = count > 0
        }
        return isDone ? encoded : nil
    }

    /// - Returns: bytes written; 0 when there is too little room.
    private static func gzip(
        _ body: UnsafeBufferPointer<UInt8>, into buffer: UnsafeMutableBufferPointer<UInt8>, level: Int32
    ) -> Int {
        guard let compressor = libdeflate_alloc_compressor(level) else { return 0 }
        defer { libdeflate_free_compressor(compressor) }
        return libdeflate_gzip_compress(compressor, body.baseAddress, body.count, buffer.baseAddress, buffer.count)
    }

    /// - Returns: bytes written; 0 when there is too little room.
    private static func brotli(
        _ body: UnsafeBufferPointer<UInt8>, into buffer: UnsafeMutableBufferPointer<UInt8>, quality: Int32
    ) -> Int {
        var count = buffer.count
        let isDone = BrotliEncoderCompress(
            quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, body.count, body.baseAddress, &count, buffer.baseAddress)
        return isDone == BROTLI_TRUE ? count : 0
    }
}

/// The codings that a client takes (RFC 9110, 12.5.3).
struct AcceptEncoding {
    /// In thousandths; nil: it does not name it.
    private var weights: [ContentCoding: Int] = [:]
    private var identity: Int?

    /// - Parameter field: the value of Accept-Encoding. What cannot be understood of it counts as not there.
    init(_ field: String) {
        var others: Int?
        for element in field.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map(\.trimmed)
            guard let name = parts.first, let weight = Self.weight(parts.dropFirst()) else { continue }
            if name.is("gzip") || name.is("x-gzip") {
                weights[.gzip] = max(weight, weights[.gzip] ?? 0)
            } else if name.is("br") {
                weights[.brotli] = weight
            } else if name.is("identity") {
                identity = weight
            } else if name.is("*") {
                others = weight
            }
        }
        for coding in ContentCoding.allCases where weights[coding] == nil { weights[coding] = others }
        identity = identity ?? (others == 0 ? 0 : nil)
    }

    /// The best of some codings; nil: as it is, which is also what a client gets that takes nothing at all.
    func best(of codings: some Sequence<ContentCoding>) -> ContentCoding? {
        var best: (coding: ContentCoding?, weight: Int) = (nil, identity ?? 0)
        for coding in codings {
            // Of two that weigh the same the shorter one, and what is shorter than identity.
            guard let weight = weights[coding], weight > 0,
                weight > best.weight || best.coding == nil && weight == best.weight
            else { continue }
            best = (coding, weight)
        }
        return best.coding
    }

    /// The weight among the parameters of an element, 1 without one; nil when it is none.
    private static func weight(_ parameters: ArraySlice<Substring.UTF8View>) -> Int? {
        guard let parameter = parameters.last, parameter.count > 0 else { return parameters.isEmpty ? 1000 : nil }
        guard parameters.count == 1, parameter.prefix(2).is("q=") else { return nil }
        let digits = Array(parameter.dropFirst(2))
        guard let first = digits.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"), digits.count <= 5,
            digits.count < 2 || digits[1] == UInt8(ascii: ".")
        else { return nil }
        var weight = first == UInt8(ascii: "1") ? 1000 : 0
        var unit = 100
        for digit in digits.dropFirst(2) {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
            weight += Int(digit - UInt8(ascii: "0")) * unit
            unit /= 10
        }
        return weight <= 1000 ? weight : nil
    }
}

extension Substring.UTF8View {
    /// Without white space at both ends.
    fileprivate var trimmed: Substring.UTF8View {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var rest = drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest = rest.dropLast() }
        return rest
    }

    /// Whether this is a word in any letter case.
    ///
    /// - Parameter word: small letters.
    fileprivate func `is`(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { word in
            zip(self, word).allSatisfy { byte, letter in
                byte == letter || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte && byte | 0x20 == letter
            }
        }
    }
}
