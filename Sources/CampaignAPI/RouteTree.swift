internal import HTTPTypes

/// Finds the routes of a path, a segment at a time.
final class RouteTree: Sendable {
    /// The routes that end here.
    let routes: [Route]
    /// What the path may be asked, as the Allow header says it.
    let allow: String
    private let literals: [(segment: String, tree: RouteTree)]
    private let parameter: RouteTree?

    convenience init(_ routes: [Route]) {
        self.init(routes.map { ($0, $0.path.split(separator: "/")[...]) })
    }

    private init(_ routes: [(route: Route, rest: ArraySlice<Substring>)]) {
        self.routes = routes.filter { $0.rest.isEmpty }.map(\.route)
        let methods = self.routes.map(\.method)
        let further = methods.contains(.get) ? [HTTPRequest.Method.head, .options] : [.options]
        allow = (methods + further).map(\.rawValue).sorted().joined(separator: ", ")
        var branches: [Substring: [(route: Route, rest: ArraySlice<Substring>)]] = [:]
        for (route, rest) in routes {
            if let first = rest.first { branches[first, default: []].append((route, rest.dropFirst())) }
        }
        literals = branches.filter { !$0.key.hasPrefix("{") }.map { (String($0.key), RouteTree($0.value)) }
        let parameters = branches.filter { $0.key.hasPrefix("{") }.flatMap(\.value)
        parameter = parameters.isEmpty ? nil : RouteTree(parameters)
    }

    /// - Parameter path: below ``API/base``, without the query; a slash at its end is optional.
    /// - Returns: where the path ends, with the ids in it, or nil when there is no such path.
    func find(_ path: Substring) -> (tree: RouteTree, ids: [Int])? {
        var tree = self
        var ids: [Int] = []
        var rest = path.utf8
        guard rest.first == UInt8(ascii: "/") else { return nil }
        rest.removeFirst()
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            var segment = Substring(rest[..<end])
            rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
            if segment.utf8.contains(UInt8(ascii: "%")) {
                guard let decoded = segment.percentDecoded else { return nil }
                segment = decoded
            }
            if let next = tree.literals.first(where: { $0.segment.utf8.elementsEqual(segment.utf8) })?.tree {
                tree = next
            } else if let next = tree.parameter, let id = Self.id(segment) {
                tree = next
                ids.append(id)
            } else {
                return nil
            }
        }
        return tree.routes.isEmpty ? nil : (tree, ids)
    }

    /// A whole number in decimal, at least 1.
    private static func id(_ segment: Substring) -> Int? {
        guard segment.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let id = Int(segment), id >= 1
        else { return nil }
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
