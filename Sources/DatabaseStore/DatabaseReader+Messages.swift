internal import Campaigns
internal import Records

// Messages are not read from a database yet: who asks for them is told so.
extension DatabaseReader {
    func audience(ofCampaign id: Int) throws(StoreUnavailable) -> Audience? { throw .noMessages }
    func message(_ id: Int) throws(StoreUnavailable) -> Message? { throw .noMessages }
    func outline(ofMessage id: Int) throws(StoreUnavailable) -> Message? { throw .noMessages }
    func isLongMessage(_ id: Int) throws(StoreUnavailable) -> Bool { throw .noMessages }
    func checkReadable(message id: Int) throws(StoreUnavailable) { throw .noMessages }
    func messageIDs() throws(StoreUnavailable) -> [Int] { throw .noMessages }
    func recipientCount(ofMessage id: Int) throws(StoreUnavailable) -> Int? { throw .noMessages }
    func isDelivered(_ id: Int, to user: Int) throws(StoreUnavailable) -> Bool { throw .noMessages }
    func isRead(_ id: Int, by user: Int) throws(StoreUnavailable) -> Bool { throw .noMessages }
    func isDeleted(_ id: Int, by user: Int) throws(StoreUnavailable) -> Bool { throw .noMessages }
    func messages(of user: Int) throws(StoreUnavailable) -> [Int] { throw .noMessages }
    func newMessages(of user: Int) throws(StoreUnavailable) -> Int { throw .noMessages }
    func pendingMessages() throws(StoreUnavailable) -> [Int] { throw .noMessages }
    func audience(of message: Message) throws(StoreUnavailable) -> Audience { throw .noMessages }
    func allMailings() throws(StoreUnavailable) -> [Mailing] { throw .noMessages }
    func mailing(_ id: Int) throws(StoreUnavailable) -> Mailing? { throw .noMessages }
}

extension StoreUnavailable {
    static let noMessages = StoreUnavailable("There are no messages on a database yet")
}
