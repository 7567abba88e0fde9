internal import Glibc

/// An address of the web as a setting has it: scheme, host and port, and a path (RFC 3986, 3).
///
/// What has several spellings is kept in one: scheme and host in small letters, without the scheme's own port, and without
/// a slash at the end of the path.
public struct WebAddress: Sendable, Equatable {
    /// As the Origin header has it: `https://example.org:8443` (RFC 6454, 6.2).
    public let origin: String
    /// What follows the origin: empty, or with a slash before each part.
    public let path: String

    /// The whole address.
    public var text: String { origin + path }

    /// Whether it is on this machine: `localhost`, or an address that is always its own.
    public var isLoopback: Bool {
        let host = origin.drop { $0 != "/" }.dropFirst(2)
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
        if name == "localhost" || name == "[::1]" { return true }
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }

    /// - Parameter text: an http or https address without a user, a query or a fragment; any other text is nil.
    public init?(_ text: String) {
        let scheme: String
        let ownPort: Int
        switch text.prefix(while: { $0 != ":" }).lowercased() {
        case "http": (scheme, ownPort) = ("http", 80)
        case "https": (scheme, ownPort) = ("https", 443)
        default: return nil
        }
        let rest = text.dropFirst(scheme.count)
        guard rest.hasPrefix("://") else { return nil }
        let authority = rest.dropFirst(3).prefix { $0 != "/" }
        guard let (host, port) = Self.hostAndPort(authority) else { return nil }
        var path = rest[authority.endIndex...]
        guard Self.isPath(path) else { return nil }
        while path.hasSuffix("/") { path.removeLast() }
        origin = "\(scheme)://\(host)" + (port.map { $0 == ownPort ? "" : ":\($0)" } ?? "")
        self.path = String(path)
    }

    /// Whether this is another address, or lies below it.
    ///
    /// One that goes up on the way, be it in a spelling that only some servers understand, does not lie below.
    func isAtOrBelow(_ other: WebAddress) -> Bool {
        origin == other.origin && (path == other.path || path.hasPrefix(other.path + "/")) && !goesUp
    }

    /// Whether a part of the path is `.` or `..`, percent-encoded or not, any number of times.
    private var goesUp: Bool {
        var text = path[...]
        while true {
            let parts = text.utf8.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
            if parts.contains(where: { Substring($0) == "." || Substring($0) == ".." }) { return true }
            guard text.utf8.contains(UInt8(ascii: "%")) else { return false }
            // What is not encoded as it should be is understood in more ways than one.
            guard let decoded = text.percentDecoded else { return true }
            text = decoded
        }
    }

    private static func hostAndPort(_ authority: Substring) -> (host: String, port: Int?)? {
        let isAddress = authority.hasPrefix("[")
        let text = isAddress ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        guard authority.hasPrefix(text),
            let host = isAddress ? ipv6(text.dropFirst().dropLast()) : isName(text) ? text.lowercased() : nil
        else { return nil }
        let rest = authority.dropFirst(text.count)
        if rest.isEmpty { return (host, nil) }
        let digits = rest.dropFirst()
        guard rest.hasPrefix(":"), digits.utf8.allSatisfy(\.isDigit) else { return nil }
        if digits.isEmpty { return (host, nil) }
        guard let port = Int(digits), (1...65_535).contains(port) else { return nil }
        return (host, port)
    }

    /// Whether a text is a host's name, or an address of IPv4, which is what ends with a number (WHATWG URL, 3.5).
    private static func isName(_ text: Substring) -> Bool {
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        guard let last = labels.last,
            labels.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0.isLetterOrDigit || "-_".utf8.contains($0) } })
        else { return false }
        return !last.utf8.allSatisfy(\.isDigit) || (labels.count == 4 && labels.allSatisfy { UInt8($0) != nil })
    }

    /// An address of IPv6 in brackets, as browsers write it: in the shortest form (RFC 5952).
    private static func ipv6(_ text: Substring) -> String? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(text), &address) == 1 else { return nil }
        var shortest = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &shortest, socklen_t(shortest.count)) != nil else { return nil }
        let spelled = String(decoding: shortest.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        // The last four bytes as those of IPv4, which browsers do not do.
        return spelled.contains(".") ? nil : "[\(spelled)]"
    }

    /// Whether a text has only what the path of an address may have (RFC 3986, 3.3).
    private static func isPath(_ text: Substring) -> Bool {
        text.utf8.allSatisfy { $0.isLetterOrDigit || "/-._~%!$&'()*+,;=:@".utf8.contains($0) }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    fileprivate var isLetterOrDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
}
