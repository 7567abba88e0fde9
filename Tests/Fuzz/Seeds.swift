import Foundation
import JSON
import TestSupport

extension Surface {
    /// Inputs that mean something, for mutations to begin with: made of the cases of the contract, and of the data
    /// folder's own files.
    public func seeds(_ fixture: Fixture) throws -> [[UInt8]] {
        switch self {
        case .request: try Self.caseSteps.map { try Self.written($0) }
        case .token: Self.tokens
        case .record:
            Self.files.enumerated().map { place, path in [UInt8(place)] + (fixture.files[path] ?? Array("7\n".utf8)) }
        case .cache:
            [
                [1, 5, 500].flatMap { Self.cacheEntry($0) }, [1, 5, 500].flatMap { Self.cacheEntry($0, isLong: true) },
                Self.cacheEntry(2), [],
            ]
        case .journal: Self.journals(fixture)
        case .json: try Self.caseSteps.map { Self.body($0) } + fixture.files.values
        case .message: try Self.caseSteps.compactMap { $0["json"]?["message"]?.text }.map { Array($0.utf8) }
        }
    }

    /// Words that a mutation should know.
    public var words: [String] {
        switch self {
        case .request:
            [
                "REQUEST_METHOD=", "REQUEST_URI=/api/v2/", "HTTP_AUTHORIZATION=@1", "HTTP_IF_MATCH=",
                "HTTP_IF_NONE_MATCH=",
                "HTTP_ORIGIN=https://tasks.example.org", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=", "SCRIPT_NAME=",
                "PATH_INFO=",
                "QUERY_STRING=", "HTTPS=on", "CONTENT_TYPE=", "CONTENT_LENGTH=", "HTTP_HOST=", "GET", "POST", "PATCH",
                "DELETE", "HEAD", "OPTIONS", "campaigns/", "projects/11/", "organisations/1/", "notifications/",
                "actions/message-contributors/", "queries/own/count-unread/", "mark-as-read-multiple/",
                "delete-multiple/", "users/queries/filter/", "users/me/actions/set-user/", "?textSearch=",
                "?details=true", "campaigns/changes/", "campaigns/5/changes/",
                "&managedByMe=true", "&manager_user_id=", "\"projectsNotifications\":",
                "?pageSize=", "&page=", "&status=read", "&sortBy=date", "&sortDirection=asc", "&messageType=2",
                "\"name\":", "\"organisations\":[", "\"messageIds\":[", "\"subject\":", "\"message\":", "\\u0000",
                "\\ud800",
                "%00", "%2f", "9223372036854775807", "9223372036854775808", "1e308", "-0.0", "W/\"", "\u{FEFF}",
            ]
        case .token: ["MQ", ".", "=", "\"1\"", "1.0", "1e0", "-1", "9223372036854775808", "[1]", "null"]
        case .record, .json:
            [
                "\"id\":", "\"name\":", "\"managers\":[", "\"projects\":[", "\"recipients\":", "\"read\":", "null",
                "1e19",
                "9223372036854775807", "-1", "0", "1.0", "\\u0000", "\\udc00", "\"1-9223372036854775807\"", "[[", "{\"",
            ]
        case .cache: ["cached"]
        case .journal:
            [
                "group ", "campaigns/5.json", "campaigns/6.json", "messages/1.json", "messages/readers/9.json",
                "logos/a.svg", "changes/2026-05.jsonl", " 0 ", "campaigns/.next-id", "campaigns/\(Int.max).json",
                " - -\n", " - 2\n{}\n", "../",
                "\u{1E}",
            ]
        case .message:
            [
                "](javascript:", "![", "<script>", "&#x6A;", "```", "> ", "* ", "](data:", "<a onclick=", "[x]: ", "\\",
                "&Tab;",
            ]
        }
    }

    private static var caseSteps: [JSONValue] {
        get throws {
            let folder = Repository.root.appendingPathComponent("Tests/Contract/Cases")
            return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().flatMap { name in
                let json = try JSONValue(parsing: Array(Data(contentsOf: folder.appendingPathComponent(name))))
                return (json.elements ?? []).flatMap { $0["steps"]?.elements ?? [] }
            }
        }
    }

    private static func written(_ step: JSONValue) throws -> [UInt8] {
        let body = body(step)
        var lines = [
            "REQUEST_METHOD=\(step["method"]?.text ?? "GET")",
            "REQUEST_URI=\(step["rawPath"]?.text ?? "/api/v2\(step["path"]?.text ?? "/")")",
        ]
        if let user = step["as"]?.text { lines.append("HTTP_AUTHORIZATION=@\(try userID(user))") }
        for member in step["headers"]?.members ?? [] {
            let name = member.name.uppercased().replacing("-", with: "_")
            lines.append((name == "CONTENT_TYPE" ? "" : "HTTP_") + name + "=" + (member.value.text ?? ""))
        }
        if !body.isEmpty { lines.append("CONTENT_LENGTH=\(body.count)") }
        return Array(filled(lines.joined(separator: "\n") + "\n\n").utf8) + body
    }

    private static func body(_ step: JSONValue) -> [UInt8] {
        if let json = step["json"] { return Array(filled(String(decoding: json.compact, as: UTF8.self)).utf8) }
        if let text = step["text"]?.text { return Array(filled(text).utf8) }
        return step["base64"]?.text.flatMap { Data(base64Encoded: $0) }.map { Array($0) } ?? []
    }

    /// With something for every marker, of which most stand for ids.
    private static func filled(_ text: String) -> String {
        text.replacing("\"${id}\"", with: "5").replacing("${unique}", with: "unique")
            .replacing(/\$\{[^}]*\}/, with: "5")
    }

    private static func userID(_ name: String) throws -> Int {
        let file = Repository.root.appendingPathComponent("Tests/Contract/users.json")
        return try JSONValue(parsing: Array(Data(contentsOf: file)))[name]?.wholeNumber ?? 1
    }

    private static var tokens: [[UInt8]] {
        let time = withUnsafeBytes(of: UInt64(Fixture.now).bigEndian) { Data($0.drop { $0 == 0 }) }
        let payloads = [
            "1", "\"1\"", "2", "0", "-1", "1.0", "[1]", "9223372036854775808", "", "{", "null", " 1 ", "1e0",
        ]
        return payloads.map { Array("0\($0)\n".utf8) + Array(time) }
            + payloads.map { Array("1\(sign(Data($0.utf8), time))".utf8) }
    }

    private static func journals(_ fixture: Fixture) -> [[UInt8]] {
        let path = "campaigns/5.json"
        let before = fixture.files[path].map { String(decoding: $0, as: UTF8.self) }
        let after = #"{"id": 5, "name": "changed"}"#
        let change = group([(path, before, after)])
        let removal = group([(path, after, nil), ("campaigns/30.json", nil, #"{"id": 30, "name": "new"}"#)])
        let others = group([
            ("messages/readers/9.json", nil, #"{"id": 9, "read": [1], "deleted": []}"#), ("logos/a.svg", nil, "<svg/>"),
        ])
        let entry = Array("\(thisMonth) 0 14\n{\"changeId\":1\n\n".utf8) + change
        let marks: [GroupMark] = [[], .isDone, .isOfBefore, [.isOfBefore, .isDone]]
        let raw = [GroupMark.isRaw.rawValue] + JournalText([(path, before, after)], boot: JournalText.otherBoot).bytes
        return marks.flatMap { mark in
            [[change], [change, removal], [removal, others], [entry, removal]].map { groups in
                Array(groups.map { [mark.rawValue] + $0 }.joined(separator: [groupSeparator]))
            }
        } + [raw, raw.dropLast(9)]
    }

    /// What stands in a group behind its header.
    private static func group(_ changes: [(path: String, former: String?, contents: String?)]) -> [UInt8] {
        Array(JournalText(changes).bytes.drop { $0 != UInt8(ascii: "\n") }.dropFirst())
    }

    /// - Parameter isLong: whether its text is in the campaign's file alone.
    private static func cacheEntry(_ id: Int, isLong: Bool = false) -> [UInt8] {
        let name = Array("cached \(id)".utf8)
        let opening = Array(
            #"{"id":\#(id),"name":"cached \#(id)","logo":null,"url":null,"description":null,"organisations":"#.utf8)
        let numbers = [id, 0, 0, 0, 0, name.count, isLong ? -1 : opening.count, 1, 2]
        return bytes(numbers) + name + (isLong ? [] : opening) + bytes([1, 11, 12])
    }

    private static func bytes(_ numbers: [Int]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }
}
