import Foundation
import TestSupport
import Testing

/// Runs the command with the settings that it is given, and no others.
private func campaignd(_ arguments: [String], _ environment: [String: String?] = [:]) throws -> Command.Outcome {
    var variables = Dictionary(
        uniqueKeysWithValues: [
            "TM_SECRET", "TM_SECRET_FILE", "CAMPAIGNS_DATA", "LOG_LEVEL", "LOG_FORMAT", "ALLOWED_ORIGINS", "PUBLIC_URL",
            "APP_BASE_URL",
            "SENDMAIL", "MAIL_FROM", "LISTEN_FDS", "LISTEN_PID",
        ].map { ($0, String?.none) })
    variables.merge(environment) { $1 }
    return try Command.run(Repository.campaignd.path, arguments, environment: variables)
}

/// What `serve` says of a setting, before there is a socket.
private func serve(_ environment: [String: String?]) throws -> Command.Outcome {
    let folder = try TemporaryFolder()
    return try campaignd(
        ["serve", "--data", folder.path + "/data", "--socket", folder.path + "/none/s"],
        ["TM_SECRET": "s"].merging(environment) { $1 })
}

@Test(
    "a setting that is none of what it can be stops the start, in one line that names it and its value",
    arguments: [
        ("ALLOWED_ORIGINS", "x.org"), ("ALLOWED_ORIGINS", "https://x.org/path"), ("ALLOWED_ORIGINS", "https://"),
        ("ALLOWED_ORIGINS", "https://*.x.org"), ("ALLOWED_ORIGINS", "https://a.org,b.org"), ("ALLOWED_ORIGINS", ","),
        ("ALLOWED_ORIGINS", "https://x.org?"), ("ALLOWED_ORIGINS", "https://u@x.org"),
        ("ALLOWED_ORIGINS", "ftp://x.org"),
        ("ALLOWED_ORIGINS", "https://x.org:99999"), ("ALLOWED_ORIGINS", "file:///x"),
        ("ALLOWED_ORIGINS", "https://ü.org"),
        ("ALLOWED_ORIGINS", "htps://x.org"), ("ALLOWED_ORIGINS", "https:/x.org"), ("ALLOWED_ORIGINS", "https://x..org"),
        ("ALLOWED_ORIGINS", "https://1.2.3"),
        ("APP_BASE_URL", "tasks.example.org"), ("APP_BASE_URL", "https://x.org/?a"), ("APP_BASE_URL", "javascript:x"),
        ("PUBLIC_URL", "campaigns.example.org"), ("MAIL_FROM", "nobody"), ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"), ("LOG_LEVEL", " info"),
        ("SENDMAIL", " "),
    ])
func wrongSetting(name: String, value: String) throws {
    let outcome = try serve([name: value])
    #expect(outcome.status == 78)
    #expect(outcome.errors.hasPrefix("campaignd: \(name) is \(value); it can be "), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
}

@Test(
    "what an origin may be is taken",
    arguments: [
        "*", "null", "https://x.org/", "HTTPS://X.ORG", "https://x.org:443", "http://localhost:3000",
        "https://[::1]:8443",
        "https://a.org, https://b.org", "chrome-extension://abcdef", "https://x.org.",
    ])
func origins(value: String) throws {
    // It gets as far as the socket, whose folder is not there.
    #expect(try serve(["ALLOWED_ORIGINS": value]).status == 73)
}

@Test("an origin is allowed however the setting spells it")
func originSpelling() throws {
    let site = try Site(fixture: ["ALLOWED_ORIGINS": "HTTPS://Tasks.Example.ORG:443/"])
    let answer = try site.get("/api/v2/campaigns/", ["HTTP_ORIGIN": "https://tasks.example.org"])
    #expect(answer.contains("Access-Control-Allow-Origin: https://tasks.example.org"))
    #expect(try !site.get("/api/v2/campaigns/", ["HTTP_ORIGIN": "https://tasks.example.org/"]).contains("Allow-Origin"))
}

/// A request as a web server makes it of a plain CGI.
private struct Site {
    let folder: TemporaryFolder
    let environment: [String: String?]

    init(fixture environment: [String: String?]) throws {
        folder = try TemporaryFolder()
        self.environment = environment
    }

    func get(_ path: String, _ more: [String: String?]) throws -> String {
        var variables: [String: String?] = [
            "REQUEST_METHOD": "GET", "REQUEST_URI": path, "SCRIPT_NAME": path, "CAMPAIGNS_DATA": folder.path + "/data",
            "TM_SECRET": "s",
        ]
        variables.merge(environment) { $1 }
        variables.merge(more) { $1 }
        return try campaignd([], variables).text
    }
}

@Test("a secret is its bytes, of whatever kind they are, and a file may hold no more than it is read of")
func binarySecret() throws {
    let folder = try TemporaryFolder()
    func token(_ secret: [UInt8]) throws -> Command.Outcome {
        let file = folder.path + "/secret"
        try Data(secret).write(to: URL(fileURLWithPath: file))
        chmod(file, 0o600)
        return try campaignd(["token", "id:7"], ["TM_SECRET_FILE": file])
    }
    // The signature is the last part of a token.
    func signature(_ outcome: Command.Outcome) throws -> Substring {
        let inner = try #require(Data(base64Encoded: outcome.text.trimmingCharacters(in: .newlines)))
        return try #require(String(decoding: inner, as: UTF8.self).split(separator: ".").last)
    }
    // Both are signed within the same second, or the next attempt's are.
    #expect(try signature(token([0xFF, 0x41])) != signature(token([0xFE, 0x41])))
    var isSame = false
    for _ in 0..<10 where !isSame {
        isSame =
            try signature(token(Array("\u{FEFF}secret\r\n".utf8)))
            == signature(campaignd(["token", "7"], ["TM_SECRET": "secret"]))
    }
    #expect(isSame)
    let long = try token([UInt8](repeating: 0x41, count: 5000))
    #expect(long.status == 78)
    #expect(long.errors.contains("longer"))
}

@Test("an argument and a setting that are not UTF-8 are refused, and no folder is made of what they might have been")
func notUTF8() throws {
    let folder = try TemporaryFolder()
    let program = Repository.campaignd.path
    let name = folder.path + "/$(printf 'caf\\351')"
    for script in ["'\(program)' init \"\(name)\"", "CAMPAIGNS_DATA=\"\(name)\" '\(program)' init"] {
        let outcome = try Command.run("/bin/sh", ["-c", script])
        #expect([64, 78].contains(outcome.status), "\(outcome.errors)")
        #expect(outcome.errors.contains("UTF-8"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
}

// MARK: Who and where

@Test("every command that works on a data folder takes it from CAMPAIGNS_DATA too")
func folderInEnvironment() throws {
    let folder = try TemporaryFolder()
    let data = ["CAMPAIGNS_DATA": folder.path + "/data", "TM_SECRET": "s"]
    for arguments in [
        ["init"], ["user", "add", "ana"], ["check"], ["messages"], ["deliver"], ["export"], ["token", "ana"],
        ["user", "list"], ["organisation", "list"], ["project", "list"],
    ] {
        let outcome = try campaignd(arguments, data)
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    }
    #expect(try campaignd(["check"], data).text == "1 records, all in order\n")
}

@Test("where the digits of an id are another user's name, the user has to be named exactly")
func ambiguousName() throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"username": "ana"}"#, to: "data/users/94253.json")
    try folder.write(#"{"username": "94253"}"#, to: "data/users/7.json")
    try folder.write(#"{"username": "12"}"#, to: "data/users/8.json")
    try folder.write(#"{"username": "id:7"}"#, to: "data/users/9.json")
    try folder.write(#"{"username": "33"}"#, to: "data/users/33.json")
    let data = ["--data", folder.path + "/data"]
    func payload(_ user: String) throws -> String? {
        let outcome = try campaignd(["token", user] + data, ["TM_SECRET": "s"])
        guard outcome.status == 0 else {
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.contains("id:\(user)") && outcome.errors.contains("name:\(user)"), "\(outcome.errors)")
            return nil
        }
        let inner = try #require(Data(base64Encoded: outcome.text.trimmingCharacters(in: .newlines)))
        let first = try #require(String(decoding: inner, as: UTF8.self).split(separator: ".").first)
        let standard = first + String(repeating: "=", count: (4 - first.count % 4) % 4)
        return Data(base64Encoded: String(standard)).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(try payload("94253") == nil)
    // An id needs no record, so this is one as well.
    #expect(try payload("12") == nil)
    for (user, id) in [
        ("id:94253", "94253"), ("name:94253", "7"), ("name:12", "8"), ("ana", "94253"), ("33", "33"), ("44", "44"),
        ("id:7", "7"), ("name:id:7", "9"),
    ] {
        #expect(try payload(user) == id, "\(user)")
    }
    for (option, command) in [
        ("--manager", "organisation"), ("--manager", "project"), ("--author", "project"), ("--contributor", "project"),
    ] {
        let outcome = try campaignd([command, "add", "x", option, "94253"] + data)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("id:94253"))
    }
    // Where an id has to be that of a record, a name alone is clear.
    #expect(try campaignd(["organisation", "add", "o", "--manager", "12", "--manager", "id:94253"] + data).status == 0)
    #expect(try folder.read("data/organisations/1.json").contains(#""managers": [8, 94253]"#))
}

@Test("a user is not found by a name that several have")
func sharedName() throws {
    let folder = try TemporaryFolder()
    for id in [3, 4] { try folder.write(#"{"username": "twin"}"#, to: "users/\(id).json") }
    let outcome = try campaignd(["project", "add", "p", "--author", "twin", "--data", folder.path])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("3, 4"))
}

@Test("names from the command line follow the rules of names", arguments: ["user", "organisation", "project"])
func commandNames(kind: String) throws {
    let folder = try TemporaryFolder()
    let data = ["--data", folder.path]
    for name in ["", " ", "\u{200B}", "\u{3164}", "a\nb", String(repeating: "x", count: 256)] {
        #expect(try campaignd([kind, "add", name] + data).status == 1)
    }
    #expect(try campaignd([kind, "add", "\u{200B}Ana \u{2060}"] + data).status == 0)
    #expect(try folder.read("\(kind)s/1.json").contains(#"name": "Ana""#))
    if kind == "user" { #expect(try campaignd([kind, "add", "Ana\u{AD}"] + data).status == 1) }
}

@Test("a token is minted at once while the folder is locked, and nothing is said of it")
func tokenWhileLocked() throws {
    let folder = try TemporaryFolder()
    let data = folder.path + "/data"
    #expect(try campaignd(["user", "add", "ana", "--data", data]).status == 0)
    // Something for a writer to do, which a token needs nothing of.
    try folder.write("left by a process that died", to: "data/.journal")
    let lock = open(data + "/.lock", O_RDWR)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX) == 0)
    let start = ContinuousClock.now
    let outcome = try campaignd(["token", "ana", "--data", data], ["TM_SECRET": "s"])
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(ContinuousClock.now - start < .seconds(5))
}

// MARK: Root

@Test(
    "whatever root does on a folder of somebody else is done as that user: what only root may read shows nowhere",
    .enabled(if: geteuid() == 0, "only root can become somebody else"))
func everyCommandAsOwner() throws {
    let folder = try TemporaryFolder()
    let data = folder.path + "/data"
    #expect(try campaignd(["init", data]).status == 0)
    let secrets = [
        "users/5.json": #"{"username": "roots-secret"}"#, "organisations/5.json": #"{"name": "roots-secret"}"#,
        "projects/5.json": #"{"name": "roots-secret"}"#, "campaigns/5.json": #"{"name": "roots-secret"}"#,
        "messages/5.json": #"{"campaign": 1, "sender": 2, "sentDate": "x", "subject": "roots-secret"}"#,
        "messages/recipients/5.json": #"{"recipients": [1]}"#,
    ]
    for (name, text) in secrets {
        let file = "only-root/" + name.replacingOccurrences(of: "/", with: "-")
        try folder.write(text, to: file)
        chmod("\(folder.path)/\(file)", 0o600)
        symlink("\(folder.path)/\(file)", "\(data)/\(name)")
    }
    for name in try [""] + FileManager.default.subpathsOfDirectory(atPath: data) {
        lchown("\(data)/\(name)", 4711, 4712)
    }
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/only-root").sorted()
    for arguments in [
        ["messages", data], ["export", "--data", data], ["check", data], ["deliver", data], ["init", data],
        ["user", "list", "--data", data], ["organisation", "list", "--data", data],
        ["project", "list", "--data", data],
        ["user", "add", "eve", "--data", data], ["organisation", "add", "o", "--data", data],
        ["project", "add", "p", "--data", data], ["import", "-", "--data", data],
    ] {
        let outcome = try campaignd(arguments)
        #expect(!outcome.text.contains("roots-secret"), "\(arguments)")
    }
    #expect(try campaignd(["token", "roots-secret", "--data", data], ["TM_SECRET": "s"]).status == 73)
    let cgi: [String: String?] = [
        "REQUEST_METHOD": "GET", "REQUEST_URI": "/api/v2/campaigns/", "CAMPAIGNS_DATA": data, "TM_SECRET": "s",
    ]
    #expect(try !campaignd([], cgi).text.contains("roots-secret"))
    // As the owner, it has nowhere to make a socket.
    #expect(try campaignd(["serve", "--data", data, "--socket", folder.path + "/s"], ["TM_SECRET": "s"]).status == 73)
    for name in try FileManager.default.subpathsOfDirectory(atPath: data) {
        var status = stat()
        #expect(lstat("\(data)/\(name)", &status) == 0 && status.st_uid == 4711, "\(name)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/only-root").sorted() == before)
}

@Test(
    "a folder that root makes in somebody's folder is theirs",
    .enabled(if: geteuid() == 0, "only root can become somebody else"))
func madeForOwner() throws {
    let folder = try TemporaryFolder()
    chown(folder.path, 4711, 4712)
    #expect(try campaignd(["user", "add", "ana", "--data", folder.path + "/a/data"]).status == 0)
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
        var status = stat()
        #expect(lstat("\(folder.path)/\(name)", &status) == 0 && status.st_uid == 4711, "\(name)")
    }
}
