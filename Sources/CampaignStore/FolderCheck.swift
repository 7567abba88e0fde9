internal import Campaigns
internal import Glibc
internal import JSON

/// Reads a whole data folder and finds what is wrong with it.
public struct FolderCheck {
    private let folder: DataFolder
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
    /// - Throws: ``FolderUnavailable`` when the folder itself cannot be read.
    public static func run(_ folder: DataFolder) throws(FolderUnavailable) -> (records: Int, problems: [Problem]) {
        var check = FolderCheck(folder)
        do throws(SystemError) {
            _ = try Descriptor(folder.path, O_RDONLY | O_DIRECTORY)
            return try check.run()
        } catch {
            throw FolderUnavailable("The data folder cannot be read", error)
        }
    }

    private init(_ folder: DataFolder) {
        self.folder = folder
    }

    private mutating func run() throws(SystemError) -> (records: Int, problems: [Problem]) {
        let users = try records(User.self, .users)
        let organisations = try records(Organisation.self, .organisations)
        let projects = try records(Project.self, .projects)
        let campaigns = try records(Campaign.self, .campaigns)
        for (id, organisation) in organisations {
            refer(.organisations, id, "managers", organisation.managers, "user") { users[$0] != nil }
        }
        for (id, project) in projects {
            refer(.projects, id, "author", [project.author].compactMap { $0 }, "user") { users[$0] != nil }
            refer(.projects, id, "organisation", [project.organisation].compactMap { $0 }, "organisation") {
                organisations[$0] != nil
            }
            refer(.projects, id, "managers", project.managers, "user") { users[$0] != nil }
            refer(.projects, id, "contributors", project.contributors, "user") { users[$0] != nil }
        }
        var owners: [String: Int] = [:]
        for (id, campaign) in campaigns.sorted(by: { $0.key < $1.key }) {
            refer(.campaigns, id, "organisations", campaign.organisations, "organisation") { organisations[$0] != nil }
            refer(.campaigns, id, "projects", campaign.projects, "project") { projects[$0] != nil }
            if let owner = owners.updateValue(id, forKey: campaign.name) {
                report(.campaigns, "\(id).json", "name is that of \(owner).json as well")
            }
        }
        problems += folder.openings().map { Problem(file: $0.name, reason: "\($0): chmod go= it") }
        problems.sort { $0.file < $1.file }
        return (users.count + organisations.count + projects.count + campaigns.count, problems)
    }

    private mutating func records<Kind: Record>(
        _: Kind.Type, _ kind: RecordKind
    ) throws(SystemError) -> [Int: Kind] {
        var records: [Int: Kind] = [:]
        for name in try folder.names(in: folder.directory(kind)) where !name.hasPrefix(".") {
            guard let id = DataFolder.id(ofFile: name) else {
                report(kind, name, "it is misnamed: a record is named by its id, such as 5.json")
                continue
            }
            do throws(RecordError) {
                switch try RecordFile(judging: folder.file(kind, id)) {
                case .missing: break
                case .unreadable(let reason, _): throw RecordError(reason)
                case .bytes(let bytes, _): records[id] = try Kind(file: bytes, id: id)
                }
            } catch {
                report(kind, name, error.description)
            }
        }
        return records
    }

    private mutating func refer(
        _ kind: RecordKind, _ id: Int, _ key: String, _ ids: [Int], _ what: String, exists: (Int) -> Bool
    ) {
        for missing in ids where !exists(missing) {
            report(kind, "\(id).json", "\(key) refers to \(what) \(missing), which is not there")
        }
    }

    private mutating func report(_ kind: RecordKind, _ name: String, _ reason: String) {
        problems.append(Problem(file: "\(kind.rawValue)/\(name)", reason: reason))
    }
}

extension RecordFile {
    /// Reads a file; what keeps it from being read, whatever it is, makes it unreadable.
    fileprivate init(judging path: String) throws(RecordError) {
        do {
            self = try RecordFile(path)
        } catch {
            throw RecordError(error.reason)
        }
    }
}
