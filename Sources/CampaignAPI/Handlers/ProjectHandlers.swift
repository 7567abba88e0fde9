internal import Campaigns
internal import HTTPTypes
internal import JSON
internal import Records

extension API {
    @Sendable static func listProjects(_ call: Call) throws -> Answer {
        let query = call.query
        let isOnlyManaged = try query.flag("managedByMe") ?? false
        guard !isOnlyManaged || call.userID != nil else { throw Problem.invalidToken }
        let pages = try PageQuery(query, pageSize: 14)
        let filter = try ProjectFilter(query)
        let (projects, organisations, users) = (try call.projects(), try call.organisations(), try call.users())
        var places = try filter.places(call, projects, organisations)
        if let asker = call.userID.flatMap({ users[$0] }) {
            places = places.filter { place in
                let project = projects.projects[place]
                return !isOnlyManaged && project.isPublished
                    || asker.manages(project, of: project.organisation.flatMap { organisations[$0] })
            }
        } else {
            // Who has no record manages nothing.
            places = isOnlyManaged ? [] : places.filter { projects.projects[$0].isPublished }
        }
        let page = Page(pages, total: places.count)
        let shown = places[page.range].map { projects.projects[$0] }
        let campaigns = try call.read { records in
            try shown.map { try records.campaigns(ofProject: $0.id) }
        }
        var body = Array(#"{"mapResults":{},"results":["#.utf8)
        for (number, (project, campaigns)) in zip(shown, campaigns).enumerated() {
            if number > 0 { body.append(UInt8(ascii: ",")) }
            project.write(
                to: &body, campaigns: campaigns, organisation: project.organisation.flatMap { organisations[$0] },
                author: project.author.flatMap { users[$0] })
        }
        body.append(utf8: #"],"pagination":"#)
        page.json.write(to: &body)
        body.append(UInt8(ascii: "}"))
        return Answer(Representation(body))
    }

    @Sendable static func listProjectCampaigns(_ call: Call) throws -> Answer {
        let id = call.id()
        let list = try call.read { records in
            guard try records.project(id) != nil else { throw Problem.projectNotFound(id) }
            return try records.campaigns(ofProject: id)
        }
        return Answer(list.representation())
    }
}
