public import Campaigns
internal import JSON
internal import PostgreSQL
public import Records

// Who changed what. What a Tasking Manager changes by itself has no entry.
extension DatabaseStore: RecordStore {
    public func changes<Value>(
        ofCampaign campaign: Int?, _ range: (Int) -> Range<Int>, _ make: (ChangeEntry, [Value]) -> Value
    ) throws(StoreUnavailable) -> [Value] {
        try fromDatabase(by: Deadline(after: patience)) { connection in
            try connection.transaction(.snapshot) {
                let total =
                    try connection.query(
                        "SELECT count(*) FROM campaignd.history WHERE $1::bigint IS NULL OR campaign_id = $1::bigint",
                        campaign
                    ).first?.number(0) ?? 0
                let wanted = range(total).clamped(to: 0..<total)
                let rows = try connection.query(
                    """
                    SELECT id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), user_id, campaign_id,
                      campaign_name, action, fields
                    FROM campaignd.history WHERE $1::bigint IS NULL OR campaign_id = $1::bigint
                    ORDER BY id DESC LIMIT $2::bigint OFFSET $3::bigint
                    """, campaign, wanted.count, wanted.lowerBound)
                var made: [Value] = []
                for row in rows { made.append(make(try Self.entry(row), made)) }
                return made
            }
        }
    }

    private static func entry(_ row: Row) throws -> ChangeEntry {
        try ChangeEntry([
            "changeId": .integer(row.number(0) ?? 0), "date": .string(row.text(1) ?? ""),
            "userId": .integer(row.number(2) ?? 0), "campaignId": .integer(row.number(3) ?? 0),
            "campaignName": .string(row.text(4) ?? ""), "action": .string(row.text(5) ?? ""),
            "fields": try JSONValue(parsing: Array((row.text(6) ?? "").utf8)),
        ])
    }

    public func highestCampaignEver() throws -> Int {
        try fromDatabase(by: Deadline(after: patience)) { connection in
            try connection.query(
                """
                SELECT greatest((SELECT max(id) FROM public.campaigns), (SELECT max(campaign_id) FROM campaignd.history), 0)
                """
            ).first?.number(0) ?? 0
        }
    }

    // MARK: Messages

    public func recipients(ofMessage id: Int) throws(StoreUnavailable) -> [Int] { throw .noMessages }
    public func mailLock() throws(StoreUnavailable) -> AnyObject? { throw .noMessages }

    /// Whoever delivers reads what it needs when it needs it.
    public var waitingDeliveries: [Int: [RecordRef]] {
        get { [:] }
        set {}
    }

    public var journalBytes: Int { 0 }
}
