internal import Campaigns
internal import FastCGI
internal import HTTPTypes
internal import JSON
internal import Records

extension API {
    @Sendable static func listCampaigns(_ call: Call) throws -> Answer {
        if try call.query.flag("details") == true { return try call.api.detailedCampaigns.answer(call) }
        return Answer(try call.read { try $0.allCampaigns() }.representation())
    }

    @Sendable static func getCampaign(_ call: Call) throws -> Answer {
        let id = call.id()
        guard let campaign = try call.read({ try $0.campaign(id) }) else { throw Problem.campaignNotFound(id) }
        return Answer(campaign)
    }

    @Sendable static func createCampaign(_ call: Call) throws -> Answer {
        let fields = try campaignFields(call)
        guard let name = fields.name else { throw Problem.invalid("name is required") }
        let user = call.userID ?? 0
        let id = try call.store.write { writer in
            try checkOrganisations(of: fields, writer)
            guard try writer.campaignID(named: name) == nil else {
                throw Problem(.conflict, "NameExists", "Campaign name already exists")
            }
            let campaign = fields.applied(to: Campaign(id: try writer.newCampaignID(), name: name))
            try writer.put(campaign, as: .creation(of: campaign, by: user))
            return campaign.id
        }
        call.changed(.created, campaign: id)
        return Answer(
            .created, ["campaignId": .integer(id)], headerFields: [.location: "\(API.base)/campaigns/\(id)/"])
    }

    @Sendable static func updateCampaign(_ call: Call) throws -> Answer {
        let (id, user) = (call.id(), call.userID ?? 0)
        let fields = try campaignFields(call)
        let isChanged = try call.store.write { writer in
            guard let campaign = try writer.campaign(id) else { throw Problem.campaignNotFound(id) }
            try checkOrganisations(of: fields, writer)
            if let name = fields.name, name != campaign.name.trimmedName(),
                try writer.campaignID(named: name) != nil
            {
                throw Problem(.badRequest, "NameExists", "Campaign PATCH - name already exists")
            }
            try checkIfMatch(call, campaign, writer)
            let changed = fields.applied(to: campaign)
            // By their bytes: two spellings of a name that are canonically equivalent differ in nothing else.
            guard changed.json.compact != campaign.json.compact else { return false }
            try writer.put(changed, as: .update(of: campaign, to: changed, by: user))
            return true
        }
        if isChanged { call.changed(.updated, campaign: id) }
        return Answer(["Success": "Campaign \(id) updated"])
    }

    @Sendable static func deleteCampaign(_ call: Call) throws -> Answer {
        let (id, user) = (call.id(), call.userID ?? 0)
        try call.store.write { writer in
            guard let campaign = try writer.campaign(id) else { throw Problem.campaignNotFound(id) }
            try checkIfMatch(call, campaign, writer)
            try writer.remove(campaign, as: .deletion(of: campaign, by: user))
        }
        call.changed(.deleted, campaign: id)
        return Answer(["Success": "Campaign deleted"])
    }

    private static func campaignFields(_ call: Call) throws(Problem) -> CampaignFields {
        let body = try call.object()
        do {
            return try CampaignFields(body)
        } catch {
            throw .invalid(error.description)
        }
    }

    private static func checkOrganisations(of fields: CampaignFields, _ writer: any RecordWriter) throws {
        for id in fields.organisations ?? [] {
            guard try writer.organisation(id) != nil else { throw Problem.organisationNotFound(id) }
        }
    }

    private static func checkIfMatch(_ call: Call, _ campaign: Campaign, _ writer: any RecordWriter) throws {
        guard let condition = call.request.head.headerFields[.ifMatch] else { return }
        guard EntityTag(try writer.digest(of: campaign, CampaignJSON())).isIn(condition) else {
            throw Problem.preconditionFailed
        }
    }
}
