extension JSONValue {
    /// The text in the fewest bytes, as answers carry it.
    public var compact: [UInt8] {
        var text: [UInt8] = []
        write(to: &text)
        return text
    }

    /// The text as the data folder keeps it: two spaces a level, arrays of plain values on one line, a line feed at the end.
    public var indented: [UInt8] {
        var text: [UInt8] = []
        writeIndented(to: &text, level: 0)
        text.append(UInt8(ascii: "\n"))
        return text
    }

    /// Appends the compact text.
    public func write(to text: inout [UInt8]) {
        switch self {
        case .null: text.append(utf8: "null")
        case .bool(let value): text.append(utf8: value ? "true" : "false")
        case .integer(let value): text.append(utf8: String(value))
        // What is read has been finite; a value made here that is not has no JSON, so null as JavaScript writes it.
        case .number(let value): text.append(utf8: value.isFinite ? "\(value)" : "null")
        case .string(let value): text.append(jsonString: value)
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                element.write(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let object):
            text.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                text.append(jsonString: member.name)
                text.append(UInt8(ascii: ":"))
                member.value.write(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private func writeIndented(to text: inout [UInt8], level: Int) {
        switch self {
        case .array(let elements) where elements.contains(where: \.isContainer):
            Self.writeLines(elements, between: "[", "]", to: &text, level: level) { element, text in
                element.writeIndented(to: &text, level: level + 1)
            }
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(utf8: ", ") }
                element.write(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let object) where !object.members.isEmpty:
            Self.writeLines(object.members, between: "{", "}", to: &text, level: level) { member, text in
                text.append(jsonString: member.name)
                text.append(utf8: ": ")
                member.value.writeIndented(to: &text, level: level + 1)
            }
        default: write(to: &text)
        }
    }

    private static func writeLines<Element>(
        _ elements: [Element], between open: String, _ close: String, to text: inout [UInt8], level: Int,
        _ writeElement: (Element, inout [UInt8]) -> Void
    ) {
        text.append(utf8: open)
        for (index, element) in elements.enumerated() {
            text.append(utf8: index > 0 ? ",\n" : "\n")
            text.append(utf8: String(repeating: "  ", count: level + 1))
            writeElement(element, &text)
        }
        text.append(UInt8(ascii: "\n"))
        text.append(utf8: String(repeating: "  ", count: level))
        text.append(utf8: close)
    }

    private var isContainer: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }
}

extension [UInt8] {
    /// Appends a text's UTF-8.
    public mutating func append(utf8 text: String) {
        append(contentsOf: text.utf8)
    }

    /// Appends a text as a JSON string, quotes included. Only what RFC 8259 says must be escaped is.
    public mutating func append(jsonString text: String) {
        append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            for index in bytes.indices where bytes[index] < 0x20 || bytes[index] == 0x22 || bytes[index] == 0x5C {
                append(contentsOf: bytes[written..<index])
                append(contentsOf: Self.escape(bytes[index]))
                written = index + 1
            }
            append(contentsOf: bytes[written...])
        }
        append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case 0x22: [0x5C, 0x22]
        case 0x5C: [0x5C, 0x5C]
        case 0x08: [0x5C, UInt8(ascii: "b")]
        case 0x09: [0x5C, UInt8(ascii: "t")]
        case 0x0A: [0x5C, UInt8(ascii: "n")]
        case 0x0C: [0x5C, UInt8(ascii: "f")]
        case 0x0D: [0x5C, UInt8(ascii: "r")]
        default: Array("\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8)
        }
    }
}
