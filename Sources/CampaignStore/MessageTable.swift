internal import Campaigns
internal import JSON

/// The messages in memory, and what each user has of them.
struct MessageTable {
    /// By id; long ones without their subject and text.
    private(set) var messages: [Int: Message] = [:]
    /// The ids of the long ones, with the state of the file when it was read.
    private var long: [Int: FileState] = [:]
    /// How much of the subjects and texts is in memory.
    private(set) var keptBytes = 0
    private var deliveries: [Int: RecipientList] = [:]
    /// How much of the lists of recipients is in memory.
    private var keptRecipients = 0
    private var readers: [Int: Reader] = [:]
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

    /// - Parameter state: of its file, taken when it was read.
    mutating func insert(_ message: Message, state: FileState) {
        var message = message
        long[message.id] = nil
        if !KeptText.includes(message.textBytes, besides: keptBytes) {
            message.subject = ""
            message.text = ""
            message.other = [:]
            long[message.id] = state
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
    mutating func insert(_ recipients: RecipientList, ofMessage id: Int) {
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

    mutating func insert(_ reader: Reader) {
        readers[reader.id] = reader
        boxes[reader.id] = nil
    }

    mutating func removeMessage(_ id: Int) {
        waiting.remove(id)
        long[id] = nil
        if let message = messages.removeValue(forKey: id) {
            keptBytes -= message.textBytes
            boxes = [:]
        }
    }

    mutating func removeDelivery(_ id: Int) {
        guard let recipients = deliveries.removeValue(forKey: id) else { return }
        keptRecipients -= recipients.keptBytes
        if messages[id] != nil { waiting.insert(id) }
        arrivals.removeAll { $0 == id }
        boxes = [:]
    }

    mutating func removeReader(_ id: Int) {
        readers[id] = nil
        boxes[id] = nil
    }

    /// The state in which a message's file was read, when its subject and text are nowhere else.
    func stateIfLong(_ id: Int) -> FileState? { long[id] }
    /// Messages that nobody has yet, by rising id.
    var pending: [Int] { waiting.sorted() }
    var deliveryIDs: [Int] { deliveries.keys.sorted() }
    /// How many got a message, or nil when it is still to be delivered.
    func recipientCount(_ id: Int) -> Int? { deliveries[id]?.count }
    func reader(_ user: Int) -> Reader { readers[user] ?? Reader(id: user) }

    /// Looks a user up in lists that are in files alone, and gives the ids of the messages that this user got.
    typealias Search = (_ user: Int, [Int: RecipientList.Filed]) throws(FolderUnavailable) -> Set<Int>

    /// - Throws: as `search`.
    func isDelivered(_ id: Int, to user: Int, _ search: Search) throws(FolderUnavailable) -> Bool {
        try delivered(of: [id], to: user, search).contains(id)
    }

    private func delivered(
        of ids: some Sequence<Int>, to user: Int, _ search: Search
    ) throws(FolderUnavailable) -> Set<Int> {
        var delivered: Set<Int> = []
        var filed: [Int: RecipientList.Filed] = [:]
        for id in ids where messages[id] != nil {
            guard let recipients = deliveries[id] else { continue }
            switch recipients.contains(user) {
            case true?: delivered.insert(id)
            case false?: break
            case nil: filed[id] = recipients.filed
            }
        }
        return filed.isEmpty ? delivered : delivered.union(try search(user, filed))
    }

    /// What a user has and has not deleted, oldest first.
    ///
    /// - Throws: as `search`.
    mutating func shown(to user: Int, _ search: Search) throws(FolderUnavailable) -> [Int] {
        try box(user, search).shown
    }
    /// How many of these the user has neither read nor noticed.
    ///
    /// - Throws: as `search`.
    mutating func new(to user: Int, _ search: Search) throws(FolderUnavailable) -> Int { try box(user, search).new }

    private mutating func box(_ user: Int, _ search: Search) throws(FolderUnavailable) -> Box {
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
