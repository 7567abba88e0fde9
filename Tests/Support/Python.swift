import Foundation

/// The scripts in `Tests/MessagesTests`, which see texts as other programs do.
public enum Python {
    /// Runs one.
    public static func run<Input: Encodable, Output: Decodable>(_ name: String, _ input: Input) throws -> Output {
        let script = Repository.root.appendingPathComponent("Tests/MessagesTests/\(name)").path
        let outcome = try Command.run("python3", [script], input: JSONEncoder().encode(input))
        guard outcome.status == 0 else { throw Command.Failed(description: outcome.errors) }
        return try JSONDecoder().decode(Output.self, from: outcome.output)
    }
}

/// An e-mail as Python's package reads it.
public struct ParsedMail: Decodable, Sendable {
    public struct Part: Decodable, Sendable {
        public let type: String
        public let charset: String?
        public let text: String
        public let defects: [String]
    }

    public let names: [String]
    public let to: [String]
    public let from: [String]
    public let fromName: String
    public let subject: String
    public let time: Int
    public let id: String
    public let unsubscribe: String
    public let type: String
    public let parts: [Part]
    public let defects: [String]
    public let longestLine: Int
    public let longestEncodedLine: Int
    public let isPlain: Bool

    /// - Parameter mails: as they were sent.
    public static func parse(_ mails: [Data]) throws -> [ParsedMail] {
        try Python.run("mails.py", mails.map { $0.base64EncodedString() })
    }

    public static func parse(_ mails: [String]) throws -> [ParsedMail] {
        try parse(mails.map { Data($0.utf8) })
    }
}
