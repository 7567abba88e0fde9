import Campaigns
import Foundation
import JSON
import TestSupport

/// The records of the fixture in a Tasking Manager's tables.
struct DatabaseFixture {
    let database: PrivateCluster.Database
    /// That of the responders, with no more rights than `campaignd database install` gives it.
    let role: String

    init() throws {
        database = try PrivateCluster.shared().taskingManager(filledBy: Self.rows())
        role = "campaignd_\(database.name)"
        let outcome = try Command.run(
            Repository.campaignd.path,
            ["database", "install", database.uri, "--role", role, "--within", "60s"])
        guard outcome.status == 0 else { throw Command.Failed(description: outcome.errors) }
        try database.run(Self.orders())
    }

    private static func records<Kind: Record>(_: Kind.Type, _ kind: RecordKind) throws -> [Kind] {
        let folder = Repository.fixture.appendingPathComponent(kind.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).compactMap { name -> Kind? in
            guard name.hasSuffix(".json"), let id = Int(name.dropLast(5)) else { return nil }
            let json = try JSONValue(parsing: Array(Data(contentsOf: folder.appendingPathComponent(name))))
            return try Kind(RecordMembers(json, id: id, idKey: Kind.idKey))
        }.sorted { $0.id < $1.id }
    }

    private static func text(_ text: String?) -> String {
        text.map { "'\($0.replacingOccurrences(of: "'", with: "''"))'" } ?? "NULL"
    }

    private static func number(_ number: Int?) -> String { number.map(String.init) ?? "NULL" }

    private static func rows() throws -> String {
        var sql: [String] = []
        let users = try records(User.self, .users)
        let roles = [Role.readOnly: -1, .mapper: 0, .admin: 1]
        for user in users {
            sql.append(
                """
                INSERT INTO users (id, username, role, picture_url, email_address, is_email_verified, projects_notifications,
                  mapping_level, tasks_mapped, tasks_validated, tasks_invalidated, projects_comments_notifications,
                  tasks_comments_notifications, teams_announcement_notifications)
                VALUES (\(user.id), \(text(user.username)), \(number(roles[user.role])), \(text(user.pictureUrl)),
                  \(text(user.emailAddress)), true, \(user.projectsNotifications), 1, 0, 0, 0, false, false, false)
                """)
        }
        let types = [OrganisationType.free: 1, .discounted: 2, .fullFee: 3]
        for organisation in try records(Organisation.self, .organisations) {
            sql.append(
                """
                INSERT INTO organisations (id, name, slug, logo, url, description, type, subscription_tier)
                VALUES (\(organisation.id), \(text(organisation.name)), \(text(organisation.slug)),
                  \(text(organisation.logo)), \(text(organisation.url)), \(text(organisation.description)),
                  \(organisation.type.flatMap { types[$0] } ?? 0), \(number(organisation.subscriptionTier)))
                """)
            for user in organisation.managers {
                sql.append("INSERT INTO organisation_managers VALUES (\(organisation.id), \(user))")
            }
        }
        sql += try records(Project.self, .projects).flatMap(rows)
        for campaign in try records(Campaign.self, .campaigns) {
            sql.append(
                """
                INSERT INTO campaigns (id, name, logo, url, description) VALUES (\(campaign.id), \(text(campaign.name)),
                  \(text(campaign.logo)), \(text(campaign.url)), \(text(campaign.description)))
                """)
            sql += campaign.projects.map { "INSERT INTO campaign_projects VALUES (\(campaign.id), \($0))" }
            sql += campaign.organisations.map { "INSERT INTO campaign_organisations VALUES (\(campaign.id), \($0))" }
        }
        sql.append("SELECT setval('campaigns_id_seq', (SELECT max(id) FROM campaigns))")
        return sql.joined(separator: ";\n")
    }

    private static func rows(_ project: Project) -> [String] {
        let statuses = [ProjectStatus.archived: 0, .published: 1, .draft: 2]
        let (mapped, validated) = (project.percentMapped ?? 0, project.percentValidated ?? 0)
        var sql = [
            """
            INSERT INTO projects (id, status, created, author_id, organisation_id, difficulty, total_tasks, tasks_mapped,
              tasks_validated, tasks_bad_imagery, geometry, centroid, task_creation_mode)
            VALUES (\(project.id), \(project.status.flatMap { statuses[$0] } ?? -1), now(), \(number(project.author)),
              \(number(project.organisation)), 1, 100, \(mapped - validated), \(validated), 0, '', '', 0)
            """,
            """
            INSERT INTO project_info (project_id, locale, name, short_description)
            VALUES (\(project.id), 'en', \(text(project.name)), \(text(project.shortDescription)))
            """,
        ]
        if !project.managers.isEmpty {
            sql.append(
                "INSERT INTO teams (id, organisation_id, name, join_method) VALUES (\(project.id), 1, 'Team', 0)")
            sql.append("INSERT INTO project_teams (team_id, project_id, role) VALUES (\(project.id), \(project.id), 2)")
        }
        for user in project.managers {
            sql.append("INSERT INTO team_members VALUES (\(project.id), \(user), 1, true, false)")
        }
        for (place, user) in project.contributors.enumerated() {
            sql.append(
                """
                INSERT INTO tasks (id, project_id, mapped_by)
                SELECT \(place + 1), \(project.id), id FROM users WHERE id = \(user)
                """)
        }
        return sql
    }

    private static func orders() throws -> String {
        try records(Campaign.self, .campaigns).map { campaign in
            let ids = campaign.organisations.map(String.init).joined(separator: ",")
            return "INSERT INTO campaignd.organisation_order VALUES (\(campaign.id), '{\(ids)}')"
        }.joined(separator: ";\n")
    }
}
