public import Campaigns

/// How campaigns are shown, as the API has it. A store keeps in memory what this makes, so that an answer is made once.
public protocol CampaignRendering: Sendable {
    /// Another number where the same campaign is shown in other bytes: what an earlier program has kept does not count then.
    var version: Int { get }

    /// What a campaign shows of itself: the beginning of its text.
    func opening(of campaign: Campaign) -> [UInt8]

    /// A campaign's whole text.
    ///
    /// - Parameter organisations: those that it is linked to and that there are, in its order.
    func campaign(opening: [UInt8], organisations: [Organisation]) -> [UInt8]

    /// What stands before the items of a list, between two, and behind the last.
    var listOpening: [UInt8] { get }
    var listSeparator: [UInt8] { get }
    var listEnd: [UInt8] { get }

    /// Appends a campaign as a list shows it.
    func append(item id: Int, name: String, to list: inout [UInt8])
}

extension CampaignRendering {
    /// A campaign as it would be shown.
    public func representation(
        of campaign: Campaign, organisation: (Int) throws(StoreUnavailable) -> Organisation?
    ) throws(StoreUnavailable) -> Representation {
        var organisations: [Organisation] = []
        for id in campaign.organisations {
            if let found = try organisation(id) { organisations.append(found) }
        }
        return Representation(self.campaign(opening: opening(of: campaign), organisations: organisations))
    }
}

/// A list whose text is made, and hashed, by whoever asks first for it, outside of any lock of the store.
public protocol RenderedList: Sendable {
    func representation() -> Representation
}
