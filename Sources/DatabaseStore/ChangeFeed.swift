public import Campaigns
public import PostgreSQL

/// What others change in a database, as it becomes known to one connection.
///
/// Whoever changes something notes it in `campaignd.change`, in the same transaction. A round asks for the notes of all
/// transactions that the snapshot of the round before did not see: those that were running then, however long, and those
/// that have begun since. A rising number would miss what is committed out of its order.
///
/// It lives as long as its connection: whoever connects anew, perhaps to another server, begins with everything.
public final class ChangeFeed {
    /// Everything that is kept in memory.
    public struct Everything: Sendable {
        /// By rising id.
        public internal(set) var campaigns: [Campaign] = []
        /// By rising id; without managers, type and description, which are read where they are needed.
        public internal(set) var organisations: [Organisation] = []
        /// The ids of all projects.
        public internal(set) var projects: [Int] = []
        /// The names of all uploaded pictures.
        public internal(set) var logos: [String] = []
    }

    /// What has changed since the round before.
    public struct Changes: Sendable {
        /// By id, as they are now; nil: it is gone.
        public internal(set) var campaigns: [Int: Campaign?] = [:]
        public internal(set) var organisations: [Int: Organisation?] = [:]
        /// By id, whether there is such a project now.
        public internal(set) var projects: [Int: Bool] = [:]
        /// The names of all pictures, when there is a new one.
        public internal(set) var logos: [String]?
    }

    public enum Round: Sendable {
        case unchanged
        case changed(Changes)
        /// So much may have changed that everything was read again.
        case everything(Everything)
    }

    /// After this time without a round everything is read again: notes are removed after an hour.
    public static let longestPause = Duration.seconds(1800)

    private let connection: DatabaseConnection
    /// What the last round has seen, as the server writes it.
    private var snapshot = ""
    private var isGoodUntil = Deadline(after: .zero)

    private init(_ connection: DatabaseConnection) {
        self.connection = connection
    }

    /// Reads everything, as it is at one moment, and goes on from there.
    ///
    /// - Parameter connection: to the primary; what else it is used for does not matter to this, but for a transaction that
    ///   is open while a round is asked for.
    /// - Throws: ``DatabaseError``.
    public static func open(_ connection: DatabaseConnection) throws -> (ChangeFeed, Everything) {
        let feed = ChangeFeed(connection)
        return (feed, try feed.readEverything())
    }

    /// Finds out what was committed before this was called, by anybody, and has not been told of yet.
    ///
    /// - Throws: ``DatabaseError``; then the next round tells of the same again.
    public func round() throws -> Round {
        let isGoodUntil = Deadline(after: Self.longestPause)
        guard !self.isGoodUntil.isOver else { return .everything(try readEverything()) }
        // One statement has one snapshot. Most times this is all.
        let rows = try connection.query(Self.changes, snapshot)
        if rows.count == 1, let row = rows.first, row.text(1) == nil, let now = row.text(0) {
            snapshot = now
            self.isGoodUntil = isGoodUntil
            return .unchanged
        }
        let (changes, now) = try connection.transaction(.snapshot) { () throws(any Error) -> (Changes?, String) in
            let rows = try connection.query(Self.changes, snapshot)
            return (try read(rows), rows.first?.text(0) ?? snapshot)
        }
        guard let changes else { return .everything(try readEverything()) }
        snapshot = now
        self.isGoodUntil = isGoodUntil
        return .changed(changes)
    }

    private static let changes: SQL = """
        SELECT pg_current_snapshot(), c.kind, c.id FROM (SELECT) AS one LEFT JOIN campaignd.change AS c
        ON c.xid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(c.xid, $1::pg_snapshot)
        """

    /// - Returns: nil when everything is to be read.
    private func read(_ rows: Rows) throws(DatabaseError) -> Changes? {
        var ids: [String: Set<Int>] = [:]
        for row in rows {
            guard let kind = row.text(1), let id = row.number(2) else { continue }
            ids[kind, default: []].insert(id)
        }
        guard Set(ids.keys).isSubset(of: ["c", "o", "p", "l"]) else { return nil }
        var changes = Changes()
        if let wanted = ids["c"]?.sorted() {
            for id in wanted { changes.campaigns[id] = .some(nil) }
            for campaign in try connection.campaigns(wanted) { changes.campaigns[campaign.id] = campaign }
        }
        if let wanted = ids["o"]?.sorted() {
            for id in wanted { changes.organisations[id] = .some(nil) }
            for organisation in try connection.shownOrganisations(wanted) {
                changes.organisations[organisation.id] = organisation
            }
        }
        if let wanted = ids["p"]?.sorted() {
            let there = try connection.query("SELECT id FROM public.projects WHERE id = ANY($1::bigint[])", wanted)
            changes.projects = Dictionary(uniqueKeysWithValues: wanted.map { ($0, false) })
            for row in there { changes.projects[row.number(0) ?? 0] = true }
        }
        if ids["l"] != nil { changes.logos = try logos() }
        return changes
    }

    private func readEverything() throws -> Everything {
        let isGoodUntil = Deadline(after: Self.longestPause)
        let (everything, now) = try connection.transaction(.snapshot) { () throws(any Error) -> (Everything, String?) in
            let now = try connection.query("SELECT pg_current_snapshot()").first?.text(0)
            var everything = Everything()
            everything.campaigns = try connection.campaigns()
            everything.organisations = try connection.shownOrganisations()
            everything.projects = try connection.query("SELECT id FROM public.projects ORDER BY id").map {
                $0.number(0) ?? 0
            }
            everything.logos = try logos()
            return (everything, now)
        }
        snapshot = now ?? ""
        self.isGoodUntil = isGoodUntil
        return everything
    }

    private func logos() throws(DatabaseError) -> [String] {
        try connection.query("SELECT name FROM campaignd.logo ORDER BY name").compactMap { $0.text(0) }
    }

    // MARK: Beside the rounds

    /// A number that changes with nearly every change of what is kept in memory. It finds, rarely asked, what triggers have
    /// passed by, and, often asked, everything where there are none.
    ///
    /// - Throws: ``DatabaseError``.
    public static func checksum(_ connection: DatabaseConnection) throws(DatabaseError) -> String {
        let row = try connection.query(
            """
            SELECT (SELECT sum(hashtextextended(c::text, 0)) FROM public.campaigns AS c),
              (SELECT sum(hashtextextended(c::text, 1)) FROM public.campaign_projects AS c),
              (SELECT sum(hashtextextended(c::text, 2)) FROM public.campaign_organisations AS c),
              (SELECT sum(hashtextextended(concat_ws(E'\\x1f', id, name, slug, logo, url), 3)) FROM public.organisations),
              (SELECT sum(id) FROM public.projects)
            """
        ).first
        return (0..<5).map { row?.text($0) ?? "" }.joined(separator: " ")
    }

    /// Removes notes, and marks of requests, that nobody needs any more. Any responder may do it, every ten minutes or so.
    ///
    /// Notes go by the age of their transactions, not by their own: one may become visible long after it was made.
    ///
    /// - Throws: ``DatabaseError``.
    public static func trim(_ connection: DatabaseConnection) throws {
        try connection.transaction {
            for statement: SQL in [
                """
                INSERT INTO campaignd.horizon SELECT clock_timestamp(), pg_snapshot_xmin(pg_current_snapshot())
                ON CONFLICT DO NOTHING
                """,
                """
                DELETE FROM campaignd.change WHERE xid <
                  (SELECT xid FROM campaignd.horizon WHERE at < clock_timestamp() - interval '1 hour' ORDER BY xid DESC LIMIT 1)
                """,
                "DELETE FROM campaignd.horizon WHERE at < clock_timestamp() - interval '1 day'",
                "DELETE FROM campaignd.done WHERE at < clock_timestamp() - interval '1 day'",
            ] {
                try connection.execute(statement)
            }
        }
    }
}
