internal import CampaignStore
internal import Campaigns
internal import JSON

/// A record that can come from elsewhere into a data folder.
protocol Movable: Record {
    static var kind: RecordKind { get }
    /// What one of them is called.
    static var singular: String { get }
    /// The lists of ids that the record has.
    static var lists: [WritableKeyPath<Self, [Int]>] { get }

    var other: JSONObject { get set }

    /// The record that has this id in the folder.
    static func current(_ id: Int, _ transaction: Transaction) throws(FolderUnavailable) -> Self?
    func put(_ transaction: Transaction) throws(FolderUnavailable)

    /// What a person should hear of when this takes another's place, or nil.
    func warning(replacing current: Self) -> String?
}

extension Movable {
    func warning(replacing current: Self) -> String? { nil }

    /// This record in the place of one that is there: what only that one knows stays.
    ///
    /// - Parameter ordered: whether the order of ids says something; otherwise the one that is there stays.
    func replacing(_ current: Self, ordered: Bool) -> Self {
        var record = self
        for member in current.other.members where other[member.name] == nil {
            record.other.append(member.name, member.value)
        }
        if !ordered {
            for list in Self.lists where Set(record[keyPath: list]) == Set(current[keyPath: list]) {
                record[keyPath: list] = current[keyPath: list]
            }
        }
        return record
    }
}

extension User: Movable {
    static var kind: RecordKind { .users }
    static var singular: String { "user" }
    static var lists: [WritableKeyPath<User, [Int]>] { [] }

    static func current(_ id: Int, _ transaction: Transaction) throws(FolderUnavailable) -> User? {
        try transaction.user(id)
    }
    func put(_ transaction: Transaction) throws(FolderUnavailable) { try transaction.put(self) }

    func warning(replacing current: User) -> String? {
        role == current.role ? nil : "was \(current.role.rawValue) here; now \(role.rawValue)"
    }
}

extension Organisation: Movable {
    static var kind: RecordKind { .organisations }
    static var singular: String { "organisation" }
    static var lists: [WritableKeyPath<Organisation, [Int]>] { [\.managers] }

    static func current(_ id: Int, _ transaction: Transaction) throws(FolderUnavailable) -> Organisation? {
        try transaction.organisation(id)
    }
    func put(_ transaction: Transaction) throws(FolderUnavailable) { try transaction.put(self) }
}

extension Project: Movable {
    static var kind: RecordKind { .projects }
    static var singular: String { "project" }
    static var lists: [WritableKeyPath<Project, [Int]>] { [\.managers, \.contributors] }

    static func current(_ id: Int, _ transaction: Transaction) throws(FolderUnavailable) -> Project? {
        try transaction.project(id)
    }
    func put(_ transaction: Transaction) throws(FolderUnavailable) { try transaction.put(self) }
}

extension Campaign: Movable {
    static var kind: RecordKind { .campaigns }
    static var singular: String { "campaign" }
    static var lists: [WritableKeyPath<Campaign, [Int]>] { [\.organisations, \.projects] }

    static func current(_ id: Int, _ transaction: Transaction) throws(FolderUnavailable) -> Campaign? {
        try transaction.campaign(id)
    }
    func put(_ transaction: Transaction) throws(FolderUnavailable) { try transaction.put(self) }

    /// This campaign with a name that is free: where its own is not, the id is added, or else as many numbers as it takes.
    func renamed(while isTaken: (String) throws -> Bool) rethrows -> Campaign {
        var campaign = self
        var attempt = 1
        while try isTaken(campaign.name) {
            let suffix = attempt == 1 ? " (\(id))" : " (\(id)-\(attempt))"
            let room = CampaignFields.longestName - suffix.unicodeScalars.count
            campaign.name = name.cut(to: room).trimmed() + suffix
            attempt += 1
        }
        return campaign
    }
}

extension String {
    /// As many of the first Unicode scalars.
    func cut(to count: Int) -> String { String(String.UnicodeScalarView(unicodeScalars.prefix(count))) }
}
