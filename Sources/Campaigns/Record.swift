public import JSON

/// What the data folder keeps, one JSON file a record, named by its id.
public protocol Record: Sendable, Equatable {
    /// The key that holds the id.
    static var idKey: String { get }

    var id: Int { get }

    /// Reads a record as the data folder keeps it.
    ///
    /// - Throws: ``RecordError`` that names the key and what is wrong with it.
    init(_ members: RecordMembers) throws(RecordError)

    /// The members in the order that the data folder documents, with unknown ones where they stand among them.
    var json: JSONValue { get }
}

/// What is wrong with a record.
public struct RecordError: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// The members of a record while it is read: those that were asked for, and the rest.
public struct RecordMembers {
    private let object: JSONObject

    /// - Throws: ``RecordError`` when `json` is no object, or its id is not `id`.
    public init(_ json: JSONValue, id: Int, idKey: String) throws(RecordError) {
        guard case .object(let object) = json else { throw RecordError("it is \(json.kind), not an object") }
        guard !json.hasNUL else { throw RecordError("it has a NUL in a text") }
        self.object = object
        self.id = id
        if let found = try self.id(idKey), found != id {
            throw RecordError("\(idKey) is \(found), but the file is named \(id).json")
        }
    }

    private init(_ object: JSONObject, id: Int) {
        self.object = object
        self.id = id
    }

    /// The id, as the file's name gives it.
    public let id: Int

    func text(_ key: String) throws(RecordError) -> String? {
        switch object[key] {
        case nil, .null: return nil
        case .string(let text): return text
        case .some(let value): throw RecordError("\(key) is \(value.kind), not a text")
        }
    }

    func flag(_ key: String) throws(RecordError) -> Bool? {
        switch object[key] {
        case nil, .null: return nil
        case .bool(let flag): return flag
        case .some(let value): throw RecordError("\(key) is \(value.kind), not true or false")
        }
    }

    func number(_ key: String) throws(RecordError) -> Int? {
        guard let value = object[key], value != .null else { return nil }
        guard let number = value.wholeNumber else { throw RecordError("\(key) is not a whole number") }
        return number
    }

    /// One of a few words.
    func word<Word: RawRepresentable & CaseIterable>(_ key: String) throws(RecordError) -> Word?
    where Word.RawValue == String {
        guard let text = try text(key) else { return nil }
        guard let word = Word(rawValue: text) else {
            throw RecordError("\(key) is none of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    func id(_ key: String) throws(RecordError) -> Int? {
        guard let value = object[key], value != .null else { return nil }
        guard let id = value.wholeNumber, id >= 1 else { throw RecordError("\(key) is not an id") }
        return id
    }

    /// A list of ids without repeats; the first of each stays.
    func ids(_ key: String) throws(RecordError) -> [Int] {
        switch object[key] {
        case nil, .null: return []
        case .array(let elements):
            var ids: [Int] = []
            ids.reserveCapacity(elements.count)
            for element in elements {
                guard let id = element.wholeNumber, id >= 1 else {
                    throw RecordError("\(key) holds something that is not an id")
                }
                ids.append(id)
            }
            return ids.withoutRepeats()
        case .some(let value): throw RecordError("\(key) is \(value.kind), not an array of ids")
        }
    }

    func count(_ key: String) throws(RecordError) -> Int { try optionalCount(key) ?? 0 }

    func optionalCount(_ key: String) throws(RecordError) -> Int? {
        switch object[key] {
        case nil, .null: return nil
        case .some(let value):
            guard let count = value.wholeNumber, count >= 0 else { throw RecordError("\(key) is not a count") }
            return count
        }
    }

    /// An object inside of the record.
    func object(_ key: String) throws(RecordError) -> RecordMembers? {
        switch object[key] {
        case nil, .null: return nil
        case .object(let inner): return RecordMembers(inner, id: id)
        case .some(let value): throw RecordError("\(key) is \(value.kind), not an object")
        }
    }

    /// An array of objects inside of the record.
    func objects(_ key: String) throws(RecordError) -> [RecordMembers] {
        switch object[key] {
        case nil, .null: return []
        case .array(let elements):
            return try elements.map { element throws(RecordError) in
                guard case .object(let inner) = element else { throw RecordError("\(key) holds \(element.kind)") }
                return RecordMembers(inner, id: id)
            }
        case .some(let value): throw RecordError("\(key) is \(value.kind), not an array")
        }
    }

    func ranges(_ key: String) throws(RecordError) -> IDRanges {
        try IDRanges(object[key], key)
    }

    /// What the record holds besides the keys that are its own.
    func other(than known: [String]) -> OtherMembers { OtherMembers(of: object, besides: known) }
}

extension [Int] {
    /// The same numbers in the same order, each once.
    public func withoutRepeats() -> [Int] {
        // Nearly all lists rise, and some are long.
        if !zip(self, dropFirst()).contains(where: { $0 >= $1 }) { return self }
        var seen = Set<Int>()
        return filter { seen.insert($0).inserted }
    }
}

extension JSONValue {
    /// A record's members in order, with those that are not the service's own where they stand.
    fileprivate init(_ members: JSONObject, and other: OtherMembers) {
        self = .object(other.joined(with: members))
    }
}

extension Campaign: Record {
    public static let idKey = "id"

    public init(_ members: RecordMembers) throws(RecordError) {
        guard let name = try members.text("name"), !name.isEmpty else { throw RecordError("name is missing") }
        self.init(
            id: members.id, name: name, logo: try members.text("logo"), url: try members.text("url"),
            description: try members.text("description"), organisations: try members.ids("organisations"),
            projects: try members.ids("projects"),
            other: members.other(than: ["id", "name", "logo", "url", "description", "organisations", "projects"]))
    }

    public var json: JSONValue {
        JSONValue(
            [
                "id": .integer(id), "name": .string(name), "logo": JSONValue(logo), "url": JSONValue(url),
                "description": JSONValue(description), "organisations": JSONValue(organisations),
                "projects": JSONValue(projects),
            ], and: other)
    }
}

extension Organisation: Record {
    public static let idKey = "organisationId"

    public init(_ members: RecordMembers) throws(RecordError) {
        self.init(
            id: members.id, name: try members.text("name"), slug: try members.text("slug"),
            logo: try members.text("logo"), url: try members.text("url"),
            description: try members.text("description"), type: try members.word("type"),
            subscriptionTier: try members.number("subscriptionTier"), managers: try members.ids("managers"),
            other: members.other(than: [
                "organisationId", "name", "slug", "logo", "url", "description", "type", "subscriptionTier", "managers",
            ]))
    }

    public var json: JSONValue {
        JSONValue(
            [
                "organisationId": .integer(id), "name": JSONValue(name), "slug": JSONValue(slug),
                "logo": JSONValue(logo), "url": JSONValue(url), "description": JSONValue(description),
                "type": JSONValue(type?.rawValue), "subscriptionTier": JSONValue(subscriptionTier),
                "managers": JSONValue(managers),
            ], and: other)
    }
}

extension Project: Record {
    public static let idKey = "projectId"

    public init(_ members: RecordMembers) throws(RecordError) {
        self.init(
            id: members.id, name: try members.text("name"), shortDescription: try members.text("shortDescription"),
            status: try members.word("status"), percentMapped: try members.number("percentMapped"),
            percentValidated: try members.number("percentValidated"), author: try members.id("author"),
            organisation: try members.id("organisation"), managers: try members.ids("managers"),
            contributors: try members.ids("contributors"),
            other: members.other(than: [
                "projectId", "name", "shortDescription", "status", "percentMapped", "percentValidated", "author",
                "organisation", "managers", "contributors",
            ]))
    }

    public var json: JSONValue {
        JSONValue(
            [
                "projectId": .integer(id), "name": JSONValue(name), "shortDescription": JSONValue(shortDescription),
                "status": JSONValue(status?.rawValue), "percentMapped": JSONValue(percentMapped),
                "percentValidated": JSONValue(percentValidated), "author": JSONValue(author),
                "organisation": JSONValue(organisation), "managers": JSONValue(managers),
                "contributors": JSONValue(contributors),
            ], and: other)
    }
}

extension User: Record {
    public static let idKey = "id"

    public init(_ members: RecordMembers) throws(RecordError) {
        self.init(
            id: members.id, username: try members.text("username"), role: try members.word("role") ?? .mapper,
            pictureUrl: try members.text("pictureUrl"), emailAddress: try members.text("emailAddress"),
            projectsNotifications: try members.flag("projectsNotifications") ?? true,
            other: members.other(
                than: ["id", "username", "role", "pictureUrl", "emailAddress", "projectsNotifications"]))
    }

    public var json: JSONValue {
        JSONValue(
            [
                "id": .integer(id), "username": JSONValue(username), "role": .string(role.rawValue),
                "pictureUrl": JSONValue(pictureUrl), "emailAddress": JSONValue(emailAddress),
                "projectsNotifications": .bool(projectsNotifications),
            ], and: other)
    }
}

extension Message: Record {
    public static let idKey = "messageId"

    public init(_ members: RecordMembers) throws(RecordError) {
        guard let campaign = try members.id("campaign"), let sender = try members.id("sender"),
            let sentDate = try members.text("sentDate")
        else { throw RecordError("campaign, sender or sentDate is missing") }
        self.init(
            id: members.id, campaign: campaign, campaignName: try members.text("campaignName") ?? "", sender: sender,
            senderName: try members.text("senderName") ?? "", senderPicture: try members.text("senderPicture"),
            subject: try members.text("subject") ?? "", text: try members.text("message") ?? "", sentDate: sentDate,
            projects: try members.ids("projects"))
        other = members.other(than: [
            "messageId", "campaign", "campaignName", "sender", "senderName", "senderPicture", "subject", "message",
            "sentDate", "projects",
        ])
    }

    public var json: JSONValue {
        JSONValue(
            [
                "messageId": .integer(id), "campaign": .integer(campaign), "campaignName": .string(campaignName),
                "sender": .integer(sender), "senderName": .string(senderName),
                "senderPicture": JSONValue(senderPicture), "subject": .string(subject), "message": .string(text),
                "sentDate": .string(sentDate), "projects": JSONValue(projects),
            ], and: other)
    }
}

extension Delivery: Record {
    public static let idKey = "messageId"

    public init(_ members: RecordMembers) throws(RecordError) {
        self.init(id: members.id, recipients: try members.ids("recipients").sorted())
        other = members.other(than: ["messageId", "recipients"])
    }

    public var json: JSONValue {
        JSONValue(["messageId": .integer(id), "recipients": JSONValue(recipients)], and: other)
    }
}

extension Mailing: Record {
    public static let idKey = "messageId"

    public init(_ members: RecordMembers) throws(RecordError) {
        self.init(id: members.id, handled: try members.count("handled"), failed: try members.ids("failed"))
        retrying = min(try members.count("retrying"), failed.count)
        waiting = try members.objects("waiting").map { members throws(RecordError) in
            guard let user = try members.id("user") else { throw RecordError("waiting names no user") }
            return Attempts(
                user: user, count: try members.count("attempts"), since: try members.count("since"),
                next: try members.count("next"))
        }
        outage = try members.object("outage").map { members throws(RecordError) in
            Outage(
                count: try members.count("attempts"), since: try members.count("since"),
                next: try members.optionalCount("next"))
        }
        other = members.other(than: ["messageId", "handled", "failed", "retrying", "waiting", "outage"])
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "messageId": .integer(id), "handled": .integer(handled), "failed": JSONValue(failed),
        ]
        if retrying > 0 { object.append("retrying", .integer(retrying)) }
        if !waiting.isEmpty {
            object.append(
                "waiting",
                .array(
                    waiting.map { attempts in
                        [
                            "user": .integer(attempts.user), "attempts": .integer(attempts.count),
                            "since": .integer(attempts.since), "next": .integer(attempts.next),
                        ]
                    }))
        }
        if let outage {
            object.append(
                "outage",
                [
                    "attempts": .integer(outage.count), "since": .integer(outage.since),
                    "next": outage.next.map { .integer($0) } ?? .null,
                ])
        }
        return JSONValue(object, and: other)
    }
}

extension ReadState: Record {
    public static let idKey = "id"

    public init(_ members: RecordMembers) throws(RecordError) {
        self.init(id: members.id, read: try members.ranges("read"), deleted: try members.ranges("deleted"))
        noticed = try members.ranges("noticed")
        other = members.other(than: ["id", "read", "deleted", "noticed"])
    }

    public var json: JSONValue {
        var object: JSONObject = ["id": .integer(id), "read": read.json, "deleted": deleted.json]
        if !noticed.isEmpty { object.append("noticed", noticed.json) }
        return JSONValue(object, and: other)
    }
}
