import Foundation

/// A request as a client makes it.
public struct Asked: Sendable {
    public var method: String
    /// The target as it is sent, byte for byte.
    public var target: String
    public var headers: [(name: String, value: String)]
    public var body: Data?

    public init(_ method: String, _ target: String, headers: [(name: String, value: String)] = [], body: Data? = nil) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// What came back.
public struct Answered: Sendable {
    public let status: Int
    public let headers: [(name: String, value: String)]
    public let body: Data

    public init(status: Int, headers: [(name: String, value: String)], body: Data) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of a header, whatever its letter case.
    public func header(_ name: String) -> String? {
        // Several lines of one name are one list (RFC 9110, 5.3).
        let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}

extension LiveService {
    /// Sends a request with curl.
    public func curl(_ asked: Asked) throws -> Answered {
        try asked.send(to: url, certificate: certificate)
    }
}

extension Asked {
    /// Sends the request with curl.
    ///
    /// - Parameters:
    ///   - url: the address without the target.
    ///   - certificate: for https, a file that tells curl to trust the server.
    public func send(to url: String, certificate: String? = nil) throws -> Answered {
        let answers = try TemporaryFolder()
        let (head, body) = (answers.path + "/head", answers.path + "/body")
        var arguments = [
            "--silent", "--show-error", "--path-as-is", "--globoff", "--noproxy", "*", "--max-time", "60",
            "--dump-header", head, "--output", body,
        ]
        if let certificate { arguments += ["--cacert", certificate] }
        arguments += method == "HEAD" ? ["--head"] : ["--request", method]
        if let sent = self.body {
            try sent.write(to: URL(fileURLWithPath: answers.path + "/sent"))
            arguments += ["--data-binary", "@\(answers.path)/sent"]
            if !headers.contains(where: { $0.name == "Content-Type" }) {
                arguments += ["--header", "Content-Type:"]
            }
        }
        for (name, value) in headers {
            arguments += ["--header", value.isEmpty ? "\(name);" : "\(name): \(value)"]
        }
        let outcome = try Command.run("curl", arguments + [url + target])
        guard outcome.status == 0 else {
            throw Command.Failed(description: "curl \(method) \(target): \(outcome.errors)")
        }
        return try Self.read(
            head: String(decoding: Data(contentsOf: URL(fileURLWithPath: head)), as: UTF8.self),
            body: method == "HEAD" ? Data() : (try? Data(contentsOf: URL(fileURLWithPath: body))) ?? Data())
    }

    private static func read(head: String, body: Data) throws -> Answered {
        // The last head is the answer's; before it there may be one of 100 Continue.
        let heads = head.components(separatedBy: "\r\n\r\n").filter { !$0.isEmpty }
        let lines = (heads.last ?? "").components(separatedBy: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Command.Failed(description: "no status in \(head)")
        }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
        return Answered(status: status, headers: headers, body: body)
    }
}
