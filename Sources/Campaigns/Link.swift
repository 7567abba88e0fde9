/// The fields of a campaign that hold a link to a page or a picture: http, https, or relative.
public enum Link: String, Sendable {
    case logo, url

    /// A link as it is stored: one that begins with a host name gets a scheme, and an empty one is nil.
    ///
    /// - Throws: ``InvalidField``.
    public func checked(_ text: String) throws(InvalidField) -> String? {
        try text.refuseControls(rawValue)
        guard !text.isEmpty else { return nil }
        let link = text.trimmed()
        // Before the scheme, for "example.org:8443" has the form of one.
        if link.beginsWithHost { return self == .logo && link.isPictureName ? text : "https://" + link }
        if let scheme = link.uriScheme, scheme != "http", scheme != "https" {
            throw InvalidField(rawValue, "must be a link to http or https, or a path")
        }
        return text
    }
}

extension String {
    /// Whether labels with dots between them, of which the last is of letters, come first, and then the end, a port, a path, a
    /// query or a fragment.
    fileprivate var beginsWithHost: Bool {
        let host = prefix { !":/?#".contains($0) }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy(\.isLabel), labels.last?.allSatisfy(\.isLetter) == true else {
            return false
        }
        let rest = self[host.endIndex...]
        guard rest.hasPrefix(":") else { return true }
        let port = rest.dropFirst().prefix { ("0"..."9").contains($0) }
        guard let next = rest[port.endIndex...].first else { return !port.isEmpty }
        return !port.isEmpty && "/?#".contains(next)
    }

    /// Whether it is the name of a picture's file, and no more.
    fileprivate var isPictureName: Bool {
        let extensions = [
            "png", "apng", "jpg", "jpeg", "jpe", "jfif", "gif", "webp", "avif", "svg", "svgz", "bmp", "ico", "tif",
            "tiff",
            "heic", "heif", "jxl",
        ]
        guard !contains(where: { ":/?#".contains($0) }), let dot = lastIndex(of: ".") else { return false }
        return extensions.contains(self[index(after: dot)...].lowercased())
    }

    /// The scheme of a URI reference (RFC 3986, 3.1) in lower case, or nil when it is relative.
    var uriScheme: String? {
        guard let colon = utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = self[..<colon].lowercased()
        guard let first = scheme.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return nil }
        let allowed = scheme.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        return allowed ? scheme : nil
    }
}

extension Substring {
    /// Whether it can be a part of a host name, in any script.
    fileprivate var isLabel: Bool {
        guard let first, let last, first != "-", last != "-" else { return false }
        return allSatisfy {
            $0.isLetter || $0 == "-" || $0.unicodeScalars.allSatisfy { $0.properties.generalCategory == .decimalNumber }
        }
    }
}
