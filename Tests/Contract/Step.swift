import Foundation
import JSON
import TestSupport

/// A request of a case, and what is expected of its answer.
struct Step {
    private let json: JSONValue

    init(_ json: JSONValue) {
        self.json = json
    }

    // MARK: What is sent

    func request(_ captures: inout Captures) throws -> Asked {
        let target =
            if let raw = json["rawPath"]?.text { try captures.fill(raw) } else {
                "/api/v2" + (try captures.fill(json["path"]?.text ?? ""))
            }
        var asked = Asked(json["method"]?.text ?? "", target, body: try body(captures))
        var headers: [(name: String, value: String)] = []
        var says = Set<String>()
        for member in json["headers"]?.members ?? [] {
            says.insert(member.name)
            if let value = member.value.text { headers.append((member.name, try captures.fill(value))) }
        }
        if asked.body != nil, !says.contains("Content-Type") { headers.append(("Content-Type", "application/json")) }
        if let authorization = try Authorization.header(json["as"]) {
            headers.append(("Authorization", authorization))
        }
        asked.headers = headers
        return asked
    }

    private func body(_ captures: Captures) throws -> Data? {
        if let value = json["json"] { return Data(try captures.fill(value).compact) }
        if let text = json["text"]?.text { return Data(try captures.fill(text).utf8) }
        if let text = json["base64"]?.text { return Data(base64Encoded: text) }
        guard let parts = json["repeat"] else { return nil }
        let unit = parts["unit"]?.text ?? ""
        return Data(
            (try captures.fill(parts["prefix"]?.text ?? "")
                + String(repeating: unit, count: parts["count"]?.wholeNumber ?? 0)
                + captures.fill(parts["suffix"]?.text ?? "")).utf8)
    }

    // MARK: What comes back

    func check(_ answered: Answered, _ captures: inout Captures) throws {
        guard answered.status == json["status"]?.wholeNumber else {
            throw Mismatch("the status is not \(json["status"]?.wholeNumber ?? 0)")
        }
        if json["expectEmpty"] == true, !answered.body.isEmpty { throw Mismatch("there is a body") }
        var body = JSONValue.null
        if !answered.body.isEmpty {
            guard answered.header("Content-Type")?.split(separator: ";").first == "application/json" else {
                throw Mismatch("the type is \(answered.header("Content-Type") ?? "missing")")
            }
            do {
                body = try JSONValue(parsing: Array(answered.body))
            } catch {
                throw Mismatch("the body is not valid JSON: \(error)")
            }
        }
        if let expected = json["expect"] { try captures.match(expected, body, at: "body") }
        if let keys = json["expectKeys"] { try checkKeys(keys, body) }
        for header in json["expectHeaders"]?.members ?? [] {
            switch (header.value, answered.header(header.name)) {
            case (.null, nil): break
            case (.null, let value?): throw Mismatch("\(header.name) is \(value)")
            case (_, nil): throw Mismatch("\(header.name) is missing")
            case (let expected, let value?): try captures.match(expected, .string(value), at: header.name)
            }
        }
        if let contains = json["expectContains"] { try checkContains(contains, body, &captures) }
        for part in json["expectAt"]?.elements ?? [] { try checkPart(part, body, &captures) }
    }

    private func checkKeys(_ keys: JSONValue, _ object: JSONValue) throws {
        let found = object.members?.map { JSONValue.string($0.name) }
        guard found == keys.elements else { throw Mismatch("the keys are not \(keys)") }
    }

    private func checkContains(_ contains: JSONValue, _ body: JSONValue, _ captures: inout Captures) throws {
        let array = try Self.walk(body, contains["path"])
        var isFound = false
        for element in array.elements ?? [] {
            var attempt = captures
            if (try? attempt.match(contains["item"] ?? .null, element, at: "item")) != nil {
                captures = attempt
                isFound = true
                break
            }
        }
        if isFound == (contains["not"] == true) {
            throw Mismatch("the item is \(isFound ? "" : "not ")there: \(contains["item"] ?? .null)")
        }
    }

    private func checkPart(_ part: JSONValue, _ body: JSONValue, _ captures: inout Captures) throws {
        let value = try Self.walk(body, part["path"])
        if let expected = part["value"] { try captures.match(expected, value, at: "\(part["path"] ?? .null)") }
        if let keys = part["keys"] { try checkKeys(keys, value) }
        if let key = part["rising"]?.text {
            let numbers = (value.elements ?? []).map { $0[key]?.wholeNumber ?? .min }
            guard zip(numbers, numbers.dropFirst()).allSatisfy(<) else { throw Mismatch("\(key) does not rise") }
        }
        for text in part["contains"]?.elements ?? [] {
            let wanted = try captures.fill(text.text ?? "")
            guard value.text?.contains(wanted) == true else { throw Mismatch("it lacks \(wanted)") }
        }
        for text in part["lacks"]?.elements ?? [] {
            let unwanted = try captures.fill(text.text ?? "").lowercased()
            guard value.text?.lowercased().contains(unwanted) == false else { throw Mismatch("it has \(unwanted)") }
        }
    }

    private static func walk(_ body: JSONValue, _ path: JSONValue?) throws -> JSONValue {
        var value = body
        for part in path?.elements ?? [] {
            var next: JSONValue?
            if let key = part.text { next = value[key] }
            if let index = part.wholeNumber, let elements = value.elements, elements.indices.contains(index) {
                next = elements[index]
            }
            guard let next else { throw Mismatch("there is nothing at \(path ?? .null)") }
            value = next
        }
        return value
    }
}
