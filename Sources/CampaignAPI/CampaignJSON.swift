public import Campaigns
internal import JSON
public import Records

/// Campaigns as the API shows them.
public struct CampaignJSON: CampaignRendering {
    public init() {}

    public var version: Int { 1 }

    public func opening(of campaign: Campaign) -> [UInt8] {
        var text = JSONValue.object([
            "id": .integer(campaign.id), "name": .string(campaign.name), "logo": JSONValue(campaign.logo),
            "url": JSONValue(campaign.url), "description": JSONValue(campaign.description),
        ]).compact
        text.removeLast()
        text.append(utf8: #","organisations":"#)
        return text
    }

    public func campaign(opening: [UInt8], organisations: [Organisation]) -> [UInt8] {
        var text = opening
        JSONValue.array(
            organisations.map { organisation in
                [
                    "organisationId": .integer(organisation.id), "name": JSONValue(organisation.name),
                    "slug": JSONValue(organisation.slug), "logo": JSONValue(organisation.logo),
                    "url": JSONValue(organisation.url),
                ]
            }
        ).write(to: &text)
        text.append(UInt8(ascii: "}"))
        return text
    }

    public let listOpening = Array(#"{"campaigns":["#.utf8)
    public let listSeparator = Array(",".utf8)
    public let listEnd = Array("]}".utf8)

    public func append(item id: Int, name: String, to list: inout [UInt8]) {
        list.append(utf8: #"{"id":"#)
        list.append(utf8: String(id))
        list.append(utf8: #","name":"#)
        list.append(jsonString: name)
        list.append(UInt8(ascii: "}"))
    }
}
