public import JSON

/// Who changed what of a campaign: an entry of the history, written together with its change.
public struct ChangeEntry: Sendable, Equatable {
    /// What was done, by the names that the API shows.
    public enum Action: String, Sendable, CaseIterable {
        case created, updated, deleted
        case projectLinked = "project-linked"
        case projectUnlinked = "project-unlinked"
        case organisationLinked = "organisation-linked"
        case organisationUnlinked = "organisation-unlinked"
        case messageSent = "message-sent"
    }

    /// What can be linked to a campaign.
    public enum Linked: Sendable {
        case project(Int)
        case organisation(Int)
    }

    /// Rises with every entry. 0: the entry has not been written yet.
    public var id = 0
    /// In UTC, as RFC 3339 has it, with six digits of a second; empty until the entry is written.
    public var date = ""
    public let user: Int
    public let campaign: Int
    /// The name after the change; of a campaign that was deleted its last.
    public let campaignName: String
    public let action: Action
    /// For each field that changed an object with `from` and `to`.
    public let fields: JSONObject

    private init(_ action: Action, of campaign: Campaign, by user: Int, _ fields: JSONObject = [:]) {
        self.user = user
        self.campaign = campaign.id
        campaignName = campaign.name
        self.action = action
        self.fields = fields
    }

    // MARK: What is done to a campaign

    public static func creation(of campaign: Campaign, by user: Int) -> ChangeEntry {
        var fields = JSONObject()
        for member in shown(campaign) where member.value != .null && member.value != [] {
            fields.append(member.name, difference(.null, member.value))
        }
        return ChangeEntry(.created, of: campaign, by: user, fields)
    }

    public static func update(of campaign: Campaign, to changed: Campaign, by user: Int) -> ChangeEntry {
        var fields = JSONObject()
        // By their bytes: two spellings of a text that are canonically equivalent are equal to Swift.
        for (old, new) in zip(shown(campaign), shown(changed)) where old.value.compact != new.value.compact {
            fields.append(old.name, difference(old.value, new.value))
        }
        return ChangeEntry(.updated, of: changed, by: user, fields)
    }

    public static func deletion(of campaign: Campaign, by user: Int) -> ChangeEntry {
        ChangeEntry(.deleted, of: campaign, by: user)
    }

    public static func link(_ linked: Linked, of campaign: Campaign, by user: Int) -> ChangeEntry {
        switch linked {
        case .project(let id):
            ChangeEntry(.projectLinked, of: campaign, by: user, ["project": difference(.null, .integer(id))])
        case .organisation(let id):
            ChangeEntry(.organisationLinked, of: campaign, by: user, ["organisation": difference(.null, .integer(id))])
        }
    }

    public static func unlink(_ linked: Linked, of campaign: Campaign, by user: Int) -> ChangeEntry {
        switch linked {
        case .project(let id):
            ChangeEntry(.projectUnlinked, of: campaign, by: user, ["project": difference(.integer(id), .null)])
        case .organisation(let id):
            ChangeEntry(
                .organisationUnlinked, of: campaign, by: user, ["organisation": difference(.integer(id), .null)])
        }
    }

    public static func message(to campaign: Campaign, by user: Int) -> ChangeEntry {
        ChangeEntry(.messageSent, of: campaign, by: user)
    }

    private static func difference(_ old: JSONValue, _ new: JSONValue) -> JSONValue { ["from": old, "to": new] }

    /// What the history says of a campaign, in its order.
    private static func shown(_ campaign: Campaign) -> [JSONObject.Member] {
        let object: JSONObject = [
            "name": .string(campaign.name), "logo": JSONValue(campaign.logo), "url": JSONValue(campaign.url),
            "description": JSONValue(campaign.description), "organisations": JSONValue(campaign.organisations),
        ]
        return object.members
    }

    // MARK: As the data folder keeps it

    /// Ids beyond this one are none: not every reader of JSON tells them apart.
    private static let mostID = 1 << 53

    /// Reads an entry as the data folder keeps it.
    ///
    /// - Throws: ``RecordError``.
    public init(_ json: JSONValue) throws(RecordError) {
        guard case .object(let object) = json else { throw RecordError("it is \(json.kind), not an object") }
        guard !json.hasNUL else { throw RecordError("it has a NUL in a text") }
        func id(_ key: String) throws(RecordError) -> Int {
            guard let id = object[key]?.wholeNumber, 1...Self.mostID ~= id else {
                throw RecordError("\(key) is not an id")
            }
            return id
        }
        func text(_ key: String) throws(RecordError) -> String {
            guard case .string(let text) = object[key] else { throw RecordError("\(key) is no text") }
            return text
        }
        self.id = try id("changeId")
        user = try id("userId")
        campaign = try id("campaignId")
        date = try text("date")
        campaignName = try text("campaignName")
        guard let action = Action(rawValue: try text("action")) else { throw RecordError("there is no such action") }
        self.action = action
        guard case .object(let fields) = object["fields"] else { throw RecordError("fields is no object") }
        for member in fields.members {
            guard case .object(let values) = member.value, values["from"] != nil, values["to"] != nil else {
                throw RecordError("fields does not say from what and to what")
            }
        }
        self.fields = fields
    }

    /// The members in the order that the data folder documents.
    public var json: JSONValue {
        [
            "changeId": .integer(id), "date": .string(date), "userId": .integer(user),
            "campaignId": .integer(campaign), "campaignName": .string(campaignName),
            "action": .string(action.rawValue), "fields": .object(fields),
        ]
    }
}
