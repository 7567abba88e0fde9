import Campaigns

/// A user as the command line names one: `id:94253`, `name:94253`, or either without a word where it is clear which is meant.
struct UserReference {
    private let text: String
    private let id: Int?
    private let name: String?

    /// - Throws: ``Failure`` when there is not an id behind `id:`.
    init(_ text: String) throws(Failure) {
        self.text = text
        if text.hasPrefix("name:") {
            (id, name) = (nil, String(text.dropFirst("name:".count)))
        } else if text.hasPrefix("id:") {
            guard let number = Self.id(text.dropFirst("id:".count)) else {
                throw .refused("\(text) names no id; where it is the name itself, say name:\(text)")
            }
            (id, name) = (number, nil)
        } else {
            (id, name) = (Self.id(text[...]), text)
        }
    }

    /// The id where that is what it must be: then no record is needed to know it.
    var exactID: Int? { name == nil ? id : nil }
    /// What would be the id, if nobody is called so.
    var possibleID: Int? { id }

    /// The id of the user who is meant.
    ///
    /// - Parameters:
    ///   - users: all that there are.
    ///   - needsRecord: whether an id has to be that of one of them.
    /// - Throws: ``Failure`` when there is none, or when several may be meant.
    func id(among users: [User], needsRecord: Bool = true) throws(Failure) -> Int {
        let called = name.map { name in users.filter { $0.isCalled(name) } } ?? []
        if let id, !needsRecord || users.contains(where: { $0.id == id }) {
            if let other = called.first(where: { $0.id != id }) {
                throw .refused(
                    "\(text) can be an id, and is the name of user \(other.id): say id:\(text) or name:\(text)")
            }
            return id
        }
        guard let found = called.first else {
            throw .refused(id.map { "there is no user \($0)" } ?? "there is no user called \(name ?? text)")
        }
        guard called.count == 1 else {
            let ids = called.map { "\($0.id)" }.joined(separator: ", ")
            throw .refused("several users are called \(name ?? text): \(ids); say which, such as id:\(found.id)")
        }
        return found.id
    }

    /// An id in its one spelling.
    private static func id(_ text: Substring) -> Int? {
        guard let id = Int(text), id >= 1, "\(id)" == text else { return nil }
        return id
    }
}

extension User {
    /// Whether this is the user's name, as names are compared.
    func isCalled(_ name: String) -> Bool { username?.trimmedName() == name.trimmedName() }
}
