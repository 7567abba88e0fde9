internal import Campaigns
internal import JSON
internal import Records

/// The users, found by id and by name.
struct UserIndex: Sendable {
    private struct Name: Sendable {
        let text: String
        let folded: FoldedText
    }

    private let users: [Int: User]
    /// The lowest id of those that have a name. String's == is that of canonical equivalence, as names are compared.
    private let owners: [String: Int]
    private let names: [Name]

    /// - Parameter users: by rising id.
    init(_ users: [User]) {
        self.users = Dictionary(users.map { ($0.id, $0) }) { first, _ in first }
        let named = users.compactMap { user in user.username.map { (name: $0, id: user.id) } }
        owners = Dictionary(named.map { ($0.name, $0.id) }) { first, _ in first }
        names = named.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
            .map { Name(text: $0.name, folded: FoldedText($0.name)) }
    }

    subscript(id: Int) -> User? { users[id] }

    func user(named name: String) -> User? { owners[name].flatMap { users[$0] } }

    /// The names that begin with a text, letter case and accents aside, by name.
    func names(beginningWith text: String) -> [String] {
        let text = FoldedText(text)
        return names.filter { $0.folded.hasPrefix(text) }.map(\.text)
    }
}

extension Call {
    /// All users.
    ///
    /// - Throws: as ``Kept/value(_:of:_:)``.
    func users() throws -> UserIndex {
        try api.users.value(self, of: { try $0.allUsers() }, UserIndex.init)
    }
}

extension User {
    /// What others may see, and with it what is for the user alone.
    ///
    /// - Parameter isOwn: whether it is the user who asks.
    func json(isOwn: Bool) -> JSONValue {
        [
            "id": .integer(id), "username": JSONValue(username), "role": .string(role.rawValue),
            "pictureUrl": JSONValue(pictureUrl), "emailAddress": isOwn ? JSONValue(emailAddress) : .null,
            "projectsNotifications": isOwn ? .bool(projectsNotifications) : .null,
        ]
    }
}
