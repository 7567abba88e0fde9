public import JSON

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
public struct Reader: Sendable, Equatable {
    /// The user's id.
    public var id: Int
    /// The ids of messages that the user has read.
    public var read: IDRanges
    /// The ids of messages that the user has deleted.
    public var deleted: IDRanges
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
    /// How many of the recipients have been dealt with, in their order.
    public var handled: Int
    /// The ids of those among them whose e-mail was refused.
    public var failed: [Int]
    public var other: OtherMembers = [:]

    public init(id: Int, handled: Int = 0, failed: [Int] = []) {
        self.id = id
        self.handled = handled
        self.failed = failed
    }
}

/// Ids, with runs of them written as their ends.
public struct IDRanges: Sendable, Equatable {
    /// Rising, and apart from one another.
    private var ranges: [ClosedRange<Int>] = []

    public init() {}

    /// Keeps those of some ids that are in a set; between two that are next to each other the run goes on.
    ///
    /// - Parameters:
    ///   - ids: rising; no other ids matter, now or later, unless they are in `gaps`.
    ///   - gaps: rising; ids that a run must not go across.
    public init(of ids: [Int], where isIncluded: (Int) -> Bool, notAcross gaps: [Int] = []) {
        var start: Int?
        var last = 0
        var gap = gaps[...]
        for id in ids {
            gap = gap.drop { $0 < last }
            if let first = start, !isIncluded(id) || gap.first.map({ $0 < id }) ?? false {
                ranges.append(first...last)
                start = nil
            }
            if isIncluded(id) {
                if start == nil { start = id }
                last = id
            }
        }
        if let start { ranges.append(start...last) }
    }

    public func contains(_ id: Int) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < id { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(id)
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
