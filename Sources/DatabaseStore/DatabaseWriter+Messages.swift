internal import Campaigns
internal import Records

// As with reading: there are no messages on a database yet.
extension DatabaseWriter {
    func addMessage(as entry: ChangeEntry, _ make: (Int) -> Message) throws(StoreUnavailable) { throw .noMessages }
    func deliver(_ id: Int, to recipients: [Int], byMail: Bool) throws(StoreUnavailable) -> Bool { throw .noMessages }
    func removeMessage(_ id: Int) throws(StoreUnavailable) { throw .noMessages }
    func hasDelivered(_ id: Int) throws(StoreUnavailable) -> Bool { throw .noMessages }
    func isDelivered(_ id: Int, to user: Int) throws(StoreUnavailable) -> Bool { throw .noMessages }
    func messages(of user: Int) throws(StoreUnavailable) -> [Int] { throw .noMessages }
    func newMessages(of user: Int) throws(StoreUnavailable) -> Int { throw .noMessages }
    func markAsRead(_ ids: Set<Int>, by user: Int) throws(StoreUnavailable) { throw .noMessages }
    func markAllAsNoticed(by user: Int) throws(StoreUnavailable) { throw .noMessages }
    func deleteMessages(_ ids: Set<Int>, for user: Int) throws(StoreUnavailable) { throw .noMessages }
    func mailing(_ id: Int) throws(StoreUnavailable) -> Mailing? { throw .noMessages }
    func put(_ mailing: Mailing) throws(StoreUnavailable) { throw .noMessages }
}
