import Foundation
import Testing

@testable import CampaignAPI

/// The OpenAPI document, as a client gets it.
private func document() throws -> [String: Any] {
    try Service().ask(.get, "/system/docs/json/").json
}

@Test("the document has every route, by path and method, and nothing else")
func everyRouteIsDocumented() throws {
    let paths = try #require(document()["paths"] as? [String: Any])
    let methods: Set = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
    let documented = Set(
        paths.flatMap { path, item in
            (item as? [String: Any] ?? [:]).keys.filter(methods.contains).map { "\($0) \(path)" }
        })
    #expect(documented == Set(API.routes.map { "\($0.method.rawValue.lowercased()) \($0.path)" }))
}

@Test("the document says its version of OpenAPI, the service's version, and where the paths begin")
func head() throws {
    let document = try document()
    #expect((document["openapi"] as? String)?.hasPrefix("3.1.") == true)
    #expect((document["info"] as? [String: Any])?["version"] as? String == version)
    #expect((document["servers"] as? [[String: Any]])?.first?["url"] as? String == "/api/v2")
}

@Test("what the document refers to is in it")
func references() throws {
    let document = try document()
    let text = try String(
        decoding: JSONSerialization.data(withJSONObject: document, options: [.withoutEscapingSlashes]), as: UTF8.self)
    for match in text.matches(of: /"\$ref":"#\/([^"]+)"/) {
        var place: Any? = document
        for part in match.1.split(separator: "/") { place = (place as? [String: Any])?[String(part)] }
        #expect(place != nil, "\(match.1)")
    }
}

@Test("every id in a path is a parameter that is described")
func parameters() throws {
    let document = try document()
    for (path, item) in try #require(document["paths"] as? [String: [String: Any]]) {
        let ids = path.matches(of: /\{(\w+)\}/).map { String($0.1) }
        for (method, operation) in item where method != "parameters" {
            let lists = [item["parameters"], (operation as? [String: Any])?["parameters"]]
            let named = lists.flatMap { $0 as? [[String: Any]] ?? [] }.map { parameter -> String? in
                guard let reference = parameter["$ref"] as? String else { return parameter["name"] as? String }
                var place: Any? = document
                for part in reference.dropFirst(2).split(separator: "/") {
                    place = (place as? [String: Any])?[String(part)]
                }
                return (place as? [String: Any])?["name"] as? String
            }
            for id in ids { #expect(named.contains(id), "\(method) \(path)") }
        }
    }
}
