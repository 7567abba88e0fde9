public import Campaigns
internal import JSON

/// What a writer sees and changes while the data folder is locked: the records as they are now, with the changes that
/// are already decided on but not yet on the disk.
public final class Transaction {
    /// What has been decided on.
    struct Staged: Sendable {
        var campaigns: [Int: Campaign?] = [:]
        /// In the order of the first change; the last content counts.
        var files: [FileChange] = []
        var nextCampaignID: Int?
        var removesCampaigns = false
        var records: [(RecordKind, Int)] = []
    }

    private let catalogue: Catalogue
    private let folder: DataFolder
    var staged = Staged()

    init(_ catalogue: Catalogue, _ folder: DataFolder) {
        self.catalogue = catalogue
        self.folder = folder
    }

    public func user(_ id: Int) -> User? { catalogue.user(id) }
    public func organisation(_ id: Int) -> Organisation? { catalogue.organisation(id) }
    public func project(_ id: Int) -> Project? { catalogue.project(id) }
    public var allUsers: [User] { catalogue.allUsers }
    public var allOrganisations: [Organisation] { catalogue.allOrganisations }
    public var allProjects: [Project] { catalogue.allProjects }

    /// A campaign with all that its record holds, or nil when there is none.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func campaign(_ id: Int) throws(FolderUnavailable) -> Campaign? {
        if let staged = staged.campaigns[id] { return staged }
        guard catalogue.hasCampaign(id) else { return nil }
        do throws(SystemError) {
            guard case .bytes(let bytes) = try RecordFile(folder.file(.campaigns, id)) else { return nil }
            return try? Campaign(file: bytes, id: id)
        } catch {
            throw FolderUnavailable("The data folder cannot be read", error)
        }
    }

    /// The digest of a campaign's representation, as ``Catalogue/campaign(_:)`` gives it to readers.
    public func digest(of campaign: Campaign) -> String {
        CampaignTable.representation(of: campaign, organisation: catalogue.organisation).digest
    }

    /// The id of the campaign whose name is canonically equivalent, or nil when the name is free.
    public func campaignID(named name: String) -> Int? {
        if let staged = staged.campaigns.first(where: { $0.value?.name == name }) { return staged.key }
        guard let owner = catalogue.campaignID(named: name), staged.campaigns[owner] == nil else { return nil }
        return owner
    }

    /// An id that no campaign has had.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func newCampaignID() throws(FolderUnavailable) -> Int {
        let (id, overflow) = try nextCampaignID().addingReportingOverflow(1)
        guard !overflow else { throw FolderUnavailable("There is no free id left") }
        staged.nextCampaignID = id
        return id - 1
    }

    private func nextCampaignID() throws(FolderUnavailable) -> Int {
        if let next = staged.nextCampaignID { return next }
        let (afterHighest, overflow) = catalogue.highestCampaignID.addingReportingOverflow(1)
        guard !overflow else { throw FolderUnavailable("There is no free id left") }
        do throws(SystemError) {
            return max(try IDCounter(folder, .campaigns).read(), afterHighest)
        } catch {
            throw FolderUnavailable("The data folder cannot be read", error)
        }
    }

    /// Stores a new campaign, or a changed one.
    public func put(_ campaign: Campaign) {
        staged.campaigns[campaign.id] = .some(campaign)
        stage(.campaigns, campaign.id, campaign.json.indented)
    }

    /// Removes a campaign.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func removeCampaign(_ id: Int) throws(FolderUnavailable) {
        staged.campaigns[id] = .some(nil)
        // What is removed no longer shows that its id was used, so the counter has to.
        staged.nextCampaignID = try nextCampaignID()
        staged.removesCampaigns = true
        stage(.campaigns, id, nil)
    }

    /// Stores a record of a kind that the service only reads; for the command line.
    public func put(_ organisation: Organisation) { stage(.organisations, organisation.id, organisation.json.indented) }
    public func put(_ project: Project) { stage(.projects, project.id, project.json.indented) }
    public func put(_ user: User) { stage(.users, user.id, user.json.indented) }

    private func stage(_ kind: RecordKind, _ id: Int, _ contents: [UInt8]?) {
        let change = FileChange(directory: folder.directory(kind), name: "\(id).json", contents: contents)
        if let place = staged.files.firstIndex(where: { $0.path == change.path }) {
            staged.files[place] = change
        } else {
            staged.files.append(change)
            staged.records.append((kind, id))
        }
    }
}
