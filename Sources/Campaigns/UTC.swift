internal import Glibc

extension StringProtocol {
    /// Whether it is like another text, which has a 0 for each digit, such as `0000-00-00`.
    public func hasForm(_ form: String) -> Bool {
        utf8.count == form.utf8.count
            && zip(utf8, form.utf8).allSatisfy { byte, wanted in
                wanted == UInt8(ascii: "0") ? UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte : byte == wanted
            }
    }
}

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

    /// Now, as RFC 3339 has it, with six digits of a second.
    public static func now() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let digits = String(now.tv_nsec / 1000)
        let zeros = String(repeating: "0", count: max(0, 6 - digits.count))
        return "\(text(now.tv_sec, rfc3339)).\(zeros)\(digits)Z"
    }
}
