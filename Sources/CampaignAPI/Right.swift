internal import Campaigns
internal import HTTPTypes
internal import Records

/// Who may use an endpoint. This is where rights are checked; who manages what is decided in `Campaigns/Rights.swift`.
enum Right: Sendable {
    /// Everybody; the Authorization header is not looked at.
    case anyone
    /// Everybody; a good token changes what is shown, and one that is not good counts as none.
    case anyoneKnown
    /// Whoever has a good token.
    case signedIn
    /// Whoever has a good token and a record.
    case withRecord
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

    /// Whether it depends on records who may pass.
    var needsRecords: Bool {
        switch self {
        case .anyone, .anyoneKnown, .signedIn: false
        default: true
        }
    }

    /// Lets a user pass, or not.
    ///
    /// - Parameters:
    ///   - userID: the token's user; one without a record is without any rights.
    ///   - ids: the ids in the path.
    /// - Throws: ``Problem`` 403, or 404 for an unknown project or organisation; ``StoreUnavailable``.
    func check(_ userID: Int, _ ids: [Int], _ records: any RecordReader) throws {
        switch self {
        case .anyone, .anyoneKnown, .signedIn: return
        case .withRecord:
            guard try records.user(userID) != nil else { throw Problem.withoutRecord }
        case .signedInToChange:
            guard try records.user(userID)?.role != .readOnly else {
                throw Problem(.forbidden, "UserNotPermitted", "User may not change anything")
            }
        case .organisationManager(let error):
            try pass(
                try records.user(userID), records.managesAnOrganisation,
                Problem(.forbidden, "UserNotPermitted", error))
        case .managerOfProject:
            let id = ids.first ?? 0
            guard let project = try records.project(id) else { throw Problem.projectNotFound(id) }
            let organisation = try project.organisation.flatMap(records.organisation)
            try pass(
                try records.user(userID), { $0.manages(project, of: organisation) },
                Problem(.forbidden, "UserPermissionError", "User is not a manager of the project"))
        case .managerOfOrganisation:
            let id = ids.first ?? 0
            guard let organisation = try records.organisation(id) else { throw Problem.organisationNotFound(id) }
            try pass(
                try records.user(userID), { $0.manages(organisation) },
                Problem(.forbidden, "UserNotPermitted", "User is not a manager of the organisation"))
        case .admin(let error):
            try pass(try records.user(userID), { $0.role == .admin }, Problem(.forbidden, "OnlyAdminAccess", error))
        }
    }

    private func pass(_ user: User?, _ isAllowed: (User) throws -> Bool, _ problem: Problem) throws {
        guard let user else { throw problem }
        guard user.role != .readOnly else {
            throw Problem(.forbidden, "UserNotPermitted", "User has the role READ_ONLY and may change nothing")
        }
        guard try isAllowed(user) else { throw problem }
    }
}
