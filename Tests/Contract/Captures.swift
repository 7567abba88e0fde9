import Foundation
import JSON

/// What a case has seen so far, and the markers that refer to it.
struct Captures {
    private var values: [String: JSONValue]

    init() {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        let others = letters + Array("0123456789")
        let unique = [letters.randomElement() ?? "a"] + (0..<11).map { _ in others.randomElement() ?? "a" }
        values = ["unique": .string(String(unique))]
    }

    private static var marker: Regex<(Substring, Substring)> { /\$\{([\w-]+)\}/ }
    private static var check: Regex<(Substring, Substring?, Substring)> { /\$\{(?:=([\w-]+))?:([^}]+)\}/ }

    private func value(_ name: Substring) throws -> JSONValue {
        guard let value = values[String(name)] else { throw Mismatch("nothing was captured as \(name)") }
        return value
    }

    /// A text with its markers replaced.
    func fill(_ text: String) throws -> String {
        try text.replacing(Self.marker) { match in
            let value = try value(match.1)
            return value.text ?? String(decoding: value.compact, as: UTF8.self)
        }
    }

    /// A value with the markers in its texts replaced.
    func fill(_ json: JSONValue) throws -> JSONValue {
        switch json {
        case .string(let text):
            if let match = try Self.marker.wholeMatch(in: text) { return try value(match.1) }
            return .string(try fill(text))
        case .array(let elements): return .array(try elements.map { try fill($0) })
        case .object(let object):
            var filled = JSONObject()
            for member in object.members { filled.append(member.name, try fill(member.value)) }
            return .object(filled)
        default: return json
        }
    }

    /// Compares, and captures what the expected value's markers say.
    mutating func match(_ expected: JSONValue, _ found: JSONValue, at place: String) throws {
        if case .string(let text) = expected, let match = try Self.check.wholeMatch(in: text) {
            guard try isKind(match.2, found) else { throw Mismatch("\(place): \(found) is not \(match.2)") }
            if let name = match.1 { values[String(name)] = found }
            return
        }
        switch (try expected.text.map { try fill(.string($0)) } ?? expected, found) {
        case (.object(let expected), .object(let found)):
            guard Set(expected.members.map(\.name)) == Set(found.members.map(\.name)) else {
                throw Mismatch("\(place): the keys of \(found) are not those of \(expected)")
            }
            for member in expected.members {
                try match(member.value, found[member.name] ?? .null, at: "\(place).\(member.name)")
            }
        case (.array(let expected), .array(let found)):
            guard expected.count == found.count else { throw Mismatch("\(place): \(found) is not \(expected)") }
            for (index, pair) in zip(expected, found).enumerated() {
                try match(pair.0, pair.1, at: "\(place)[\(index)]")
            }
        // Byte for byte: String's == takes canonically equivalent texts for equal.
        case (.string(let expected), .string(let found)):
            guard expected.utf8.elementsEqual(found.utf8) else {
                throw Mismatch("\(place): \(found) is not \(expected)")
            }
        case (let expected, let found):
            guard expected == found || expected.wholeNumber.map({ $0 == found.wholeNumber }) ?? false else {
                throw Mismatch("\(place): \(found) is not \(expected)")
            }
        }
    }

    private func isKind(_ kind: Substring, _ value: JSONValue) throws -> Bool {
        let words = kind.split(separator: " ")
        switch words[0] {
        case "any": return true
        case "int": if case .integer = value { return true } else { return false }
        case "string": return value.text != nil
        case "nonempty-string": return value.text?.isEmpty == false
        case "bool": if case .bool = value { return true } else { return false }
        case "array": return value.elements != nil
        case "object": return value.members != nil
        case "strong-etag": return value.text?.wholeMatch(of: /"[^"\s]*"/) != nil
        case "utc-time": return value.text?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil
        case "above":
            guard let number = value.wholeNumber, let other = try self.value(words[1]).wholeNumber else { return false }
            return number > other
        case "methods", "tokens":
            let fold: (Substring) -> String = { words[0] == "tokens" ? $0.lowercased() : String($0) }
            let list = (value.text ?? "").split { $0 == "," || $0 == " " }
            let wanted = Set(words.dropFirst().map(fold))
            // A web server that compresses says so in Vary.
            let added: Set<String> = words[0] == "tokens" ? ["accept-encoding"] : []
            return wanted == Set(list.map(fold)).subtracting(added.subtracting(wanted))
        default: throw Mismatch("there is no kind \(kind)")
        }
    }
}
