public import JSON

/// A group that coordinates work.
public struct Organisation: Sendable, Equatable {
    public var id: Int
    public var name: String?
    public var slug: String?
    public var logo: String?
    public var url: String?
    /// The ids of the users who manage it.
    public var managers: [Int]
    public var other: JSONObject

    public init(
        id: Int, name: String?, slug: String? = nil, logo: String? = nil, url: String? = nil, managers: [Int] = [],
        other: JSONObject = [:]
    ) {
        self.id = id
        self.name = name
        self.slug = slug
        self.logo = logo
        self.url = url
        self.managers = managers
        self.other = other
    }
}
