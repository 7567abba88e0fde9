public import Campaigns

/// The records as they are at one moment, for a body that ``RecordStore/read(waits:_:)`` runs.
///
/// All of these throw ``StoreUnavailable`` where they cannot tell: that there is none is certain.
public protocol RecordReader {
    func user(_ id: Int) throws(StoreUnavailable) -> User?
    func organisation(_ id: Int) throws(StoreUnavailable) -> Organisation?
    func project(_ id: Int) throws(StoreUnavailable) -> Project?

    /// All users, by rising id; likewise the others.
    func allUsers() throws(StoreUnavailable) -> [User]
    func allOrganisations() throws(StoreUnavailable) -> [Organisation]
    func allProjects() throws(StoreUnavailable) -> [Project]

    /// Whether a user manages at least one organisation; an admin manages every one.
    func managesAnOrganisation(_ user: User) throws(StoreUnavailable) -> Bool

    /// A number that is another after every change of a kind's records.
    func version(_ kind: RecordKind) throws(StoreUnavailable) -> Int

    // MARK: Campaigns

    /// A campaign as it is shown, or nil when there is none.
    func campaign(_ id: Int) throws(StoreUnavailable) -> Representation?

    /// The id and name of every campaign; of those that are linked to a project; to an organisation.
    func allCampaigns() throws(StoreUnavailable) -> any RenderedList
    func campaigns(ofProject id: Int) throws(StoreUnavailable) -> any RenderedList
    func campaigns(ofOrganisation id: Int) throws(StoreUnavailable) -> any RenderedList

    func campaignCount() throws(StoreUnavailable) -> Int

    /// The campaigns in groups, by rising id, each group with a number that is another after every change of one of its
    /// campaigns.
    func campaignGroups() throws(StoreUnavailable) -> [(number: Int, version: Int)]

    /// The campaigns of a group as they are shown, each with the number of its projects that there are.
    func detailedCampaigns(
        inGroup group: Int
    ) throws(StoreUnavailable) -> [(campaign: Representation, projects: Int)]

    /// The ids of the projects that are linked to the campaigns of a name.
    func projects(ofCampaignsNamed name: String) throws(StoreUnavailable) -> Set<Int>

    /// Who would get a message to a campaign's contributors now, or nil when there is no such campaign.
    func audience(ofCampaign id: Int) throws(StoreUnavailable) -> Audience?

    // MARK: Messages

    /// A message with all that its record holds, or nil when there is none.
    func message(_ id: Int) throws(StoreUnavailable) -> Message?

    /// A message, but a long one has neither subject nor text.
    func outline(ofMessage id: Int) throws(StoreUnavailable) -> Message?

    /// Whether ``message(_:)`` has to fetch more than ``outline(ofMessage:)`` does.
    func isLongMessage(_ id: Int) throws(StoreUnavailable) -> Bool

    /// Sees that a message, and who got it, is given back.
    func checkReadable(message id: Int) throws(StoreUnavailable)

    /// The ids of all messages, rising.
    func messageIDs() throws(StoreUnavailable) -> [Int]

    /// How many got a message, or nil when it is still to be delivered.
    func recipientCount(ofMessage id: Int) throws(StoreUnavailable) -> Int?

    func isDelivered(_ id: Int, to user: Int) throws(StoreUnavailable) -> Bool
    func isRead(_ id: Int, by user: Int) throws(StoreUnavailable) -> Bool
    func isDeleted(_ id: Int, by user: Int) throws(StoreUnavailable) -> Bool

    /// The ids of the messages that a user has, oldest first.
    func messages(of user: Int) throws(StoreUnavailable) -> [Int]

    /// How many of them are new: neither read nor noticed.
    func newMessages(of user: Int) throws(StoreUnavailable) -> Int

    /// The ids of messages that are still to be delivered.
    func pendingMessages() throws(StoreUnavailable) -> [Int]

    /// Who gets a message.
    func audience(of message: Message) throws(StoreUnavailable) -> Audience

    /// Whether there is a record of which nobody can say what is in it.
    func isUnreadable(_ kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> Bool

    /// How far the messages have been sent by e-mail, those that are sent so at all, by rising id.
    func allMailings() throws(StoreUnavailable) -> [Mailing]
    func mailing(_ id: Int) throws(StoreUnavailable) -> Mailing?

    // MARK: What is wrong

    /// What cannot be served, by its place, with the reason.
    func broken() throws(StoreUnavailable) -> [String: String]

    /// Campaigns that have the name of another, by their place, with the reason. The API gives no name twice.
    var doubles: [String: String] { get }

    /// Bytes of texts that are kept in memory.
    var keptBytes: Int { get }
}
