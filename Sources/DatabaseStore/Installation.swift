public import PostgreSQL

/// The schema `campaignd` beside a Tasking Manager's tables, and what else a database needs: made, looked after, removed.
///
/// Each step knows what it lacks, so that one that lacks nothing is passed over and locks nothing: to install again does
/// not hinder anybody.
public struct Installation {
    /// A part of what there has to be.
    public enum Step: String, CaseIterable, Sendable {
        /// The tables of the schema `campaignd`.
        case tables
        /// What notes the changes that others make.
        case triggers
        /// The role of the responders, and its rights.
        case rights
        /// What finds a campaign by its name.
        case index
    }

    /// Why it cannot be done.
    public enum Refusal: Error, Equatable {
        /// The database is another one than is needed.
        case unsuitable(String)
        /// Others use the tables; nothing was done.
        case busy(String)
        /// Something else is in the way.
        case refused(String)
    }

    private let connection: DatabaseConnection
    private let role: String
    /// Those that are wanted.
    private let steps: [Step]

    /// - Parameters:
    ///   - connection: of the owner of the Tasking Manager's tables, or of a superuser.
    ///   - role: that of the responders.
    ///   - withTriggers: whether the Tasking Manager's own tables may get triggers and an index.
    public init(_ connection: DatabaseConnection, role: String, withTriggers: Bool = true) {
        self.connection = connection
        self.role = role
        steps = withTriggers ? Step.allCases : [.tables, .rights]
    }

    // MARK: What is wrong

    /// What a step lacks, each as a sentence; empty when it is whole.
    public func lacks(_ step: Step) throws(DatabaseError) -> [String] {
        switch step {
        case .tables: try Self.missingTables(connection)
        case .triggers: try Self.missingTriggers(connection)
        case .rights: try missingRights()
        case .index: try Self.missingIndex(connection)
        }
    }

    /// The columns of each table, with their types as the server names them.
    private static let columns: [(table: String, columns: [String])] = [
        ("change", [#"xid xid8"#, #"kind "char""#, "id bigint", "at timestamp with time zone"]),
        ("horizon", ["at timestamp with time zone", "xid xid8"]),
        ("organisation_order", ["campaign_id integer", "organisations integer[]"]),
        ("done", ["request uuid", "at timestamp with time zone", "result bigint"]),
        (
            "message",
            [
                "id bigint", "campaign_id integer", "campaign_name text", "sender bigint", "sender_name text",
                "subject text", "markdown text", "html text", "projects integer[]", "sent timestamp without time zone",
                "delivered timestamp with time zone", "recipients integer", "mailed_up_to bigint",
            ]
        ),
        ("logo", ["name text", "data bytea", "at timestamp with time zone"]),
        (
            "history",
            [
                "id bigint", "at timestamp with time zone", "user_id bigint", "campaign_id integer",
                "campaign_name text",
                "action text", "fields json",
            ]
        ),
        ("granted", ["role text", "privilege text", "object text"]),
    ]

    private static let indexes = [
        "change_xid", "horizon_pkey", "organisation_order_pkey", "done_pkey", "message_pkey", "message_waiting",
        "logo_pkey",
        "history_pkey", "history_campaign",
    ]

    private static func missingTables(_ connection: DatabaseConnection) throws(DatabaseError) -> [String] {
        let rows = try connection.execute(
            """
            SELECT c.relname, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
            FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relnamespace = to_regnamespace('campaignd')
            """)
        guard !rows.isEmpty else { return ["the schema campaignd is not there"] }
        var there: [String: Set<String>] = [:]
        for row in rows { there[row.text(0) ?? "", default: []].insert(row.text(1) ?? "") }
        return columns.flatMap { table, columns -> [String] in
            guard let present = there[table] else { return ["the table campaignd.\(table) is not there"] }
            return columns.filter { !present.contains($0) }.map { "campaignd.\(table) has no column \($0)" }
        } + indexes.filter { there[$0] == nil }.map { "the index campaignd.\($0) is not there" }
    }

    /// For each table the kinds of changes that its trigger is for, as pg_trigger.tgtype counts them.
    private static let triggers: [(name: String, table: String, type: Int)] =
        TaskingManagerTables.noted.map { ("campaignd", $0, $0 == "projects" ? 1 + 4 + 8 : 1 + 4 + 8 + 16) }
        + TaskingManagerTables.noted.map { ("campaignd_truncate", $0, 32) }

    /// Whether everything is there that notes the changes of others, which is asked once a minute.
    public static func hasTriggers(_ connection: DatabaseConnection) throws(DatabaseError) -> Bool {
        try missingTriggers(connection).isEmpty
    }

    private static func missingTriggers(_ connection: DatabaseConnection) throws(DatabaseError) -> [String] {
        let rows = try connection.execute(
            """
            SELECT tgname, relname, tgtype, tgenabled,
              (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = tgrelid AND attnum = ANY(tgattr)),
              tgqual IS NULL AND tgfoid = to_regproc('campaignd.note')
            FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
            WHERE tgname IN ('campaignd', 'campaignd_truncate') AND relnamespace = to_regnamespace('public')
            """)
        var lacks: [String] = []
        for (name, table, type) in triggers {
            let what = "the trigger \(name) on public.\(table)"
            guard let row = rows.first(where: { $0.text(0) == name && $0.text(1) == table }) else {
                lacks.append("\(what) is not there")
                continue
            }
            let columns = row.text(4)
            if row.number(2) != type || row.flag(5) != true
                || columns != (table == "organisations" && name == "campaignd" ? "logo,name,slug,url" : nil)
            {
                lacks.append("\(what) is another one")
            } else if row.text(3) != "A" {
                lacks.append("\(what) is not enabled for all changes")
            }
        }
        let function = try connection.execute(
            "SELECT prosrc, prosecdef, proconfig::text FROM pg_proc WHERE oid = to_regproc('campaignd.note')"
        ).first
        guard let function else { return lacks + ["the function campaignd.note is not there"] }
        if function.flag(1) != true || !SchemaSQL.triggers.contains("$$\(function.text(0) ?? "-")$$")
            || function.text(2) != #"{"search_path=pg_catalog, pg_temp"}"#
        {
            lacks.append("the function campaignd.note is another one")
        }
        return lacks
    }

    private static func missingIndex(_ connection: DatabaseConnection) throws(DatabaseError) -> [String] {
        let row = try connection.execute(
            """
            SELECT indisvalid AND indisready, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indexrelid = to_regclass('public.campaignd_name')
            """
        ).first
        guard let row else { return ["the index public.campaignd_name is not there; names are checked more slowly"] }
        guard row.flag(0) == true else { return ["the index public.campaignd_name is not whole"] }
        return []
    }

    private func missingRights() throws(DatabaseError) -> [String] {
        guard try hasRole() else { return ["there is no role \(role)"] }
        return try DatabaseRight.missing(role, connection).map { "\(role) lacks \($0.privilege) on \($0.object)" }
    }

    private func hasRole() throws(DatabaseError) -> Bool {
        try !connection.query("SELECT FROM pg_roles WHERE rolname = $1", role).isEmpty
    }

    // MARK: Install

    /// Makes what is missing: all of it, or nothing, but for the index, which others need not wait for.
    ///
    /// - Parameters:
    ///   - time: how long whoever writes into the tables may have to wait for this at most.
    ///   - done: told of each step whether it had anything to do.
    /// - Returns: why the index was not made, or nil.
    /// - Throws: ``Refusal``, ``DatabaseError``.
    public func install(within time: Duration, _ done: (Step, Bool) -> Void) throws -> String? {
        try refuseUnsuitable()
        var open: [Step] = []
        for step in steps where try !lacks(step).isEmpty { open.append(step) }
        let together = open.filter { $0 != .index }
        if !together.isEmpty {
            try alone(together.contains(.triggers) ? "SHARE ROW EXCLUSIVE" : nil, within: time) {
                () throws(any Error) in
                for step in together { try make(step) }
                // Something of another shape under the same name is not made anew.
                for step in together {
                    guard let reason = try lacks(step).first else { continue }
                    throw Refusal.refused("\(reason), and cannot be made; nothing was changed")
                }
            }
        }
        for step in steps where step != .index { done(step, together.contains(step)) }
        guard steps.contains(.index) else { return nil }
        if open.contains(.index), let reason = try makeIndex(within: time) { return reason }
        done(.index, open.contains(.index))
        return nil
    }

    private func refuseUnsuitable() throws {
        let row = try connection.execute(
            "SELECT current_setting('server_version_num'), current_setting('server_version'), current_setting('server_encoding')"
        ).first
        guard let version = row?.text(0).flatMap({ Int($0) }), version >= 140_000 else {
            throw Refusal.unsuitable("the server is PostgreSQL \(row?.text(1) ?? ""), and 14 or newer is needed")
        }
        guard row?.text(2) == "UTF8" else {
            throw Refusal.unsuitable("the database is encoded in \(row?.text(2) ?? ""), and UTF8 is needed")
        }
        try Self.refuseOther(connection)
        try refuseOthersSchema()
    }

    /// - Throws: ``Refusal/unsuitable(_:)`` when it is not the database of a Tasking Manager.
    static func refuseOther(_ connection: DatabaseConnection) throws {
        let missing = try TaskingManagerTables.missing(connection)
        if let first = missing.first {
            let more = missing.count > 1 ? ", and \(missing.count - 1) more" : ""
            throw Refusal.unsuitable(
                "the database is not that of a Tasking Manager of version 4.4 or newer: there is no \(first.dropFirst(4))\(more)"
            )
        }
    }

    /// - Throws: ``Refusal/refused(_:)`` when there is a schema of our name that is somebody else's.
    private func refuseOthersSchema() throws {
        let row = try connection.execute(
            """
            SELECT to_regnamespace('campaignd') IS NOT NULL, to_regclass('campaignd.change') IS NOT NULL,
              EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('campaignd'))
            """
        ).first
        if row?.flag(0) == true, row?.flag(1) != true, row?.flag(2) == true {
            throw Refusal.refused("there is a schema campaignd with other things in it; nothing was changed")
        }
    }

    private func make(_ step: Step) throws(any Error) {
        switch step {
        case .tables: try connection.execute(SQL(composed: SchemaSQL.tables))
        case .triggers: try connection.execute(SQL(composed: SchemaSQL.triggers))
        case .rights: try grant()
        case .index: break
        }
    }

    private func grant() throws {
        if try !hasRole() {
            let mayMake = try connection.execute(
                "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).first?.flag(0)
            guard mayMake == true else {
                throw Refusal.refused(
                    "there is no role \(role), and this user may not make one; nothing was changed. "
                        + "As a superuser: CREATE ROLE \(SQL.identifier(role)) LOGIN")
            }
            try connection.execute(SQL(composed: "CREATE ROLE \(SQL.identifier(role)) LOGIN"))
        }
        for right in try DatabaseRight.missing(role, connection) {
            try connection.execute(SQL(composed: right.grant(to: role)))
            // Only what was given is taken back.
            try connection.query(
                "INSERT INTO campaignd.granted VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", role, right.privilege,
                right.object)
        }
    }

    /// Nobody waits for this but us: writers go on meanwhile.
    ///
    /// - Returns: why there is none now, or nil.
    private func makeIndex(within time: Duration) throws(DatabaseError) -> String? {
        connection.deadline = Deadline(after: .seconds(3600))
        do throws(DatabaseError) {
            try connection.execute(
                SQL(composed: "SET lock_timeout = '\(time.milliseconds)ms'; SET statement_timeout = 0"))
            // One that was begun and not finished is there, and never used.
            if try !Self.missingIndex(connection).isEmpty {
                try connection.execute("DROP INDEX CONCURRENTLY IF EXISTS public.campaignd_name")
            }
            try connection.execute(SQL(composed: SchemaSQL.index))
            return nil
        } catch {
            guard case .statement(let failure) = error else { throw error }
            // What is left of it is of no use. Who holds it up may hold this up too; then the next installation does it.
            do throws(DatabaseError) {
                try connection.execute("DROP INDEX CONCURRENTLY IF EXISTS public.campaignd_name")
            } catch {
                guard case .statement = error else { throw error }
            }
            return failure.message
        }
    }

    // MARK: Uninstall

    /// Removes everything, and all that is in it, and takes back the rights that were given. The role stays.
    ///
    /// - Parameter time: how long whoever uses the tables may have to wait for this at most.
    /// - Returns: whether there was anything.
    /// - Throws: ``Refusal``, ``DatabaseError``.
    public func uninstall(within time: Duration) throws -> Bool {
        try refuseOthersSchema()
        let there = try connection.execute(
            "SELECT to_regnamespace('campaignd') IS NOT NULL OR to_regclass('public.campaignd_name') IS NOT NULL"
        ).first
        guard there?.flag(0) == true else { return false }
        try alone("ACCESS EXCLUSIVE", within: time) { () throws(any Error) in
            for (role, right) in try granted() {
                try connection.execute(SQL(composed: right.revoke(from: role)))
            }
            try connection.execute(
                "DROP INDEX IF EXISTS public.campaignd_name; DROP SCHEMA IF EXISTS campaignd CASCADE")
        }
        return true
    }

    /// The rights on the Tasking Manager's tables that were given to roles which there still are.
    ///
    /// The table only says which of the rights they were: nobody who can write into it can have anything else carried out.
    private func granted() throws(DatabaseError) -> [(role: String, right: DatabaseRight)] {
        guard try connection.execute("SELECT to_regclass('campaignd.granted') IS NOT NULL").first?.flag(0) == true
        else {
            return []
        }
        let rows = try connection.execute(
            "SELECT role, privilege, object FROM campaignd.granted WHERE role IN (SELECT rolname FROM pg_roles)")
        return rows.flatMap { row in
            DatabaseRight.all.filter { $0.privilege == row.text(1) && $0.object == row.text(2) }
                .map { (row.text(0) ?? "", $0) }
        }
    }

    // MARK: Locks

    /// Carries out a transaction with a lock on all tables that are noted, or nothing.
    ///
    /// Whoever wants to write meanwhile stands behind us, also while we still wait. So the lock is tried for short times,
    /// with pauses in which the others go on, and never for as long as PostgreSQL waits before it looks for deadlocks
    /// (deadlock_timeout, a second): in one with us, it is never somebody else whose work is undone.
    ///
    /// - Parameter mode: that of the lock; nil when none is needed.
    private func alone(_ mode: String?, within time: Duration, _ body: () throws -> Void) throws {
        let end = Deadline(after: time)
        connection.deadline = end
        while true {
            do {
                return try connection.transaction {
                    if let mode { try lock(mode, for: min(end.remaining / 2, .milliseconds(700))) }
                    try body()
                }
            } catch let error as DatabaseError where error.isOfLocks && end.remaining > .milliseconds(200) {
                Pause.milliseconds(100)
            } catch let error as DatabaseError where error.isOfLocks || error.isOfTime {
                let others = connection.isOpen ? try whoIsInTheWay() : []
                throw Refusal.busy(
                    "the tables are in use, and could not be locked in time; nothing was changed"
                        + (others.isEmpty ? "" : "; in the way: \(others.joined(separator: ", "))"))
            }
        }
    }

    private func lock(_ mode: String, for time: Duration) throws(DatabaseError) {
        let rows = try connection.execute(
            SQL(
                composed:
                    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = to_regnamespace('public') "
                    + "AND relname IN (\(TaskingManagerTables.noted.map { "'\($0)'" }.joined(separator: ", ")))"))
        let there = TaskingManagerTables.noted.filter { table in rows.contains { $0.text(0) == table } }
        guard !there.isEmpty else { return }
        try connection.execute(SQL(composed: "SET LOCAL statement_timeout = '\(max(time.milliseconds, 1))ms'"))
        try connection.execute(
            SQL(composed: "LOCK TABLE \(there.map { "public.\($0)" }.joined(separator: ", ")) IN \(mode) MODE"))
        try connection.execute("SET LOCAL statement_timeout = 0")
    }

    private func whoIsInTheWay() throws(DatabaseError) -> [String] {
        connection.deadline = Deadline(after: .seconds(5))
        let rows = try connection.query(
            """
            SELECT DISTINCT a.pid, a.application_name, extract(epoch FROM now() - a.xact_start)::int
            FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
            WHERE l.relation = ANY(SELECT oid FROM pg_class WHERE relname = ANY($1::text[]) AND relnamespace = to_regnamespace('public'))
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND l.granted AND a.pid <> pg_backend_pid()
            ORDER BY 3 DESC NULLS LAST LIMIT 3
            """, TaskingManagerTables.noted)
        return rows.map { row in
            let name = row.text(1).flatMap { $0.isEmpty ? nil : "\($0), " } ?? ""
            return "process \(row.number(0) ?? 0) (\(name)in a transaction for \(row.number(2) ?? 0) s)"
        }
    }

    // MARK: As text

    /// The SQL of an installation, for psql.
    public static func installScript(role: String, withTriggers: Bool) -> String {
        let name = SQL.identifier(role)
        let rights = DatabaseRight.all.map { right in
            """
            \(right.grant(to: role));
            INSERT INTO campaignd.granted VALUES ('\(role.replacing("'", with: "''"))', '\(right.privilege)', '\(right.object)')
                ON CONFLICT DO NOTHING;

            """
        }
        return """
            \\set ON_ERROR_STOP 1
            CREATE ROLE \(name) LOGIN; -- unless it is there already
            BEGIN;
            SET LOCAL lock_timeout = '500ms';
            \(SchemaSQL.tables)
            \(withTriggers ? SchemaSQL.triggers : "")
            \(rights.joined())
            COMMIT;
            \(withTriggers ? SchemaSQL.index : "")
            """
    }

    /// The SQL of a removal, for psql, as if all rights had been given by the installation.
    public static func uninstallScript(role: String) -> String {
        let rights = DatabaseRight.all.filter { !$0.object.contains("campaignd.") && $0.object != "SCHEMA campaignd" }
            .map { "\($0.revoke(from: role));\n" }
        return """
            \\set ON_ERROR_STOP 1
            BEGIN;
            SET LOCAL lock_timeout = '500ms';
            \(rights.joined())DROP INDEX IF EXISTS public.campaignd_name;
            DROP SCHEMA campaignd CASCADE;
            COMMIT;

            """
    }
}

/// The SQL that is in files of its own.
enum SchemaSQL {
    static let tables = String(decoding: PackageResources.tables_sql, as: UTF8.self)
    static let triggers = String(decoding: PackageResources.triggers_sql, as: UTF8.self)
    static let index = String(decoding: PackageResources.index_sql, as: UTF8.self)
}

extension DatabaseError {
    /// Whether a lock was not available in time, or not without a deadlock.
    fileprivate var isOfLocks: Bool { ["55P03", "57014", "40P01"].contains(sqlState) }
    fileprivate var isOfTime: Bool { if case .deadlineExceeded = self { true } else { false } }
}

extension Duration {
    fileprivate var milliseconds: Int {
        Int(clamping: components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
