internal import Glibc

/// Dates and times in UTC.
public enum UTC {
    /// A date and time as RFC 3339 has it, without what follows the seconds.
    public static let rfc3339 = "%Y-%m-%dT%H:%M:%S"

    /// A moment as text. The names of days and months are English: no locale is ever set.
    ///
    /// - Parameters:
    ///   - time: seconds since 1970.
    ///   - format: as strftime(3) has it; the text has at most 63 bytes.
    public static func text(_ time: Int, _ format: String) -> String {
        var time = time
        var parts = tm()
        gmtime_r(&time, &parts)
        return String(unsafeUninitializedCapacity: 64) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { strftime($0.baseAddress, $0.count, format, &parts) }
        }
    }
}
