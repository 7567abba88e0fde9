internal import FastCGI
internal import HTTPTypes

/// The parameters of a request's query (`?name=value&…`). An empty one counts as absent, and of a repeated one the last
/// counts.
struct Query: Sendable {
    /// nil: the value is not UTF-8, or not percent-encoded as it should be.
    private var values: [String: String?] = [:]

    init(_ request: Request) {
        guard let target = request.head.path?.utf8, let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return }
        for pair in target[target.index(after: mark)...].split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first.flatMap(Self.decoded) else { continue }
            values.updateValue(parts.count > 1 ? Self.decoded(parts[1]) : "", forKey: name)
        }
    }

    private static func decoded(_ text: Substring.UTF8View) -> String? {
        let spaced = text.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return String(validating: spaced, as: UTF8.self)?.percentDecoded.map(String.init)
    }

    /// Whether a parameter is there, be it none that can be read.
    func has(_ name: String) -> Bool { values[name].map { $0 != "" } ?? false }

    /// - Throws: ``Problem`` 400 when it is not text.
    func text(_ name: String) throws(Problem) -> String? {
        guard let value = values[name] else { return nil }
        guard let text = value else { throw .invalid("\(name) must be UTF-8 text") }
        return text.isEmpty ? nil : text
    }

    /// `true` or `false` in any letter case.
    ///
    /// - Throws: ``Problem`` 400.
    func flag(_ name: String) throws(Problem) -> Bool? {
        switch try text(name)?.lowercased() {
        case nil: nil
        case "true": true
        case "false": false
        case .some: throw .invalid("\(name) must be true or false")
        }
    }

    /// A whole number of 1 to 15 digits, at least 1.
    ///
    /// - Throws: ``Problem`` 400.
    func number(_ name: String) throws(Problem) -> Int? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.count <= 15, text.isDigits, let number = Int(text), number >= 1 else {
            throw .invalid("\(name) must be a whole number of 1 to 15 digits, at least 1")
        }
        return number
    }

    /// An id to look for. One that no record can have is 0.
    ///
    /// - Throws: ``Problem`` 400 when it is not a whole number.
    func id(_ name: String) throws(Problem) -> Int? {
        guard let text = try text(name) else { return nil }
        guard text.isDigits else { throw .invalid("\(name) must be a whole number") }
        return Int(text) ?? 0
    }

    /// A list of whole numbers with commas between. One that is too large to be anything is 0.
    ///
    /// - Throws: ``Problem`` 400.
    func numbers(_ name: String) throws(Problem) -> [Int]? {
        guard let text = try text(name) else { return nil }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
        guard numbers.allSatisfy(\.isDigits) else {
            throw .invalid("\(name) must be whole numbers, separated by commas")
        }
        return numbers.map { Int($0) ?? 0 }
    }
}

extension StringProtocol {
    /// Whether these are decimal digits of ASCII, at least one.
    var isDigits: Bool {
        !isEmpty && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
