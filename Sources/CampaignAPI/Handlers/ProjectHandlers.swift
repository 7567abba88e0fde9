internal import CampaignStore
internal import Campaigns
internal import HTTPTypes
internal import JSON

extension API {
    @Sendable static func listProjectCampaigns(_ call: Call) throws -> Answer {
        let id = call.id()
        let list = try call.read { catalogue in
            guard try catalogue.project(id) != nil else { throw Problem.projectNotFound(id) }
            return try catalogue.campaigns(ofProject: id)
        }
        return Answer(list.representation())
    }

    @Sendable static func linkProject(_ call: Call) throws -> Answer {
        let (project, id) = (call.id(0), call.id(1))
        try call.store.write { transaction in
            guard var campaign = try transaction.campaign(id) else { throw Problem.campaignNotFound(id) }
            guard !campaign.projects.contains(project) else {
                throw Problem(
                    .badRequest, "CampaignAssignmentError", "Project is already assigned to this campaign")
            }
            campaign.projects.append(project)
            try transaction.put(campaign)
        }
        return Answer(["Success": "campaign with id \(id) assigned successfully for project with id \(project)"])
    }

    @Sendable static func unlinkProject(_ call: Call) throws -> Answer {
        let (project, id) = (call.id(0), call.id(1))
        try call.store.write { transaction in
            guard var campaign = try transaction.campaign(id) else { throw Problem.campaignNotFound(id) }
            guard let place = campaign.projects.firstIndex(of: project) else {
                throw Problem.projectCampaignNotFound(project: project, campaign: id)
            }
            campaign.projects.remove(at: place)
            try transaction.put(campaign)
        }
        return Answer(["Success": "Campaigns Deleted"])
    }
}
