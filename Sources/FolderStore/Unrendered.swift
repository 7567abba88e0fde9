internal import Campaigns
internal import Records

/// For readers that show no campaigns.
struct Unrendered: CampaignRendering {
    var version: Int { 0 }
    func opening(of campaign: Campaign) -> [UInt8] { [] }
    func campaign(opening: [UInt8], organisations: [Organisation]) -> [UInt8] { [] }
    var listOpening: [UInt8] { [] }
    var listSeparator: [UInt8] { [] }
    var listEnd: [UInt8] { [] }
    func append(item id: Int, name: String, to list: inout [UInt8]) {}
}
