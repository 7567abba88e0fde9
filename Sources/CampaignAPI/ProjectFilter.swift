internal import Campaigns
internal import JSON
internal import Records

/// Which projects a client wants to see.
struct ProjectFilter {
    private let campaign: String?
    private let organisationName: String?
    private let organisationID: Int?
    private let text: FoldedText?
    /// The id that the text is, as `12` or `#12`.
    private let textID: Int?

    /// - Throws: ``Problem`` 400.
    init(_ query: Query) throws(Problem) {
        campaign = try query.text("campaign")
        organisationName = try query.text("organisationName")
        organisationID = try query.id("organisationId")
        let search = try query.text("textSearch")
        text = search.map(FoldedText.init)
        textID = search.flatMap { search in
            let digits = search.hasPrefix("#") ? search.dropFirst() : search[...]
            return digits.isDigits ? Int(digits) : nil
        }
    }

    /// The places of those projects that pass, rising, whoever may see them.
    func places(
        _ call: Call, _ projects: ProjectIndex, _ organisations: OrganisationIndex
    ) throws -> [Int] {
        // Each of these says which they are, so that nothing else is looked at.
        var found: [[Int]] = []
        if let campaign {
            found.append(projects.places(of: try call.read { try $0.projects(ofCampaignsNamed: campaign) }))
        }
        if let organisationID { found.append(projects.places(ofOrganisations: [organisationID])) }
        if let organisationName {
            found.append(projects.places(ofOrganisations: organisations.ids(named: organisationName)))
        }
        var places = found.first ?? Array(projects.projects.indices)
        for others in found.dropFirst() {
            let others = Set(others)
            places = places.filter(others.contains)
        }
        guard let text else { return places }
        return places.filter { projects.project($0, matches: text, id: textID) }
    }
}

extension Project {
    /// Writes what a list of projects shows.
    func write(to body: inout [UInt8], campaigns: any RenderedList, organisation: Organisation?, author: User?) {
        var opening = JSONValue.object([
            "projectId": .integer(id), "name": JSONValue(name), "shortDescription": .string(shortDescription ?? ""),
            "organisationName": JSONValue(organisation?.name), "organisationLogo": JSONValue(organisation?.logo),
        ]).compact
        // Its list is ready, as a member of an object of its own: {"campaigns":[…]}
        opening[opening.count - 1] = UInt8(ascii: ",")
        body += opening
        body += campaigns.representation().bytes.dropFirst().dropLast()
        var end = JSONValue.object([
            "percentMapped": JSONValue(percentMapped), "percentValidated": JSONValue(percentValidated),
            "status": .string((status ?? .published).rawValue), "totalContributors": .integer(contributors.count),
            "author": JSONValue(author?.username),
        ]).compact
        end[0] = UInt8(ascii: ",")
        body += end
    }
}
