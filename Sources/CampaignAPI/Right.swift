internal import CampaignStore
internal import Campaigns
internal import HTTPTypes

/// Who may use an endpoint. This is where rights are checked; who manages what is decided in `Campaigns/Rights.swift`.
enum Right: Sendable {
    /// Everybody; the Authorization header is not looked at.
    case anyone
    /// Everybody; a good token changes what is shown, and one that is not good counts as none.
    case anyoneKnown
    /// Whoever has a good token.
    case signedIn
    /// Whoever has a good token and may change things.
    case signedInToChange
    /// Who manages at least one organisation; with what the others are told.
    case organisationManager(otherwise: String)
    /// Who manages the project whose id is the first in the path.
    case managerOfProject
    /// Who manages the organisation whose id is the first in the path.
    case managerOfOrganisation
    /// Platform admins; with what the others are told.
    case admin(otherwise: String)

    /// Whether a token is asked for.
    var needsToken: Bool {
        switch self {
        case .anyone, .anyoneKnown: false
        default: true
        }
    }

    /// Whether a token is not needed, but looked at.
    var readsToken: Bool {
        if case .anyoneKnown = self { true } else { false }
    }

    /// Lets a user pass, or not.
    ///
    /// - Parameters:
    ///   - user: nil when the token's user has no record: then without any rights.
    ///   - ids: the ids in the path.
    /// - Throws: ``Problem`` 403, or 404 for an unknown project or organisation.
    func check(_ user: User?, _ ids: [Int], _ catalogue: Catalogue) throws(Problem) {
        switch self {
        case .anyone, .anyoneKnown, .signedIn: return
        case .signedInToChange:
            guard user?.role != .readOnly else {
                throw Problem(.forbidden, "UserNotPermitted", "User may not change anything")
            }
        case .organisationManager(let error):
            try pass(user, catalogue.managesAnOrganisation, Problem(.forbidden, "UserNotPermitted", error))
        case .managerOfProject:
            let id = ids.first ?? 0
            guard let project = catalogue.project(id) else { throw .projectNotFound(id) }
            let organisation = project.organisation.flatMap(catalogue.organisation)
            try pass(
                user, { $0.manages(project, of: organisation) },
                Problem(.forbidden, "UserPermissionError", "User is not a manager of the project"))
        case .managerOfOrganisation:
            let id = ids.first ?? 0
            guard let organisation = catalogue.organisation(id) else { throw .organisationNotFound(id) }
            try pass(
                user, { $0.manages(organisation) },
                Problem(.forbidden, "UserNotPermitted", "User is not a manager of the organisation"))
        case .admin(let error):
            try pass(user, { $0.role == .admin }, Problem(.forbidden, "OnlyAdminAccess", error))
        }
    }

    private func pass(_ user: User?, _ isAllowed: (User) -> Bool, _ problem: Problem) throws(Problem) {
        guard let user else { throw problem }
        guard user.role != .readOnly else {
            throw Problem(.forbidden, "UserNotPermitted", "User has the role READ_ONLY and may change nothing")
        }
        guard isAllowed(user) else { throw problem }
    }
}
