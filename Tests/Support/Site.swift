import Foundation
import Synchronization

/// A data folder with users and projects, and processes of campaignd on it.
public final class Site: Sendable {
    public let folder: TemporaryFolder
    public var data: String { folder.path + "/data" }
    /// An admin's Authorization header.
    public let authorization: String
    private let connections = Mutex<[FastCGIClient]>([])

    /// - Parameter projects: how many projects there are, by id from 1 on.
    public init(projects: Int = 0) throws {
        folder = try TemporaryFolder()
        let data = folder.path + "/data"
        let made = try Command.run(
            Repository.campaignd.path, ["user", "add", "admin", "--role", "ADMIN", "--data", data])
        let token = try Command.run(
            Repository.campaignd.path, ["token", "1"], environment: ["TM_SECRET": Daemon.secret])
        guard made.status == 0, token.status == 0 else {
            throw Command.Failed(description: made.errors + token.errors)
        }
        authorization = "Token " + token.text.trimmingCharacters(in: .whitespacesAndNewlines)
        for id in stride(from: 1, through: projects, by: 1) {
            try folder.write(#"{"projectId": \#(id), "name": "P\#(id)", "author": 1}"#, to: "data/projects/\(id).json")
        }
    }

    /// The path of a socket.
    public func socket(_ name: String) -> String { "\(folder.path)/\(name).sock" }

    /// Starts a process that listens on a socket.
    public func start(_ name: String, _ arguments: [String] = []) throws -> Daemon {
        try Daemon(["--data", data, "--socket", socket(name)] + arguments)
    }

    /// What a client of the process on a socket does.
    public func client(_ name: String) throws -> SiteClient {
        let connection = try FastCGIClient(socket(name))
        connections.withLock { $0.append(connection) }
        return SiteClient(connection: connection, authorization: authorization)
    }

    /// Closes every client's connection, and ends a process as its supervisor does.
    ///
    /// - Returns: the exit status.
    public func end(_ daemon: Daemon) -> Int32? {
        connections.withLock { connections in
            for connection in connections { connection.close() }
            connections = []
        }
        return daemon.end()
    }

    /// What `campaignd check` says.
    public func check() throws -> Command.Outcome { try Command.run(Repository.campaignd.path, ["check", data]) }
}

/// An admin who talks to one process.
public struct SiteClient: Sendable {
    public let connection: FastCGIClient
    let authorization: String

    public func ask(_ method: String, _ path: String, _ body: [String: Any]? = nil) throws -> Answered {
        let sent = try body.map { try JSONSerialization.data(withJSONObject: $0) }
        return try connection.ask(
            Asked(method, "/api/v2" + path, headers: [("Authorization", authorization)], body: sent))
    }

    /// Creates a campaign.
    ///
    /// - Returns: its id, or nil when the name is taken.
    public func create(_ name: String) throws -> Int? {
        let answered = try ask("POST", "/campaigns/", ["name": name])
        if answered.status == 409 { return nil }
        guard answered.status == 201, let id = try answered.json["campaignId"] as? Int else {
            throw Unexpected(answered)
        }
        return id
    }

    /// - Returns: nil when there is no such campaign.
    public func name(of id: Int) throws -> String? {
        let answered = try ask("GET", "/campaigns/\(id)/")
        if answered.status == 404 { return nil }
        guard answered.status == 200 else { throw Unexpected(answered) }
        return try answered.json["name"] as? String
    }

    public func rename(_ id: Int, _ name: String) throws {
        let answered = try ask("PATCH", "/campaigns/\(id)/", ["name": name])
        guard answered.status == 200 else { throw Unexpected(answered) }
    }

    public func delete(_ id: Int) throws {
        let answered = try ask("DELETE", "/campaigns/\(id)/")
        guard answered.status == 200 else { throw Unexpected(answered) }
    }

    public func link(project: Int, _ id: Int) throws {
        let answered = try ask("POST", "/projects/\(project)/campaigns/\(id)/")
        guard answered.status == 200 else { throw Unexpected(answered) }
    }

    /// The ids of the campaigns that a project is linked to.
    public func campaigns(ofProject id: Int) throws -> [Int] {
        try list("/projects/\(id)/campaigns/").map(\.id)
    }

    public func list(_ path: String = "/campaigns/") throws -> [(id: Int, name: String)] {
        let answered = try ask("GET", path)
        guard answered.status == 200, let items = try answered.json["campaigns"] as? [[String: Any]] else {
            throw Unexpected(answered)
        }
        return items.map { ($0["id"] as? Int ?? 0, $0["name"] as? String ?? "") }
    }
}

/// An answer that should not have come.
public struct Unexpected: Error, CustomStringConvertible {
    public let description: String

    init(_ answered: Answered) {
        description = "\(answered.status) \(String(decoding: answered.body, as: UTF8.self))"
    }
}

extension Answered {
    public var json: [String: Any] {
        get throws { try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:] }
    }
}
