internal import Campaigns
internal import FastCGI
internal import HTTPTypes
internal import JSON
internal import Messages
internal import Records
internal import Synchronization

extension API {
    /// Held while an answer with much text is made, which takes several times its size.
    static let longTurn = Mutex(())
    /// Bytes after which a page says of messages only that they are there, but for short ones: a hundred of the longest would
    /// be half a gigabyte, and many may be on their way at once.
    private static let fullPage = 8 << 20

    @Sendable static func listNotifications(_ call: Call) throws -> Answer {
        let query = try NotificationQuery(call.query)
        let user = call.userID ?? 0
        let (page, messages) = try call.store.read { records in
            let ids = try query.selected(records.messages(of: user), user, records)
            let page = Page(query.page, total: ids.count)
            return (page, try ids[page.range].compactMap { try Shown($0, user, records) })
        }
        return try call.makingRoom(messages.reduce(0) { $0 + $1.size } > Shown.much) {
            var body = Array(#"{"pagination":"#.utf8)
            page.json.write(to: &body)
            body.append(utf8: #","userMessages":["#)
            var isFirst = true
            // One after the other, so that no more than one long message is in memory besides the page.
            for shown in messages {
                guard let message = try shown.message(call.store) else { continue }
                if !isFirst { body.append(UInt8(ascii: ",")) }
                isFirst = false
                let isAbridged = shown.size > Shown.short && body.count > fullPage
                call.json(message, isRead: shown.isRead, isAbridged: isAbridged).write(to: &body)
            }
            body.append(utf8: "]}")
            return body
        }
    }

    @Sendable static func getNotification(_ call: Call) throws -> Answer {
        let (id, user) = (call.id(), call.userID ?? 0)
        let (shown, mayChange) = try call.store.read { records in
            try records.checkReadable(message: id)
            try checkOwner(id, user, isThere: try records.recipientCount(ofMessage: id) != nil, records.isDelivered)
            guard try !records.isDeleted(id, by: user), let shown = try Shown(id, user, records) else {
                throw Problem.messageNotFound(id)
            }
            return (shown, try records.user(user)?.role != .readOnly)
        }
        // Before it counts as read.
        guard let message = try shown.message(call.store) else { throw Problem.messageNotFound(id) }
        // HEAD is safe (RFC 9110, 9.2.1): who asks with it has read nothing.
        if !shown.isRead, mayChange, call.request.head.method == .get {
            try call.store.write { try $0.markAsRead([id], by: user) }
        }
        return call.makingRoom(shown.size > Shown.much) {
            call.json(message, isRead: shown.isRead, isSingle: true).compact
        }
    }

    @Sendable static func deleteNotification(_ call: Call) throws -> Answer {
        let (id, user) = (call.id(), call.userID ?? 0)
        try call.store.write { writer in
            try checkOwner(id, user, isThere: try writer.hasDelivered(id), writer.isDelivered)
            guard try writer.messages(of: user).contains(id) else { throw Problem.messageNotFound(id) }
            try writer.deleteMessages([id], for: user)
        }
        call.changed("notifications-deleted")
        return Answer(["Success": "Message deleted"])
    }

    @Sendable static func countUnread(_ call: Call) throws -> Answer {
        let user = call.userID ?? 0
        let unread = try call.store.read { try $0.newMessages(of: user) }
        return Answer(["newMessages": .bool(unread > 0), "unread": .integer(unread)])
    }

    /// Says how many are new, and from then on counts only what comes later.
    @Sendable static func postUnread(_ call: Call) throws -> Answer {
        let user = call.userID ?? 0
        let unread = try call.store.write { writer in
            let unread = try writer.newMessages(of: user)
            try writer.markAllAsNoticed(by: user)
            return unread
        }
        call.changed("notifications-noticed")
        return Answer(.integer(unread))
    }

    @Sendable static func markAllAsRead(_ call: Call) throws -> Answer {
        let user = call.userID ?? 0
        if try MessageTypes(call.query).includeBroadcasts {
            try call.store.write { try $0.markAsRead(Set($0.messages(of: user)), by: user) }
        }
        call.changed("notifications-read")
        return Answer(["Success": "Messages marked as read"])
    }

    @Sendable static func markAsRead(_ call: Call) throws -> Answer {
        try change(call) { writer, ids, user in try writer.markAsRead(ids, by: user) }
        call.changed("notifications-read")
        return Answer(["Success": "Messages marked as read"])
    }

    @Sendable static func deleteAllNotifications(_ call: Call) throws -> Answer {
        let user = call.userID ?? 0
        if try MessageTypes(call.query).includeBroadcasts {
            try call.store.write { try $0.deleteMessages(Set($0.messages(of: user)), for: user) }
        }
        call.changed("notifications-deleted")
        return Answer(["Success": "Messages deleted"])
    }

    @Sendable static func deleteNotifications(_ call: Call) throws -> Answer {
        try change(call) { writer, ids, user in try writer.deleteMessages(ids, for: user) }
        call.changed("notifications-deleted")
        return Answer(["Success": "Messages deleted"])
    }

    /// Changes what a user has of the messages that the body names. Ids of messages that are not there (any more) do not
    /// matter; one that is another user's refuses the whole request.
    private static func change(
        _ call: Call, _ body: @escaping @Sendable (any RecordWriter, Set<Int>, Int) throws -> Void
    ) throws {
        guard case .array(let items) = try call.object()["messageIds"] else {
            throw Problem.invalid("messageIds must be an array of ids")
        }
        let ids = Set(
            try items.map { item in
                guard let id = item.wholeNumber else { throw Problem.invalid("messageIds must hold ids alone") }
                return id
            })
        let user = call.userID ?? 0
        try call.store.write { writer in
            guard try ids.allSatisfy({ try !writer.hasDelivered($0) || writer.isDelivered($0, to: user) })
            else {
                throw Problem.accessOtherUserMessage
            }
            try body(writer, ids.intersection(writer.messages(of: user)), user)
        }
    }

    /// - Throws: ``Problem`` 403 for another's message, 404 when there is none.
    private static func checkOwner(
        _ id: Int, _ user: Int, isThere: Bool, _ isDelivered: (Int, Int) throws -> Bool
    ) throws {
        guard isThere else { throw Problem.messageNotFound(id) }
        guard try isDelivered(id, user) else { throw Problem.accessOtherUserMessage }
    }
}

/// A message that a user has, and what they have done with it.
private struct Shown: Sendable {
    private let id: Int
    /// nil: it is long, and read when it is to be shown.
    private let message: Message?
    let isRead: Bool

    init?(_ id: Int, _ user: Int, _ records: any RecordReader) throws {
        guard try records.outline(ofMessage: id) != nil else { return nil }
        self.id = id
        message = try records.isLongMessage(id) ? nil : try records.message(id)
        isRead = try records.isRead(id, by: user)
    }

    /// Bytes of text, of which HTML is made. A long one has as many as a message can.
    var size: Int { message.map { $0.text.utf8.count } ?? Self.much + 1 }
    /// What has no more is shown wherever it stands.
    static let short = 2 << 10
    /// Where there is more, only one answer at a time is made.
    static let much = 64 << 10

    /// nil when it has gone.
    func message(_ store: any RecordStore) throws -> Message? {
        try message ?? store.read { try $0.message(id) }
    }
}

extension Call {
    /// Makes an answer; of those with much text one at a time, for else a few at once take all memory there is.
    fileprivate func makingRoom(_ isMuch: Bool, _ body: () throws -> [UInt8]) rethrows -> Answer {
        var answer = Answer(.ok, .null)
        answer.body = isMuch ? try API.longTurn.withLock { _ in try body() } : try body()
        return answer
    }

    /// A message as the notifications show it.
    ///
    /// - Parameter isAbridged: whether there is no room for the whole.
    fileprivate func json(
        _ message: Message, isRead: Bool, isSingle: Bool = false, isAbridged: Bool = false
    ) -> JSONValue {
        var object: JSONObject = [
            "messageId": .integer(message.id),
            "subject": .string(isAbridged ? message.subject.abridged : message.subject),
            "message": .string(isAbridged ? api.html.abridged(message) : api.html.html(message)),
        ]
        if isSingle { object.append("fromUserId", .integer(message.sender)) }
        object.append("fromUsername", .string(message.senderName))
        object.append("displayPictureUrl", JSONValue(message.senderPicture))
        for key in ["projectId", "projectTitle", "taskId"] { object.append(key, .null) }
        object.append("messageType", "BROADCAST")
        object.append("sentDate", .string(message.sentDate))
        object.append("read", .bool(isRead))
        return .object(object)
    }
}

/// The types of messages that a client means; all of them, when it names none.
private struct MessageTypes {
    let includeBroadcasts: Bool

    /// The number of BROADCAST among the Tasking Manager's types of messages.
    private static let broadcast = 2

    init(_ query: Query) throws(Problem) {
        includeBroadcasts = try query.numbers("messageType")?.contains(Self.broadcast) ?? true
    }
}

/// What a client wants to see of its notifications.
private struct NotificationQuery {
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

extension String {
    /// The beginning of a long text.
    var abridged: String {
        unicodeScalars.dropFirst(255).isEmpty ? self : String(unicodeScalars.prefix(255)) + "…"
    }
}
