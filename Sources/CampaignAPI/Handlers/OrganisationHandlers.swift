internal import Campaigns
internal import HTTPTypes
internal import JSON
internal import Records

extension API {
    @Sendable static func listOrganisations(_ call: Call) throws -> Answer {
        let query = call.query
        guard call.userID != nil || !query.has("manager_user_id") else {
            throw Problem(
                .forbidden, "LoginToFilterManager",
                "Unauthorized - Filter by manager_user_id is not allowed to unauthenticated requests")
        }
        let omitsManagers = try query.flag("omitManagerList") ?? false
        let manager = try query.id("manager_user_id")
        let organisations = try call.organisations()
        guard call.userID != nil else { return Answer(organisations.publicList) }
        let shown = organisations.byName.filter { manager.map($0.managers.contains) ?? true }
        guard !omitsManagers else { return Answer(OrganisationIndex.list(shown.map { $0.json(managers: []) })) }
        let users = try call.users()
        return Answer(OrganisationIndex.list(shown.map { $0.json(managers: $0.managers(among: users)) }))
    }

    @Sendable static func getOrganisation(_ call: Call) throws -> Answer {
        let omitsManagers = try call.query.flag("omitManagerList") ?? false
        let organisation = try organisation(call)
        guard let userID = call.userID else {
            return Answer(Representation(organisation.json(managers: [], isManager: false).compact))
        }
        let users = try call.users()
        return Answer(
            organisation.json(
                managers: omitsManagers ? [] : organisation.managers(among: users),
                isManager: users[userID]?.mayChange(organisation) ?? false))
    }

    /// The organisation that a path names by its id or by its slug.
    private static func organisation(_ call: Call) throws -> Organisation {
        if call.text.isDigits {
            guard let id = Int(call.text), id >= 1 else { throw Problem.notFound }
            guard let organisation = try call.read({ try $0.organisation(id) }) else {
                throw Problem.organisationNotFound(id)
            }
            return organisation
        }
        guard let organisation = try call.organisations().organisation(slug: call.text) else {
            throw Problem.organisationNotFound(slug: call.text)
        }
        return organisation
    }

    @Sendable static func listOrganisationCampaigns(_ call: Call) throws -> Answer {
        let id = call.id()
        let list = try call.read { records in
            guard try records.organisation(id) != nil else { throw Problem.organisationNotFound(id) }
            return try records.campaigns(ofOrganisation: id)
        }
        return Answer(list.representation())
    }
}

extension Organisation {
    fileprivate func json(managers: [JSONValue], isManager: Bool) -> JSONValue {
        var object = json(managers: managers)
        object.append("isManager", .bool(isManager))
        return .object(object)
    }
}
