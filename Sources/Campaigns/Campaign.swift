/// A label that ties projects and organisations together.
public struct Campaign: Sendable, Equatable {
    /// At least 1; never used again.
    public var id: Int
    /// 1 to 255 characters; no two campaigns have names that are canonically equivalent.
    public var name: String
    public var logo: String?
    public var url: String?
    public var description: String?
    /// The ids of the linked organisations, in the order in which they were given.
    public var organisations: [Int]
    /// The ids of the linked projects, in the order in which they were linked.
    public var projects: [Int]
    /// What somebody else put into the record; it is kept.
    public var other: OtherMembers

    public init(
        id: Int, name: String, logo: String? = nil, url: String? = nil, description: String? = nil,
        organisations: [Int] = [], projects: [Int] = [], other: OtherMembers = [:]
    ) {
        self.id = id
        self.name = name
        self.logo = logo
        self.url = url
        self.description = description
        self.organisations = organisations
        self.projects = projects
        self.other = other
    }
}
