public import Campaigns
public import Records

/// Who got a message, as a store has it.
public protocol Recipients: Sendable {
    var count: Int { get }
    /// Bytes in memory.
    var keptBytes: Int { get }
    /// Whether a user is among them; nil: not known in memory.
    func contains(_ user: Int) -> Bool?
    /// Keeps no more in memory than is needed to find them elsewhere, if they can be.
    mutating func forget()
}

/// The messages in memory, and what each user has of them.
public struct MessageTable {
    /// By id; long ones without their subject and text.
    public private(set) var messages: [Int: Message] = [:]
    /// The ids of the long ones.
    private var long: Set<Int> = []
    /// How much of the subjects and texts is in memory.
    public private(set) var keptBytes = 0
    private var deliveries: [Int: any Recipients] = [:]
    /// How much of the lists of recipients is in memory.
    private var keptRecipients = 0
    private var readers: [Int: ReadState] = [:]
    /// The ids of deliveries in the order in which they came, so that a box has to look at new ones only.
    private var arrivals: [Int] = []
    private var boxes: [Int: Box] = [:]
    /// The ids of messages that nobody has yet.
    private var waiting: Set<Int> = []

    /// Boxes are kept for this many users, those who looked last.
    private static let mostBoxes = 4096

    /// A user's messages.
    private struct Box {
        /// How many of `arrivals` have been looked at.
        var seen = 0
        /// What is not deleted, oldest first.
        var shown: [Int] = []
        /// How many of them are neither read nor noticed.
        var new = 0
    }

    public mutating func insert(_ message: Message) {
        var message = message
        long.remove(message.id)
        if !KeptText.includes(message.textBytes, besides: keptBytes) {
            message.subject = ""
            message.text = ""
            message.other = [:]
            long.insert(message.id)
        }
        keptBytes += message.textBytes
        if let previous = messages.updateValue(message, forKey: message.id) {
            keptBytes -= previous.textBytes
            boxes = [:]
        }
        if deliveries[message.id] == nil {
            waiting.insert(message.id)
        } else {
            // It comes after its recipients, whose boxes have been without it.
            boxes = [:]
        }
    }

    /// Takes over who got a message.
    public mutating func insert(_ recipients: any Recipients, ofMessage id: Int) {
        var recipients = recipients
        if !KeptText.includes(recipients.keptBytes, besides: keptRecipients) { recipients.forget() }
        waiting.remove(id)
        keptRecipients += recipients.keptBytes
        if let previous = deliveries.updateValue(recipients, forKey: id) {
            keptRecipients -= previous.keptBytes
            boxes = [:]
        } else {
            arrivals.append(id)
        }
    }

    public mutating func insert(_ reader: ReadState) {
        readers[reader.id] = reader
        boxes[reader.id] = nil
    }

    public mutating func removeMessage(_ id: Int) {
        waiting.remove(id)
        long.remove(id)
        if let message = messages.removeValue(forKey: id) {
            keptBytes -= message.textBytes
            boxes = [:]
        }
    }

    public mutating func removeDelivery(_ id: Int) {
        guard let recipients = deliveries.removeValue(forKey: id) else { return }
        keptRecipients -= recipients.keptBytes
        if messages[id] != nil { waiting.insert(id) }
        arrivals.removeAll { $0 == id }
        boxes = [:]
    }

    public mutating func removeReader(_ id: Int) {
        readers[id] = nil
        boxes[id] = nil
    }

    /// Whether a message's subject and text are not kept here.
    public func isLong(_ id: Int) -> Bool { long.contains(id) }
    /// Messages that nobody has yet, by rising id.
    public var pending: [Int] { waiting.sorted() }
    public var deliveryIDs: [Int] { deliveries.keys.sorted() }
    /// How many got a message, or nil when it is still to be delivered.
    public func recipientCount(_ id: Int) -> Int? { deliveries[id]?.count }
    public func reader(_ user: Int) -> ReadState { readers[user] ?? ReadState(id: user) }

    /// Looks a user up in lists that are not in memory, and gives the ids of the messages that this user got.
    public typealias Search = (_ user: Int, [Int: any Recipients]) throws(StoreUnavailable) -> Set<Int>

    /// - Throws: as `search`.
    public func isDelivered(_ id: Int, to user: Int, _ search: Search) throws(StoreUnavailable) -> Bool {
        try delivered(of: [id], to: user, search).contains(id)
    }

    private func delivered(
        of ids: some Sequence<Int>, to user: Int, _ search: Search
    ) throws(StoreUnavailable) -> Set<Int> {
        var delivered: Set<Int> = []
        var filed: [Int: any Recipients] = [:]
        for id in ids where messages[id] != nil {
            guard let recipients = deliveries[id] else { continue }
            switch recipients.contains(user) {
            case true?: delivered.insert(id)
            case false?: break
            case nil: filed[id] = recipients
            }
        }
        return filed.isEmpty ? delivered : delivered.union(try search(user, filed))
    }

    /// What a user has and has not deleted, oldest first.
    ///
    /// - Throws: as `search`.
    public mutating func shown(to user: Int, _ search: Search) throws(StoreUnavailable) -> [Int] {
        try box(user, search).shown
    }
    /// How many of these the user has neither read nor noticed.
    ///
    /// - Throws: as `search`.
    public mutating func new(to user: Int, _ search: Search) throws(StoreUnavailable) -> Int {
        try box(user, search).new
    }

    private mutating func box(_ user: Int, _ search: Search) throws(StoreUnavailable) -> Box {
        var box = boxes[user] ?? Box()
        guard box.seen < arrivals.count || boxes[user] == nil else { return box }
        let new = try delivered(of: arrivals[box.seen...], to: user, search)
        box.seen = arrivals.count
        if !new.isEmpty {
            let reader = reader(user)
            let visible = new.filter { !reader.deleted.contains($0) }
            box.new += visible.count { !reader.read.contains($0) && !reader.noticed.contains($0) }
            // Sorting what is nearly sorted costs little more than looking at it.
            box.shown = (box.shown + visible).map { ($0, messages[$0]?.sentDate ?? "") }
                .sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0)
        }
        if boxes.count >= Self.mostBoxes { boxes = [:] }
        boxes[user] = box
        return box
    }
}

extension Message {
    fileprivate var textBytes: Int { subject.utf8.count + text.utf8.count }
}
