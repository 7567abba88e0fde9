internal import JSON

/// What an admin says to the contributors of a campaign. It never changes.
public struct Message: Sendable, Equatable {
    public var id: Int
    /// The campaign's id, and its name when the message was sent.
    public var campaign: Int
    public var campaignName: String
    /// The sender's id, and name and picture when the message was sent.
    public var sender: Int
    public var senderName: String
    public var senderPicture: String?
    public var subject: String
    /// Markdown.
    public var text: String
    /// In UTC, as RFC 3339 has it, with six digits of a second.
    public var sentDate: String
    /// The ids of the projects that were linked to the campaign when the message was sent.
    public var projects: [Int]
    public var other: OtherMembers = [:]

    public init(
        id: Int, campaign: Int, campaignName: String, sender: Int, senderName: String, senderPicture: String?,
        subject: String, text: String, sentDate: String, projects: [Int]
    ) {
        self.id = id
        self.campaign = campaign
        self.campaignName = campaignName
        self.sender = sender
        self.senderName = senderName
        self.senderPicture = senderPicture
        self.subject = subject
        self.text = text
        self.sentDate = sentDate
        self.projects = projects
    }
}

/// Who gets a message. Its record is the delivery: it is made once, as a whole, and then everybody has the message.
public struct Delivery: Sendable, Equatable {
    /// The message's id.
    public var id: Int
    /// The ids of users, rising.
    public var recipients: [Int]
    public var other: OtherMembers = [:]

    public init(id: Int, recipients: [Int]) {
        self.id = id
        self.recipients = recipients
    }
}

/// What a user has done with the messages that were delivered to them.
public struct ReadState: Sendable, Equatable {
    /// The user's id.
    public var id: Int
    /// The ids of messages that the user has read.
    public var read: IDRanges
    /// The ids of messages that the user has deleted.
    public var deleted: IDRanges
    /// The ids of messages that no longer count as new, read or not.
    public var noticed = IDRanges()
    public var other: OtherMembers = [:]

    public init(id: Int, read: IDRanges = IDRanges(), deleted: IDRanges = IDRanges()) {
        self.id = id
        self.read = read
        self.deleted = deleted
    }
}

/// How far a message has been sent by e-mail.
public struct Mailing: Sendable, Equatable {
    /// The message's id.
    public var id: Int
    /// How many of the recipients have had their turn, in their order. Those of them who are not `failed` or `waiting` are
    /// done.
    public var handled: Int
    /// The ids of those whose e-mail was given up.
    public var failed: [Int]
    /// How many of the first in `failed` are to be tried again.
    public var retrying = 0
    /// Those whose e-mail is tried again later.
    public var waiting: [Attempts] = []
    /// Since when, and how often, the mail program has failed for everybody; nil while it works.
    public var outage: Outage?
    public var other: OtherMembers = [:]

    /// What was tried so far, without success. Times are seconds since 1970.
    public struct Attempts: Sendable, Equatable {
        /// A user's id.
        public var user: Int
        public var count: Int
        public var since: Int
        /// When it is tried again.
        public var next: Int

        public init(user: Int, count: Int, since: Int, next: Int) {
            self.user = user
            self.count = count
            self.since = since
            self.next = next
        }
    }

    /// An outage of the mail program. Times are seconds since 1970.
    public struct Outage: Sendable, Equatable {
        public var count: Int
        public var since: Int
        /// When the program is tried again; nil: not before somebody asks for it.
        public var next: Int?

        public init(count: Int, since: Int, next: Int?) {
            self.count = count
            self.since = since
            self.next = next
        }
    }

    public init(id: Int, handled: Int = 0, failed: [Int] = []) {
        self.id = id
        self.handled = handled
        self.failed = failed
    }

    /// Whether the mail program has failed for so long that those who have not had their turn get no e-mail.
    public var isGivenUp: Bool { outage != nil && outage?.next == nil }
}

/// Ids, with runs of them written as their ends.
public struct IDRanges: Sendable, Equatable {
    /// Rising, and apart from one another.
    private var ranges: [ClosedRange<Int>] = []

    public init() {}

    /// Adds ids. Runs grow by ids that are next to each other, never across one that is not in the set: a message with an
    /// id between two others may come later.
    public mutating func formUnion(_ ids: some Sequence<Int>) {
        var joined: [ClosedRange<Int>] = []
        let all = ranges + ids.map { $0...$0 }
        joined.reserveCapacity(ranges.count + 1)
        for range in all.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        ranges = joined
    }

    public var isEmpty: Bool { ranges.isEmpty }

    public func contains(_ id: Int) -> Bool {
        let place = ranges.indices.partitioningIndex { ranges[$0].upperBound >= id }
        return place < ranges.count && ranges[place].contains(id)
    }

    /// As records hold it: `[[1, 40], 45]` is 1 to 40, and 45.
    init(_ json: JSONValue?, _ key: String) throws(RecordError) {
        guard let json, json != .null else { return }
        guard case .array(let elements) = json else { throw RecordError("\(key) is no array") }
        for element in elements {
            var bounds = [element]
            if case .array(let pair) = element { bounds = pair }
            guard let first = bounds.first?.wholeNumber, let last = bounds.last?.wholeNumber, bounds.count <= 2,
                first >= 1, first <= last, first > ranges.last?.upperBound ?? 0
            else { throw RecordError("\(key) does not consist of rising ids and pairs of ids") }
            ranges.append(first...last)
        }
    }

    var json: JSONValue {
        .array(
            ranges.map { range in
                range.count == 1
                    ? .integer(range.lowerBound) : [.integer(range.lowerBound), .integer(range.upperBound)]
            })
    }
}
