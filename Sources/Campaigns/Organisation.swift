/// A group that coordinates work.
public struct Organisation: Sendable, Equatable {
    public var id: Int
    public var name: String?
    public var slug: String?
    public var logo: String?
    public var url: String?
    public var description: String?
    public var type: OrganisationType?
    /// A number whose meaning is the Tasking Manager's affair.
    public var subscriptionTier: Int?
    /// The ids of the users who manage it.
    public var managers: [Int]
    public var other: OtherMembers

    public init(
        id: Int, name: String?, slug: String? = nil, logo: String? = nil, url: String? = nil,
        description: String? = nil, type: OrganisationType? = nil, subscriptionTier: Int? = nil, managers: [Int] = [],
        other: OtherMembers = [:]
    ) {
        self.id = id
        self.name = name
        self.slug = slug
        self.logo = logo
        self.url = url
        self.description = description
        self.type = type
        self.subscriptionTier = subscriptionTier
        self.managers = managers
        self.other = other
    }
}

/// What an organisation pays, by the Tasking Manager's names.
public enum OrganisationType: String, Sendable, CaseIterable {
    case free = "FREE"
    case discounted = "DISCOUNTED"
    case fullFee = "FULL_FEE"
}
