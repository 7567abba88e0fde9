/// An area that is mapped, as far as campaigns need to know of it.
public struct Project: Sendable, Equatable {
    public var id: Int
    public var name: String?
    public var shortDescription: String?
    /// nil counts as published.
    public var status: ProjectStatus?
    /// How much of it is mapped, in whole percent.
    public var percentMapped: Int?
    /// How much of it is validated, in whole percent.
    public var percentValidated: Int?
    /// The id of the user who made it.
    public var author: Int?
    /// The id of the organisation that it belongs to.
    public var organisation: Int?
    /// The ids of the users who manage it besides.
    public var managers: [Int]
    /// The ids of the users who mapped or validated in it.
    public var contributors: [Int]
    public var other: OtherMembers

    public init(
        id: Int, name: String?, shortDescription: String? = nil, status: ProjectStatus? = nil,
        percentMapped: Int? = nil, percentValidated: Int? = nil, author: Int? = nil, organisation: Int? = nil,
        managers: [Int] = [], contributors: [Int] = [], other: OtherMembers = [:]
    ) {
        self.id = id
        self.name = name
        self.shortDescription = shortDescription
        self.status = status
        self.percentMapped = percentMapped
        self.percentValidated = percentValidated
        self.author = author
        self.organisation = organisation
        self.managers = managers
        self.contributors = contributors
        self.other = other
    }
}

/// How far a project is, by the Tasking Manager's names.
public enum ProjectStatus: String, Sendable, CaseIterable {
    case draft = "DRAFT"
    case published = "PUBLISHED"
    case archived = "ARCHIVED"
}
