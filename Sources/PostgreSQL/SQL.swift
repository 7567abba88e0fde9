/// A statement. What comes from outside goes into its parameters, `$1` and so on, and not into its text: so it is made from
/// a literal, which nothing can be put into.
public struct SQL: Sendable, Hashable, ExpressibleByStringLiteral {
    public let text: String

    public init(stringLiteral text: StaticString) {
        self.text = text.description
    }

    /// - Parameter text: put together by the program from its own parts, with names in ``identifier(_:)``.
    public init(composed text: String) {
        self.text = text
    }

    /// A name of a table, a column or a role as it stands in a statement.
    public static func identifier(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }
}

/// The value of a parameter. The server takes it for what the statement needs there, such as `$1::bigint`.
public enum SQLValue: Sendable {
    case null
    case text(String)
    /// For the type `bytea`.
    case bytes([UInt8])
}

/// What can be the value of a parameter.
public protocol SQLParameter {
    var sqlValue: SQLValue { get }
}

extension String: SQLParameter {
    public var sqlValue: SQLValue { .text(self) }
}

extension Int: SQLParameter {
    public var sqlValue: SQLValue { .text(String(self)) }
}

extension Bool: SQLParameter {
    public var sqlValue: SQLValue { .text(self ? "t" : "f") }
}

extension SQLValue: SQLParameter {
    public var sqlValue: SQLValue { self }
}

extension Optional: SQLParameter where Wrapped: SQLParameter {
    public var sqlValue: SQLValue { self?.sqlValue ?? .null }
}

/// What can be in a parameter that is an array, such as `$1::int[]`.
public protocol SQLArrayElement {
    /// As it stands between the braces of an array.
    var arrayText: String { get }
}

extension Int: SQLArrayElement {
    public var arrayText: String { String(self) }
}

extension String: SQLArrayElement {
    public var arrayText: String {
        "\"" + replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

extension Array: SQLParameter where Element: SQLArrayElement {
    public var sqlValue: SQLValue { .text("{" + map(\.arrayText).joined(separator: ",") + "}") }
}
