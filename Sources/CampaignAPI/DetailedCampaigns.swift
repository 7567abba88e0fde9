internal import Campaigns
internal import JSON
internal import Records
internal import Synchronization

/// `GET /campaigns/?details=true`, kept as it is rendered: after a change only those campaigns are rendered again whose ids
/// are near.
final class DetailedCampaigns: Sendable {
    private struct Group: Sendable {
        let version: Int
        let texts: Representation
    }

    private struct State: Sendable {
        var shared: [Int] = []
        var groups: [Int: Group] = [:]
        var whole: (versions: [Int], answer: Answer)?
    }

    private let state = Mutex(State())
    /// Bytes that are kept at most: nearly all lists are shorter.
    private static let capacity = 64 << 20

    /// - Throws: ``StoreUnavailable``; ``WouldWait`` when it has to be made and the call may not take that long.
    func answer(_ call: Call) throws -> Answer {
        let (shared, groups) = try call.read { records in
            (
                // What all campaigns show.
                [try records.version(.organisations), try records.version(.projects)],
                try records.campaignGroups()
            )
        }
        let versions = shared + groups.flatMap { [$0.number, $0.version] }
        var kept = state.withLock { $0 }
        if let whole = kept.whole, whole.versions == versions { return whole.answer }
        guard call.waits else { throw WouldWait() }
        if kept.shared != shared { kept.groups = [:] }
        var made = State(shared: shared)
        for (number, version) in groups {
            if let group = kept.groups[number], group.version == version {
                made.groups[number] = group
            } else {
                made.groups[number] = Group(version: version, texts: try Self.texts(call, number))
            }
        }
        let answer = Self.answer(groups.compactMap { made.groups[$0.number]?.texts })
        if answer.body.count <= Self.capacity {
            made.whole = (versions, answer)
            state.withLock { $0 = made }
        }
        return answer
    }

    /// The campaigns of a group, with commas between them.
    private static func texts(_ call: Call, _ number: Int) throws -> Representation {
        let campaigns = try call.read { try $0.detailedCampaigns(inGroup: number) }
        var texts: [UInt8] = []
        for (campaign, projects) in campaigns {
            if !texts.isEmpty { texts.append(UInt8(ascii: ",")) }
            texts += campaign.bytes.dropLast()
            texts.append(utf8: #","totalProjects":\#(projects)}"#)
        }
        return Representation(texts)
    }

    private static func answer(_ groups: [Representation]) -> Answer {
        var body = Array(#"{"campaigns":["#.utf8)
        body.reserveCapacity(groups.reduce(body.count + 2) { $0 + $1.bytes.count + 1 })
        var isFirst = true
        for group in groups where !group.bytes.isEmpty {
            if !isFirst { body.append(UInt8(ascii: ",")) }
            isFirst = false
            body += group.bytes
        }
        body.append(utf8: "]}")
        var answer = Answer(body: body)
        // The same in every process, as the groups are, and made without looking at everything again.
        answer.digest = Representation(groups.flatMap { Array($0.digest.utf8) }).digest
        return answer
    }
}
