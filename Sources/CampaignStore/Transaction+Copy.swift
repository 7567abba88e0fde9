public import Campaigns
internal import JSON

// What comes from another folder, as it was there.
extension Transaction {
    /// Sees to it that no new record of a kind gets an id below this one, together with the changes that are made.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func reserveIDs(_ kind: RecordKind, below next: Int) throws(FolderUnavailable) {
        staged.nextIDs[kind] = max(try nextID(kind), next)
    }

    /// Stores a message with what there is of its delivery: nobody gets it again.
    public func put(_ message: Message, _ delivery: Delivery?, _ mailing: Mailing?) {
        // In this order, so that at no moment it seems to wait for what has been done.
        if let mailing { put(mailing) }
        if let delivery { stage(.deliveries, delivery.id, delivery.json.indented) }
        stage(.messages, message.id, message.json.indented, isNew: true)
    }

    /// Stores what a user has read and deleted.
    public func putReader(_ reader: Reader) {
        stage(.readers, reader.id, reader.json.indented, isNew: true)
    }
}
