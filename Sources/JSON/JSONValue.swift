/// A JSON text (RFC 8259) as a value. Objects keep the order of their members.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// What the value is, in words for an error message.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a text"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Whether there is a NUL in a text anywhere in it.
    public var hasNUL: Bool {
        switch self {
        case .string(let text): text.utf8.contains(0)
        case .array(let elements): elements.contains(where: \.hasNUL)
        case .object(let object): object.members.contains { $0.value.hasNUL }
        default: false
        }
    }

    /// The whole number that this is: `5`, and `5.0` too, which JSON does not tell apart.
    public var wholeNumber: Int? {
        switch self {
        case .integer(let value): value
        // Up to here a double still tells whole numbers apart.
        case .number(let value) where value.magnitude <= 0x1p53: Int(exactly: value)
        default: nil
        }
    }
}

/// The members of a JSON object in their order; each name once.
public struct JSONObject: Sendable, Equatable {
    public struct Member: Sendable, Equatable {
        public let name: String
        public let value: JSONValue

        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    public private(set) var members: [Member] = []

    public init() {}

    /// The value of a member, or nil when there is none of that name.
    public subscript(name: String) -> JSONValue? {
        // Names are compared byte for byte (RFC 8259, 8.3), where String's == would also take canonical equivalents.
        members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// Adds a member at the end; the caller knows that there is none of that name.
    public mutating func append(_ name: String, _ value: JSONValue) {
        members.append(Member(name: name, value: value))
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(name: $0.0, value: $0.1) }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object.append(name, value) }
        self = .object(object)
    }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
}

extension JSONValue {
    /// A text, or null for nil.
    public init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }
    /// A number, or null for nil.
    public init(_ number: Int?) { self = number.map(JSONValue.integer) ?? .null }
    /// An array of numbers.
    public init(_ numbers: [Int]) { self = .array(numbers.map(JSONValue.integer)) }
}
