internal import Campaigns
internal import JSON
internal import Records

/// A record that can come from elsewhere into a data folder.
protocol Importable: Record {
    static var kind: RecordKind { get }
    /// The lists of ids that the record has.
    static var lists: [WritableKeyPath<Self, [Int]>] { get }

    var other: OtherMembers { get set }

    /// The record that has this id in the folder.
    static func current(_ id: Int, _ writer: any TransferWriter) throws(StoreUnavailable) -> Self?
    func put(_ writer: any TransferWriter) throws(StoreUnavailable)

    /// Makes the name one that the API would accept.
    ///
    /// - Returns: what had to be changed, or nil.
    mutating func fitName() -> String?

    /// What a person should hear of when this takes another's place, or nil.
    func warning(replacing current: Self) -> String?
}

extension Importable {
    /// What one of them is called.
    static var singular: String { kind.singular }

    func warning(replacing current: Self) -> String? { nil }

    /// This record in the place of one that is there: what only that one knows stays.
    ///
    /// - Parameter ordered: whether the order of ids says something; otherwise the one that is there stays.
    func replacing(_ current: Self, ordered: Bool) -> Self {
        var record = self
        record.other.add(current.other)
        if !ordered {
            for list in Self.lists where Set(record[keyPath: list]) == Set(current[keyPath: list]) {
                record[keyPath: list] = current[keyPath: list]
            }
        }
        return record
    }
}

/// A name as the API would accept it, nil when there is nothing of it to be seen, and what had to be changed.
private func fitted(_ text: String?) -> (name: String?, change: String?) {
    guard let text else { return (nil, nil) }
    let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
    let plain = String(String.UnicodeScalarView(scalars)).trimmedName()
    guard plain.hasVisibleCharacter else { return (nil, plain.isEmpty ? nil : "the name has nothing that can be seen") }
    let name = plain.cut(to: Name.longest).trimmedName()
    if !name.utf8.elementsEqual(plain.utf8) {
        return (name, "the name is longer than \(Name.longest) characters; now cut there")
    }
    return (
        name, plain.utf8.elementsEqual(text.trimmedName().utf8) ? nil : "the name has control characters; now spaces"
    )
}

extension User: Importable {
    static var kind: RecordKind { .users }
    static var lists: [WritableKeyPath<User, [Int]>] { [] }

    static func current(_ id: Int, _ writer: any TransferWriter) throws(StoreUnavailable) -> User? {
        try writer.user(id)
    }
    func put(_ writer: any TransferWriter) throws(StoreUnavailable) { try writer.put(self) }

    mutating func fitName() -> String? {
        let change: String?
        (username, change) = fitted(username)
        return change
    }

    func warning(replacing current: User) -> String? {
        role == current.role ? nil : "was \(current.role.rawValue) here; now \(role.rawValue)"
    }
}

extension Organisation: Importable {
    static var kind: RecordKind { .organisations }
    static var lists: [WritableKeyPath<Organisation, [Int]>] { [\.managers] }

    static func current(_ id: Int, _ writer: any TransferWriter) throws(StoreUnavailable) -> Organisation? {
        try writer.organisation(id)
    }
    func put(_ writer: any TransferWriter) throws(StoreUnavailable) { try writer.put(self) }

    mutating func fitName() -> String? {
        let change: String?
        (name, change) = fitted(name)
        return change
    }
}

extension Project: Importable {
    static var kind: RecordKind { .projects }
    static var lists: [WritableKeyPath<Project, [Int]>] { [\.managers, \.contributors] }

    static func current(_ id: Int, _ writer: any TransferWriter) throws(StoreUnavailable) -> Project? {
        try writer.project(id)
    }
    func put(_ writer: any TransferWriter) throws(StoreUnavailable) { try writer.put(self) }

    mutating func fitName() -> String? {
        let change: String?
        (name, change) = fitted(name)
        return change
    }
}

extension Campaign: Importable {
    static var kind: RecordKind { .campaigns }
    static var lists: [WritableKeyPath<Campaign, [Int]>] { [\.organisations, \.projects] }

    static func current(_ id: Int, _ writer: any TransferWriter) throws(StoreUnavailable) -> Campaign? {
        try writer.campaign(id)
    }
    func put(_ writer: any TransferWriter) throws(StoreUnavailable) { try writer.put(self) }

    mutating func fitName() -> String? {
        let (name, change) = fitted(name)
        self.name = name ?? "Campaign \(id)"
        return name == nil ? "has no name; now \(self.name)" : change
    }

    /// This campaign with a name that is free: where its own is not, the id is added, or else as many numbers as it takes.
    func renamed(while isTaken: (String) throws -> Bool) rethrows -> Campaign {
        var campaign = self
        var attempt = 1
        while try isTaken(campaign.name) {
            let suffix = attempt == 1 ? " (\(id))" : " (\(id)-\(attempt))"
            let room = Name.longest - suffix.unicodeScalars.count
            campaign.name = name.cut(to: room).trimmedName() + suffix
            attempt += 1
        }
        return campaign
    }
}

extension String {
    /// As many of the first Unicode scalars.
    func cut(to count: Int) -> String { String(String.UnicodeScalarView(unicodeScalars.prefix(count))) }
}
