import Foundation
import TestSupport
import Testing

/// A small Tasking Manager, with one of everything.
private let village = """
    INSERT INTO users (id, username, role, picture_url, email_address, is_email_verified, projects_notifications) VALUES
      (1, 'admin', 1, 'https://example.org/1.png', 'admin@example.org', true, true),
      (2, 'blocked', -1, NULL, NULL, false, true),
      (3, 'manager', 0, 'javascript:alert(1)', 'manager@example.org', false, true),
      (4, 'author', 0, NULL, '', true, true),
      (5, 'team', 0, NULL, NULL, NULL, true),
      (6, 'gone from the team', 0, NULL, NULL, NULL, true),
      (7, 'in another team', 0, NULL, NULL, NULL, true),
      (8, 'mapper', 0, NULL, 'mapper@example.org', true, false),
      (9, 'validator', 4, NULL, NULL, NULL, true),
      (10, 'visitor', 0, NULL, 'visitor@example.org', true, true),
      (-1, 'nobody', 1, NULL, NULL, NULL, true);
    INSERT INTO organisations (id, name, slug, logo, url, description) VALUES
      (1, 'Open Shelter', 'open-shelter', '/logos/open-shelter.svg', 'https://shelter.example.org', 'Not taken'),
      (2, 'Río Azul', 'rio-azul', 'data:image/png;base64,AAAA', NULL, NULL);
    INSERT INTO organisation_managers VALUES (1, 3), (1, 1);
    INSERT INTO projects (id, status, default_locale, author_id, organisation_id, private) VALUES
      (10, 1, 'fr', 4, 1, false), (11, 0, 'sw', 4, NULL, false), (12, 2, NULL, 1, 2, true);
    INSERT INTO project_info (project_id, locale, name) VALUES
      (10, 'en', 'Bridges'), (10, 'fr', 'Ponts'), (11, 'en', 'Roads'), (11, 'sw', ''), (11, 'de', 'Wege');
    INSERT INTO teams (id, organisation_id, name) VALUES (1, 1, 'Managers'), (2, 1, 'Mappers');
    INSERT INTO project_teams VALUES (1, 10, 2), (2, 10, 0), (2, 11, 1);
    INSERT INTO team_members (team_id, user_id, active) VALUES (1, 5, true), (1, 6, false), (2, 7, true);
    INSERT INTO tasks (id, project_id, mapped_by, validated_by, locked_by) VALUES
      (1, 10, 8, 9, NULL), (2, 10, 8, NULL, 10), (3, 10, NULL, NULL, NULL), (1, 11, 9, 8, NULL);
    INSERT INTO campaigns (id, name, logo, url, description) VALUES
      (1, 'Before the Storm', '/logos/storm.svg', 'https://storm.example.org', 'Line one' || chr(10) || 'line two'),
      (2, '  ' || chr(9) || 'Tab' || chr(9) || 'bed ', 'ftp://example.org/x', NULL, NULL),
      (3, ' ', NULL, NULL, NULL),
      (4, 'Caf' || chr(233), NULL, NULL, NULL),
      (5, 'Cafe' || chr(769), NULL, NULL, NULL),
      (6, repeat('ñ', 300), NULL, '', NULL);
    INSERT INTO campaign_projects VALUES (1, 11), (1, 10), (1, 10), (2, 12);
    INSERT INTO campaign_organisations VALUES (1, 2), (1, 1);
    """

@Suite("Moving in from a Tasking Manager", .serialized)
struct ImportTests {
    private let folder: TemporaryFolder
    private var data: String { folder.path + "/data" }

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("a database's users, organisations, projects and campaigns are taken over")
    func everything() throws {
        let outcome = try move(try database(village))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors == "users: 7 new\n")
        #expect(outcome.text == "")
        #expect(try files().keys.sorted() == [])
    }

    // MARK: -

    private func database(_ sql: String) throws -> String {
        try PostgreSQL.server().taskingManager(sql).uri
    }

    private func move(
        _ source: String, _ arguments: String..., environment: [String: String?] = [:], input: String? = nil
    ) throws -> Command.Outcome {
        try campaignd(["import", source, "--data", data] + arguments, environment, input)
    }

    /// Every file of the folder with what is in it; without what the service keeps for itself.
    private func files(of folder: String? = nil) throws -> [String: String] {
        let folder = folder ?? data
        var files: [String: String] = [:]
        for case let path as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
            guard path.hasSuffix(".json") else { continue }
            files[path] = try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
        }
        return files
    }
}

private func campaignd(
    _ arguments: [String], _ environment: [String: String?] = [:], _ input: String? = nil
) throws -> Command.Outcome {
    var variables: [String: String?] = ["CAMPAIGNS_DATA": nil, "LOG_LEVEL": nil]
    variables.merge(environment) { $1 }
    return try Command.run(
        Repository.campaignd.path, arguments, environment: variables, input: input.map { Data($0.utf8) })
}
