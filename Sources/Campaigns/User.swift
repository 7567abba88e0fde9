/// Somebody who may sign in.
public struct User: Sendable, Equatable {
    public var id: Int
    public var username: String?
    public var role: Role
    public var pictureUrl: String?
    public var emailAddress: String?
    /// Whether the user wants the messages of campaigns.
    public var projectsNotifications: Bool
    public var other: OtherMembers

    public init(
        id: Int, username: String?, role: Role = .mapper, pictureUrl: String? = nil, emailAddress: String? = nil,
        projectsNotifications: Bool = true, other: OtherMembers = [:]
    ) {
        self.id = id
        self.username = username
        self.role = role
        self.pictureUrl = pictureUrl
        self.emailAddress = emailAddress
        self.projectsNotifications = projectsNotifications
        self.other = other
    }
}

/// What a user is on the whole platform, by the Tasking Manager's names.
public enum Role: String, Sendable, CaseIterable {
    /// Manages every organisation and every project.
    case admin = "ADMIN"
    case mapper = "MAPPER"
    /// May change nothing, whatever else says that they may.
    case readOnly = "READ_ONLY"
}
