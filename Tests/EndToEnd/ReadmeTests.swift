import Foundation
import TestSupport
import Testing

/// The commands of the READMEs, and what these say that they print.
///
/// A block that begins with three backquotes and `console` is run, the others are not. In it a line that begins with `$ `
/// is a command, which goes on in the next line after a `\`; what follows up to the next command is what it prints. The
/// block that begins with `URL=` sets the variables; here they get the values that this service has printed. All others
/// run in the order in which a newcomer reads them, in one shell, in the repository's folder: first what `nginx/serve`
/// has printed, then one file after the other.
///
/// What is printed has to be what the file shows, but for this:
/// - `…` stands for anything, where something cannot be the same each time: a date, a version.
/// - A line break of the file's, with the white space around it, stands for any white space or none, because long answers
///   are broken into lines there.
/// - The files have the address that serve takes when it is told nothing.
struct ReadmeTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("what the READMEs say that their commands print is what they print, also after what nginx/serve proposes")
    func commands() throws {
        let service = try start()
        defer { service.stop() }
        var blocks = try Readme.allCases.flatMap { try $0.blocks }
        let first = try #require(blocks.firstIndex { $0.first?.text.hasPrefix("URL=") == true })
        let settings = try Self.settings(of: blocks.remove(at: first), service)
        let address = settings["URL"]?.dropLast("/api/v2".count) ?? ""
        let proposed = service.printed.matches(of: /\n  (curl .+)/).map { match in
            var shown = ShownCommand(file: "nginx/serve", line: 0, text: "\(match.output.1) --fail")
            shown.add("{…}")
            return shown
        }
        #expect(proposed.count == 3)
        for shown in try Self.run(proposed + blocks.flatMap { $0 }, settings, String(address)) {
            #expect(
                shown.command.isAnswered(by: shown.printed),
                """
                \(shown.command.file):\(shown.command.line): \(shown.command.text)
                It says:
                \(shown.command.answer)
                It prints:
                \(shown.printed)
                """)
        }
    }

    @Test("the examples of the API show every endpoint")
    func endpoints() throws {
        let service = try start()
        defer { service.stop() }
        let document = try service.curl(Asked("GET", "/api/v2/system/docs/json/")).body
        let json = try #require(try JSONSerialization.jsonObject(with: document) as? [String: Any])
        let paths = try #require(json["paths"] as? [String: [String: Any]])
        let commands = try Readme.sources.blocks.flatMap { $0 }.map(\.text)
        for (path, operations) in paths {
            let below = path.hasPrefix("/api/v2") ? String(path.dropFirst(7)) : path
            let named = below.replacing(/{(id_or_slug|username|text)}/, with: "[a-z_-]+")
            let pattern = "\\$URL" + named.replacing(/{[a-z_]+}/, with: "[0-9]+") + "($|[ ?\"])"
            for method in ["get", "post", "patch", "delete"] where operations[method] != nil {
                #expect(
                    commands.contains { command in
                        command.range(of: pattern, options: .regularExpression) != nil && Self.method(command) == method
                    },
                    "\(Readme.sources.rawValue) does not show \(method.uppercased()) \(below)")
            }
        }
        #expect(!paths.isEmpty)
    }

    @Test("every option and every variable of the service is explained")
    func settings() throws {
        let readme = try Readme.sources.text
        for text in [
            try Command.run(Repository.campaignd.path, ["serve", "--help"]).text,
            try Command.run(Repository.campaignd.path, ["import", "--help"]).text,
            try Command.run(Repository.campaignd.path, ["export", "--help"]).text,
            try Command.run(Repository.campaignd.path, ["database", "install", "--help"]).text,
            try Command.run(Repository.campaignd.path, ["database", "check", "--help"]).text,
            try Command.run(Repository.campaignd.path, ["database", "uninstall", "--help"]).text,
            try Command.run(Repository.root.appendingPathComponent("nginx/serve").path, ["--help"]).text,
        ] {
            for name in text.matches(of: /--[a-z][a-z-]+|[A-Z]+_[A-Z_]+|SENDMAIL/).map({ String($0.output) }) {
                #expect(readme.contains("`\(name)"), "\(Readme.sources.rawValue) does not name \(name)")
            }
        }
    }

    @Test("README.md is short, and its lines fit a terminal")
    func length() throws {
        let lines = try Readme.first.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 150)
        #expect(lines.filter { $0.count > 120 } == [])
    }

    @Test("every link in the READMEs leads to a file and a heading that are there")
    func links() throws {
        for readme in Readme.allCases {
            for link in try readme.text.matches(of: /\]\(([^)\s]+)\)/).map({ String($0.output.1) })
            where !link.hasPrefix("http") {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                let file = parts[0].isEmpty ? readme.url : URL(fileURLWithPath: parts[0], relativeTo: readme.url)
                #expect(FileManager.default.fileExists(atPath: file.path), "\(readme.rawValue): \(link)")
                if parts.count == 2, let text = try? String(contentsOf: file, encoding: .utf8) {
                    #expect(Self.anchors(of: text).contains(parts[1]), "\(readme.rawValue): \(link)")
                }
            }
        }
    }

    // MARK: -

    /// The anchors of a Markdown text's headings, as GitHub names them.
    private static func anchors(of text: String) -> Set<String> {
        Set(
            text.matches(of: /(?m)^#+ (.+)$/).map { heading in
                heading.output.1.lowercased().replacing(" ", with: "-").filter {
                    $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_"
                }
            })
    }

    /// Starts the service on an empty folder, of which serve makes the demo.
    private func start() throws -> LiveService {
        try LiveService(
            data: folder.url,
            environment: ["TM_SECRET": "readme-secret", "APP_BASE_URL": nil, "ALLOWED_ORIGINS": nil, "PUBLIC_URL": nil])
    }

    /// What the block that sets the variables sets, as it is for a service.
    private static func settings(of block: [ShownCommand], _ service: LiveService) throws -> [String: String] {
        // The last line that serve prints before it waits.
        let deadline = Date(timeIntervalSinceNow: 60)
        while !service.printed.contains("Ctrl-C ends it"), Date() < deadline { usleep(20_000) }
        let url = try #require(service.printed.firstMatch(of: /\n *URL=(.+)\n/)).output.1
        let token = try #require(service.printed.firstMatch(of: /\n *TOKEN='?([^'\n]+)'?\n/)).output.1
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let values = [
            "URL": String(url), "CA": ".demo/tls/cert.pem", "TOKEN": String(token),
            "PATH": "\(Repository.campaignd.deletingLastPathComponent().path):\(path)", "TM_SECRET": "readme-secret",
            "CAMPAIGNS_DATA": service.data.path,
        ]
        let names = block.compactMap { $0.text.firstMatch(of: /^(?:export )?([A-Z_]+)=/).map { String($0.output.1) } }
        #expect(
            names.sorted() == values.keys.sorted(), "the first block of \(Readme.sources.rawValue) sets other variables"
        )
        return values
    }

    /// Runs commands in one shell, with the address of the service in place of the one that the files have.
    private static func run(
        _ commands: [ShownCommand], _ settings: [String: String], _ address: String
    ) throws -> [(command: ShownCommand, printed: String)] {
        let folder = try TemporaryFolder()
        // As on a terminal, where curl shows no progress and what it prints is all in one place.
        try folder.write("silent\nshow-error\nnoproxy = \"*\"\n", to: ".curlrc")
        let script = commands.enumerated().map { "exec >'\(folder.path)/\($0.offset)' 2>&1\n\($0.element.text)\n" }
        let usual = "https://localhost:8443"
        try folder.write(script.joined().replacing(usual, with: address), to: "script")
        var environment: [String: String?] = settings
        environment["CURL_HOME"] = folder.path
        environment["LC_ALL"] = "C.UTF-8"
        _ = try Command.run(
            "sh", [folder.path + "/script"], environment: environment, directory: Repository.root)
        return try commands.enumerated().map { place, command in
            (command, try folder.read("\(place)").replacing("\r", with: "").replacing(address, with: usual))
        }
    }

    /// The method that a curl command sends.
    private static func method(_ command: String) -> String {
        if let named = command.firstMatch(of: /-X ([A-Z]+)/) { return named.output.1.lowercased() }
        return command.contains(" -d ") ? "post" : "get"
    }
}

/// A file that people read, in the order in which they do.
enum Readme: String, CaseIterable {
    case first = "README.md"
    case sources = "Sources/README.md"
    case nginx = "nginx/README.md"
    case tests = "Tests/README.md"

    var url: URL { Repository.root.appendingPathComponent(rawValue) }

    var text: String {
        get throws { try String(contentsOf: url, encoding: .utf8) }
    }

    /// The commands that are run, block by block.
    fileprivate var blocks: [[ShownCommand]] {
        get throws {
            var blocks: [[ShownCommand]] = []
            var isInside = false
            for (index, line) in try text.components(separatedBy: "\n").enumerated() {
                if line.hasPrefix("```") {
                    isInside = !isInside && line == "```console"
                    if isInside { blocks.append([]) }
                } else if isInside, let block = blocks.indices.last {
                    if line.hasPrefix("$ ") {
                        blocks[block].append(
                            ShownCommand(file: rawValue, line: index + 1, text: String(line.dropFirst(2))))
                    } else if let command = blocks[block].indices.last {
                        blocks[block][command].add(line)
                    }
                }
            }
            return blocks
        }
    }
}

/// A command with what stands below it.
private struct ShownCommand {
    /// Where it stands.
    let file: String
    let line: Int
    private(set) var text: String
    private var lines: [String] = []

    var answer: String { lines.joined(separator: "\n") }

    init(file: String, line: Int, text: String) {
        self.file = file
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
