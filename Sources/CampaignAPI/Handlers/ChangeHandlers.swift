internal import Campaigns
internal import JSON
internal import Records
internal import Synchronization

extension API {
    /// Bytes of a page after which long texts are only begun: a hundred entries with the longest would be 200 MB.
    private static let fullPage = 8 << 20

    @Sendable static func listChanges(_ call: Call) throws -> Answer {
        try changes(call, ofCampaign: nil, PageQuery(call.query, pageSize: 20, largest: 100))
    }

    @Sendable static func listCampaignChanges(_ call: Call) throws -> Answer {
        let id = call.id()
        let query = try PageQuery(call.query, pageSize: 20, largest: 100)
        guard try id <= call.store.highestCampaignEver() else { throw Problem.campaignNotFound(id) }
        return try changes(call, ofCampaign: id, query)
    }

    private static func changes(_ call: Call, ofCampaign campaign: Int?, _ query: PageQuery) throws -> Answer {
        let users = try call.users()
        var page = Page(query, total: 0)
        let texts = try longTurn.withLock { _ in
            try call.store.changes(
                ofCampaign: campaign,
                { total in
                    page = Page(query, total: total)
                    return page.range
                },
                { (entry: ChangeEntry, made: [[UInt8]]) -> [UInt8] in
                    let isAbridged = made.reduce(0) { $0 + $1.count } > fullPage
                    return entry.json(username: users[entry.user]?.username, isAbridged: isAbridged).compact
                })
        }
        var body = Array(#"{"pagination":"#.utf8)
        page.json.write(to: &body)
        body.append(utf8: #","changes":["#)
        body += texts.joined(separator: [UInt8(ascii: ",")])
        body.append(utf8: "]}")
        return Answer(body: body)
    }
}

extension ChangeEntry {
    /// - Parameters:
    ///   - username: the user's name today.
    ///   - isAbridged: whether there is no room for long texts.
    fileprivate func json(username: String?, isAbridged: Bool) -> JSONValue {
        [
            "changeId": .integer(id), "date": .string(date), "userId": .integer(user), "username": JSONValue(username),
            "campaignId": .integer(campaign), "campaignName": .string(campaignName),
            "action": .string(action.rawValue),
            "fields": isAbridged ? JSONValue.object(fields).abridged : .object(fields),
        ]
    }
}

extension JSONValue {
    /// With the beginnings of long texts instead of these.
    fileprivate var abridged: JSONValue {
        switch self {
        case .string(let text): .string(text.abridged)
        case .object(let object):
            .object(
                object.members.reduce(into: JSONObject()) { $0.append($1.name, $1.value.abridged) })
        default: self
        }
    }
}
