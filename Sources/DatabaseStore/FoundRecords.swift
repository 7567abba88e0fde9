internal import Campaigns
internal import PostgreSQL
internal import Records

/// Something that a reader needs and that is not in memory.
enum WantedRecord: Hashable, Sendable {
    /// What is in memory, as it is now.
    case currentMemory
    case user(Int)
    /// A long one.
    case campaign(Int)
    case organisation(Int)
    case project(Int)
    case isManager(Int)
    case allUsers
    case allOrganisations
    case allProjects
}

/// What has been read for one call of a reader.
struct FoundRecords: Sendable {
    /// Whether what is in memory will do.
    var isMemoryCurrent: Bool
    /// By id; nil: there is none.
    var users: [Int: User?] = [:]
    var campaigns: [Int: Campaign?] = [:]
    var organisations: [Int: Organisation?] = [:]
    var projects: [Int: Project?] = [:]
    /// Whether a user manages an organisation.
    var isManager: [Int: Bool] = [:]
    var allUsers: [User]?
    var allOrganisations: [Organisation]?
    var allProjects: [Project]?

    mutating func read(_ wanted: WantedRecord, _ connection: DatabaseConnection) throws(DatabaseError) {
        switch wanted {
        case .currentMemory: isMemoryCurrent = true
        case .user(let id): users[id] = .some(try connection.users([id]).first)
        case .campaign(let id): campaigns[id] = .some(try connection.campaigns([id]).first)
        case .organisation(let id): organisations[id] = .some(try connection.organisations([id]).first)
        case .project(let id): projects[id] = .some(try connection.projects([id]).first)
        case .isManager(let id):
            isManager[id] =
                try connection.query(
                    "SELECT EXISTS (SELECT FROM public.organisation_managers WHERE user_id = $1::bigint)", id
                ).first?.flag(0) ?? false
        case .allUsers: allUsers = try connection.users()
        case .allOrganisations: allOrganisations = try connection.organisations()
        case .allProjects: allProjects = try connection.projects()
        }
    }
}
