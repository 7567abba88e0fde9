import CampaignAPI
import Campaigns
import Foundation
import JSON
import Logging
import Records
import Synchronization
import TestSupport

@testable import FolderStore
@testable import RecordIndex

/// A data folder to work on, made by the service and filled by hand.
final class Fixture: Sendable {
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

    func store(timeout: Duration = .seconds(5), log: Log? = nil) throws -> FolderStore {
        try FolderStore(
            folder, CampaignJSON(), logger: Logger(label: "test") { _ in log?.handler ?? SwiftLogNoOpLogHandler() },
            lockTimeout: timeout)
    }

    /// The records as they are read; nobody tells what becomes of them.
    func untold() -> LiveCatalogue {
        LiveCatalogue(
            folder, nil, CampaignJSON(), version: Version(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
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

extension LiveCatalogue {
    func read<Value: Sendable>(_ body: (Catalogue) throws -> Value) throws -> Value {
        var pass = Pass()
        return try run(&pass, body)
    }
}

extension FolderStore {
    /// Lets a writer decide with all that a transaction of this store can do.
    @discardableResult
    func change<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) throws -> Value {
        try transfer(isRehearsal: false) { writer in
            guard let transaction = writer as? Transaction else { throw Refused() }
            return try body(transaction)
        }
    }

    func trouble() -> String? { health().trouble }
    var brokenHistory: [String: String] { health().broken }

    /// The names of all campaigns, by id.
    func names() throws -> [Int: String] {
        let list = try read { try $0.allCampaigns().representation().bytes }
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

    func broken() throws -> [String: String] { try read { try $0.broken() } }

    @discardableResult
    func create(_ name: String, description: String? = nil) throws -> Int {
        try change { transaction in
            let id = try transaction.newCampaignID()
            try transaction.put(Campaign(id: id, name: name, description: description))
            return id
        }
    }

    func rename(_ id: Int, _ name: String) throws {
        try change { transaction in
            guard var campaign = try transaction.campaign(id) else { throw Refused() }
            campaign.name = name
            try transaction.put(campaign)
        }
    }

    func delete(_ id: Int) throws {
        try change { try $0.removeCampaign(id) }
    }

    func owner(of name: String) throws -> Int? {
        try change { try $0.campaignID(named: name) }
    }
}

extension DataFolder {
    func storeImage(_ picture: [UInt8], fileExtension: String) throws -> String {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try FolderStore(self, CampaignJSON(), logger: logger, watching: false).storeImage(
            picture, fileExtension: fileExtension)
    }
}

/// What a writer throws that does not want to.
struct Refused: Error {}

/// The lock that writers take, held by somebody else.
final class Holder: Sendable {
    private let number: Int32

    init(_ fixture: Fixture) throws {
        number = open("\(fixture.path)/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard number >= 0, flock(number, LOCK_EX) == 0 else { throw FastCGIClient.Broken("flock") }
    }

    func release() {
        flock(number, LOCK_UN)
    }

    deinit { close(number) }
}
