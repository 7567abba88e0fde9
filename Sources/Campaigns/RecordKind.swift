/// The kinds of records, by the names that their folders have in a data folder.
public enum RecordKind: String, Sendable, CaseIterable {
    case campaigns, organisations, projects, users, messages
    /// Who got a message; named by the message's id.
    case deliveries = "messages/recipients"
    /// How far a message has been sent by e-mail; named by the message's id.
    case mailings = "messages/mailed"
    /// What a user has read and deleted; named by the user's id.
    case readers = "messages/readers"
}

extension RecordKind {
    /// The kinds of which ids are not used again.
    public static let counted = [RecordKind.campaigns, .messages]

    /// What one of them is called.
    public var singular: String {
        switch self {
        case .campaigns: "campaign"
        case .organisations: "organisation"
        case .projects: "project"
        case .users: "user"
        case .messages: "message"
        case .deliveries: "the recipients of message"
        case .mailings: "the e-mails of message"
        case .readers: "what was read by user"
        }
    }

    /// What one of them is called in what clients are told.
    public var noun: String {
        switch self {
        case .campaigns: "campaign"
        case .organisations: "organisation"
        case .projects: "project"
        case .users: "user's record"
        case .messages, .deliveries: "message"
        case .mailings: "state of a mailing"
        case .readers: "state of the user's messages"
        }
    }
}
