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
            return (page, try ids[page.range].compactMap { try ShownMessage($0, user, records) })
        }
        return try call.makingRoom(messages.reduce(0) { $0 + $1.size } > ShownMessage.much) {
            var body = Array(#"{"pagination":"#.utf8)
            page.json.write(to: &body)
            body.append(utf8: #","userMessages":["#)
            var isFirst = true
            // One after the other, so that no more than one long message is in memory besides the page.
            for shown in messages {
                guard let message = try shown.message(call.store) else { continue }
                if !isFirst { body.append(UInt8(ascii: ",")) }
                isFirst = false
                let isAbridged = shown.size > ShownMessage.short && body.count > fullPage
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
            guard try !records.isDeleted(id, by: user), let shown = try ShownMessage(id, user, records) else {
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
        return call.makingRoom(shown.size > ShownMessage.much) {
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
        try changeAll(call, markingAsRead)
        return marked(call)
    }

    @Sendable static func markAsRead(_ call: Call) throws -> Answer {
        try changeNamed(call, markingAsRead)
        return marked(call)
    }

    @Sendable static func deleteAllNotifications(_ call: Call) throws -> Answer {
        try changeAll(call, deleting)
        return deleted(call)
    }

    @Sendable static func deleteNotifications(_ call: Call) throws -> Answer {
        try changeNamed(call, deleting)
        return deleted(call)
    }

    /// What is done with some of the messages that a user has.
    private typealias Change = @Sendable (any RecordWriter, Set<Int>, Int) throws -> Void
    private static let markingAsRead: Change = { try $0.markAsRead($1, by: $2) }
    private static let deleting: Change = { try $0.deleteMessages($1, for: $2) }

    private static func marked(_ call: Call) -> Answer {
        call.changed("notifications-read")
        return Answer(["Success": "Messages marked as read"])
    }

    private static func deleted(_ call: Call) -> Answer {
        call.changed("notifications-deleted")
        return Answer(["Success": "Messages deleted"])
    }

    private static func changeAll(_ call: Call, _ change: @escaping Change) throws {
        let user = call.userID ?? 0
        guard try MessageTypes(call.query).includeBroadcasts else { return }
        try call.store.write { try change($0, Set($0.messages(of: user)), user) }
    }

    /// Changes what a user has of the messages that the body names. Ids of messages that are not there (any more) do not
    /// matter; one that is another user's refuses the whole request.
    private static func changeNamed(_ call: Call, _ change: @escaping Change) throws {
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
            try change(writer, ids.intersection(writer.messages(of: user)), user)
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
