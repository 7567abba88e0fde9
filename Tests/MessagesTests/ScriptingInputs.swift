import Foundation
import TestSupport
import Testing

/// Known inputs for cross-site scripting, from `scripting-inputs.json`. Each tries to call `xss()`.
enum ScriptingInputs {
    static let all: [String] = {
        do {
            let file = Repository.root.appendingPathComponent("Tests/MessagesTests/scripting-inputs.json")
            let groups = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: file))
            return groups.sorted { $0.key < $1.key }.flatMap(\.value)
        } catch {
            fatalError("the inputs cannot be read: \(error)")
        }
    }()
}

/// What parsers find in a piece of HTML.
struct ParsedHTML: Decodable {
    struct Element: Decodable {
        struct Attribute: Decodable {
            let name: String
            let value: String
        }

        let name: String
        let attributes: [Attribute]
    }

    let elements: [Element]
    /// Comments and the like.
    let others: [String]
    let text: String
    /// The names of the elements and their attributes as an XML parser finds them; nil when it refuses.
    let xml: [[String]]?

    static func parse(_ fragments: [String]) throws -> [ParsedHTML] {
        try Python.run("elements.py", fragments)
    }

    /// What there is that a message may not have; empty when it can be put into a page.
    var dangers: [String] {
        var dangers = others
        if xml != elements.map({ [$0.name] + $0.attributes.map(\.name) }) {
            dangers.append("parsers read it otherwise")
        }
        for element in elements {
            guard let allowed = Self.allowed[element.name] else {
                dangers.append("<\(element.name)>")
                continue
            }
            for attribute in element.attributes {
                if !allowed.contains(attribute.name) { dangers.append("\(element.name) \(attribute.name)") }
                switch attribute.name {
                case "href", "src":
                    if !Self.isHarmless(attribute.value) { dangers.append("\(attribute.name)=\(attribute.value)") }
                case "class":
                    if !attribute.value.hasPrefix("language-") { dangers.append("class=\(attribute.value)") }
                default: break
                }
            }
        }
        return dangers
    }

    private static let allowed: [String: Set<String>] = [
        "a": ["href", "title"], "img": ["src", "alt", "title"], "code": ["class"], "ol": ["start"], "p": [], "br": [],
        "em": [], "strong": [], "pre": [], "blockquote": [], "ul": [], "li": [], "hr": [], "h1": [], "h2": [], "h3": [],
        "h4": [], "h5": [], "h6": [],
    ]

    /// Finds the scheme as a browser does (https://url.spec.whatwg.org/#concept-basic-url-parser).
    private static func isHarmless(_ url: String) -> Bool {
        let seen = url.unicodeScalars.filter { ![0x9, 0xA, 0xD].contains($0.value) }.drop { $0.value <= 0x20 }
        let scheme = seen.prefix {
            $0.isASCII && ($0.properties.isAlphabetic || "0123456789+-.".unicodeScalars.contains($0))
        }
        guard let first = scheme.first, first.properties.isAlphabetic, seen.dropFirst(scheme.count).first == ":" else {
            return true
        }
        return ["http", "https", "mailto"].contains(String(String.UnicodeScalarView(scheme)).lowercased())
    }
}
