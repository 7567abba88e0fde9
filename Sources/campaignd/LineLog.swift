import Campaigns
import Glibc
import Logging

/// Writes a line an event to standard error, where systemd and whoever started the service find it.
///
/// What is no visible character is written as an escape, and so is a quotation mark in a value: nobody can forge a line, or
/// a part of one, with a name or a header.
struct LineLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "\(UTC.text(time(nil), UTC.rfc3339))Z \(event.level) \(event.message)"
        for (key, value) in (event.metadata ?? [:]).sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\"\("\(value)".replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
        }
        var bytes: [UInt8] = []
        for scalar in line.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                bytes.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
            default: bytes.append(contentsOf: String(scalar).utf8)
            }
        }
        bytes.append(UInt8(ascii: "\n"))
        // In one write, so that lines of several processes do not mix.
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
