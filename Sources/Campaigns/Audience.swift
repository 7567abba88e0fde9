/// What decides who gets a message.
public struct Audience: Sendable {
    /// The users who have contributed to each of the projects.
    public let contributors: [[Int]]
    /// The users who want no messages.
    public let optedOut: Set<Int>
    /// What cannot be read now: projects, and any users.
    public let unreadableProjects: [Int]
    public let unreadableUsers: Set<Int>

    public init(
        contributors: [[Int]], optedOut: Set<Int>, unreadableProjects: [Int] = [], unreadableUsers: Set<Int> = []
    ) {
        self.contributors = contributors
        self.optedOut = optedOut
        self.unreadableProjects = unreadableProjects
        self.unreadableUsers = unreadableUsers
    }

    /// Who gets the message, by rising id.
    public func recipients(besides sender: Int) -> [Int] {
        var last: Int?
        return contributors.flatMap(\.self).sorted().filter { id in
            defer { last = id }
            return id != last && id != sender && !optedOut.contains(id)
        }
    }

    /// The records without which nobody can say who gets the message.
    public func lacks(among recipients: [Int]) -> [RecordRef] {
        let users = unreadableUsers.isEmpty ? [] : recipients.filter(unreadableUsers.contains)
        return unreadableProjects.map { RecordRef(.projects, $0) } + users.map { RecordRef(.users, $0) }
    }
}
