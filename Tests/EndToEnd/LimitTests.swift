import Foundation
import TestSupport
import Testing

/// nginx's limits, as they are in nginx/campaigns-http.conf.
struct LimitTests {
    private let folder: TemporaryFolder
    private let service: LiveService
    private let authorization: String

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(#"{"id": 1, "username": "a", "role": "ADMIN"}"#, to: "users/1.json")
        try folder.write(#"{"id": 1, "name": "C"}"#, to: "campaigns/1.json")
        service = try LiveService(data: folder.url, environment: ["TM_SECRET": Daemon.secret], limits: true)
        let token = try Command.run(
            Repository.campaignd.path, ["token", "1"], environment: ["TM_SECRET": Daemon.secret])
        authorization = "Token " + token.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("150 messages go out at once, then an address has to wait, and everything else goes on")
    func messages() throws {
        var answers: [String] = []
        let time = try ContinuousClock().measure {
            answers = try ask(
                180, "POST", "/api/v2/campaigns/1/actions/message-contributors/", authorization,
                #"{"subject": "s", "message": "m"}"#)
        }
        #expect(answers.prefix(150).allSatisfy { $0 == "200 application/json  " })
        // One more is let through every six seconds.
        let forgotten = Int(time / .seconds(6)) + 1
        #expect(answers.filter { $0 == "429 application/json 6 " }.count >= 30 - forgotten)
        let path = "/api/v2/campaigns/1/actions/message-contributors"
        for target in [
            path, path + "/?x", path.replacing("actions", with: "%61ctions"), path.replacing("/1/", with: "/2/"),
        ] {
            // The first may be the one of these six seconds.
            _ = try service.curl(asked("POST", target, authorization))
            let refused = try service.curl(asked("POST", target, authorization))
            #expect(refused.status == 429, "\(target)")
            #expect(refused.header("Retry-After") == "6")
            #expect(refused.header("Content-Type") == "application/json")
            #expect(try refused.json["SubCode"] as? String == "TooManyRequests")
        }
        #expect(try service.curl(Asked("OPTIONS", path)).status == 204)
        #expect(try service.curl(asked("GET", "/api/v2/notifications/", authorization)).status == 200)
        #expect(try service.curl(asked("PATCH", "/api/v2/campaigns/1/", authorization)).status == 200)
    }

    @Test("after 300 bad tokens an address is answered late, with 429, and a good token counts as ever")
    func failedTokens() throws {
        var answers = try ask(300, "PATCH", "/api/v2/campaigns/1/", "Token x", "{}")
        #expect(answers.allSatisfy { $0 == "401 application/json  Token" })
        // Twenty are forgotten every second, which is more than a slow machine sends one after the other.
        let deadline = Date(timeIntervalSinceNow: 60)
        repeat {
            answers = try ask(100, "PATCH", "/api/v2/campaigns/1/", "Token x", "{}", atOnce: 20)
        } while !answers.contains { $0.hasPrefix("429") } && Date() < deadline
        #expect(answers.contains("429 application/json 6 "))
        #expect(answers.allSatisfy { ["401 application/json  Token", "429 application/json 6 "].contains($0) })
        #expect(try service.curl(asked("PATCH", "/api/v2/campaigns/1/", authorization)).status == 200)
        #expect(try service.curl(asked("GET", "/api/v2/campaigns/", "Token x")).status == 200)
    }

    @Test(
        "while very many bad tokens are sent at once, no token at all gets in from there, so that who waits guesses none"
    )
    func guessing() throws {
        let curls = (0..<3).map { _ in
            Command.make(
                "curl",
                [
                    "--silent", "--noproxy", "*", "--cacert", service.certificate, "--output", "/dev/null",
                    "--parallel",
                    "--parallel-immediate", "--parallel-max", "300", "--http1.1", "--request", "PATCH", "--header",
                    "Authorization: Token x", service.url + "/api/v2/campaigns/1/?[1-2000]",
                ], [:])
        }
        for curl in curls {
            curl.standardError = FileHandle.nullDevice
            try curl.run()
        }
        defer { for curl in curls { curl.terminate() } }
        let deadline = Date(timeIntervalSinceNow: 60)
        var status = 0
        repeat {
            status = try service.curl(asked("PATCH", "/api/v2/campaigns/1/", authorization)).status
        } while status != 429 && Date() < deadline
        #expect(status == 429)
        #expect(try service.curl(Asked("GET", "/api/v2/campaigns/1/")).status == 200)
    }

    // MARK: -

    private func asked(_ method: String, _ target: String, _ authorization: String?) -> Asked {
        Asked(
            method, target, headers: authorization.map { [(name: "Authorization", value: $0)] } ?? [],
            body: method == "GET" ? nil : Data("{}".utf8))
    }

    /// Sends the same request many times, one after the other or some at once.
    ///
    /// - Returns: of each answer the status, the type, Retry-After and WWW-Authenticate.
    private func ask(
        _ count: Int, _ method: String, _ path: String, _ authorization: String, _ body: String, atOnce: Int = 1
    ) throws -> [String] {
        let outcome = try Command.run(
            "curl",
            [
                "--silent", "--noproxy", "*", "--cacert", service.certificate, "--output", "/dev/null", "--write-out",
                "%{http_code} %header{content-type} %header{retry-after} %header{www-authenticate}\n", "--request",
                method, "--data", body, "--header", "Authorization: \(authorization)",
                service.url + path + "?[1-\(count)]",
            ] + (atOnce > 1 ? ["--parallel", "--parallel-max", "\(atOnce)", "--http1.1"] : []))
        return outcome.text.split(separator: "\n").map(String.init)
    }
}
