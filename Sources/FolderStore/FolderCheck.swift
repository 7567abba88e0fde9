public import Campaigns
internal import Glibc
internal import JSON
internal import Logging
public import Records

/// Reads a whole data folder and finds what is wrong with it.
public struct FolderCheck {
    private let folder: DataFolder
    private let catalogue: Catalogue
    private var problems: [Problem] = []

    /// Something that is wrong with a file.
    public struct Problem: Sendable, CustomStringConvertible {
        /// Below the data folder.
        public let file: String
        public let reason: String
        public var description: String { "\(file): \(reason)" }
    }

    /// How many records there are, and every file that is broken, misnamed, or refers to something that is not there.
    ///
    /// What the heartbeat says of the folder is among it, for it is read by the same code.
    ///
    /// - Parameter lockTimeout: how long to wait for the lock at most.
    /// - Throws: ``StoreUnavailable`` when the folder itself cannot be read.
    public static func run(
        _ folder: DataFolder, lockTimeout: Duration = .seconds(5)
    ) throws(StoreUnavailable) -> (records: Int, problems: [Problem]) {
        try StoreUnavailable.mapError("The data folder cannot be read") { () throws(SystemError) in
            _ = try Descriptor(folder.path, O_RDONLY | O_DIRECTORY)
        }
        // The files themselves, not what a cache says of them.
        return try LiveCatalogue.read(folder, usesCache: false) { catalogue in
            var check = FolderCheck(folder: folder, catalogue: catalogue)
            return try check.run(lockTimeout)
        }
    }

    private init(folder: DataFolder, catalogue: Catalogue) {
        self.folder = folder
        self.catalogue = catalogue
    }

    private mutating func run(_ timeout: Duration) throws(StoreUnavailable) -> (records: Int, problems: [Problem]) {
        let broken = try catalogue.broken()
        for (file, reason) in broken { problems.append(Problem(file: file, reason: reason)) }
        let unusable = folder.unusableFiles()
        problems += unusable
        if unusable.isEmpty {
            if let trouble = folder.trouble() { problems.append(Problem(file: ".", reason: trouble)) }
            checkLock(timeout)
        }
        problems += folder.openings().map { Problem(file: $0.name, reason: "\($0): chmod go= it") }
        var records = 0
        for kind in RecordKind.allCases { records += try names(of: kind) }
        records -= broken.count
        for kind in RecordKind.counted { checkCounter(kind) }
        try checkHistory()
        try checkReferences()
        try checkNames()
        problems.sort { ($0.file, $0.reason) < ($1.file, $1.reason) }
        return (records, problems)
    }

    /// Whether a change would get the lock in time, and have room in the journal. What is in the journal is not carried out.
    private mutating func checkLock(_ timeout: Duration) {
        if let journal = FileState(folder.journal), journal.size > Journal.most {
            problems.append(Problem(file: ".journal", reason: "it is locked by another process, and full"))
        }
        // One that is not there would be made.
        guard FileIdentity(folder.lock) != nil else { return }
        do throws(StoreUnavailable) {
            try FolderLock(folder, timeout: timeout).release()
        } catch {
            problems.append(Problem(file: ".lock", reason: error.description))
        }
    }

    /// - Returns: how many files are named as records are.
    private mutating func names(of kind: RecordKind) throws(StoreUnavailable) -> Int {
        let names = try StoreUnavailable.mapError("The data folder cannot be read") { () throws(SystemError) in
            try folder.names(in: folder.directory(kind))
        }
        var count = 0
        for name in names where !name.hasPrefix(".") {
            if DataFolder.id(ofFile: name) != nil {
                count += 1
            } else if !folder.directories.contains("\(folder.directory(kind))/\(name)") {
                report(kind, name, "it is misnamed: a record is named by its id, such as 5.json")
            }
        }
        return count
    }

    /// One that cannot be read is among the folder's unusable files; one that is empty has not been needed yet.
    private mutating func checkCounter(_ kind: RecordKind) {
        guard case .bytes(let bytes, _) = try? RecordFile(folder.counter(kind)), !bytes.isEmpty else { return }
        let digits = bytes.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        if Int(String(decoding: digits, as: UTF8.self)).map({ $0 < 1 }) ?? true {
            report(kind, DataFolder.counterName, "it is not an id")
        }
    }

    /// What is in the history that is none. A file that cannot be written is among the folder's unusable ones.
    private mutating func checkHistory() throws(StoreUnavailable) {
        let history = ChangeHistory(folder)
        try history.refresh()
        for (file, reason) in history.broken { problems.append(Problem(file: file, reason: reason)) }
        let names = try StoreUnavailable.mapError("The data folder cannot be read") { () throws(SystemError) in
            try folder.names(in: folder.changes)
        }
        for name in names where !name.hasPrefix(".") && !LogAddition.isName(name) {
            problems.append(
                Problem(
                    file: "\(DataFolder.changesName)/\(name)",
                    reason: "it is misnamed: the history of a month is in a file such as 2026-11.jsonl"))
        }
    }

    // MARK: What refers to something that is not there

    private mutating func checkReferences() throws(StoreUnavailable) {
        for organisation in catalogue.soundOrganisations {
            refer(.organisations, organisation.id, "managers", organisation.managers, .users)
        }
        for project in catalogue.soundProjects {
            refer(.projects, project.id, "author", [project.author].compactMap { $0 }, .users)
            refer(.projects, project.id, "organisation", [project.organisation].compactMap { $0 }, .organisations)
            refer(.projects, project.id, "managers", project.managers, .users)
            refer(.projects, project.id, "contributors", project.contributors, .users)
        }
        for campaign in try catalogue.campaignOutlines() {
            refer(.campaigns, campaign.id, "organisations", campaign.organisations, .organisations)
            refer(.campaigns, campaign.id, "projects", campaign.projects, .projects)
        }
        // What a message says of campaigns, projects and users is of the day it was sent, and so is who got it.
        for id in try catalogue.deliveryIDs() { refer(.deliveries, id, "it", [id], .messages) }
        for mailing in try catalogue.allMailings() {
            refer(.mailings, mailing.id, "it", [mailing.id], .messages)
            refer(.mailings, mailing.id, "it", [mailing.id], .deliveries)
        }
    }

    private mutating func refer(_ kind: RecordKind, _ id: Int, _ key: String, _ ids: [Int], _ target: RecordKind) {
        for missing in ids where !isThere(target, missing) {
            report(kind, "\(id).json", "\(key) refers to \(target.singular) \(missing), which is not there")
        }
    }

    /// Whether there is a record, be it one that cannot be read, which is told of it.
    private func isThere(_ kind: RecordKind, _ id: Int) -> Bool {
        do {
            return switch kind {
            case .users: try catalogue.user(id) != nil
            case .organisations: try catalogue.organisation(id) != nil
            case .projects: try catalogue.project(id) != nil
            case .campaigns: try catalogue.hasCampaign(id)
            case .messages: try catalogue.isThere(message: id)
            case .deliveries: try catalogue.isThere(delivery: id)
            case .mailings, .readers: true
            }
        } catch {
            return true
        }
    }

    // MARK: Names

    private mutating func checkNames() throws(StoreUnavailable) {
        check("name", .campaigns, try catalogue.campaignOutlines().map { ($0.id, $0.name) })
        for (owner, id) in catalogue.heldDoubles {
            report(.campaigns, "\(owner).json", Catalogue.mayBeDouble(id))
        }
        check("name", .organisations, catalogue.soundOrganisations.map { ($0.id, $0.name) })
        check("slug", .organisations, catalogue.soundOrganisations.map { ($0.id, $0.slug) })
        check("username", .users, catalogue.soundUsers.map { ($0.id, $0.username) })
    }

    /// Of names that are the same to a person's eye the first counts, and the others are named.
    private mutating func check(_ key: String, _ kind: RecordKind, _ names: [(id: Int, name: String?)]) {
        var owners: [String: (id: Int, name: String)] = [:]
        for (id, name) in names.sorted(by: { $0.id < $1.id }) {
            guard let name, !name.isEmpty else { continue }
            if !name.hasVisibleCharacter {
                report(kind, "\(id).json", "\(key) has no character that can be seen")
            } else if let owner = owners[name.trimmedName()] {
                let difference = name == owner.name ? "" : ", but for characters that cannot be seen"
                report(kind, "\(id).json", "\(key) is that of \(owner.id).json as well\(difference)")
            } else {
                owners[name.trimmedName()] = (id, name)
            }
        }
    }

    private mutating func report(_ kind: RecordKind, _ name: String, _ reason: String) {
        problems.append(Problem(file: "\(kind.rawValue)/\(name)", reason: reason))
    }
}

extension DataFolder {
    /// The users whose records can be read, as the files are at this moment: neither lock nor journal is looked at.
    ///
    /// - Throws: ``StoreUnavailable``.
    public func users() throws(StoreUnavailable) -> [User] {
        try LiveCatalogue.read(self) { try $0.allUsers() }
    }
}

extension LiveCatalogue {
    /// Gives a body what a folder holds at this moment.
    fileprivate static func read<Value: Sendable>(
        _ folder: DataFolder, usesCache: Bool = true, _ body: (Catalogue) throws -> Value
    ) throws(StoreUnavailable) -> Value {
        let live = LiveCatalogue(
            folder, nil, Unrendered(), version: Version(), logger: .silent, usesCache: usesCache)
        do {
            var pass = Pass()
            return try live.run(&pass, body)
        } catch let error as StoreUnavailable {
            throw error
        } catch {
            throw StoreUnavailable("The data folder cannot be read", detail: "\(error)")
        }
    }
}

extension Logger {
    fileprivate static var silent: Logger { Logger(label: "campaignd") { _ in SwiftLogNoOpLogHandler() } }
}
