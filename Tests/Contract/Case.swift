import Foundation
import JSON
import TestSupport
import Testing

/// A case of the contract; `README.md` beside this says what it is made of.
struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let topic: String
    let steps: [JSONValue]

    var testDescription: String { "\(topic): \(name)" }

    /// Every case, by topic.
    static let all: [Case] = {
        do {
            let folder = Repository.root.appendingPathComponent("Tests/Contract/Cases")
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            return try files.flatMap { file -> [Case] in
                let json = try JSONValue(parsing: Array(Data(contentsOf: folder.appendingPathComponent(file))))
                return (json.elements ?? []).map { example in
                    Case(
                        name: example["name"]?.text ?? "", topic: file.replacingOccurrences(of: ".json", with: ""),
                        steps: example["steps"]?.elements ?? [])
                }
            }
        } catch {
            fatalError("the cases cannot be read: \(error)")
        }
    }()

    func run(with client: some Client) throws {
        #expect(!steps.isEmpty)
        var captures = Captures()
        for (index, step) in steps.enumerated() {
            let deadline = Date(timeIntervalSinceNow: step["until"] == true ? 60 : 0)
            while true {
                var attempt = captures
                let asked = try Step(step).request(&attempt)
                let answered = try client.send(asked)
                do {
                    try Step(step).check(answered, &attempt)
                    captures = attempt
                    break
                } catch let mismatch as Mismatch {
                    if Date() < deadline {
                        usleep(20_000)
                        continue
                    }
                    Issue.record(
                        """
                        \(name), step \(index + 1): \(asked.method) \(asked.target.prefix(200)) → \(answered.status) \
                        \(String(decoding: answered.body.prefix(600), as: UTF8.self))
                        \(mismatch)
                        """)
                    return
                }
            }
        }
    }
}

/// What is not as it should be.
struct Mismatch: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
