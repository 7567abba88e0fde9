import Campaigns
import Foundation
import JSON
import Logging
import Synchronization
import TestSupport

@testable import CampaignStore

/// A data folder to work on, made by the service and filled by hand.
final class Ground: Sendable {
    let holder: TemporaryFolder
    let path: String
    var folder: DataFolder { DataFolder(path) }

    /// - Parameter campaigns: the ids of the campaigns that are there; 5 is called Campaign 5.
    init(campaigns: [Int] = [], in path: String? = nil) throws {
        holder = try TemporaryFolder()
        self.path = path ?? holder.path + "/data"
        try DataFolder(self.path).create()
        for id in campaigns { try write(Self.campaign(id), "campaigns/\(id).json") }
    }

    static func campaign(_ id: Int, _ name: String? = nil) -> String {
        #"{"id": \#(id), "name": "\#(name ?? "Campaign \(id)")"}"#
    }

    func store(timeout: Duration = .seconds(5), log: Log? = nil) throws -> Store {
        try Store(
            folder, logger: Logger(label: "test") { _ in log?.handler ?? SwiftLogNoOpLogHandler() },
            lockTimeout: timeout)
    }

    /// Writes a file in place, as an editor does that does not rename.
    func write(_ text: String, _ file: String) throws {
        // Foundation takes ten times as long, and some tests write thousands.
        let number = open("\(path)/\(file)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(number) }
        guard number >= 0, Glibc.write(number, text, text.utf8.count) == text.utf8.count else {
            throw FastCGIClient.Broken("\(file) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Puts a file in place of another with a rename.
    func replace(_ text: String, _ file: String) throws {
        try write(text, "\(file).new")
        guard rename("\(path)/\(file).new", "\(path)/\(file)") == 0 else { throw FastCGIClient.Broken("rename") }
    }

    func remove(_ file: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(file)")
    }

    /// Tells a file from one that was put in its place.
    func inode(_ file: String) throws -> UInt64? {
        try FileManager.default.attributesOfItem(atPath: "\(path)/\(file)")[.systemFileNumber] as? UInt64
    }

    func read(_ file: String) throws -> String {
        try String(decoding: Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)")), as: UTF8.self)
    }

    /// Every file below the folder with what is in it; without what the service keeps for itself.
    func everything() throws -> [String: String] {
        var files: [String: String] = [:]
        for file in FileManager.default.enumerator(atPath: path) ?? FileManager.DirectoryEnumerator() {
            guard let file = file as? String, file.hasSuffix(".json") || file.hasSuffix(".tmp") else { continue }
            files[file] = try read(file)
        }
        return files
    }
}

/// What is logged.
final class Log: Sendable {
    private let lines = Mutex<[String]>([])
    var text: String { lines.withLock { $0.joined(separator: "\n") } }
    var handler: any LogHandler { Handler(log: self) }

    private struct Handler: LogHandler {
        let log: Log
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }
}

extension Store {
    /// The names of all campaigns, by id.
    func names() throws -> [Int: String] {
        let list = try read { $0.allCampaigns().bytes }
        guard case .object(let object) = try JSONValue(parsing: list), case .array(let items) = object["campaigns"]
        else {
            return [:]
        }
        var names: [Int: String] = [:]
        for case .object(let item) in items {
            if let id = item["id"]?.wholeNumber, case .string(let name) = item["name"] { names[id] = name }
        }
        return names
    }

    /// A campaign as it is shown.
    func shown(_ id: Int) throws -> String? {
        try read { try $0.campaign(id) }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    func broken() throws -> [String: String] { try read { $0.broken } }

    @discardableResult
    func create(_ name: String, description: String? = nil) throws -> Int {
        try write { transaction in
            let id = try transaction.newCampaignID()
            transaction.put(Campaign(id: id, name: name, description: description))
            return id
        }
    }

    func rename(_ id: Int, _ name: String) throws {
        try write { transaction in
            guard var campaign = try transaction.campaign(id) else { throw Refused() }
            campaign.name = name
            transaction.put(campaign)
        }
    }

    func delete(_ id: Int) throws {
        try write { try $0.removeCampaign(id) }
    }

    func owner(of name: String) throws -> Int? {
        try write { try $0.campaignID(named: name) }
    }
}

extension DataFolder {
    func keepLogo(_ picture: [UInt8], fileExtension: String) throws -> String {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try Store(self, logger: logger, watching: false).keepLogo(picture, fileExtension: fileExtension)
    }
}

/// What a writer throws that does not want to.
struct Refused: Error {}

/// The lock that writers take, held by somebody else.
final class Holder: Sendable {
    private let number: Int32

    init(_ ground: Ground) throws {
        number = open("\(ground.path)/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard number >= 0, flock(number, LOCK_EX) == 0 else { throw FastCGIClient.Broken("flock") }
    }

    func release() {
        flock(number, LOCK_UN)
    }

    deinit { close(number) }
}
