internal import PostgreSQL

/// What of a Tasking Manager's tables is used, and what has to be there for it.
enum TaskingManagerTables {
    /// The tables whose changes are noted.
    static let noted = ["campaigns", "campaign_projects", "campaign_organisations", "organisations", "projects"]

    /// By table, the columns.
    private static let needed: [(table: String, columns: [String])] = [
        ("campaigns", ["id", "name", "logo", "url", "description"]),
        ("campaign_projects", ["campaign_id", "project_id"]),
        ("campaign_organisations", ["campaign_id", "organisation_id"]),
        ("organisations", ["id", "name", "slug", "logo", "url", "description", "type", "subscription_tier"]),
        ("organisation_managers", ["organisation_id", "user_id"]),
        (
            "projects",
            [
                "id", "status", "default_locale", "author_id", "organisation_id", "total_tasks", "tasks_mapped",
                "tasks_validated", "tasks_bad_imagery",
            ]
        ),
        ("project_info", ["project_id", "locale", "name", "short_description"]),
        ("project_teams", ["team_id", "project_id", "role"]),
        ("team_members", ["team_id", "user_id", "active"]),
        ("tasks", ["project_id", "mapped_by", "validated_by"]),
        ("users", ["id", "username", "role", "picture_url", "email_address", "projects_notifications"]),
        ("messages", ["id", "message", "subject", "from_user_id", "to_user_id", "date", "read", "message_type"]),
    ]

    /// What is missing for the database to be a Tasking Manager's, such as "the table public.campaigns".
    static func missing(_ connection: DatabaseConnection) throws(DatabaseError) -> [String] {
        let rows = try connection.execute(
            """
            SELECT c.relname, a.attname FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relnamespace = to_regnamespace('public')
            """)
        var columns: [String: Set<String>] = [:]
        for row in rows { columns[row.text(0) ?? "", default: []].insert(row.text(1) ?? "") }
        return needed.flatMap { table, needed -> [String] in
            guard let there = columns[table] else { return ["the table public.\(table)"] }
            return needed.filter { !there.contains($0) }.map { "the column \($0) of public.\(table)" }
        }
    }
}
