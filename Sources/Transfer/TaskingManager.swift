internal import Campaigns
internal import JSON
internal import PostgreSQL
internal import Records

/// What is taken over from a Tasking Manager's database.
///
/// The tables and columns are those of version 4 and newer. Of a project's teams count those with the role of a project
/// manager (2), with their active members; contributors are whoever a task names as its mapper or validator, as where
/// the Tasking Manager itself writes to a campaign's contributors.
struct TaskingManager {
    private let database: Database

    /// - Parameter source: a connection string.
    /// - Throws: ``SourceError``.
    init(_ source: String) throws(SourceError) {
        database = try Database(source)
    }

    /// Hands on every record of a kind, by rising id.
    ///
    /// - Parameter note: told what is left out or changed, and why.
    /// - Returns: how many of the records lack something that is told by number alone.
    func read<Kind: FromTaskingManager>(
        _: Kind.Type, note: (String, String) -> Void, take: ([Kind]) throws -> Void
    ) throws -> Int {
        var lacking = 0
        try database.rows(Kind.query, atATime: Import.group) { rows in
            try take(
                rows.compactMap { row in
                    let id = row.number(0) ?? 0
                    let what = "\(Kind.singular) \(row.text(0) ?? "")"
                    guard id >= 1 else {
                        note(what, "left out: ids start at 1")
                        return nil
                    }
                    if Kind.lacks(row) { lacking += 1 }
                    return Kind(id, row) { note(what, $0) }
                })
        }
        return lacking
    }

    /// How many users are not taken over, for they have no role, no right, and no task.
    func countOfOtherUsers(taken: Int) throws(SourceError) -> Int {
        try database.number("SELECT count(*) FROM users WHERE id >= 1") - taken
    }
}

/// A record that a row of the database makes.
protocol FromTaskingManager: Importable {
    /// What gives the rows, by rising id, which is the first column.
    static var query: String { get }

    /// - Parameter note: told what had to be changed.
    init(_ id: Int, _ row: Row, note: (String) -> Void)

    /// Whether a row has something that the record does not get, and of which the number is told alone.
    static func lacks(_ row: Row) -> Bool
}

extension FromTaskingManager {
    static func lacks(_: Row) -> Bool { false }
}

extension User: FromTaskingManager {
    static let query = """
        SELECT id, username, role, picture_url, CASE WHEN is_email_verified THEN nullif(email_address, '') END AS email,
          projects_notifications, email_address <> '' AND is_email_verified IS NOT TRUE AS lacks
        FROM users JOIN (
          SELECT id FROM users WHERE role <> 0
          UNION SELECT user_id FROM organisation_managers
          UNION SELECT author_id FROM projects
          UNION SELECT user_id FROM team_members JOIN project_teams USING (team_id) WHERE project_teams.role = 2 AND active
          UNION SELECT DISTINCT mapped_by FROM tasks
          UNION SELECT DISTINCT validated_by FROM tasks) AS wanted USING (id)
        ORDER BY id
        """

    init(_ id: Int, _ row: Row, note: (String) -> Void) {
        let roles = [-1: Role.readOnly, 0: .mapper, 1: .admin]
        let role = row.number(2).flatMap { roles[$0] }
        if role == nil { note("has the role \(row.text(2) ?? "NULL"), which is none here; now MAPPER") }
        self.init(
            id: id, username: row.text(1), role: role ?? .mapper,
            pictureUrl: link(row.text(3), .logo, called: "the picture", note), emailAddress: row.text(4),
            projectsNotifications: row.flag(5) ?? true)
    }

    static func lacks(_ row: Row) -> Bool { row.flag(6) ?? false }
}

extension Organisation: FromTaskingManager {
    // Through its JSON a column that is not there is NULL: these came with versions from 4.0.4 to 4.4.
    static let query = """
        SELECT id, name, j ->> 'slug', logo, url, managers, j ->> 'description', j ->> 'type', j ->> 'subscription_tier'
        FROM organisations CROSS JOIN LATERAL to_jsonb(organisations) AS j LEFT JOIN (
          SELECT organisation_id AS id, string_agg(DISTINCT user_id::text, ',') AS managers
          FROM organisation_managers GROUP BY 1) AS m USING (id)
        ORDER BY id
        """

    init(_ id: Int, _ row: Row, note: (String) -> Void) {
        self.init(
            id: id, name: row.text(1), slug: row.text(2), logo: link(row.text(3), .logo, note),
            url: link(row.text(4), .url, note), description: row.text(6),
            type: word(row, 7, [1: .free, 2: .discounted, 3: .fullFee], "type", note),
            subscriptionTier: row.number(8), managers: row.ids(5).sorted())
    }
}

extension Project: FromTaskingManager {
    static let query = """
        SELECT p.id,
          (SELECT name FROM project_info AS i WHERE i.project_id = p.id AND name <> ''
            ORDER BY coalesce(locale = p.default_locale, false) DESC, locale = 'en' DESC, locale LIMIT 1) AS name,
          author_id, organisation_id, managers, contributors,
          (SELECT short_description FROM project_info AS i WHERE i.project_id = p.id AND short_description <> ''
            ORDER BY coalesce(locale = p.default_locale, false) DESC, locale = 'en' DESC, locale LIMIT 1) AS short,
          status, total_tasks, tasks_mapped, tasks_validated, tasks_bad_imagery
        FROM projects AS p
        LEFT JOIN (
          SELECT project_id AS id, string_agg(DISTINCT user_id::text, ',') AS managers
          FROM team_members JOIN project_teams USING (team_id) WHERE project_teams.role = 2 AND active
          GROUP BY 1) AS m USING (id)
        LEFT JOIN (
          SELECT id, string_agg(user_id::text, ',') AS contributors
          FROM (
            SELECT project_id AS id, mapped_by AS user_id FROM tasks WHERE mapped_by IS NOT NULL
            UNION SELECT project_id, validated_by FROM tasks WHERE validated_by IS NOT NULL) AS t
          GROUP BY 1) AS c USING (id)
        ORDER BY p.id
        """

    init(_ id: Int, _ row: Row, note: (String) -> Void) {
        if row.text(1) == nil { note("has no name in any language; now null") }
        self.init(
            id: id, name: row.text(1), shortDescription: row.text(6),
            status: word(row, 7, [0: .archived, 1: .published, 2: .draft], "status", note),
            percentMapped: Self.percent(of: row, 9, 10), percentValidated: Self.percent(of: row, 10),
            author: row.ids(2).first,
            organisation: row.ids(3).first, managers: row.ids(4).sorted(), contributors: row.ids(5).sorted())
    }

    /// As the Tasking Manager computes it: of the tasks that can be mapped, rounded down; 0 where there are none.
    ///
    /// - Parameter columns: those with the numbers of tasks that are so far.
    private static func percent(of row: Row, _ columns: Int...) -> Int {
        func number(_ column: Int) -> Double { row.number(column).map(Double.init) ?? 0 }
        let whole = number(8) - number(11)
        guard whole != 0 else { return 0 }
        let percent = columns.reduce(0) { $0 + number($1) } / whole * 100
        return Int(exactly: percent.rounded(.towardZero)) ?? 0
    }
}

extension Campaign: FromTaskingManager {
    static let query = """
        SELECT id, name, logo, url, description, organisations, projects
        FROM campaigns
        LEFT JOIN (
          SELECT campaign_id AS id, string_agg(DISTINCT organisation_id::text, ',') AS organisations
          FROM campaign_organisations GROUP BY 1) AS o USING (id)
        LEFT JOIN (
          SELECT campaign_id AS id, string_agg(DISTINCT project_id::text, ',') AS projects
          FROM campaign_projects GROUP BY 1) AS p USING (id)
        ORDER BY id
        """

    init(_ id: Int, _ row: Row, note: (String) -> Void) {
        self.init(
            id: id, name: row.text(1) ?? "", logo: link(row.text(2), .logo, note),
            url: link(row.text(3), .url, note), description: row.text(4),
            organisations: row.ids(5).sorted(), projects: row.ids(6).sorted())
    }
}

/// What a number in a column stands for; nil for NULL.
private func word<Word>(
    _ row: Row, _ column: Int, _ words: [Int: Word], _ what: String, _ note: (String) -> Void
) -> Word? {
    guard let text = row.text(column) else { return nil }
    let word = row.number(column).flatMap { words[$0] }
    if word == nil { note("has the \(what) \(text), which is none here; now null") }
    return word
}

/// A link as the API would accept it; one that it would not is left out.
private func link(_ text: String?, _ field: Link, called what: String? = nil, _ note: (String) -> Void) -> String? {
    guard let text else { return nil }
    do {
        return try field.checked(text)
    } catch {
        note("\(what ?? "the \(field.rawValue)") is left out: it \(error.problem)")
        return nil
    }
}
