import Foundation
import PostgreSQL
import TestSupport
import Testing

/// A Tasking Manager's database of a test's own, and the command on it.
struct Ground {
    let database: PrivateCluster.Database
    /// The role of the responders. Roles are the whole server's, so each test has its own.
    let role: String

    init(_ sql: String = "", in cluster: PrivateCluster? = nil) throws {
        database = try (cluster ?? .shared()).taskingManager(filledBy: sql)
        role = "campaignd_\(database.name)"
    }

    /// Runs `campaignd database` on it.
    func command(
        _ words: String..., url: String? = nil, environment: [String: String?] = [:]
    ) throws -> Command.Outcome {
        try Command.run(
            Repository.campaignd.path, ["database"] + words + [url ?? database.uri, "--role", role],
            environment: ["CAMPAIGNS_DATABASE": nil].merging(environment) { $1 })
    }

    /// Installs, with more time than a busy machine could need.
    @discardableResult
    func install(_ options: String...) throws -> String {
        let outcome = try Command.run(
            Repository.campaignd.path,
            ["database", "install", database.uri, "--role", role, "--within", "60s"] + options)
        guard outcome.status == 0 else { throw Command.Failed(description: outcome.errors) }
        return outcome.text
    }

    func connect(as user: String = "tm") throws -> DatabaseConnection {
        try DatabaseConnection(
            ConnectionSettings(database.uri(of: user), for: .service), by: Deadline(after: .seconds(120)))
    }
}

/// A few records of each kind.
let village = """
    INSERT INTO users (id, username, role, mapping_level, tasks_mapped, tasks_validated, tasks_invalidated,
        projects_comments_notifications, tasks_comments_notifications, teams_announcement_notifications)
      SELECT id, 'user ' || id, 0, 1, 0, 0, 0, false, false, false FROM generate_series(1, 3) AS id;
    INSERT INTO organisations (id, name, slug, logo, type) VALUES
      (1, 'Open Shelter', 'open-shelter', '/shelter.svg', 1), (2, 'Río Azul', 'rio-azul', NULL, 1), (3, 'Care', 'care', NULL, 1);
    INSERT INTO projects (id, status, created, author_id, difficulty, total_tasks, tasks_mapped, tasks_validated,
        tasks_bad_imagery, geometry, centroid, task_creation_mode)
      SELECT id, 1, now(), 1, 1, 0, 0, 0, 0, '', '', 0 FROM generate_series(10, 12) AS id;
    INSERT INTO campaigns (id, name, logo, url, description) VALUES
      (5, 'Before the Storm', '/storm.svg', 'https://storm.example.org', E'One\\n"two"'), (6, 'Wells', NULL, NULL, NULL);
    SELECT setval('campaigns_id_seq', 6);
    INSERT INTO campaign_projects VALUES (5, 11), (5, 10), (6, 12);
    INSERT INTO campaign_organisations VALUES (5, 1), (5, 2), (5, 3);
    """
