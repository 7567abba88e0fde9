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
    private var deliveries: [Int: [Int]] = [:]
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
        /// All that were delivered, by rising id.
        var delivered: [Int] = []
        /// What is not deleted, oldest first.
        var shown: [Int] = []
        var unread = 0
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
        if deliveries[message.id] == nil { waiting.insert(message.id) }
    }

    mutating func insert(_ delivery: Delivery) {
        waiting.remove(delivery.id)
        if deliveries.updateValue(delivery.recipients, forKey: delivery.id) == nil {
            arrivals.append(delivery.id)
        } else {
            boxes = [:]
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
        guard deliveries.removeValue(forKey: id) != nil else { return }
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
    func recipients(_ id: Int) -> [Int]? { deliveries[id] }
    func reader(_ user: Int) -> Reader { readers[user] ?? Reader(id: user) }

    func isDelivered(_ id: Int, to user: Int) -> Bool {
        guard let recipients = deliveries[id], messages[id] != nil else { return false }
        return recipients.containsSorted(user)
    }

    /// All that were ever delivered to a user, by rising id.
    mutating func delivered(to user: Int) -> [Int] { box(user).delivered }
    /// What a user has and has not deleted, oldest first.
    mutating func shown(to user: Int) -> [Int] { box(user).shown }
    mutating func unread(by user: Int) -> Int { box(user).unread }

    private mutating func box(_ user: Int) -> Box {
        var box = boxes[user] ?? Box()
        guard box.seen < arrivals.count || boxes[user] == nil else { return box }
        let new = arrivals[box.seen...].filter { isDelivered($0, to: user) }
        box.seen = arrivals.count
        if !new.isEmpty {
            let reader = reader(user)
            box.delivered = (box.delivered + new).sorted()
            let visible = new.filter { !reader.deleted.contains($0) }
            box.unread += visible.count { !reader.read.contains($0) }
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

extension [Int] {
    /// Whether an array that rises holds a number.
    fileprivate func containsSorted(_ number: Int) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == number
    }
}
