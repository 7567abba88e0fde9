internal import Campaigns
internal import HTTPTypes
internal import JSON
internal import Messages
internal import Records
internal import Synchronization

/// A message that a user has, and what they have done with it.
struct ShownMessage: Sendable {
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
    func makingRoom(_ isMuch: Bool, _ body: () throws -> [UInt8]) rethrows -> Answer {
        var answer = Answer(.ok, .null)
        answer.body = isMuch ? try API.longTurn.withLock { _ in try body() } : try body()
        return answer
    }

    /// A message as the notifications show it.
    ///
    /// - Parameter isAbridged: whether there is no room for the whole.
    func json(
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

extension String {
    /// The beginning of a long text.
    var abridged: String {
        unicodeScalars.dropFirst(255).isEmpty ? self : String(unicodeScalars.prefix(255)) + "…"
    }
}
