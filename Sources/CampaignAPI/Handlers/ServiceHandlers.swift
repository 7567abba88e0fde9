internal import Campaigns
internal import HTTPTypes
internal import JSON
internal import Messages
internal import Records

extension API {
    @Sendable static func heartbeat(_ call: Call) throws -> Answer {
        let health = call.store.health()
        let trouble = health.trouble
        let (count, records) = try call.read {
            (try $0.campaignCount(), try $0.broken().merging($0.doubles) { reason, _ in reason })
        }
        let broken = records.merging(health.broken) { reason, _ in reason }
        var body: JSONObject = [
            "status": trouble == nil ? "healthy" : "unhealthy", "version": .string(version),
            "campaigns": .integer(count),
        ]
        if let trouble { body.append("error", .string(trouble)) }
        if !broken.isEmpty {
            let files = broken.sorted { $0.key < $1.key }
            body.append(
                "broken", .array(files.map { ["file": .string($0.key), "reason": .string($0.value)] }))
        }
        let waiting = call.store.messagesThatWait.sorted { $0.key < $1.key }
        if !waiting.isEmpty {
            body.append(
                "waiting",
                .array(
                    waiting.map {
                        ["message": .integer($0.key), "for": .array($0.value.prefix(10).map(JSONValue.string))]
                    }))
        }
        return trouble == nil
            ? Answer(.object(body))
            : Answer(.serviceUnavailable, .object(body), headerFields: [.retryAfter: "5"])
    }
}
