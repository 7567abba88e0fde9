import Foundation
import TestSupport
import Testing

private func campaignd(_ arguments: [String], _ environment: [String: String?] = [:]) throws -> Command.Outcome {
    var variables: [String: String?] = [
        "TM_SECRET": nil, "CAMPAIGNS_DATA": nil, "LOG_LEVEL": nil, "LOG_FORMAT": nil, "ALLOWED_ORIGINS": nil,
        "PUBLIC_URL": nil, "TM_CLIENT_ID": nil, "TM_CLIENT_SECRET": nil, "TM_CLIENT_SECRET_FILE": nil,
        "TM_REDIRECT_URI": nil, "OSM_SERVER_URL": nil, "TM_SCOPE": nil, "LISTEN_FDS": nil, "LISTEN_PID": nil,
    ]
    variables.merge(environment) { $1 }
    return try Command.run(Repository.campaignd.path, arguments, environment: variables)
}

/// Expects one line on standard error that begins with the command's name, and nothing on standard output.
private func expectLine(_ outcome: Command.Outcome, code: Int32, _ words: String) {
    #expect(outcome.status == code)
    #expect(outcome.errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("campaignd: "))
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
    #expect(outcome.text.isEmpty)
}

private let secret: [String: String?] = ["TM_SECRET": "s"]

// MARK: Settings

@Test("without a secret the service does not start, and says so in one line")
func noSecret() throws {
    let folder = try TemporaryFolder()
    let outcome = try campaignd(["serve", "--data", folder.path, "--socket", folder.path + "/s"])
    expectLine(outcome, code: 78, "TM_SECRET")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/s"))
}

@Test("an empty secret is none", arguments: [["serve"], ["token", "1"]])
func emptySecret(arguments: [String]) throws {
    expectLine(try campaignd(arguments, ["TM_SECRET": ""]), code: 78, "TM_SECRET")
}

@Test("without a data folder the service does not start")
func noData() throws {
    expectLine(try campaignd(["serve", "--socket", "/tmp/none"], secret), code: 78, "--data")
}

@Test("a LOG_LEVEL that is none is named, with those that there are")
func logLevel() throws {
    let outcome = try campaignd(
        ["serve", "--data", "/tmp/none", "--socket", "/tmp/none"], ["TM_SECRET": "s", "LOG_LEVEL": "loud"])
    expectLine(outcome, code: 78, "LOG_LEVEL is loud; it can be trace, debug, info")
}

@Test(
    "a PUBLIC_URL that is no address of the web is refused",
    arguments: ["campaigns.example.org", "ftp://x.org", "https://a b"])
func publicURL(_ value: String) throws {
    let outcome = try campaignd(
        ["serve", "--data", "/tmp/none", "--socket", "/tmp/none"], ["TM_SECRET": "s", "PUBLIC_URL": value])
    expectLine(outcome, code: 78, "PUBLIC_URL is \(value); it can be an http or https address")
}

@Test(
    "settings of signing in that are not complete, or are something else than they can be",
    arguments: [
        (["TM_CLIENT_ID": "x"], "TM_CLIENT_ID is set, and its secret is not"),
        (["TM_CLIENT_SECRET": "x"], "TM_CLIENT_ID is not"),
        (["TM_CLIENT_ID": "x", "TM_CLIENT_SECRET_FILE": "/none"], "/none cannot be read"),
        (
            ["OSM_SERVER_URL": "http://www.openstreetmap.org"],
            "OSM_SERVER_URL is http://www.openstreetmap.org; it can be"
        ),
        (["OSM_SERVER_URL": "http://127.example.org"], "OSM_SERVER_URL"),
        (["OSM_SERVER_URL": "http://localhost.example.org"], "OSM_SERVER_URL"),
        (["OSM_SERVER_URL": "ftp://x"], "OSM_SERVER_URL"),
        (["TM_SCOPE": "a  b"], "TM_SCOPE is a  b; it can be"), (["TM_SCOPE": "\u{1}"], "TM_SCOPE"),
        (["TM_REDIRECT_URI": "/authorized"], "TM_REDIRECT_URI is /authorized; it can be"),
        (["TM_REDIRECT_URI": "https://x.org/#x"], "TM_REDIRECT_URI"),
    ] as [([String: String], String)])
func signInSettings(_ settings: [String: String], _ words: String) throws {
    let outcome = try campaignd(
        ["serve", "--data", "/tmp/none", "--socket", "/tmp/none"], secret.merging(settings) { $1 })
    expectLine(outcome, code: 78, words)
}

@Test("signing in without the program curl says so in the log, and is 502")
func noCurl() throws {
    let folder = try TemporaryFolder()
    let daemon = try Daemon(
        ["--data", folder.path + "/data", "--socket", folder.path + "/s"],
        environment: [
            "PATH": "/nonexistent", "TM_CLIENT_ID": "x", "TM_CLIENT_SECRET": "x", "PUBLIC_URL": "https://x.org",
            "OSM_SERVER_URL": "http://127.0.0.2:1",
        ])
    let answered = try FastCGIClient(folder.path + "/s").ask(
        Asked("GET", "/api/v2/system/authentication/callback/?code=x"))
    #expect(answered.status == 502)
    daemon.end()
    #expect(daemon.log.contains("the program curl cannot be started: No such file or directory"), "\(daemon.log)")
}

@Test("a secret file that is not there, empty, or open to everybody is refused")
func badSecretFile() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/secret"
    expectLine(try campaignd(["token", "1", "--secret-file", file]), code: 78, "No such file")
    try folder.write("\n\n", to: "secret")
    chmod(file, 0o600)
    expectLine(try campaignd(["token", "1", "--secret-file", file]), code: 78, "empty")
    try folder.write("secret", to: "secret")
    chmod(file, 0o644)
    expectLine(try campaignd(["token", "1", "--secret-file", file]), code: 78, "chmod o=")
}

@Test("a secret in a file is the one in the environment, without the line feed at its end")
func secretFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("the secret\n", to: "secret")
    chmod(folder.path + "/secret", 0o600)
    // Both are made within the same second, or the next attempt's are.
    for _ in 0..<10 {
        let one = try campaignd(["token", "7", "--secret-file", folder.path + "/secret"])
        let two = try campaignd(["token", "7"], ["TM_SECRET": "the secret"])
        #expect(one.status == 0 && two.status == 0)
        if one.text == two.text { return }
    }
    Issue.record("the tokens differ")
}

// MARK: What cannot be made

@Test("a folder that is a file is refused")
func fileAsFolder() throws {
    let folder = try TemporaryFolder()
    try folder.write("x", to: "data")
    expectLine(
        try campaignd(["serve", "--data", folder.path + "/data", "--socket", folder.path + "/s"], secret), code: 73,
        folder.path + "/data")
    expectLine(try campaignd(["init", folder.path + "/data"]), code: 73, folder.path + "/data")
    #expect(try folder.read("data") == "x")
}

@Test("a socket path that is a file is refused, and the file left alone")
func fileAsSocket() throws {
    let folder = try TemporaryFolder()
    try folder.write("precious", to: "s")
    expectLine(
        try campaignd(["serve", "--data", folder.path + "/data", "--socket", folder.path + "/s"], secret), code: 73,
        "no socket")
    #expect(try folder.read("s") == "precious")
}

@Test("a socket path that is too long is refused")
func longSocket() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/" + String(repeating: "s", count: 100)
    expectLine(try campaignd(["serve", "--data", folder.path, "--socket", path], secret), code: 78, "107 bytes")
}

@Test(
    "an address that is not this machine's own is refused",
    arguments: ["0.0.0.0:9000", "example.org:9000", "[::]:9000"])
func openAddress(address: String) throws {
    let folder = try TemporaryFolder()
    expectLine(try campaignd(["serve", "--data", folder.path, "--listen", address], secret), code: 78, "loopback")
}

@Test("with no socket named or inherited the service does not start")
func nothingInherited() throws {
    let folder = try TemporaryFolder()
    expectLine(try campaignd(["serve", "--data", folder.path], secret), code: 78, "--socket")
}

// MARK: Wrong words, and help

@Test(
    "words that are wrong end with 64 and a hint at the help",
    arguments: [
        ["srve"], ["serve", "--port", "1"], ["serve", "--socket", "a", "--listen", "127.0.0.1:1"],
        ["serve", "--listen", "9000"],
        ["serve", "--listen", "127.0.0.1:0"], ["serve", "--listen", "127.0.0.1:65536"],
        ["serve", "--listen", "127.0.0.1:http"],
        ["serve", "--socket", "a", "--socket-mode", "999"], ["serve", "--socket", "a", "--socket-mode", "7777"],
        ["init"], ["check"],
        ["token"], ["token", "1", "--valid-for", "8d"], ["token", "1", "--valid-for", "0s"],
        ["token", "1", "--valid-for", "10"],
        ["token", "1", "--valid-for", "-1d"], ["token", "1", "--valid-for", "1w"],
        ["token", "1", "--valid-for", "99999999999999999d"],
        ["token", "1", "2"], ["user", "add"], ["user", "add", "a", "--role", "BOSS"],
        ["user", "add", "a", "--id", "x"], ["organisation", "add"],
        ["project", "add", "a", "--organisation", "x"], ["init", "a", "--damo"], ["import"], ["import", "a", "b"],
        ["export", "data"], ["database", "install", "a", "b"], ["database", "install", "--within", "0s"],
        ["database", "install", "--within", "2"], ["database", "check", "--role", ""], ["database", "mend"],
    ])
func wrongWords(arguments: [String]) throws {
    let outcome = try campaignd(arguments, secret)
    #expect(outcome.status == 64)
    #expect(outcome.errors.hasPrefix("Error: "))
    #expect(outcome.errors.contains("--help"))
    #expect(outcome.text.isEmpty)
}

@Test(
    "every command has a help that says what it is for and what its options are",
    arguments: [
        ([], ["serve", "init", "token", "check", "user", "organisation", "project", "Exit codes", "78"]),
        (
            ["serve"],
            [
                "--data", "--socket", "--listen", "--socket-mode", "--secret-file", "TM_SECRET", "ALLOWED_ORIGINS",
                "APP_BASE_URL", "LOG_LEVEL", "SIGTERM",
            ]
        ),
        (["init"], ["<dir>", "--demo"]), (["token"], ["<user>", "--valid-for", "7d", "--secret-file", "TM_SECRET"]),
        (["check"], ["<dir>", "misnamed"]), (["user"], ["add", "list"]),
        (["user", "add"], ["--role", "ADMIN", "READ_ONLY", "--id"]),
        (["organisation", "add"], ["--manager", "--slug", "--logo"]),
        (["project", "add"], ["--author", "--organisation", "--manager", "--contributor"]),
        (["user", "list"], ["--data"]),
        (["import"], ["<source>", "--data", "--dry-run", "postgresql://", "libpq", "PGPASSWORD", "69"]),
        (["export"], ["--data", "logos/", "campaignd import"]),
        (["database"], ["install", "check", "uninstall", "CAMPAIGNS_DATABASE", "PGPASSWORD", "libpq", "75"]),
        (
            ["database", "install"],
            ["<url>", "--role", "--within", "--without-triggers", "--print", "CAMPAIGNS_DATABASE", "password"]
        ),
        (["database", "check"], ["<url>", "--role", "form alone"]),
        (["database", "uninstall"], ["<url>", "--role", "--within", "--print", "lost"]),
    ])
func help(command: [String], words: [String]) throws {
    let outcome = try campaignd(command + ["--help"])
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    for word in words { #expect(outcome.text.contains(word), "\(word)") }
}

@Test("without words the command shows its help")
func noWords() throws {
    let outcome = try campaignd([])
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("USAGE"))
}

@Test("the version is one line")
func version() throws {
    let outcome = try campaignd(["--version"])
    #expect(outcome.status == 0)
    #expect(outcome.text.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
}

// MARK: init

@Test("init makes a folder that is in order, and says where")
func initFolder() throws {
    let folder = try TemporaryFolder()
    let outcome = try campaignd(["init", folder.path + "/a/data"])
    #expect(outcome.status == 0)
    #expect(outcome.text.contains(folder.path + "/a/data"))
    #expect(try campaignd(["check", folder.path + "/a/data"]).text == "0 records, all in order\n")
}

@Test("init on a folder that is there keeps what is in it")
func initAgain() throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"name": "a"}"#, to: "data/campaigns/5.json")
    #expect(try campaignd(["init", folder.path + "/data"]).status == 0)
    #expect(try folder.read("data/campaigns/5.json") == #"{"name": "a"}"#)
    #expect(FileManager.default.fileExists(atPath: folder.path + "/data/users"))
}

@Test("the demo is in order, with a dozen campaigns, users of every role, and the logos that it shows")
func demo() throws {
    let folder = try TemporaryFolder()
    let data = folder.path + "/data"
    let outcome = try campaignd(["init", data, "--demo"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try campaignd(["check", data]).status == 0)
    #expect(
        try FileManager.default.contentsOfDirectory(atPath: data + "/campaigns").filter { $0.hasSuffix(".json") }.count
            >= 12)
    let users = try campaignd(["user", "list", "--data", data]).text
    for role in ["ADMIN", "MAPPER", "READ_ONLY"] { #expect(users.contains(role)) }
    #expect(try !campaignd(["organisation", "list", "--data", data]).text.isEmpty)
    #expect(try !campaignd(["project", "list", "--data", data]).text.isEmpty)
    for kind in ["campaigns", "organisations"] {
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(data)/\(kind)") where name.hasSuffix(".json")
        {
            for logo in try folder.read("data/\(kind)/\(name)").matches(of: /"(\/logos\/[^"]+)"/) {
                #expect(FileManager.default.fileExists(atPath: data + logo.1), "\(logo.1)")
            }
        }
    }
}

@Test("the demo is what 'import' makes of its document, with nothing left out, and its logos are as they were drawn")
func demoDocument() throws {
    let folder = try TemporaryFolder()
    let sources = Repository.root.appendingPathComponent("Sources/campaignd/Demo")
    #expect(try campaignd(["init", folder.path + "/data", "--demo"]).status == 0)
    let document = sources.appendingPathComponent("demo.json").path
    let taken = try campaignd(["import", document, "--data", folder.path + "/taken"])
    #expect(taken.status == 0, "\(taken.errors)")
    #expect(taken.text == "34 records are new, 0 have changed, 0 were the same already\n")
    let exports = try ["data", "taken"].map { try campaignd(["export", "--data", "\(folder.path)/\($0)"]).text }
    #expect(exports[0] == exports[1])
    let logos = try FileManager.default.contentsOfDirectory(atPath: sources.path + "/logos").sorted()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/data/logos").sorted() == logos)
    for logo in logos {
        let drawn = try String(contentsOf: sources.appendingPathComponent("logos/\(logo)"), encoding: .utf8)
        #expect(try folder.read("data/logos/\(logo)") == drawn)
    }
}

@Test(
    "the demo is not put into a folder with records, be they broken",
    arguments: ["campaigns/9", "organisations/9", "projects/9", "users/1", "messages/readers/7"], ["{}", "x"])
func demoRefused(record: String, contents: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(contents, to: "data/\(record).json")
    expectLine(try campaignd(["init", folder.path + "/data", "--demo"]), code: 73, "records")
    #expect(try folder.read("data/\(record).json") == contents)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/data/logos") == [])
}

// MARK: token

/// The payload of a token, and when it was signed.
private func parts(_ token: String) throws -> (payload: String, time: Int) {
    let inner = try #require(Data(base64Encoded: token.trimmingCharacters(in: .newlines)))
    let decoded = try String(decoding: inner, as: UTF8.self).split(separator: ".").prefix(2).map { part in
        let standard = part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return try #require(Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4)))
    }
    return (String(decoding: decoded[0], as: UTF8.self), decoded[1].reduce(0) { $0 << 8 | Int($1) })
}

@Test(
    "a token is good for as long as it was asked for",
    arguments: [
        ("7d", 604_800), ("1s", 1), ("90s", 90), ("30m", 1800), ("12h", 43_200), ("168h", 604_800),
        ("604800s", 604_800),
    ])
func validFor(time: String, seconds: Int) throws {
    let before = Int(Date().timeIntervalSince1970)
    let outcome = try campaignd(["token", "7", "--valid-for", time], secret)
    let token = try parts(outcome.text)
    #expect(outcome.text.split(separator: "\n").count == 1)
    #expect(token.payload == "7")
    #expect((before - 1...before + 60).contains(token.time + 604_800 - seconds))
}

@Test("a token is minted by name")
func tokenByName() throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"username": "Zo\u00eb S."}"#, to: "data/users/42.json")
    let outcome = try campaignd(["token", "Zo\u{EB} S.", "--data", folder.path + "/data"], secret)
    #expect(try parts(outcome.text).payload == "42")
}

@Test("a name that nobody or several have gets no token")
func noName() throws {
    let folder = try TemporaryFolder()
    for id in [3, 4] { try folder.write(#"{"username": "twin"}"#, to: "data/users/\(id).json") }
    expectLine(try campaignd(["token", "nobody", "--data", folder.path + "/data"], secret), code: 1, "nobody")
    expectLine(try campaignd(["token", "twin", "--data", folder.path + "/data"], secret), code: 1, "3, 4")
    expectLine(try campaignd(["token", "nobody"], secret), code: 78, "--data")
}

@Test("a record that is broken is not written over by a new one")
func brokenIsTaken() throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"id": 9, "username": "carla", "role" "ADMIN"}"#, to: "users/9.json")
    try folder.write("{", to: "organisations/4.json")
    try folder.write("{", to: "projects/2.json")
    #expect(try campaignd(["user", "add", "bob", "--data", folder.path]).text.hasPrefix("user 10 "))
    #expect(try campaignd(["user", "add", "eve", "--id", "9", "--data", folder.path]).status == 1)
    #expect(try campaignd(["organisation", "add", "o", "--id", "4", "--data", folder.path]).status == 1)
    #expect(try campaignd(["organisation", "add", "o", "--data", folder.path]).text.hasPrefix("organisation 5 "))
    #expect(try campaignd(["project", "add", "p", "--data", folder.path]).text.hasPrefix("project 3 "))
    #expect(try folder.read("users/9.json") == #"{"id": 9, "username": "carla", "role" "ADMIN"}"#)
}

@Test(
    "root works on a folder as the one whose it is, and follows no link that the owner could not",
    .enabled(if: geteuid() == 0, "only root can act for another user"))
func asOwner() throws {
    let folder = try TemporaryFolder()
    let (data, elsewhere) = (folder.path + "/data", folder.path + "/elsewhere")
    try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
    try folder.write("root's", to: "elsewhere/journal")
    #expect(try campaignd(["init", data]).status == 0)
    for name in try [""] + FileManager.default.subpathsOfDirectory(atPath: data) {
        chown("\(data)/\(name)", 4711, 4712)
    }
    #expect(try campaignd(["user", "add", "ana", "--data", data]).status == 0)
    for name in ["users/1.json", ".lock", ".journal"] {
        let owner = try FileManager.default.attributesOfItem(atPath: "\(data)/\(name)")[.ownerAccountID] as? Int
        #expect(owner == 4711, "\(name)")
    }
    for (link, target) in [(".lock", "lock"), (".journal", "journal"), ("users", "")] {
        try? FileManager.default.removeItem(atPath: "\(data)/\(link)")
        symlink("\(elsewhere)/\(target)", "\(data)/\(link)")
        #expect(try campaignd(["user", "add", "eve", "--data", data]).status != 0)
        unlink("\(data)/\(link)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere) == ["journal"])
        #expect(try folder.read("elsewhere/journal") == "root's")
    }
}

// MARK: check

@Test("check names every file that is broken, misnamed, or refers to nothing, and ends with 1")
func check() throws {
    let folder = try TemporaryFolder()
    try folder.write("{", to: "campaigns/1.json")
    try folder.write(#"{"name": "a", "projects": [9]}"#, to: "campaigns/2.json")
    try folder.write("{}", to: "users/05.json")
    try folder.write("{}", to: "users/6.json")
    try folder.write(#"{"managers": [6, 7]}"#, to: "organisations/1.json")
    chmod(folder.path, 0o700)
    let outcome = try campaignd(["check", folder.path])
    #expect(outcome.status == 1)
    let lines = outcome.text.split(separator: "\n")
    #expect(
        lines.map { $0.prefix { $0 != ":" } } == [
            "campaigns/1.json", "campaigns/2.json", "organisations/1.json", "users/05.json",
        ])
    #expect(outcome.errors == "campaignd: 3 records; 4 files need attention\n")
}

@Test("check changes nothing")
func checkOnly() throws {
    let folder = try TemporaryFolder()
    try folder.write("{", to: "campaigns/1.json")
    _ = try campaignd(["check", folder.path])
    #expect(
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == ["campaigns", "campaigns/1.json"])
}

// MARK: user, organisation, project

@Test("users, organisations and projects are added and listed, and the folder is in order after it")
func records() throws {
    let folder = try TemporaryFolder()
    let data = ["--data", folder.path + "/data"]
    let commands: [([String], String)] = [
        (["user", "add", "anna", "--role", "ADMIN"], "user 1 anna (ADMIN)\n"),
        (["user", "add", "ben", "--id", "70"], "user 70 ben (MAPPER)\n"),
        (
            ["user", "add", "cleo", "--role", "READ_ONLY", "--email", "c@example.org", "--no-notifications"],
            "user 71 cleo (READ_ONLY)\n"
        ),
        (["user", "list"], "1\tADMIN\tanna\n70\tMAPPER\tben\n71\tREAD_ONLY\tcleo\n"),
        (
            [
                "organisation", "add", "Shelter", "--slug", "shelter", "--manager", "ben", "--manager", "1",
                "--manager", "70",
            ], "organisation 1 Shelter\n"
        ),
        (["organisation", "list"], "1\tShelter\t70,1\n"),
        (
            [
                "project", "add", "Roads", "--author", "anna", "--organisation", "1", "--contributor", "cleo",
                "--contributor", "70",
            ], "project 1 Roads\n"
        ),
        (["project", "add", "Wells", "--id", "12"], "project 12 Wells\n"),
        (["project", "list"], "1\tRoads\t1\t1\n12\tWells\t\t\n"),
        (["check", folder.path + "/data"], "6 records, all in order\n"),
    ]
    for (words, output) in commands {
        let outcome = try campaignd(words + (words[0] == "check" ? [] : data))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text == output)
    }
    #expect(
        try folder.read("data/users/71.json") == """
            {
              "id": 71,
              "username": "cleo",
              "role": "READ_ONLY",
              "pictureUrl": null,
              "emailAddress": "c@example.org",
              "projectsNotifications": false
            }

            """)
    #expect(try folder.read("data/projects/1.json").contains(#""contributors": [71, 70]"#))
}

@Test(
    "a record that cannot be is refused in one line, and nothing is written",
    arguments: [
        (["user", "add", "anna"], "anna"), (["user", "add", "x", "--id", "1"], "user 1"),
        (["user", "add", "x", "--id", "0"], "ids start at 1"),
        (["organisation", "add", "x", "--manager", "9"], "user 9"),
        (["organisation", "add", "x", "--manager", "nobody"], "nobody"),
        (["organisation", "add", "x", "--id", "1"], "organisation 1"),
        (["project", "add", "x", "--organisation", "9"], "organisation 9"),
        (["project", "add", "x", "--author", "9"], "user 9"),
        (["project", "add", "x", "--contributor", "nobody"], "nobody"),
    ])
func refusedRecords(arguments: [String], words: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"username": "anna"}"#, to: "data/users/1.json")
    try folder.write("{}", to: "data/organisations/1.json")
    chmod(folder.path + "/data", 0o700)
    expectLine(try campaignd(arguments + ["--data", folder.path + "/data"]), code: 1, words)
    #expect(try campaignd(["check", folder.path + "/data"]).text == "2 records, all in order\n")
}

@Test("the data folder may be named in CAMPAIGNS_DATA")
func dataInEnvironment() throws {
    let folder = try TemporaryFolder()
    #expect(try campaignd(["user", "add", "anna"], ["CAMPAIGNS_DATA": folder.path + "/data"]).status == 0)
    #expect(FileManager.default.fileExists(atPath: folder.path + "/data/users/1.json"))
}
