import CampaignAPI
import FastCGI
import FolderStore
import Foundation
import HTTPTypes
import Logging
import OpenStreetMap
import Synchronization
import TestSupport
import Testing

@testable import CampaignAPI

/// Signing in, in memory, with the stand-in of OpenStreetMap.
struct SignInTests {
    private static let here = "https://campaigns.example.org/app"
    private let folder: TemporaryFolder
    private let standIn: StandIn
    private let log = Log()

    init() throws {
        folder = try TemporaryFolder()
        standIn = try StandIn.shared.get()
    }

    private func api(
        server: String? = nil, patience: Duration = .seconds(120), redirectURI: String? = here + "/",
        isSetUp: Bool = true
    ) throws -> API {
        let log = log
        let logger = Logger(label: "test") { _ in log }
        var configuration = Configuration(
            secret: Array(Service.secret.utf8),
            allowedOrigins: ["*", "https://tasks.example.org", "http://localhost:3000"],
            publicURL: Self.here)
        if isSetUp {
            configuration.signIn = SignIn(
                openStreetMap: OpenStreetMap(
                    server: server ?? standIn.url, clientID: StandIn.clientID, clientSecret: StandIn.clientSecret,
                    scope: "read_prefs"),
                redirectURI: redirectURI, patience: patience)
        }
        return API(
            try FolderStore(DataFolder(asOwnerOf: folder.path), CampaignJSON(), logger: logger), configuration,
            logger: logger,
            now: { 2_000_000_000 })
    }

    private func ask(
        _ api: API, _ path: String, _ parameters: [String: String] = [:], method: HTTPRequest.Method = .get,
        _ fields: HTTPFields = [:]
    ) -> Response {
        var query = URLComponents()
        query.queryItems = parameters.map { URLQueryItem(name: $0.key, value: $0.value) }
        let text = (query.percentEncodedQuery ?? "").replacing("+", with: "%2B")
        return api.respond(
            to: Request(
                HTTPRequest(
                    method: method, scheme: "https", authority: "localhost",
                    path: "/api/v2/system/authentication/\(path)/" + (text.isEmpty ? "" : "?\(text)"),
                    headerFields: fields)))
    }

    /// Signs in as a browser does.
    private func signIn(_ api: API, user: Int, name: String = "", fail: String = "") throws -> Response {
        let page = try #require(try ask(api, "login").json["auth_url"] as? String)
        let code = try #require(try standIn.authorize(page: page, user: user, name: name, fail: fail).value("code"))
        return ask(api, "callback", ["code": code])
    }

    private func record(_ id: Int) throws -> String { try folder.read("users/\(id).json") }

    // MARK: The page

    @Test("the page of OpenStreetMap is named with all that it needs, and with a state that nobody can guess")
    func page() throws {
        let api = try api()
        var states: Set<String> = []
        for _ in 0..<20 {
            let json = try ask(api, "login", ["redirect_uri": "https://tasks.example.org/authorized?a=b%20c&d=+"]).json
            #expect(Set(json.keys) == ["auth_url", "state"])
            let state = try #require(json["state"] as? String)
            #expect(state.utf8.count == 48)
            states.insert(state)
            let page = try #require((json["auth_url"] as? String).flatMap(URLComponents.init(string:)))
            #expect(page.string?.hasPrefix("\(standIn.url)/oauth2/authorize?") == true)
            #expect(
                page.queryItems == [
                    URLQueryItem(name: "response_type", value: "code"),
                    URLQueryItem(name: "client_id", value: StandIn.clientID),
                    URLQueryItem(name: "redirect_uri", value: "https://tasks.example.org/authorized?a=b%20c&d=+"),
                    URLQueryItem(name: "scope", value: "read_prefs"), URLQueryItem(name: "state", value: state),
                ])
        }
        #expect(states.count == 20)
    }

    @Test(
        "OpenStreetMap sends nobody elsewhere",
        arguments: [
            "https://campaigns.example.org", "https://campaigns.example.org/", "https://campaigns.example.org/apple",
            "https://campaigns.example.org/app/../x", "https://campaigns.example.org/app/%2e%2e/x",
            "https://campaigns.example.org/app/.%2E/x", "https://campaigns.example.org/app/%252e%252e/x",
            "https://campaigns.example.org/app/..%2fx", "https://campaigns.example.org/app/x%2f..%2f..%2fy",
            "https://campaigns.example.org/app/..%5cx", "https://campaigns.example.org/app/%25252e./x",
            "https://campaigns.example.org/app/%zz", "https://campaigns.example.org/app/..\\x",
            "https://campaigns.example.org/app\\..\\x", "https://campaigns.example.org\\@evil.example/app/",
            "https://campaigns.example.org@evil.example/app/", "https://u@campaigns.example.org/app/",
            "https://campaigns.example.org:443@evil.example/app/", "https://campaigns.example.org.evil.example/app/",
            "https://campaigns.example.org./app/", "https://campaigns.example.org:8443/app/",
            "http://campaigns.example.org/app/", "//campaigns.example.org/app/", "/app/", "app",
            "campaigns.example.org/app",
            "https://campaigns.example.org/app/#x", "https://campaigns.example.org/app/?x#y",
            "https://campaigns.example.org/app/\n", "https://campaigns.example.org/app/?x\r\nX: y",
            " https://campaigns.example.org/app/",
            "https://campaigns.example.org/app/ü", "https://campaigns.example.org/app/?a=b c", "https://evil.example/",
            "https://evil.example/https://campaigns.example.org/app/",
            "https://tasks.example.org.evil.example", "http://tasks.example.org/", "http://localhost:3001/",
            "http://localhost/", "javascript:alert(1)", "data:text/html,x", "*", "https://*/",
            "https://campaigns.example.org/APP/",
            "https:campaigns.example.org/app/", "https:///campaigns.example.org/app/",
        ])
    func elsewhere(_ uri: String) throws {
        let api = try api()
        for (path, parameters) in [("login", [:]), ("callback", ["code": "x"])] {
            let response = ask(api, path, parameters.merging(["redirect_uri": uri]) { $1 })
            #expect(response.status == .badRequest, "\(uri): \(response.text)")
            #expect(try response.json["SubCode"] as? String == "InvalidData")
        }
    }

    @Test(
        "OpenStreetMap sends people back to this service, to an origin that is named, or as it is set",
        arguments: [
            "https://campaigns.example.org/app", "https://campaigns.example.org/app/",
            "https://campaigns.example.org/app/x/y",
            "https://campaigns.example.org:443/app/", "HTTPS://Campaigns.Example.ORG/app/",
            "https://campaigns.example.org/app/?next=/x", "https://campaigns.example.org/app/a%20b/..c/%C3%BC",
            "https://tasks.example.org", "https://tasks.example.org/authorized/", "http://localhost:3000/authorized",
            "https://elsewhere.example/set?x=y",
        ])
    func back(_ uri: String) throws {
        let api = try api(redirectURI: "https://elsewhere.example/set?x=y")
        let json = try ask(api, "login", ["redirect_uri": uri]).json
        let page = try #require((json["auth_url"] as? String).flatMap(URLComponents.init(string:)), "\(uri)")
        #expect(page.value("redirect_uri") == uri)
        let standard = try #require(try ask(api, "login").json["auth_url"] as? String)
        #expect(URLComponents(string: standard)?.value("redirect_uri") == "https://elsewhere.example/set?x=y")
    }

    @Test("where nobody is sent back to is asked for")
    func nowhere() throws {
        let response = ask(try api(redirectURI: nil), "login")
        #expect(response.status == .badRequest)
        #expect(response.text.contains("redirect_uri is required"))
    }

    // MARK: The whole way

    @Test("who comes for the first time gets a record and a token")
    func firstTime() throws {
        let api = try api()
        let response = try signIn(api, user: 4242, name: "Zoë \"M\" \\ 火")
        #expect(response.status == .ok, "\(response.text)")
        let json = try response.json
        #expect(json["username"] as? String == "Zoë \"M\" \\ 火")
        let picture = try #require(json["picture"] as? String)
        let session = try #require(json["session"] as? [String: Any])
        #expect(session["token_type"] as? String == "Bearer" && session["scope"] as? String == "read_prefs")
        #expect(session["access_token"] is String && session["created_at"] is Int)
        for (name, keys) in [
            ("", ["username", "session_token", "picture", "session"]),
            ("session", ["access_token", "token_type", "scope", "created_at"]),
        ] {
            let places = keys.map { response.text.range(of: "\"\($0)\":")?.lowerBound ?? response.text.endIndex }
            #expect(places == places.sorted() && places.last != response.text.endIndex, "\(name)")
        }
        #expect(
            try record(4242) == """
                {
                  "id": 4242,
                  "username": "Zoë \\"M\\" \\\\ 火",
                  "role": "MAPPER",
                  "pictureUrl": "\(picture)",
                  "emailAddress": null,
                  "projectsNotifications": true
                }

                """)
        let inner = try #require(json["session_token"] as? String)
        #expect(inner.split(separator: ".").count == 3)
        let token = Data(inner.utf8).base64EncodedString()
        #expect(SessionTokens(secret: Array(Service.secret.utf8)).user(of: token, now: 2_000_000_000) == 4242)
        #expect(log.text.contains("signed in") && log.text.contains("4242"))
    }

    @Test("the inner text of a token is what the contract's vectors have")
    func innerText() {
        let tokens = SessionTokens(secret: Array("oracle-secret".utf8))
        #expect(tokens.innerText(user: 1, time: 0x6B_04AB0F) == "MQ.awSrDw.Nd24FmVhvC7srrzlO16MeAA64RI")
        #expect(
            tokens.innerText(user: 123_456_789, time: 0x6B_04AB0F) == "MTIzNDU2Nzg5.awSrDw.l6VD0f4niZ1szwWshbYA9Pdwa4E")
    }

    @Test("who has a record gets today's name and picture, and keeps role, rights and what else is in it")
    func known() throws {
        try folder.write(
            #"{"id": 7, "username": "old", "role": "ADMIN", "pictureUrl": "https://x/old", "emailAddress": "a@b.org", "projectsNotifications": false, "level": {"x": [1]}}"#,
            to: "users/7.json")
        let api = try api()
        let response = try signIn(api, user: 7, name: "new")
        #expect(response.status == .ok)
        let after = try record(7)
        for part in [
            #""username": "new""#, #""role": "ADMIN""#, #""emailAddress": "a@b.org""#,
            #""projectsNotifications": false"#,
            #""level": {"#, try #require(try response.json["picture"] as? String),
        ] {
            #expect(after.contains(part), "\(part)")
        }
        // Nothing has changed, so nothing is written.
        let file = folder.path + "/users/7.json"
        let before = try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? Int
        #expect(try signIn(api, user: 7, name: "new").status == .ok)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? Int == before)
    }

    @Test(
        "a record that cannot be read is not replaced: 503", arguments: ["{", "[]", #"{"id": 7, "role": "KING"}"#, ""])
    func broken(_ text: String) throws {
        try folder.write(text, to: "users/7.json")
        let response = try signIn(try api(), user: 7)
        #expect(response.status == .serviceUnavailable)
        #expect(response.headerFields[.retryAfter] != nil)
        #expect(try record(7) == text)
    }

    // MARK: What goes wrong

    @Test(
        "what OpenStreetMap does not answer as it should",
        arguments: [
            ("token-slow", 502, "TokenFetchError"), ("token-trickle", 502, "TokenFetchError"),
            ("token-down", 502, "TokenFetchError"), ("token-refused", 400, "InvalidGrantError"),
            ("token-client", 502, "TokenFetchError"), ("token-html", 502, "TokenFetchError"),
            ("token-big", 502, "TokenFetchError"), ("token-nameless", 502, "TokenFetchError"),
            ("token-list", 502, "TokenFetchError"), ("token-status", 502, "TokenFetchError"),
            ("token-redirect", 502, "TokenFetchError"),
            ("details-slow", 502, "OSMServiceError"), ("details-trickle", 502, "OSMServiceError"),
            ("details-down", 502, "OSMServiceError"), ("details-html", 502, "OSMServiceError"),
            ("details-big", 502, "OSMServiceError"), ("details-nameless", 502, "AuthError"),
            ("details-list", 502, "AuthError"), ("details-status", 502, "OSMServiceError"),
        ])
    func failures(_ fail: String, _ status: Int, _ subCode: String) throws {
        let isSlow = fail.hasSuffix("slow") || fail.hasSuffix("trickle")
        let began = ContinuousClock.now
        // Long enough for what comes before that.
        let patience = isSlow ? Duration.seconds(fail.hasPrefix("token") ? 2 : 10) : .seconds(120)
        let response = try signIn(try api(patience: patience), user: 9, fail: fail)
        #expect(response.status.code == status, "\(response.text)")
        let texts = [
            "InvalidGrantError": "The provided authorization grant is invalid, expired or revoked",
            "TokenFetchError": "Couldn't fetch token from OSM.",
            "OSMServiceError": "Couldn't fetch user details from OSM.", "AuthError": "Unable to authenticate",
        ]
        #expect(response.text == #"{"Error":"\#(texts[subCode] ?? "")","SubCode":"\#(subCode)"}"#)
        #expect(response.headerFields[.cacheControl] == "no-store")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/users/9.json"))
        #expect(log.text.contains("could not sign in"))
        if isSlow { #expect(ContinuousClock.now - began < .seconds(50)) }
    }

    @Test("the user is the one of the details")
    func other() throws {
        let json = try signIn(try api(), user: 10, name: "ten", fail: "details-other").json
        #expect(json["username"] as? String == "ten_other")
        #expect(try record(11).contains("ten_other"))
    }

    @Test("an OpenStreetMap that is away")
    func away() throws {
        let response = ask(try api(server: "http://127.0.0.1:\(FreePort.find())"), "callback", ["code": "x"])
        #expect(response.status == .badGateway)
        #expect(response.text.contains("TokenFetchError"))
    }

    @Test("a code that is missing, wrong, used, strange, or for another address")
    func codes() throws {
        let api = try api()
        for parameters in [[:], ["code": ""], ["email_address": "a@b.org"]] {
            let response = ask(api, "callback", parameters)
            #expect(response.status == .badRequest)
            #expect(response.text == #"{"Error":"Missing code parameter","SubCode":"InvalidData"}"#)
        }
        let page = try #require(try ask(api, "login").json["auth_url"] as? String)
        let code = try #require(try standIn.authorize(page: page, user: 1).value("code"))
        #expect(ask(api, "callback", ["code": code, "email_address": "x"]).status == .ok)
        let elsewhere = try #require(try standIn.authorize(page: page, user: 1).value("code"))
        for parameters in [
            ["code": code], ["code": "wrong"], ["code": "\"\nurl = \"file:///etc/passwd\"\n\\"],
            ["code": "@/etc/passwd"],
            ["code": "\u{0}"], ["code": "ü &=+%"], ["code": String(repeating: "x", count: 7000)],
            ["code": elsewhere, "redirect_uri": "https://tasks.example.org/"],
        ] {
            let response = ask(api, "callback", parameters)
            #expect(response.status == .badRequest)
            #expect(response.text.contains(#""SubCode":"InvalidGrantError""#), "\(response.text)")
        }
    }

    @Test("only so many wait for OpenStreetMap at once; the others are told to come back")
    func tooMany() throws {
        let standIn = try StandIn()
        let api = try api(server: standIn.url, patience: .seconds(300))
        let page = try #require(try ask(api, "login").json["auth_url"] as? String)
        let codes = try (0..<4).map { _ in
            try #require(try standIn.authorize(page: page, user: 3, fail: "token-slow").value("code"))
        }
        let ended = DispatchGroup()
        for code in codes {
            ended.enter()
            inBackground {
                // Until it is at it: what is asked below has a turn, too.
                while ask(api, "callback", ["code": code]).status == .serviceUnavailable {}
                ended.leave()
            }
        }
        // Until the four are at it, a wrong code is refused at once.
        var response = ask(api, "callback", ["code": "wrong"])
        while response.status == .badRequest { response = ask(api, "callback", ["code": "wrong"]) }
        #expect(response.status == .serviceUnavailable)
        #expect(response.headerFields[.retryAfter] != nil)
        #expect(ended.wait(timeout: .now()) == .timedOut)
        // Where to sign in is told all the same, without OpenStreetMap.
        #expect(ask(api, "login").status == .ok)
        standIn.end()
        ended.wait()
        #expect(ask(api, "callback", ["code": "wrong"]).status == .badGateway)
    }

    // MARK: The answers

    @Test(
        "no answer is kept, none has an ETag, there is no HEAD, and none of it waits where nobody may",
        arguments: ["login", "callback"])
    func header(_ path: String) throws {
        let api = try api()
        for method in [HTTPRequest.Method.get, .options, .post, .head] {
            let response = ask(api, path, method: method, [.ifNoneMatch: "*", .origin: "https://tasks.example.org"])
            #expect(response.headerFields[.cacheControl] == "no-store", "\(method)")
            #expect(response.headerFields[.eTag] == nil)
            #expect(response.status != .notModified)
            #expect(response.headerFields[.accessControlAllowOrigin] == "https://tasks.example.org")
            if method == .post || method == .head { #expect(response.status == .methodNotAllowed) }
            if method != .get { #expect(response.headerFields[.allow] == "GET, OPTIONS") }
        }
        let target = "/api/v2/system/authentication/\(path)/?code=x"
        #expect(api.readyAnswer(to: target, ifNoneMatch: nil) == .unknown)
        let request = Request(HTTPRequest(method: .get, scheme: nil, authority: nil, path: target))
        #expect(api.respondAtOnce(to: request) == nil)
    }

    @Test("where it is not set up there is no such path", arguments: ["login", "callback"])
    func off(_ path: String) throws {
        let api = try api(isSetUp: false)
        for method in [HTTPRequest.Method.get, .options, .post, .head] {
            let response = ask(api, path, ["code": "x"], method: method)
            #expect(response.status == .notFound)
            #expect(response.text.contains(#""sub_code":"NOT_FOUND""#))
        }
    }

    @Test("neither code, secret nor token is logged")
    func secrets() throws {
        let api = try api()
        let page = try #require(try ask(api, "login").json["auth_url"] as? String)
        var words = [StandIn.clientSecret, Service.secret]
        for fail in ["", "token-refused", "token-status", "details-html", "details-nameless", "details-down"] {
            let code = try #require(try standIn.authorize(page: page, user: 5, fail: fail).value("code"))
            let json = try ask(api, "callback", ["code": code]).json
            words.append(code)
            if let token = json["session_token"] as? String { words.append(token) }
            if let session = json["session"] as? [String: Any], let token = session["access_token"] as? String {
                words.append(token)
            }
        }
        #expect(words.count == 10)
        for word in words { #expect(!log.text.contains(word)) }
    }
}

/// Keeps what is logged.
private final class Log: LogHandler {
    private let lines = Mutex("")
    var text: String { lines.withLock { $0 } }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { lines.withLock { $0 += "\(event.message) \(event.metadata ?? [:])\n" } }
}
