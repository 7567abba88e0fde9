import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

/// The contract behind other web servers: plain CGI, mod_fcgid, lighttpd, fcgiwrap.
@Suite(.serialized)
struct OtherHostTests {
    @Test("behind another web server", arguments: chosen ?? OtherHost.names)
    func host(_ name: String) throws {
        let environment = [
            "TM_SECRET": UnderTest.secret, "ALLOWED_ORIGINS": UnderTest.origins.joined(separator: ","),
            "PUBLIC_URL": UnderTest.publicURL, "TM_CLIENT_ID": UnderTest.clientID,
            "TM_CLIENT_SECRET": UnderTest.clientSecret, "OSM_SERVER_URL": UnderTest.openStreetMap,
        ]
        let client = HostClient(host: try OtherHost(name, data: Repository.fixture, environment: environment))
        let differences = try Self.differences(of: name)
        for (index, example) in Case.all.enumerated() where Self.isWanted(index, name) {
            let run = {
                do {
                    try example.run(with: client)
                } catch {
                    Issue.record("\(example.name): \(error)")
                }
            }
            if let difference = differences[example.name] {
                withKnownIssue(Comment(rawValue: "\(name): \(difference)")) { run() }
            } else {
                run()
            }
        }
        try Self.checkBodies(with: client)
        try Self.checkSecrets(with: client)
        if name.hasPrefix("apache") { try Self.checkPage(with: client) }
        client.host.stop()
    }

    /// A body may be large, and its length unknown; an answer may be large.
    private static func checkBodies(with client: HostClient) throws {
        let manager = try Authorization.header(.string("manager")) ?? ""
        let inChunks = (name: "Transfer-Encoding", value: "chunked")
        for (size, headers, status) in [
            (10, [inChunks], 201), (200_000, [inChunks], 201), (600_000, [], 201), (2_000_000, [], 413),
            (2_000_000, [inChunks], 413), (6_000_000, [], 413),
        ] {
            let name = UUID().uuidString
            let text = #"{"name": "\#(name)", "description": "\#(String(repeating: "x", count: size))"}"#
            let asked = Asked(
                "POST", "/api/v2/campaigns/", headers: headers + [("Authorization", manager)], body: Data(text.utf8))
            let answered = try client.send(asked)
            #expect(answered.status == status, "\(size) bytes, \(headers.isEmpty ? "" : "in chunks")")
            // And so may an answer.
            guard status == 201 else { continue }
            let read = try client.send(Asked("GET", try #require(answered.header("Location"))))
            #expect(read.status == 200 && read.header("X-Accel-Redirect") == nil)
            #expect(String(decoding: read.body, as: UTF8.self).contains(name) && read.body.count > size)
        }
    }

    /// What a shared host gives out besides: the page, and the logos that were uploaded.
    private static func checkPage(with client: HostClient) throws {
        let manager = try Authorization.header(.string("manager")) ?? ""
        let picture = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
        let uploaded = try client.send(
            Asked(
                "POST", "/api/v2/system/image-upload/", headers: [("Authorization", manager)],
                body: Data(#"{"filename": "dot.gif", "mime": "image/gif", "data": "\#(picture)"}"#.utf8)))
        #expect(uploaded.status == 201)
        let logo = try client.send(Asked("GET", "/logos/ef1955ae757c8b966c83248350331bd3.gif"))
        #expect(logo.status == 200 && logo.body == Data(base64Encoded: picture))
        #expect(logo.header("Content-Type") == "image/gif")
        #expect(logo.header("X-Content-Type-Options") == "nosniff")
        #expect(logo.header("Content-Security-Policy")?.contains("sandbox") == true)
        for target in [
            "/logos/", "/logos", "/logos/.upload.tmp", "/logos/.htaccess", "/logos/none.png", "/logos/none.json",
        ] {
            #expect(try client.send(Asked("GET", target)).status == 404, "\(target)")
        }
        for target in ["/", "/index.html", "/page.js"] {
            let page = try client.send(Asked("GET", target))
            #expect(page.status == 200, "\(target)")
            #expect(page.header("Content-Security-Policy")?.contains("script-src 'self'") == true, "\(target)")
        }
    }

    /// Nothing of the folder with the secret and the data is shown.
    private static func checkSecrets(with client: HostClient) throws {
        for target in [
            "/campaigns/secret", "/campaigns/data/users/1.json", "/campaigns/campaignd", "/../campaigns/secret",
            "/%2e%2e/campaigns/secret", "/api/v2/../../../campaigns/secret",
        ] {
            let answered = try client.send(Asked("GET", target))
            #expect((400..<500).contains(answered.status), "\(target)")
            #expect(!String(decoding: answered.body, as: UTF8.self).contains(UnderTest.secret), "\(target)")
        }
        // A query without = becomes an argument of the program.
        let help = try client.send(Asked("GET", "/api/v2/system/heartbeat/?--help"))
        #expect(help.status == 200)
        #expect(String(decoding: help.body, as: UTF8.self).contains("healthy"))
    }

    /// CONTRACT_HOSTS names the hosts that all cases are run behind, which takes minutes.
    private static let chosen = ProcessInfo.processInfo.environment["CONTRACT_HOSTS"].map { names in
        names == "all" ? OtherHost.names : names.split(separator: ",").map(String.init)
    }

    /// Otherwise each case is run behind one of them.
    private static func isWanted(_ index: Int, _ name: String) -> Bool {
        chosen != nil || index % OtherHost.names.count == OtherHost.names.firstIndex(of: name)
    }

    /// What a web server decides by itself, by the names of cases, with the reason.
    private static func differences(of name: String) throws -> [String: String] {
        let file = Repository.root.appendingPathComponent("Tests/Hosts/differences.json")
        let json = try JSONValue(parsing: Array(Data(contentsOf: file)))
        var reasons: [String: String] = [:]
        for difference in json.elements ?? [] {
            let hosts = (difference["hosts"]?.elements ?? []).compactMap(\.text)
            for text in difference["cases"]?.elements ?? [] where hosts.contains(name) {
                reasons[text.text ?? ""] = difference["reason"]?.text
            }
        }
        return reasons
    }
}

private struct HostClient: Client {
    let host: OtherHost

    func send(_ asked: Asked) throws -> Answered {
        var asked = asked
        // As browsers do; curl does not, and lighttpd insists on it (411).
        if asked.method == "POST", asked.body == nil { asked.headers.append(("Content-Length", "0")) }
        return try asked.send(to: host.url)
    }
}
