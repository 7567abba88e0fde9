internal import Campaigns
internal import JSON
internal import Records

/// The organisations, found by id, by name and by slug.
struct OrganisationIndex: Sendable {
    private let organisations: [Int: Organisation]
    /// The lowest id of those that have a slug.
    private let slugs: [String: Int]
    private let names: [String: [Int]]
    /// By name, then by id.
    let byName: [Organisation]
    /// The list as everybody may see it.
    let publicList: Representation

    /// - Parameter organisations: by rising id.
    init(_ organisations: [Organisation]) {
        self.organisations = Dictionary(organisations.map { ($0.id, $0) }) { first, _ in first }
        slugs = Dictionary(organisations.compactMap { one in one.slug.map { ($0, one.id) } }) { first, _ in first }
        names = Dictionary(grouping: organisations.map(\.id)) { [found = self.organisations] in found[$0]?.name ?? "" }
        byName = organisations.sorted { ($0.name ?? "", $0.id) < ($1.name ?? "", $1.id) }
        publicList = Representation(Self.list(byName.map { $0.json(managers: []) }).compact)
    }

    subscript(id: Int) -> Organisation? { organisations[id] }
    func organisation(slug: String) -> Organisation? { slugs[slug].flatMap { organisations[$0] } }
    func ids(named name: String) -> [Int] { names[name] ?? [] }

    static func list(_ organisations: [JSONObject]) -> JSONValue {
        ["organisations": .array(organisations.map { .object($0) })]
    }
}

extension Call {
    /// All organisations.
    ///
    /// - Throws: as ``Kept/value(_:of:_:)``.
    func organisations() throws -> OrganisationIndex {
        try api.organisations.value(self, of: { try $0.allOrganisations() }, OrganisationIndex.init)
    }
}

extension Organisation {
    /// An organisation as everybody may see it.
    ///
    /// - Parameter managers: what is shown of those who manage it.
    func json(managers: [JSONValue]) -> JSONObject {
        [
            "organisationId": .integer(id), "managers": .array(managers), "name": JSONValue(name),
            "slug": JSONValue(slug), "logo": JSONValue(logo), "description": JSONValue(description),
            "url": JSONValue(url), "type": JSONValue(type?.rawValue), "subscriptionTier": JSONValue(subscriptionTier),
        ]
    }

    /// What is shown of its managers, by rising id: of those that have a record.
    func managers(among users: UserIndex) -> [JSONValue] {
        managers.sorted().compactMap { users[$0] }.map { user in
            ["username": JSONValue(user.username), "pictureUrl": JSONValue(user.pictureUrl)]
        }
    }
}
