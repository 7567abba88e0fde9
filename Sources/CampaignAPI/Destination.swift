internal import HTTPTypes

/// The routes that one path leads to, and the ids and the text in it.
struct Destination {
    let routes: [Route]
    let ids: [Int]
    /// Decoded. Swift compares texts by canonical equivalence, so that it may be in whatever normal form.
    let text: String

    /// - Parameters:
    ///   - path: below ``API/base``, without the query; a slash at its end is optional.
    ///   - routes: all that there are. They are few, and the answers that are asked for often do not come this way.
    /// - Returns: nil when there is no such path.
    init?(_ path: Substring, in routes: [Route]) {
        var segments: [Substring] = []
        var rest = path.utf8
        guard rest.popFirst() == UInt8(ascii: "/") else { return nil }
        while !rest.isEmpty {
            // No route is as long.
            guard segments.count < 8 else { return nil }
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let segment = Substring(rest[..<end])
            rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
            guard let decoded = segment.utf8.contains(UInt8(ascii: "%")) ? segment.percentDecoded : segment else {
                return nil
            }
            segments.append(decoded)
        }
        var found: [Route] = []
        var names = Names()
        for route in routes {
            guard let foundNames = Self.names(segments, route.path) else { continue }
            found.append(route)
            names = foundNames
        }
        if found.isEmpty { return nil }
        self.routes = found
        ids = names.ids
        text = names.text
    }

    /// The route of a method, or nil when the path does not have it. HEAD is GET without the body, but where GET does
    /// something.
    func route(for method: HTTPRequest.Method) -> Route? {
        if method == .head, isSignIn { return nil }
        let method = method == .head ? .get : method
        return routes.first { $0.method == method }
    }

    /// Whether the path is a part of signing in.
    var isSignIn: Bool { routes.contains(where: \.isSignIn) }

    /// The path as the route's pattern spells it, with the ids in it.
    func path(of route: Route) -> String {
        var ids = ids[...]
        return route.path.split(separator: "/").reduce(into: "/") { path, segment in
            if segment.hasSuffix("_id}") {
                path += ids.popFirst().map { "\($0)" } ?? ""
            } else {
                path += segment.hasPrefix("{") ? text.percentEncoded : String(segment)
            }
            path += "/"
        }
    }

    /// What the path may be asked, as the Allow header says it.
    var allow: String {
        var methods = routes.map(\.method.rawValue) + ["OPTIONS"]
        if methods.contains("GET"), !isSignIn { methods.append("HEAD") }
        return methods.sorted().joined(separator: ", ")
    }

    private struct Names {
        var ids: [Int] = []
        var text = ""
    }

    /// What a path names, or nil when it is not a path of the pattern.
    private static func names(_ segments: [Substring], _ pattern: String) -> Names? {
        var names = Names()
        var pattern = pattern.utf8.dropFirst()
        for segment in segments {
            let end = pattern.firstIndex(of: UInt8(ascii: "/")) ?? pattern.endIndex
            guard end > pattern.startIndex else { return nil }
            if pattern.first == UInt8(ascii: "{") {
                if pattern[..<end].suffix(4).elementsEqual("_id}".utf8) {
                    guard let id = id(segment) else { return nil }
                    names.ids.append(id)
                } else {
                    guard !segment.isEmpty else { return nil }
                    names.text = String(segment)
                }
            } else if !pattern[..<end].elementsEqual(segment.utf8) {
                return nil
            }
            pattern = pattern[end...].dropFirst()
        }
        return pattern.isEmpty ? names : nil
    }

    /// A whole number in decimal, at least 1.
    private static func id(_ segment: Substring) -> Int? {
        guard segment.isDigits, let id = Int(segment), id >= 1 else { return nil }
        return id
    }
}

extension StringProtocol {
    /// With every percent-encoded octet decoded (RFC 3986, 2.1), or nil when that makes no text.
    var percentDecoded: Substring? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap({ Character(UnicodeScalar($0)).hexDigitValue }),
                let low = rest.popFirst().flatMap({ Character(UnicodeScalar($0)).hexDigitValue })
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return String(validating: bytes, as: UTF8.self).map { $0[...] }
    }
}

extension String {
    /// With those characters of ASCII percent-encoded that are not unreserved (RFC 3986, 2.3).
    fileprivate var percentEncoded: String {
        var bytes: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), 0x80...:
                bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
