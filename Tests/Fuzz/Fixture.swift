import CampaignAPI
import Campaigns
import FastCGI
import FolderStore
import Foundation
import HTTPTypes
import JSON
import Logging
import Messages
import TestSupport

/// The service in memory, on a data folder that every input finds as the first one did.
public final class Fixture {
    static let secret = "fuzz"
    static let now = 2_000_000_000
    /// The data folder, by path.
    let files: [String: [UInt8]]
    /// What `campaignd check` says of it.
    let problems: Set<String>

    private let place: URL
    private(set) var folder: DataFolder
    private(set) var store: FolderStore
    private(set) var api: API
    private var generation: Int
    /// The files as they were when they were last put right.
    private var states: [String: State] = [:]
    private var resets = 0

    private struct State: Equatable {
        let inode: UInt64
        let size: Int
        let modified: Int

        init?(_ path: String) {
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            inode = UInt64(status.st_ino)
            size = Int(status.st_size)
            modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
        }
    }

    /// - Parameter place: a folder that is to hold the data folder; one in memory is used where there is one.
    public init(in place: String) throws {
        let memory = access("/dev/shm", W_OK) == 0 && !place.hasPrefix("/dev/shm/")
        self.place = URL(fileURLWithPath: memory ? "/dev/shm/campaignd-fuzz-\(UUID().uuidString)" : place)
        var files: [String: [UInt8]] = [:]
        let enumerator = FileManager.default.enumerator(at: Repository.fixture, includingPropertiesForKeys: nil)
        while let file = enumerator?.nextObject() as? URL {
            let id = Int(file.deletingPathExtension().lastPathComponent) ?? .max
            // Most of the users and projects are for single cases.
            guard id < 20, let data = try? Data(contentsOf: file) else { continue }
            files["\(file.deletingLastPathComponent().lastPathComponent)/\(id).json"] = Array(data)
        }
        (folder, store, api) = try Self.open(self.place, files)
        for (method, path, body) in [
            ("POST", "/projects/11/campaigns/5/", ""),
            (
                "POST", "/campaigns/5/actions/message-contributors/",
                #"{"subject": "Thank *you*", "message": "All [done](/x)!"}"#
            ),
        ] {
            let answer = Self.answer(api, method, path, user: 1, body: body)
            guard answer.status == .ok else { throw Finding("the fixture cannot be made: \(path): \(answer)") }
        }
        try store.deliverMessages(byMail: true, logger: nil)
        for path in folder.recordsAndCounters { files[path] = Array(try Data(contentsOf: folder.url(path))) }
        self.files = files
        (folder, store, api) = try Self.open(self.place, files)
        problems = Set(try FolderCheck.run(folder).problems.map(\.description))
        generation = store.generation()
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder.path)
        rmdir(place.path)
    }

    /// Whether anything has changed since the beginning.
    var isTouched: Bool { store.generation() != generation }

    /// Writes into the data folder as a hand does.
    func write(_ bytes: [UInt8], to path: String) throws {
        states[path] = nil
        try folder.write(bytes, to: path)
    }

    /// Begins again, with the folder as it was.
    func reset() throws {
        resets += 1
        if resets.isMultiple(of: 1000) {
            (folder, store, api) = try Self.open(place, files)
            states = [:]
        } else {
            // The kernel takes its time to end a watch of the folder, so this one goes on.
            for path in folder.recordsAndCounters where files[path] == nil { unlink(folder.url(path).path) }
            for (path, bytes) in files where states[path].map({ $0 != State(folder.url(path).path) }) ?? true {
                try folder.write(bytes, to: path)
                states[path] = State(folder.url(path).path)
            }
        }
        generation = store.generation()
    }

    private static func open(_ place: URL, _ files: [String: [UInt8]]) throws -> (DataFolder, FolderStore, API) {
        let path = place.appendingPathComponent("data").path
        try? FileManager.default.removeItem(atPath: path)
        let folder = try DataFolder(asOwnerOf: path)
        try folder.create()
        for (path, bytes) in files { try folder.write(bytes, to: path) }
        let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        let store = try FolderStore(folder, CampaignJSON(), logger: logger)
        let configuration = Configuration(secret: Array(secret.utf8), allowedOrigins: ["https://tasks.example.org"])
        return (folder, store, API(store, configuration, logger: logger, now: { now }))
    }

    /// Asks as a user.
    func ask(_ method: String, _ path: String, user: Int? = nil, body: String = "") -> Response {
        Self.answer(api, method, path, user: user, body: body)
    }

    private static func answer(_ api: API, _ method: String, _ path: String, user: Int?, body: String) -> Response {
        var head = HTTPRequest(
            method: .init(rawValue: method) ?? .get, scheme: "https", authority: nil, path: "/api/v2" + path)
        if let user {
            head.headerFields[.authorization] =
                "Token " + SessionTokens(secret: Array(secret.utf8)).token(user: user, time: now)
        }
        return api.respond(to: Request(head, body: Array(body.utf8)))
    }
}

extension DataFolder {
    func url(_ path: String) -> URL { URL(fileURLWithPath: "\(self.path)/\(path)") }

    /// Not by Foundation's detour through a temporary file.
    func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(url(path).path, "w") else { throw Finding("\(path) cannot be written") }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }

    /// The paths of all records, and of what the service counts by.
    var recordsAndCounters: [String] {
        RecordKind.allCases.map(\.rawValue).flatMap { directory in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: url(directory).path)) ?? []
            return names.filter { $0.hasSuffix(".json") || $0.hasSuffix(".next-id") }.map { "\(directory)/\($0)" }
        } + ((try? FileManager.default.contentsOfDirectory(atPath: changes)) ?? []).map { "changes/\($0)" }
    }
}

extension Response {
    /// What every answer has to be.
    ///
    /// - Parameter mayBeUnavailable: whether a 503 will do, if it says when to come back.
    func check(_ what: @autoclosure () -> String, mayBeUnavailable: Bool = false) throws {
        let isPolite = status == .serviceUnavailable && headerFields[.retryAfter] != nil
        try expect(
            status.code < 500 || (mayBeUnavailable && isPolite),
            "\(status.code) to \(what()): \(String(decoding: body, as: UTF8.self))")
        for field in headerFields {
            try expect(
                field.value.utf8.allSatisfy { $0 >= 0x20 || $0 == 9 }, "a control character in \(field.name): \(what())"
            )
        }
        guard status != .noContent, status != .notModified else {
            return try expect(body.isEmpty, "a body where none may be: \(what())")
        }
        guard let json = try? JSONValue(parsing: body) else { throw Finding("no JSON in the answer to \(what())") }
        if status.code >= 400 {
            guard case .object(let object) = json, object["Error"] != nil || object["error"] != nil else {
                throw Finding("an error of neither shape to \(what())")
            }
        }
    }

    var json: JSONObject? {
        if case .object(let object)? = try? JSONValue(parsing: body) { object } else { nil }
    }
}
