import Foundation
import Testing

@testable import CampaignAPI

// `openapi.json`, as a client gets it, and the table in `Routes.swift` say the same.

@Test("every route is in the document, and every operation of the document is a route")
func everyRouteIsDocumented() throws {
    let documented = try Document().operations.map { "\($0.method) \($0.path)" }
    #expect(Set(documented) == Set(API.routes.map { "\($0.method.rawValue.lowercased()) \($0.path)" }))
    #expect(documented.count == API.routes.count)
}

@Test("the ids in a path are the path parameters that the document has for it")
func parameters() throws {
    for operation in try Document().operations {
        let ids = operation.path.matches(of: /\{(\w+)\}/).map { String($0.1) }
        let described = operation.parameters.filter { $0["in"] as? String == "path" }
        #expect(described.compactMap { $0["name"] as? String }.sorted() == ids.sorted(), "\(operation)")
        #expect(described.allSatisfy { $0["required"] as? Bool == true }, "\(operation)")
    }
}

@Test("the document asks for a token where the route does, and has the answers that come of it")
func security() throws {
    let document = try Document()
    let isExplained = document.place("components/securitySchemes/token") != nil
    #expect(isExplained)
    for route in API.routes {
        // That there is one is for the first test to say.
        guard let operation = document.operation(route) else { continue }
        let asked = operation.members["security"] as? [[String: [String]]]
        let needed: [[String: [String]]]? = route.right.readsToken ? [[:], ["token": []]] : nil
        #expect(asked == (route.right.needsToken ? [["token": []]] : needed), "\(operation)")
        // Some filters need a token where nothing else does.
        if route.right.readsToken { continue }
        for status in ["401", "403", "429"] {
            #expect(operation.statuses.contains(status) == route.right.needsToken, "\(operation): \(status)")
        }
    }
}

@Test("every operation has the answers that every request may get, a tag that is explained, and an id of its own")
func everyOperation() throws {
    let document = try Document()
    let tags = (document.root["tags"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
    for operation in document.operations {
        #expect(operation.statuses.isSuperset(of: ["405", "502", "503", "504"]), "\(operation)")
        let own = operation.members["tags"] as? [String] ?? []
        #expect(!own.isEmpty && own.allSatisfy(tags.contains), "\(operation)")
    }
    let ids = document.operations.compactMap { $0.members["operationId"] as? String }
    #expect(Set(ids).count == API.routes.count)
}

@Test("the document says its version of OpenAPI, the service's version, and where the paths begin")
func head() throws {
    let root = try Document().root
    #expect((root["openapi"] as? String)?.hasPrefix("3.1.") == true)
    #expect((root["info"] as? [String: Any])?["version"] as? String == version)
    #expect((root["servers"] as? [[String: Any]])?.first?["url"] as? String == API.base)
}

@Test("what the document refers to is in it")
func references() throws {
    let document = try Document()
    let text = try String(
        decoding: JSONSerialization.data(withJSONObject: document.root, options: [.withoutEscapingSlashes]),
        as: UTF8.self)
    for match in text.matches(of: /"\$ref":"#\/([^"]+)"/) {
        let isThere = document.place(match.1) != nil
        #expect(isThere, "\(match.1)")
    }
}

// MARK: -

private struct Document {
    let root: [String: Any]
    let operations: [Operation]

    struct Operation: CustomStringConvertible {
        let method: String
        let path: String
        let members: [String: Any]
        /// The path's and its own, without references.
        let parameters: [[String: Any]]

        var statuses: Set<String> { Set((members["responses"] as? [String: Any] ?? [:]).keys) }
        var description: String { "\(method) \(path)" }
    }

    init() throws {
        let root = try Service().ask(.get, "/system/docs/json/").json
        let paths = try #require(root["paths"] as? [String: [String: Any]])
        self.root = root
        operations = try paths.flatMap { path, item in
            try item.filter { $0.key != "parameters" }.map { method, operation in
                let members = try #require(operation as? [String: Any], "\(method) \(path)")
                let parameters = [item, members].flatMap { $0["parameters"] as? [[String: Any]] ?? [] }
                return Operation(
                    method: method, path: path, members: members,
                    parameters: try parameters.map { parameter in
                        guard let reference = parameter["$ref"] as? String else { return parameter }
                        let place = Self.place(reference.dropFirst(2), in: root)
                        return try #require(place as? [String: Any], "\(reference)")
                    })
            }
        }
    }

    func operation(_ route: Route) -> Operation? {
        operations.first { $0.path == route.path && $0.method == route.method.rawValue.lowercased() }
    }

    /// What stands at a place such as `components/schemas/Id`.
    func place(_ path: some StringProtocol) -> Any? { Self.place(path, in: root) }

    private static func place(_ path: some StringProtocol, in root: [String: Any]) -> Any? {
        path.split(separator: "/").reduce(root as Any?) { place, part in (place as? [String: Any])?[String(part)] }
    }
}
