import Glibc

/// Keeps passwords that are in the command line from everybody who lists the processes.
enum HiddenPassword {
    /// Writes over each password of a connection string among the arguments, where the kernel shows them from. The
    /// arguments themselves stay as they are for this process.
    static func hide() {
        // They are copied when they are first asked for.
        for (index, argument) in CommandLine.arguments.enumerated() {
            guard let range = password(in: Array(argument.utf8)), let start = CommandLine.unsafeArgv[index],
                strlen(start) == argument.utf8.count
            else { continue }
            memset(start + range.lowerBound, Int32(UInt8(ascii: "x")), range.count)
        }
    }

    /// Where a password is in a connection string; rather a little more than less.
    static func password(in text: [UInt8]) -> Range<Int>? {
        let lower = text.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        // As a keyword, or a parameter of a URI: all that follows.
        if let word = lower.firstRange(of: Array("password".utf8)),
            let equals = lower[word.upperBound...].firstIndex(of: UInt8(ascii: "="))
        {
            return equals + 1..<text.count
        }
        guard let scheme = lower.firstRange(of: Array("://".utf8)), lower.starts(with: Array("postgres".utf8)),
            let colon = text[scheme.upperBound...].firstIndex(of: UInt8(ascii: ":")),
            let end = text.lastIndex(of: UInt8(ascii: "@")), colon < end
        else { return nil }
        return colon + 1..<end
    }
}
