internal import Campaigns
internal import HTTPTypes
internal import JSON
internal import Records

// Campaigns are linked to organisations and to projects. The path names the other first, then the campaign.
extension API {
    @Sendable static func linkOrganisation(_ call: Call) throws -> Answer {
        let (organisation, id) = (call.id(0), call.id(1))
        try link(call, organisation, .organisation(organisation), .organisationLinked) {
            Problem(
                .badRequest, "CampaignAlreadyAssigned",
                "Campaign \(id) is already assigned to organisation \(organisation).")
        }
        return Answer(["Success": "campaign with id \(id) assigned for organisation with id \(organisation)"])
    }

    @Sendable static func unlinkOrganisation(_ call: Call) throws -> Answer {
        let (organisation, id) = (call.id(0), call.id(1))
        try unlink(call, organisation, .organisation(organisation), .organisationUnlinked) {
            Problem.organisationCampaignNotFound(organisation: organisation, campaign: id)
        }
        return Answer(["Success": "Organisation and campaign unassociated successfully"])
    }

    @Sendable static func linkProject(_ call: Call) throws -> Answer {
        let (project, id) = (call.id(0), call.id(1))
        try link(call, project, .project(project), .projectLinked) {
            Problem(.badRequest, "CampaignAssignmentError", "Project is already assigned to this campaign")
        }
        return Answer(["Success": "campaign with id \(id) assigned successfully for project with id \(project)"])
    }

    @Sendable static func unlinkProject(_ call: Call) throws -> Answer {
        let (project, id) = (call.id(0), call.id(1))
        try unlink(call, project, .project(project), .projectUnlinked) {
            Problem.projectCampaignNotFound(project: project, campaign: id)
        }
        return Answer(["Success": "Campaigns Deleted"])
    }

    /// - Parameter isLinked: what is wrong when it is linked already.
    private static func link(
        _ call: Call, _ other: Int, _ linked: ChangeEntry.Linked, _ action: ChangeEntry.Action,
        otherwise isLinked: @escaping @Sendable () -> Problem
    ) throws {
        try change(call, action) { writer, campaign, user in
            var changed = campaign
            guard !changed[keyPath: linked.ids].contains(other) else { throw isLinked() }
            changed[keyPath: linked.ids].append(other)
            try writer.put(changed, as: .link(linked, of: changed, by: user))
        }
    }

    /// - Parameter isNotLinked: what is wrong when it is not linked.
    private static func unlink(
        _ call: Call, _ other: Int, _ linked: ChangeEntry.Linked, _ action: ChangeEntry.Action,
        otherwise isNotLinked: @escaping @Sendable () -> Problem
    ) throws {
        try change(call, action) { writer, campaign, user in
            var changed = campaign
            guard let place = changed[keyPath: linked.ids].firstIndex(of: other) else { throw isNotLinked() }
            changed[keyPath: linked.ids].remove(at: place)
            try writer.put(changed, as: .unlink(linked, of: changed, by: user))
        }
    }

    private static func change(
        _ call: Call, _ action: ChangeEntry.Action,
        _ body: @escaping @Sendable (any RecordWriter, Campaign, Int) throws -> Void
    ) throws {
        let (id, user) = (call.id(1), call.userID ?? 0)
        try call.store.write { writer in
            guard let campaign = try writer.campaign(id) else { throw Problem.campaignNotFound(id) }
            try body(writer, campaign, user)
        }
        call.changed(action, campaign: id)
    }
}

extension ChangeEntry.Linked {
    /// Where a campaign has the ids of those that it is linked to.
    fileprivate var ids: WritableKeyPath<Campaign, [Int]> {
        switch self {
        case .project: \.projects
        case .organisation: \.organisations
        }
    }
}
