internal import Campaigns
internal import RecordIndex
internal import Records
internal import Synchronization

/// The records for one run of a body: what campaigns show from memory, the rest as it was read for this call.
///
/// A body runs under the lock that all readers take, so nothing is read from the database within it. Where something is lacking,
/// that is noted and the body ended; it runs again when that has been read.
final class DatabaseReader: RecordReader {
    private let memory: RecordIndex
    private let found: FoundRecords
    private(set) var lacking: WantedRecord?

    init(_ memory: RecordIndex, _ found: FoundRecords) {
        self.memory = memory
        self.found = found
    }

    /// What is in memory, once that is current.
    private func index() throws(StoreUnavailable) -> RecordIndex {
        try value(found.isMemoryCurrent ? memory : nil, .currentMemory)
    }

    private func value<Value>(_ value: Value?, _ wanted: WantedRecord) throws(StoreUnavailable) -> Value {
        if let value { return value }
        lacking = wanted
        throw StoreUnavailable("The record has not been read yet")
    }

    /// Numbers that nothing else has.
    private static let unknown = Atomic(0)

    // MARK: Records

    func user(_ id: Int) throws(StoreUnavailable) -> User? { try value(found.users[id], .user(id)) }
    func organisation(_ id: Int) throws(StoreUnavailable) -> Organisation? {
        try value(found.organisations[id], .organisation(id))
    }
    func project(_ id: Int) throws(StoreUnavailable) -> Project? { try value(found.projects[id], .project(id)) }
    func allUsers() throws(StoreUnavailable) -> [User] { try value(found.allUsers, .allUsers) }
    func allOrganisations() throws(StoreUnavailable) -> [Organisation] {
        try value(found.allOrganisations, .allOrganisations)
    }
    func allProjects() throws(StoreUnavailable) -> [Project] { try value(found.allProjects, .allProjects) }

    func managesAnOrganisation(_ user: User) throws(StoreUnavailable) -> Bool {
        if user.role == .admin { return true }
        return try value(found.isManager[user.id], .isManager(user.id))
    }

    func version(_ kind: RecordKind) throws(StoreUnavailable) -> Int {
        // Nobody tells of all changes of the others.
        kind == .campaigns ? try index().version(kind) : Self.unknown.subtract(1, ordering: .relaxed).newValue
    }

    // MARK: Campaigns

    func campaign(_ id: Int) throws(StoreUnavailable) -> Representation? {
        let index = try index()
        guard index.campaigns.contains(id) else { return nil }
        if let made = index.representation(ofCampaign: id) { return made }
        return try value(found.campaigns[id], .campaign(id)).map(index.representation)
    }

    func allCampaigns() throws(StoreUnavailable) -> any RenderedList { try index().campaigns.list() }
    func campaigns(ofProject id: Int) throws(StoreUnavailable) -> any RenderedList {
        try index().campaigns.list(of: .project(id))
    }
    func campaigns(ofOrganisation id: Int) throws(StoreUnavailable) -> any RenderedList {
        try index().campaigns.list(of: .organisation(id))
    }
    func campaignCount() throws(StoreUnavailable) -> Int { try index().campaigns.count }
    func campaignGroups() throws(StoreUnavailable) -> [(number: Int, version: Int)] { try index().campaigns.groups }

    func detailedCampaigns(
        inGroup group: Int
    ) throws(StoreUnavailable) -> [(campaign: Representation, projects: Int)] {
        let index = try index()
        var shown: [(campaign: Representation, projects: Int)] = []
        for id in index.campaigns.ids(inGroup: group) {
            guard let campaign = try campaign(id) else { continue }
            shown.append((campaign, index.projectCount(ofCampaign: id)))
        }
        return shown
    }

    func projects(ofCampaignsNamed name: String) throws(StoreUnavailable) -> Set<Int> {
        let campaigns = try index().campaigns
        return Set(campaigns.ids(named: name).flatMap { campaigns.projects(of: $0) })
    }

    func broken() -> [String: String] { [:] }

    var doubles: [String: String] {
        // When memory is not current, that is noted, and this run does not count.
        guard let index = try? index() else { return [:] }
        var doubles: [String: String] = [:]
        for (id, first) in index.campaigns.doubles {
            doubles["campaigns/\(id)"] = "name is that of campaign \(first) as well"
        }
        return doubles
    }

    var keptBytes: Int { memory.keptBytes }
    func isUnreadable(_ kind: RecordKind, _ id: Int) -> Bool { false }
}
