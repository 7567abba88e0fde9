internal import CampaignStore
internal import Campaigns
internal import HTTPTypes
internal import JSON

extension API {
    @Sendable static func listOrganisationCampaigns(_ call: Call) throws -> Answer {
        let id = call.id()
        let list = try call.read { catalogue in
            guard try catalogue.organisation(id) != nil else { throw Problem.organisationNotFound(id) }
            return try catalogue.campaigns(ofOrganisation: id)
        }
        return Answer(list.representation())
    }

    @Sendable static func linkOrganisation(_ call: Call) throws -> Answer {
        let (organisation, id) = (call.id(0), call.id(1))
        try call.store.write { transaction in
            guard var campaign = try transaction.campaign(id) else { throw Problem.campaignNotFound(id) }
            guard !campaign.organisations.contains(organisation) else {
                throw Problem(
                    .badRequest, "CampaignAlreadyAssigned",
                    "Campaign \(id) is already assigned to organisation \(organisation).")
            }
            campaign.organisations.append(organisation)
            try transaction.put(campaign)
        }
        return Answer(["Success": "campaign with id \(id) assigned for organisation with id \(organisation)"])
    }

    @Sendable static func unlinkOrganisation(_ call: Call) throws -> Answer {
        let (organisation, id) = (call.id(0), call.id(1))
        try call.store.write { transaction in
            guard var campaign = try transaction.campaign(id) else { throw Problem.campaignNotFound(id) }
            guard let place = campaign.organisations.firstIndex(of: organisation) else {
                throw Problem.organisationCampaignNotFound(organisation: organisation, campaign: id)
            }
            campaign.organisations.remove(at: place)
            try transaction.put(campaign)
        }
        return Answer(["Success": "Organisation and campaign unassociated successfully"])
    }
}
