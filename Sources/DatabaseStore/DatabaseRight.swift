internal import PostgreSQL

/// A right that the role of the responders needs: as little as will do.
struct DatabaseRight {
    /// Such as `SELECT`, or `UPDATE (read)`.
    let privilege: String
    /// Such as `public.campaigns`, `SEQUENCE public.messages_id_seq` or `SCHEMA public`.
    let object: String

    static let all: [DatabaseRight] = [
        rights("USAGE", ["SCHEMA public", "SCHEMA campaignd"]),
        rights(
            "SELECT",
            [
                "campaigns", "campaign_projects", "campaign_organisations", "organisations", "organisation_managers",
                "projects", "project_info", "project_teams", "team_members", "tasks", "users", "messages",
            ].map { "public.\($0)" }),
        ["INSERT", "UPDATE", "DELETE"].flatMap {
            rights($0, ["public.campaigns", "public.campaign_projects", "public.campaign_organisations"])
        },
        ["INSERT", "DELETE", "UPDATE (read)"].flatMap { rights($0, ["public.messages"]) },
        // Whoever signs in for the first time, and what they are called and want to get.
        ["INSERT", "UPDATE (username)", "UPDATE (picture_url)", "UPDATE (projects_notifications)"].flatMap {
            rights($0, ["public.users"])
        },
        rights("USAGE", ["SEQUENCE public.campaigns_id_seq", "SEQUENCE public.messages_id_seq"]),
        ["SELECT", "INSERT", "UPDATE", "DELETE"].flatMap {
            rights(
                $0,
                ["change", "horizon", "organisation_order", "done", "message", "logo", "history"].map {
                    "campaignd.\($0)"
                })
        },
    ].flatMap(\.self)

    private static func rights(_ privilege: String, _ objects: [String]) -> [DatabaseRight] {
        objects.map { DatabaseRight(privilege: privilege, object: $0) }
    }

    /// The column of a right that is for one alone.
    private var column: String? {
        privilege.firstIndex(of: "(").map { String(privilege[privilege.index(after: $0)...].dropLast()) }
    }

    /// Such as `campaigns_id_seq` with its schema, without the kind of object.
    private var name: String { object.split(separator: " ").last.map(String.init) ?? object }

    func grant(to role: String) -> String { "GRANT \(privilege) ON \(object) TO \(SQL.identifier(role))" }
    func revoke(from role: String) -> String { "REVOKE \(privilege) ON \(object) FROM \(SQL.identifier(role))" }

    /// Whether a role has this, by whatever way; false when the object is not there.
    private func query(_ role: String) -> String {
        let word = privilege.prefix { $0 != " " }
        func literal(_ text: some StringProtocol) -> String { "'\(String(text).replacing("'", with: "''"))'" }
        let (role, name, word2) = (literal(role), literal(name), literal(word))
        if object.hasPrefix("SCHEMA ") {
            return "coalesce(has_schema_privilege(\(role), to_regnamespace(\(name)), \(word2)), false)"
        }
        if object.hasPrefix("SEQUENCE ") {
            return "coalesce(has_sequence_privilege(\(role), to_regclass(\(name)), \(word2)), false)"
        }
        guard let column else { return "coalesce(has_table_privilege(\(role), to_regclass(\(name)), \(word2)), false)" }
        return "coalesce(has_column_privilege(\(role), to_regclass(\(name)), \(literal(column)), \(word2)), false)"
    }

    /// The rights that a role, which there is, does not have.
    static func missing(_ role: String, _ connection: DatabaseConnection) throws(DatabaseError) -> [DatabaseRight] {
        let query = "SELECT " + all.map { $0.query(role) }.joined(separator: ", ")
        guard let row = try connection.execute(SQL(composed: query)).first else { return all }
        return all.enumerated().filter { row.flag($0.offset) != true }.map(\.element)
    }
}
