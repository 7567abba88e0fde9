internal import Campaigns
internal import Records

/// The types of messages that a client means; all of them, when it names none.
struct MessageTypes {
    let includeBroadcasts: Bool

    /// The number of BROADCAST among the Tasking Manager's types of messages.
    private static let broadcast = 2

    init(_ query: Query) throws(Problem) {
        includeBroadcasts = try query.numbers("messageType")?.contains(Self.broadcast) ?? true
    }
}

/// What a client wants to see of its notifications.
struct NotificationQuery {
    let page: PageQuery
    /// nil: both.
    private let isRead: Bool?
    private let sortsByRead: Bool
    private let isAscending: Bool
    private let includesBroadcasts: Bool
    private let from: String

    init(_ query: Query) throws(Problem) {
        page = try PageQuery(query, pageSize: 10, largest: 100)
        isRead =
            switch try query.text("status") {
            case "read": true
            case "unread": false
            default: nil
            }
        sortsByRead = try query.text("sortBy")?.lowercased() == "read"
        isAscending = try query.text("sortDirection")?.lowercased() == "asc"
        // A BROADCAST belongs to no project and to no task, so every one is another.
        let projects = try query.numbers("project")
        let tasks = try query.numbers("taskId")
        includesBroadcasts = try MessageTypes(query).includeBroadcasts && projects == nil && tasks == nil
        from = (try query.text("from") ?? "").lowercased()
    }

    /// The messages asked for, in the order asked for.
    ///
    /// - Parameter ids: all that the user has, oldest first.
    func selected(_ ids: [Int], _ user: Int, _ records: any RecordReader) throws -> [Int] {
        var selected = includesBroadcasts ? ids : []
        if let isRead { selected = try selected.filter { try records.isRead($0, by: user) == isRead } }
        if !from.isEmpty {
            selected = try selected.filter { id in
                try records.outline(ofMessage: id)?.senderName.lowercased().hasPrefix(from) == true
            }
        }
        if sortsByRead {
            let newestFirst = Array(selected.reversed())
            let read = try newestFirst.filter { try records.isRead($0, by: user) }
            let unread = try newestFirst.filter { try !records.isRead($0, by: user) }
            return isAscending ? unread + read : read + unread
        }
        return isAscending ? selected : selected.reversed()
    }
}
