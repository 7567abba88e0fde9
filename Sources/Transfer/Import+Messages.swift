internal import Campaigns
internal import JSON
internal import Records

extension Import {
    /// Messages are never changed: those that are missing are added, with what was done with them.
    mutating func takeMessages(from document: Document) throws {
        let (messages, faults) = document.records(Message.self, .messages)
        let (deliveries, lost) = document.records(Delivery.self, .deliveries)
        let (mailings, broken) = document.records(Mailing.self, .mailings)
        let (readers, unread) = document.records(ReadState.self, .readers)
        for (kind, faults) in [
            (RecordKind.messages, faults), (.deliveries, lost), (.mailings, broken), (.readers, unread),
        ] {
            for fault in faults { add("\(kind.singular) \(fault.id)", "left out: \(fault.reason)") }
        }
        let known = Dictionary(messages.map { ($0.id, $0) }) { first, _ in first }
        let strangers = try store.ids(.messages).filter { id in
            guard let here = try? store.record(Message.self, .messages, id) else { return true }
            return known[id]?.json.compact != here.json.compact
        }
        guard strangers.isEmpty else {
            if !messages.isEmpty {
                add("messages", "\(messages.count) left out: the folder has others, with ids of their own")
            }
            return
        }
        // A message whose delivery cannot be read would be delivered again.
        let undecided = Set(lost.compactMap { Int($0.id) })
        let delivered = Dictionary(deliveries.map { ($0.id, $0) }) { first, _ in first }
        let mailed = Dictionary(mailings.map { ($0.id, $0) }) { first, _ in first }
        let nextID = document.nextID(.messages)
        var tally = Tally(kind: .messages)
        var rest = messages.filter { !undecided.contains($0.id) }[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(Self.group))
            let new = try decide { [store] writer in
                if let nextID { try writer.reserveIDs(.messages, below: nextID) }
                return try group.count { message in
                    guard try store.record(Message.self, .messages, message.id) == nil else { return false }
                    try writer.put(message, delivered[message.id], mailed[message.id])
                    return true
                }
            }
            tally.new += new
            tally.same += group.count - new
            progress(tally, false)
            rest = rest.dropFirst(Self.group)
        }
        progress(tally, true)
        tallies.append(tally)
        var others = readers[...]
        while !others.isEmpty {
            let group = Array(others.prefix(Self.group))
            try decide { [store] writer in
                for reader in group where try store.record(ReadState.self, .readers, reader.id) == nil {
                    try writer.put(reader)
                }
            }
            others = others.dropFirst(Self.group)
        }
    }
}
