import Campaigns
import Glibc
import JSON
import Logging

/// Writes a line an event to standard error, where systemd and whoever started the service find it.
///
/// What is no visible character is written as an escape, and so is a quotation mark in a value: nobody can forge a line, or
/// a part of one, with a name or a header.
struct LineLog: LogHandler {
    /// What a line is like.
    enum Format: String, CaseIterable {
        /// For people: `2026-05-06T14:08:46Z notice changed action="updated" campaign="5" …`.
        case text
        /// For machines: an object with `time`, `level`, `event`, and a text for each detail.
        case json
    }

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    var format = Format.text

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var bytes = Array((format == .text ? Self.text(event) : Self.json(event)).utf8)
        bytes.append(UInt8(ascii: "\n"))
        // In one write, so that lines of several processes do not mix.
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private static func details(_ event: LogEvent) -> [(key: String, value: String)] {
        (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    }

    private static func now() -> String { "\(UTC.text(time(nil), UTC.rfc3339))Z" }

    private static func text(_ event: LogEvent) -> String {
        let details = details(event).map { key, value in
            " \(key)=\"\(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
        }
        return escaped("\(now()) \(event.level) \(event.message)\(details.joined())") { scalar in
            "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    private static func json(_ event: LogEvent) -> String {
        var object: JSONObject = [
            "time": .string(now()), "level": .string("\(event.level)"), "event": .string("\(event.message)"),
        ]
        for (key, value) in details(event) { object.append(key, .string(value)) }
        return escaped(String(decoding: JSONValue.object(object).compact, as: UTF8.self)) { scalar in
            String(scalar).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }.joined()
        }
    }

    /// The text with another for each character that cannot be seen.
    private static func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                escaped.append(contentsOf: escape(scalar).unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
