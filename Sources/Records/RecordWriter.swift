public import Campaigns

/// The records as they are now, with what a body of ``RecordStore/write(_:)`` has changed so far.
///
/// All of these throw ``StoreUnavailable`` where they cannot tell, or do what they are asked for.
public protocol RecordWriter: AnyObject {
    func user(_ id: Int) throws(StoreUnavailable) -> User?
    func organisation(_ id: Int) throws(StoreUnavailable) -> Organisation?
    func project(_ id: Int) throws(StoreUnavailable) -> Project?

    /// A campaign with all that its record holds, or nil when there is none.
    func campaign(_ id: Int) throws(StoreUnavailable) -> Campaign?

    /// The id of the campaign that has a name, as names are compared, or nil when the name is certainly free.
    func campaignID(named name: String) throws(StoreUnavailable) -> Int?

    /// An id that no campaign has had.
    func newCampaignID() throws(StoreUnavailable) -> Int

    /// Stores a new campaign, or a changed one, and in one with it who did that.
    func put(_ campaign: Campaign, as entry: ChangeEntry) throws(StoreUnavailable)

    /// Removes a campaign, and in one with it stores who did that.
    func remove(_ campaign: Campaign, as entry: ChangeEntry) throws(StoreUnavailable)

    /// A user's record to be changed, nil when there is none. What is put then is stored only as long as that is still so.
    func userForUpdate(_ id: Int) throws(StoreUnavailable) -> User?
    func put(_ user: User) throws(StoreUnavailable)

    // MARK: Messages

    /// Stores a new message, which is then to be delivered, and in one with it who sends it.
    ///
    /// - Parameter make: makes it for an id that no message has had.
    func addMessage(as entry: ChangeEntry, _ make: (Int) -> Message) throws(StoreUnavailable)

    /// Delivers a message, unless somebody else has done so meanwhile.
    ///
    /// - Parameters:
    ///   - recipients: by rising id.
    ///   - byMail: whether it is to be sent by e-mail too.
    /// - Returns: whether it was this one that delivered.
    func deliver(_ id: Int, to recipients: [Int], byMail: Bool) throws(StoreUnavailable) -> Bool

    /// Removes a message, with who got it and how far it was sent by e-mail.
    func removeMessage(_ id: Int) throws(StoreUnavailable)

    /// Whether there is a message that has been delivered to anybody.
    func hasDelivered(_ id: Int) throws(StoreUnavailable) -> Bool
    func isDelivered(_ id: Int, to user: Int) throws(StoreUnavailable) -> Bool

    /// The ids of the messages that a user has, oldest first.
    func messages(of user: Int) throws(StoreUnavailable) -> [Int]

    /// How many of them are new: neither read nor noticed.
    func newMessages(of user: Int) throws(StoreUnavailable) -> Int

    /// Marks messages as read by a user, who has them.
    func markAsRead(_ ids: Set<Int>, by user: Int) throws(StoreUnavailable)

    /// What a user has no longer counts as new.
    func markAllAsNoticed(by user: Int) throws(StoreUnavailable)

    /// Deletes messages for a user, who has them; others keep them.
    func deleteMessages(_ ids: Set<Int>, for user: Int) throws(StoreUnavailable)

    /// How far a message has been sent by e-mail.
    func mailing(_ id: Int) throws(StoreUnavailable) -> Mailing?

    /// Stores how far a message has been sent by e-mail. It is for the one who holds ``RecordStore/mailLock()``.
    func put(_ mailing: Mailing) throws(StoreUnavailable)
}

extension RecordWriter {
    /// The digest of a campaign's representation as readers get it.
    public func digest(
        of campaign: Campaign, _ rendering: some CampaignRendering
    ) throws(StoreUnavailable) -> String {
        try rendering.representation(of: campaign, organisation: organisation).digest
    }
}
