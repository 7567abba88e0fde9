import Foundation
import TestSupport
import Testing

/// The table of rights in `Sources/README.md`, cell by cell, asked of a process that runs.
struct RightsTableTests {
    private let site: Site
    private let daemon: Daemon
    /// Who asks, by the heading of a column. The other admin is who has sent the messages.
    private static let users: [(heading: String, id: Int?)] = [
        ("nobody", nil), ("a bad token", nil), ("no record", 99), ("`READ_ONLY`", 2), ("`MAPPER`", 3),
        ("manager of another organisation", 4), ("manager of the organisation", 5), ("author", 6),
        ("in the project's `managers`", 7), ("`ADMIN`", 8),
    ]
    private static let sender = 1
    /// One point.
    private static let picture = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

    init() throws {
        site = try Site()
        let folder = site.folder
        for id in 2...9 {
            let role = [2: "READ_ONLY", 8: "ADMIN"][id] ?? "MAPPER"
            try folder.write(#"{"id": \#(id), "username": "u\#(id)", "role": "\#(role)"}"#, to: "data/users/\(id).json")
        }
        // READ_ONLY is everything that can be said of them.
        try folder.write(
            #"{"organisationId": 1, "name": "One", "managers": [5, 2]}"#, to: "data/organisations/1.json")
        try folder.write(
            #"{"organisationId": 2, "name": "Two", "managers": [4, 2]}"#, to: "data/organisations/2.json")
        try folder.write(
            #"{"projectId": 1, "author": 6, "organisation": 1, "managers": [7, 2], "contributors": [2, 3, 4, 5, 6, 7, 8]}"#,
            to: "data/projects/1.json")
        try folder.write(#"{"projectId": 2, "author": 6, "contributors": [9]}"#, to: "data/projects/2.json")
        try folder.write(#"{"id": 1, "name": "One", "projects": [1]}"#, to: "data/campaigns/1.json")
        try folder.write(#"{"id": 2, "name": "Two", "projects": [2]}"#, to: "data/campaigns/2.json")
        daemon = try site.start("s")
    }

    @Test("every cell of the table of rights is what the service answers, and no endpoint is missing")
    func table() throws {
        let client = try site.client("s").connection
        let authorizations = try Self.users.map { user in
            user.heading == "a bad token" ? "Token x" : try user.id.map { try authorization($0) }
        }
        let own = try (1...2).map { _ in try send(1) }
        let others = try send(2)
        // Message 1 is opened and deleted by itself, message 2 by the endpoints for several.
        try waitForDelivery(own.count, client, try authorization(8))

        let (headings, rows) = try Self.readTable()
        #expect(headings == Self.users.map(\.heading))
        var serial = 100
        for row in rows {
            for (place, cell) in row.cells.enumerated() {
                serial += 1
                let isLinked = row.method == "DELETE" ? "[1]" : "[]"
                try site.folder.write(
                    #"{"id": \#(serial), "name": "c\#(serial)", "organisations": \#(isLinked), "projects": \#(isLinked)}"#,
                    to: "data/campaigns/\(serial).json")
                let message = row.isOfOthers ? others : own[0]
                let path = row.path.replacing("{campaign_id}", with: "\(serial)")
                    .replacing("{project_id}", with: "1").replacing("{organisation_id}", with: "1")
                    .replacing("{message_id}", with: "\(message)").replacing("{id_or_slug}", with: "1")
                    .replacing("{user_id}", with: "3").replacing("{username}", with: "u3").replacing(
                        "{text}", with: "u")
                let body =
                    #"{"name": "n\#(serial)", "projectsNotifications": true, "subject": "s", "message": "m", "messageIds": [\#(row.isOfOthers ? others : own[1])], "#
                    + #""filename": "dot.gif", "mime": "image/gif", "data": "\#(Self.picture)"}"#
                let answered = try client.ask(
                    Asked(
                        row.method, "/api/v2" + path,
                        headers: authorizations[place].map { [(name: "Authorization", value: $0)] } ?? [],
                        body: row.method == "GET" ? nil : Data(body.utf8)))
                let expected = cell == "yes" ? 200...299 : (Int(cell) ?? 0)...(Int(cell) ?? 0)
                #expect(
                    expected.contains(answered.status),
                    """
                    \(row.method) \(row.path)\(row.isOfOthers ? " of others" : ""), \(headings[place]): the table says \(cell), \
                    the service \(answered.status) \(String(decoding: answered.body, as: UTF8.self))
                    """)
            }
        }
        let document = try client.ask(Asked("GET", "/api/v2/system/docs/json/")).json
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        let endpoints = paths.flatMap { path, operations in
            operations.keys.filter { $0 != "parameters" }.map { "\($0.uppercased()) \(path)" }
        }
        #expect(Set(endpoints) == Set(rows.map { "\($0.method) \($0.path)" }))
        client.close()
        #expect(site.end(daemon) == 0)
    }

    // MARK: -

    private struct Row {
        let method: String
        let path: String
        let isOfOthers: Bool
        let cells: [String]
    }

    /// The table: its headings and its rows.
    private static func readTable() throws -> (headings: [String], rows: [Row]) {
        let lines = try Readme.sources.text.components(separatedBy: "\n")
        let first = try #require(lines.firstIndex { $0.hasPrefix("| | nobody |") })
        func cells(_ line: String) -> [String] {
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let rows = try lines[(first + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            let cells = cells(line)
            let name = try #require(cells.first?.wholeMatch(of: /`([A-Z]+) (\/\S+)`( of others)?/), "\(line)").output
            #expect(cells.count == Self.users.count + 1, "\(line)")
            return Row(
                method: String(name.1), path: String(name.2), isOfOthers: name.3 != nil, cells: Array(cells.dropFirst())
            )
        }
        return (Array(cells(lines[first]).dropFirst()), rows)
    }

    private func authorization(_ user: Int) throws -> String {
        let token = try Command.run(
            Repository.campaignd.path, ["token", "\(user)"], environment: ["TM_SECRET": Daemon.secret])
        return "Token " + token.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Sends a message to a campaign's contributors.
    ///
    /// - Returns: its id; they are given in their order.
    private func send(_ campaign: Int) throws -> Int {
        let answered = try site.client("s").ask(
            "POST", "/campaigns/\(campaign)/actions/message-contributors/", ["subject": "s", "message": "m"])
        #expect(answered.status == 200)
        return try FileManager.default.contentsOfDirectory(atPath: site.data + "/messages")
            .compactMap { Int($0.prefix { $0.isNumber }) }.max() ?? 0
    }

    private func waitForDelivery(_ count: Int, _ client: FastCGIClient, _ authorization: String) throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        let asked = Asked(
            "GET", "/api/v2/notifications/queries/own/count-unread/", headers: [("Authorization", authorization)])
        while try client.ask(asked).json["unread"] as? Int != count, Date() < deadline { usleep(10_000) }
    }
}
