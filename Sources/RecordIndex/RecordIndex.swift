public import Campaigns
public import Records

/// The records in memory, found in every way that answers need, and the bytes that are rendered from them.
///
/// Fed with "this record is now that", whoever tells it. It waits for nothing, and knows nothing of where records are kept. Not for
/// several threads at once: whoever has one guards it.
public final class RecordIndex {
    public var campaigns: CampaignTable
    public var messages = MessageTable()
    public private(set) var organisations: [Int: Organisation] = [:]
    public private(set) var projects: [Int: Project] = [:]
    public private(set) var users: [Int: User] = [:]
    public private(set) var mailings: [Int: Mailing] = [:]
    /// The users who want no messages of campaigns.
    public private(set) var optedOut: Set<Int> = []
    /// How many organisations each user manages by being in their lists.
    private var managed: [Int: Int] = [:]
    /// What changes with every record of a kind.
    private var versions: [RecordKind: Int] = [:]
    private let rendering: any CampaignRendering

    /// Starts empty.
    public init(_ rendering: any CampaignRendering) {
        self.rendering = rendering
        campaigns = CampaignTable(rendering)
    }

    // MARK: What it is told

    /// Adds a record, or puts it in the place of the one with its id.
    public func insert(_ record: any Record) {
        switch record {
        case let campaign as Campaign:
            changed(.campaigns)
            campaigns.insert(campaign)
        case let organisation as Organisation:
            changed(.organisations)
            count(organisations.updateValue(organisation, forKey: organisation.id), -1)
            count(organisation, 1)
            campaigns.organisationsChanged()
        case let project as Project:
            changed(.projects)
            projects[project.id] = project
        case let user as User:
            changed(.users)
            users[user.id] = user
            if user.projectsNotifications { optedOut.remove(user.id) } else { optedOut.insert(user.id) }
        case let message as Message:
            changed(.messages)
            messages.insert(message)
        case let mailing as Mailing:
            changed(.mailings)
            mailings[mailing.id] = mailing
        case let reading as ReadState:
            changed(.readers)
            messages.insert(reading)
        default: break
        }
    }

    public func remove(_ ref: RecordRef) {
        let id = ref.id
        changed(ref.kind)
        switch ref.kind {
        case .campaigns: campaigns.remove(id)
        case .organisations:
            if let organisation = organisations.removeValue(forKey: id) {
                count(organisation, -1)
                campaigns.organisationsChanged()
            }
        case .projects: projects[id] = nil
        case .users:
            users[id] = nil
            optedOut.remove(id)
        case .messages: messages.removeMessage(id)
        case .deliveries: messages.removeDelivery(id)
        case .mailings: mailings[id] = nil
        case .readers: messages.removeReader(id)
        }
    }

    /// Says that a record of a kind is another.
    public func changed(_ kind: RecordKind) { versions[kind] = RecordVersion.next() }

    /// Counts an organisation for its managers, or no longer.
    private func count(_ organisation: Organisation?, _ change: Int) {
        for user in organisation?.managers ?? [] {
            let count = managed[user, default: 0] + change
            managed[user] = count > 0 ? count : nil
        }
    }

    // MARK: What it knows

    /// A number that is another after every change of a kind's records, in every index of the process.
    public func version(_ kind: RecordKind) -> Int { versions[kind] ?? 0 }

    /// Whether a user manages at least one organisation by being in its list.
    public func isManager(_ user: Int) -> Bool { managed[user] != nil }

    /// All of them, by rising id.
    public var allUsers: [User] { users.values.sorted { $0.id < $1.id } }
    public var allOrganisations: [Organisation] { organisations.values.sorted { $0.id < $1.id } }
    public var allProjects: [Project] { projects.values.sorted { $0.id < $1.id } }
    public var allMailings: [Mailing] { mailings.values.sorted { $0.id < $1.id } }

    /// A campaign as it is shown; nil when there is none, or when it is long and not kept.
    public func representation(ofCampaign id: Int) -> Representation? {
        campaigns.representation(id) { organisations[$0] }
    }

    /// A campaign that is not kept, as it is shown.
    public func representation(of campaign: Campaign) -> Representation {
        Representation(
            rendering.campaign(
                opening: rendering.opening(of: campaign),
                organisations: campaign.organisations.compactMap { organisations[$0] }))
    }

    /// How many of a campaign's projects there are.
    public func projectCount(ofCampaign id: Int) -> Int { campaigns.projects(of: id).count { projects[$0] != nil } }

    /// Who gets a message to the contributors of some projects.
    public func audience(
        ofProjects ids: [Int], unreadableProjects: [Int] = [], unreadableUsers: Set<Int> = []
    ) -> Audience {
        Audience(
            contributors: ids.compactMap { projects[$0]?.contributors }, optedOut: optedOut,
            unreadableProjects: unreadableProjects, unreadableUsers: unreadableUsers)
    }

    /// Bytes of the campaigns' and the messages' texts that are in memory.
    public var keptBytes: Int { campaigns.keptBytes + messages.keptBytes }
}
