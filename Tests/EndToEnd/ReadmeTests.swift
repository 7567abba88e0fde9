import Foundation
import TestSupport
import Testing

/// The README's commands, and what it says that they print.
///
/// A block that begins with three backquotes and `console` is run, the others are not. In it a line that begins with `$ `
/// is a command, which goes on in the next line after a `\`; what follows up to the next command is what it prints. The
/// first block sets the variables; here they get the values that this service has printed. All others run in their order
/// in one shell, in the repository's folder.
///
/// What is printed has to be what the README shows, but for this:
/// - `…` stands for anything, where something cannot be the same each time: a date, a version.
/// - A line break of the README's, with the white space around it, stands for any white space or none, because the README
///   breaks long answers into lines.
/// - The README has the address that serve takes when it is told nothing.
struct ReadmeTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("what the README says that its commands print is what they print")
    func commands() throws {
        let service = try start()
        defer { service.stop() }
        var blocks = try Self.blocks()
        let settings = try Self.settings(of: blocks.removeFirst(), service)
        let address = settings["URL"]?.dropLast("/api/v2".count) ?? ""
        for shown in try Self.run(blocks.flatMap { $0 }, settings) {
            let printed = shown.printed.replacingOccurrences(of: address, with: "https://localhost:8443")
            #expect(
                shown.command.isAnswered(by: printed),
                """
                README.md:\(shown.command.line): \(shown.command.text)
                The README says:
                \(shown.command.answer)
                It prints:
                \(printed)
                """)
        }
    }

    @Test("the README's tour shows every endpoint")
    func endpoints() throws {
        let service = try start()
        defer { service.stop() }
        let document = try service.curl(Asked("GET", "/api/v2/system/docs/json/")).body
        let json = try #require(try JSONSerialization.jsonObject(with: document) as? [String: Any])
        let paths = try #require(json["paths"] as? [String: [String: Any]])
        let commands = try Self.blocks().flatMap { $0 }.map(\.text)
        for (path, operations) in paths {
            let below = path.hasPrefix("/api/v2") ? String(path.dropFirst(7)) : path
            let named = below.replacing(/{(id_or_slug|username|text)}/, with: "[a-z_-]+")
            let pattern = "\\$URL" + named.replacing(/{[a-z_]+}/, with: "[0-9]+") + "($|[ ?\"])"
            for method in ["get", "post", "patch", "delete"] where operations[method] != nil {
                #expect(
                    commands.contains { command in
                        command.range(of: pattern, options: .regularExpression) != nil && Self.method(command) == method
                    },
                    "the README does not show \(method.uppercased()) \(below)")
            }
        }
        #expect(!paths.isEmpty)
    }

    @Test("the README names every option and every variable of the service")
    func settings() throws {
        let readme = try String(contentsOf: Self.file, encoding: .utf8)
        for text in [
            try Command.run(Repository.campaignd.path, ["serve", "--help"]).text,
            try Command.run(Repository.campaignd.path, ["import", "--help"]).text,
            try Command.run(Repository.campaignd.path, ["export", "--help"]).text,
            try Command.run(Repository.root.appendingPathComponent("nginx/serve").path, ["--help"]).text,
        ] {
            for name in text.matches(of: /--[a-z][a-z-]+|[A-Z]+_[A-Z_]+|SENDMAIL/).map({ String($0.output) }) {
                #expect(readme.contains("`\(name)"), "the README does not name \(name)")
            }
        }
    }

    // MARK: -

    private static let file = Repository.root.appendingPathComponent("README.md")

    /// Starts the service on an empty folder, of which serve makes the demo.
    private func start() throws -> LiveService {
        try LiveService(
            data: folder.url,
            environment: ["TM_SECRET": "readme-secret", "APP_BASE_URL": nil, "ALLOWED_ORIGINS": nil, "PUBLIC_URL": nil])
    }

    /// The commands, block by block.
    private static func blocks() throws -> [[ShownCommand]] {
        var blocks: [[ShownCommand]] = []
        var isInside = false
        let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
        for (index, line) in lines.enumerated() {
            if line.hasPrefix("```") {
                isInside = !isInside && line == "```console"
                if isInside { blocks.append([]) }
            } else if isInside, let block = blocks.indices.last {
                if line.hasPrefix("$ ") {
                    blocks[block].append(ShownCommand(line: index + 1, text: String(line.dropFirst(2))))
                } else if let command = blocks[block].indices.last {
                    blocks[block][command].add(line)
                }
            }
        }
        return blocks
    }

    /// What the README's first block sets, as it is for a service.
    private static func settings(of block: [ShownCommand], _ service: LiveService) throws -> [String: String] {
        // The last line that serve prints before it waits.
        let deadline = Date(timeIntervalSinceNow: 60)
        while !service.printed.contains("Ctrl-C ends it"), Date() < deadline { usleep(20_000) }
        let url = try #require(service.printed.firstMatch(of: /READY +(.+)\/\n/)).output.1
        let token = try #require(service.printed.firstMatch(of: /\n *TOKEN='?([^'\n]+)'?\n/)).output.1
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let values = [
            "URL": String(url), "CA": ".demo/tls/cert.pem", "TOKEN": String(token),
            "PATH": "\(Repository.campaignd.deletingLastPathComponent().path):\(path)", "TM_SECRET": "readme-secret",
            "CAMPAIGNS_DATA": service.data.path,
        ]
        let names = block.compactMap { $0.text.firstMatch(of: /^(?:export )?([A-Z_]+)=/).map { String($0.output.1) } }
        #expect(names.sorted() == values.keys.sorted(), "the README's first block sets other variables")
        return values
    }

    /// Runs commands in one shell.
    private static func run(
        _ commands: [ShownCommand], _ settings: [String: String]
    ) throws -> [(command: ShownCommand, printed: String)] {
        let folder = try TemporaryFolder()
        // As on a terminal, where curl shows no progress and what it prints is all in one place.
        try folder.write("silent\nshow-error\nnoproxy = \"*\"\n", to: ".curlrc")
        let script = commands.enumerated().map { "exec >'\(folder.path)/\($0.offset)' 2>&1\n\($0.element.text)\n" }
        try folder.write(script.joined(), to: "script")
        var environment: [String: String?] = settings
        environment["CURL_HOME"] = folder.path
        environment["LC_ALL"] = "C.UTF-8"
        _ = try Command.run(
            "sh", [folder.path + "/script"], environment: environment, directory: Repository.root)
        return try commands.enumerated().map { place, command in
            (command, try folder.read("\(place)").replacingOccurrences(of: "\r", with: ""))
        }
    }

    /// The method that a curl command sends.
    private static func method(_ command: String) -> String {
        if let named = command.firstMatch(of: /-X ([A-Z]+)/) { return named.output.1.lowercased() }
        return command.contains(" -d ") ? "post" : "get"
    }
}

/// A command of the README's with what stands below it.
private struct ShownCommand {
    /// Where it stands.
    let line: Int
    private(set) var text: String
    private var lines: [String] = []

    var answer: String { lines.joined(separator: "\n") }

    init(line: Int, text: String) {
        self.line = line
        self.text = text
    }

    mutating func add(_ line: String) {
        if lines.isEmpty, text.hasSuffix("\\") { text += "\n" + line } else { lines.append(line) }
    }

    func isAnswered(by printed: String) -> Bool {
        let pattern = lines.map { line in
            line.trimmingCharacters(in: .whitespaces).components(separatedBy: "…")
                .map(NSRegularExpression.escapedPattern).joined(separator: "[\\s\\S]*")
        }.joined(separator: "\\s*")
        return printed.range(of: "^\\s*\(pattern)\\s*$", options: .regularExpression) != nil
    }
}
