internal import JSON

/// The names that a broken record of a campaign may have: when it is mended it gets one of them back.
///
/// The text that cannot be read as a record can nearly always be read by a person, who finds the name in it. This finds what
/// such a person could take for it, and rather too much than too little. A text without any leaves nothing to find.
struct BrokenName: Equatable, Sendable {
    /// Each may be the name.
    var names: Set<String> = []
    /// The text ends within the name, which begins so.
    var beginnings: Set<String> = []

    init() {}

    /// - Parameter bytes: what the file holds.
    init(in bytes: [UInt8]) {
        if let json = try? JSONValue(parsing: bytes) {
            // It is the rest that is wrong.
            if case .object(let object) = json, case .string(let name) = object["name"] {
                add(name)
                return
            }
        }
        for text in Self.texts(bytes) { find(in: Array(text.unicodeScalars.prefix(Self.longest))) }
    }

    /// Unicode code points of the text that are looked at: keys that stand later are not the name.
    private static let longest = 1 << 20

    /// What the bytes may mean. What is not UTF-8 may be an old editor's Latin-1, or UTF-16.
    private static func texts(_ bytes: [UInt8]) -> [String] {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            let isLittle = bytes[0] == 0xFF
            let units = stride(from: 2, to: bytes.count - 1, by: 2).map { place in
                let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
                return isLittle ? second << 8 | first : first << 8 | second
            }
            return [String(decoding: units, as: UTF16.self)]
        }
        if String(validating: bytes, as: UTF8.self) != nil { return [String(decoding: bytes, as: UTF8.self)] }
        var latin = String.UnicodeScalarView()
        latin.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
        return [String(decoding: bytes, as: UTF8.self), String(latin)]
    }

    private mutating func add(_ name: some StringProtocol) {
        let trimmed = name.trimming
        if !trimmed.isEmpty { names.insert(trimmed) }
        names.insert(String(name))
    }

    /// Finds the values of each key that is called name; where there is none, every text may be the name.
    private mutating func find(in text: [Unicode.Scalar]) {
        var isFound = false
        let key = Array("name".unicodeScalars)
        var place = 0
        while place + key.count <= text.count {
            defer { place += 1 }
            guard text[place..<place + key.count].elementsEqual(key, by: { $0.value | 0x20 == $1.value }),
                place == 0 || !text[place - 1].isWordly
            else { continue }
            var next = place + key.count
            while next < text.count, text[next].properties.isWhitespace || text[next].isQuote { next += 1 }
            guard next < text.count, [":", "="].contains(text[next]) else { continue }
            next += 1
            while next < text.count, text[next].properties.isWhitespace { next += 1 }
            isFound = true
            value(in: text[next...])
        }
        guard !isFound else { return }
        place = 0
        while place < text.count {
            let rest = text[(place + 1)...]
            if text[place].isQuote, let end = Self.end(of: text[place], rest) {
                add(Self.decoded(rest[..<end]))
                place = end
            }
            place += 1
        }
    }

    /// Takes what stands where the name should: a text in quotes, one whose quotes are missing, or one that is cut off.
    private mutating func value(in rest: ArraySlice<Unicode.Scalar>) {
        guard let first = rest.first else { return }
        let lineEnd = rest.firstIndex { $0 == "\n" || $0 == "\r" }
        if first.isQuote {
            let inner = rest.dropFirst()
            if let end = Self.end(of: first, inner) { return add(Self.decoded(inner[..<end])) }
            if lineEnd == nil { beginnings.insert(Self.decoded(inner)) }
        }
        // Up to the line's end, or to the next member, less what belongs to JSON and not to the name.
        let line = rest[..<(lineEnd ?? rest.endIndex)]
        let ends = line.indices.filter { [",", "}"].contains(line[$0]) } + [line.endIndex]
        for end in ends.prefix(16) {
            let name = line[..<end].drop { $0.isQuote || $0.properties.isWhitespace }
            let kept = name.reversed().drop { $0.isQuote || $0.properties.isWhitespace || $0 == "," || $0 == "}" }
            add(Self.decoded(Array(kept.reversed())[...]))
        }
    }

    /// Where a text in quotes ends, on its line.
    private static func end(of quote: Unicode.Scalar, _ text: ArraySlice<Unicode.Scalar>) -> Int? {
        var isEscaped = false
        for place in text.indices {
            if text[place] == "\n" || text[place] == "\r" { return nil }
            if !isEscaped, text[place] == quote { return place }
            isEscaped = !isEscaped && text[place] == "\\"
        }
        return nil
    }

    /// The text as JSON means it, or as it stands where it means nothing.
    private static func decoded(_ text: ArraySlice<Unicode.Scalar>) -> String {
        var plain = String.UnicodeScalarView()
        plain.append(contentsOf: text)
        guard case .array(let values) = try? JSONValue(parsing: Array("[\"\(String(plain))\"]".utf8)),
            values.count == 1, case .string(let decoded) = values[0]
        else { return String(plain) }
        return decoded
    }
}

extension Unicode.Scalar {
    fileprivate var isQuote: Bool { ["\"", "'", "\u{201C}", "\u{201D}", "\u{201E}"].contains(self) }
    fileprivate var isWordly: Bool { properties.isAlphabetic || self == "_" || properties.numericType != nil }
}

extension StringProtocol {
    /// Without white space around it.
    fileprivate var trimming: String {
        let start = unicodeScalars.drop { $0.properties.isWhitespace }
        let end = start.reversed().drop { $0.properties.isWhitespace }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: end.reversed())
        return String(text)
    }
}
