import Foundation
import TestSupport
import Testing

/// A small Tasking Manager, with one of everything.
private let village = """
    INSERT INTO users (id, username, role, picture_url, email_address, is_email_verified, projects_notifications) VALUES
      (1, 'admin', 1, 'https://example.org/1.png', 'admin@example.org', true, true),
      (2, 'blocked', -1, NULL, NULL, false, true),
      (3, 'manager', 0, NULL, 'manager@example.org', false, true),
      (4, 'author', 0, NULL, '', true, true),
      (5, 'team', 0, NULL, NULL, NULL, true),
      (6, 'gone from the team', 0, NULL, NULL, NULL, true),
      (7, 'in another team', 0, NULL, NULL, NULL, true),
      (8, 'mapper', 0, NULL, 'mapper@example.org', true, false),
      (9, 'validator', 0, NULL, NULL, NULL, true),
      (10, 'visitor', 0, NULL, 'visitor@example.org', true, true);
    INSERT INTO organisations (id, name, slug, logo, url, description, type, subscription_tier) VALUES
      (1, 'Open Shelter', 'open-shelter', '/logos/open-shelter.svg', 'https://shelter.example.org', 'Roofs', 3, 2),
      (2, 'Río Azul', 'rio-azul', NULL, NULL, NULL, 1, NULL);
    INSERT INTO organisation_managers VALUES (1, 3), (1, 1);
    INSERT INTO projects (id, status, default_locale, author_id, organisation_id, private,
      total_tasks, tasks_mapped, tasks_validated, tasks_bad_imagery) VALUES
      (10, 1, 'fr', 4, 1, false, 10, 3, 2, 3), (11, 0, 'sw', 4, NULL, false, 7, 0, 7, 0),
      (12, 2, NULL, 1, 2, true, 4, 0, 0, 4);
    INSERT INTO project_info (project_id, locale, name, short_description) VALUES
      (10, 'en', 'Bridges', 'All bridges'), (10, 'fr', 'Ponts', ''), (11, 'de', 'Wege', NULL), (11, 'en', 'Roads', NULL),
      (11, 'sw', '', 'Barabara'), (12, 'de', 'Brunnen', NULL);
    INSERT INTO teams (id, organisation_id, name) VALUES (1, 1, 'Managers'), (2, 1, 'Mappers');
    INSERT INTO project_teams VALUES (1, 10, 2), (2, 10, 0), (2, 11, 1);
    INSERT INTO team_members (team_id, user_id, active) VALUES (1, 5, true), (1, 6, false), (2, 7, true);
    INSERT INTO tasks (id, project_id, mapped_by, validated_by, locked_by) VALUES
      (1, 10, 8, 9, NULL), (2, 10, 8, NULL, 10), (3, 10, NULL, NULL, NULL), (1, 11, 9, 8, NULL);
    INSERT INTO campaigns (id, name, logo, url, description) VALUES
      (5, 'Before the Storm', '/logos/storm.svg', 'https://storm.example.org', 'One' || chr(10) || '"two"'),
      (6, 'Wells', NULL, '', NULL);
    INSERT INTO campaign_projects VALUES (5, 11), (5, 10), (5, 10), (6, 12);
    INSERT INTO campaign_organisations VALUES (5, 2), (5, 1);
    """

/// What the service keeps of the village.
private let villageFiles = [
    "users/1.json": user(
        1, "admin", role: "ADMIN", picture: #""https://example.org/1.png""#, email: #""admin@example.org""#),
    "users/2.json": user(2, "blocked", role: "READ_ONLY"),
    "users/3.json": user(3, "manager"),
    "users/4.json": user(4, "author"),
    "users/5.json": user(5, "team"),
    "users/8.json": user(8, "mapper", email: #""mapper@example.org""#, notifications: false),
    "users/9.json": user(9, "validator"),
    "organisations/1.json": """
    {
      "organisationId": 1,
      "name": "Open Shelter",
      "slug": "open-shelter",
      "logo": "/logos/open-shelter.svg",
      "url": "https://shelter.example.org",
      "description": "Roofs",
      "type": "FULL_FEE",
      "subscriptionTier": 2,
      "managers": [1, 3]
    }

    """,
    "organisations/2.json": """
    {
      "organisationId": 2,
      "name": "Río Azul",
      "slug": "rio-azul",
      "logo": null,
      "url": null,
      "description": null,
      "type": "FREE",
      "subscriptionTier": null,
      "managers": []
    }

    """,
    "projects/10.json": project(
        10, "Ponts", short: #""All bridges""#, mapped: 71, validated: 28, author: 4, organisation: "1", managers: "5",
        contributors: "8, 9"),
    "projects/11.json": project(
        11, "Roads", short: #""Barabara""#, status: "ARCHIVED", mapped: 100, validated: 100, author: 4,
        contributors: "8, 9"),
    "projects/12.json": project(12, "Brunnen", status: "DRAFT", author: 1, organisation: "2"),
    "campaigns/5.json": #"""
    {
      "id": 5,
      "name": "Before the Storm",
      "logo": "/logos/storm.svg",
      "url": "https://storm.example.org",
      "description": "One\n\"two\"",
      "organisations": [1, 2],
      "projects": [10, 11]
    }

    """#,
    "campaigns/6.json": """
    {
      "id": 6,
      "name": "Wells",
      "logo": null,
      "url": null,
      "description": null,
      "organisations": [],
      "projects": [12]
    }

    """,
]

private func user(
    _ id: Int, _ name: String, role: String = "MAPPER", picture: String = "null", email: String = "null",
    notifications: Bool = true
) -> String {
    """
    {
      "id": \(id),
      "username": "\(name)",
      "role": "\(role)",
      "pictureUrl": \(picture),
      "emailAddress": \(email),
      "projectsNotifications": \(notifications)
    }

    """
}

private func project(
    _ id: Int, _ name: String, short: String = "null", status: String = "PUBLISHED", mapped: Int = 0,
    validated: Int = 0, author: Int, organisation: String = "null", managers: String = "", contributors: String = ""
) -> String {
    """
    {
      "projectId": \(id),
      "name": "\(name)",
      "shortDescription": \(short),
      "status": "\(status)",
      "percentMapped": \(mapped),
      "percentValidated": \(validated),
      "author": \(author),
      "organisation": \(organisation),
      "managers": [\(managers)],
      "contributors": [\(contributors)]
    }

    """
}

@Suite("campaignd import from a database")
struct ImportTests {
    private let fixture: Fixture

    init() throws {
        fixture = try Fixture()
    }

    @Test(
        "users with a role, a right or a task, organisations, projects and campaigns are taken over, with their links")
    func everything() throws {
        let outcome = try fixture.take(try database(village))
        #expect(outcome.status == 0)
        #expect(
            outcome.errors == """
                users: 7 new, 0 changed, 0 the same
                organisations: 2 new, 0 changed, 0 the same
                projects: 3 new, 0 changed, 0 the same
                campaigns: 2 new, 0 changed, 0 the same

                """)
        #expect(
            outcome.text == """
                Left out or changed on the way:
                  users: 3 left out, without a role, a right or a task
                  e-mail addresses: 1 left out, which are not verified
                14 records are new, 0 have changed, 0 were the same already

                """)
        #expect(try fixture.files() == villageFiles)
        #expect(try fixture.campaignd(["check", fixture.data]).text == "14 records, all in order\n")
    }

    @Test("with --dry-run nothing is made or changed, and what would be is said")
    func rehearsal() throws {
        let village = try database(village)
        let outcome = try fixture.take(village, "--dry-run")
        #expect(outcome.status == 0)
        #expect(
            outcome.text.hasSuffix(
                "14 records would be new, 0 would change, 0 are the same already; nothing was done\n"))
        #expect(outcome.errors.contains("users: 7 new"))
        #expect(!FileManager.default.fileExists(atPath: fixture.data))
        try fixture.write(user(4, "old name"), "users/4.json")
        try fixture.write(villageFiles["users/8.json"] ?? "", "users/8.json")
        let before = try fixture.everything()
        #expect(
            try fixture.take(village, "--dry-run").text.hasSuffix(
                "12 records would be new, 1 would change, 1 are the same already; nothing was done\n"))
        #expect(try fixture.everything() == before)
    }

    @Test("what is the same is not written again, what differs is, and the rest stays as it is")
    func repetition() throws {
        let village = try PrivateCluster.shared().taskingManager(village)
        _ = try fixture.take(village.uri)
        try fixture.write(user(77, "by hand"), "users/77.json")
        try fixture.write(#"{"id": 12, "name": "By hand"}"#, "campaigns/12.json")
        // Formatted, sorted and extended by hand.
        let byHand =
            #"{"id":5,"name":"Old","organisations":[2,1],"projects":[11,10],"colour":"blue","logo":"/logos/o.svg"}"#
        try fixture.write(byHand, "campaigns/5.json")
        let mapper = villageFiles["users/8.json"]?.replacingOccurrences(of: "\n", with: " ") ?? ""
        try fixture.write(mapper, "users/8.json")
        try village.run("UPDATE users SET username = 'autora' WHERE id = 4")
        let before = try fixture.inodes()

        let outcome = try fixture.take(village.uri)
        #expect(outcome.status == 0)
        #expect(outcome.text.hasSuffix("0 records are new, 2 have changed, 12 were the same already\n"))
        #expect(
            outcome.text.contains(
                "Here, and nothing came for them, so they are left alone:\n  users 77\n  campaigns 12\n"))
        let changed = try fixture.inodes().filter { $0.value != before[$0.key] }.keys
        #expect(changed.sorted() == ["campaigns/5.json", "users/4.json"])
        #expect(try fixture.read("users/4.json") == user(4, "autora"))
        #expect(try fixture.read("users/8.json") == mapper)
        #expect(
            try fixture.read("campaigns/5.json") == #"""
                {
                  "id": 5,
                  "name": "Before the Storm",
                  "logo": "/logos/storm.svg",
                  "url": "https://storm.example.org",
                  "description": "One\n\"two\"",
                  "organisations": [2, 1],
                  "projects": [11, 10],
                  "colour": "blue"
                }

                """#)
        #expect(try fixture.take(village.uri).text.contains("\n0 records are new, 0 have changed, 14 were the same"))
        try fixture.write(user(4, "autora", role: "ADMIN"), "users/4.json")
        #expect(try fixture.take(village.uri).text.contains("\n  user 4: was ADMIN here; now MAPPER\n"))
    }

    @Test("what the API would not accept is changed or left out, and said")
    func rules() throws {
        let outcome = try fixture.take(
            try database(
                """
                INSERT INTO users (id, username, role, picture_url) VALUES
                  (-1, 'nobody', 1, NULL), (1, 'validator', 4, 'javascript:alert(1)');
                INSERT INTO organisations (id, name, slug, logo, type) VALUES (1, 'A', 'a', 'data:image/png;base64,AAAA', 7);
                INSERT INTO projects (id, author_id, status) VALUES (1, 1, 9), (2, -1, 2);
                INSERT INTO campaigns (id, name, logo, url) VALUES
                  (1, ' ' || chr(9) || 'Tab' || chr(9) || 'bed ', 'ftp://example.org/x', 'https://a' || chr(7)),
                  (2, ' ', NULL, NULL), (3, 'Caf' || chr(233), NULL, NULL), (4, 'Cafe' || chr(769), NULL, NULL),
                  (5, repeat('ñ', 300), NULL, NULL), (6, repeat('ñ', 301), NULL, NULL);
                """))
        #expect(outcome.status == 0)
        #expect(
            outcome.text == """
                Left out or changed on the way:
                  user -1: left out: ids start at 1
                  user 1: has the role 4, which is none here; now MAPPER
                  user 1: the picture is left out: it must be a link to http or https, or a path
                  organisation 1: the logo is left out: it must be a link to http or https, or a path
                  organisation 1: has the type 7, which is none here; now null
                  project 1: has no name in any language; now null
                  project 1: has the status 9, which is none here; now null
                  project 2: has no name in any language; now null
                  campaign 1: the name has control characters; now spaces
                  campaign 2: has no name; now Campaign 2
                  campaign 5: the name is longer than 255 characters; now cut there
                  campaign 6: the name is longer than 255 characters; now cut there
                  campaign 1: the logo is left out: it must be a link to http or https, or a path
                  campaign 1: the url is left out: it must not contain control characters
                  campaign 4: the name 'Cafe\u{301}' is another's; now 'Cafe\u{301} (4)'
                  campaign 6: the name '\(String(repeating: "ñ", count: 255))' is another's; now \
                '\(String(repeating: "ñ", count: 251)) (6)'
                10 records are new, 0 have changed, 0 were the same already

                """)
        #expect(try fixture.value("campaigns/1.json", "name") == "Tab bed")
        #expect(try fixture.value("campaigns/2.json", "name") == "Campaign 2")
        #expect(try fixture.read("projects/2.json").contains(#""author": null"#))
        #expect(try fixture.campaignd(["check", fixture.data]).status == 0)
    }

    @Test("a name that another campaign has here is not given twice, but campaigns may change names with one another")
    func names() throws {
        let source = try PrivateCluster.shared().taskingManager(
            "INSERT INTO campaigns (id, name) VALUES (1, 'One'), (2, 'Two'), (3, 'Three')")
        try fixture.write(#"{"id": 9, "name": "Three"}"#, "campaigns/9.json")
        let outcome = try fixture.take(source.uri)
        #expect(outcome.text.contains("campaign 3: the name 'Three' is another's here; now 'Three (3)'"))
        try source.run(
            """
            UPDATE campaigns SET name = 'Three' || id WHERE id = 3;
            UPDATE campaigns SET name = id::text; UPDATE campaigns SET name = 'Two' WHERE id = 1;
            UPDATE campaigns SET name = 'One' WHERE id = 2;
            """)
        #expect(
            try fixture.take(source.uri).text == """
                Here, and nothing came for them, so they are left alone:
                  campaigns 9
                0 records are new, 3 have changed, 0 were the same already

                """)
        #expect(try (1...3).map { try fixture.value("campaigns/\($0).json", "name") } == ["Two", "One", "3"])
    }

    @Test("a record that is broken here is left for a person to mend")
    func broken() throws {
        try fixture.write("{", "users/4.json")
        let outcome = try fixture.take(try database(village))
        #expect(outcome.status == 0)
        #expect(
            outcome.text.contains("  user 4: left out: users/4.json is broken here; mend or remove it first\n"))
        #expect(outcome.text.contains("  users: 3 left out, without"))
        #expect(try fixture.read("users/4.json") == "{")
        #expect(try fixture.read("users/5.json") == villageFiles["users/5.json"])
    }

    @Test("a running service shows in its next answer what has come, and gives new campaigns ids of their own")
    func service() throws {
        let socket = fixture.folder.path + "/s"
        let daemon = try Daemon(["--data", fixture.data, "--socket", socket])
        defer { daemon.end() }
        let client = try FastCGIClient(socket)
        func ask(_ asked: Asked) throws -> String { String(decoding: try client.ask(asked).body, as: UTF8.self) }
        let list = Asked("GET", "/api/v2/campaigns/")
        #expect(try ask(list) == #"{"campaigns":[]}"#)
        #expect(try fixture.take(try database(village)).status == 0)
        #expect(try ask(list) == #"{"campaigns":[{"id":5,"name":"Before the Storm"},{"id":6,"name":"Wells"}]}"#)
        // User 3 has become a manager.
        let token = [("Authorization", "Token \(try fixture.token(3))")]
        let new = Asked("POST", "/api/v2/campaigns/", headers: token, body: Data(#"{"name": "New"}"#.utf8))
        #expect(try ask(new) == #"{"campaignId":7}"#)
    }

    @Test("more records than one change of the folder holds are all taken over")
    func many() throws {
        let outcome = try fixture.take(
            try database(
                """
                INSERT INTO users (id, username, role) SELECT i, 'user ' || i, 1 FROM generate_series(1, 600) i;
                INSERT INTO campaigns (id, name) SELECT i, 'campaign ' || i FROM generate_series(1, 300) i;
                """))
        #expect(outcome.text == "900 records are new, 0 have changed, 0 were the same already\n")
        #expect(try fixture.files().count == 900)
    }

    @Test("a form without // is a connection string as well, and PGPASSWORD and its like count")
    func otherForm() throws {
        let source = try PrivateCluster.shared().taskingManager(village)
        let outcome = try fixture.take(
            "dbname=\(source.name)", environment: ["PGHOST": source.server.folder, "PGUSER": "tm"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try fixture.files() == villageFiles)
    }

    // MARK: What cannot be read

    @Test(
        "a database that is unavailable ends it with 69, and shows no password",
        arguments: [
            "postgresql://tm:hunter2@127.0.0.1:1/tm", "host=/nowhere user=tm password=hunter2 dbname=tm",
            "postgresql://tm:hunter2%@x/tm", "password=hunter2 hunter2", "postgresql://tm:hunter2@[x/tm",
            "dbnam=hunter2",
        ])
    func unreachable(source: String) throws {
        let outcome = try fixture.take(source)
        #expect(outcome.status == 69)
        #expect(outcome.errors.hasPrefix("campaignd: the "))
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(!outcome.errors.contains("hunter2"))
        #expect(outcome.text.isEmpty)
    }

    @Test(
        "a database of Tasking Manager 4.0 to 4.3 is taken over too, without what it does not have",
        arguments: [
            (
                "4.0.0", ["slug", "description", "type", "subscription_tier"],
                """
                ALTER TABLE organisations DROP COLUMN slug, DROP COLUMN description, DROP COLUMN type,
                  DROP COLUMN subscription_tier;
                ALTER TABLE users DROP COLUMN projects_comments_notifications, DROP COLUMN tasks_notifications,
                  DROP COLUMN tasks_comments_notifications, DROP COLUMN teams_announcement_notifications,
                  ADD COLUMN validation_message boolean DEFAULT true NOT NULL,
                  ADD COLUMN comments_notifications boolean DEFAULT false NOT NULL;
                ALTER TABLE teams DROP COLUMN join_method, ADD COLUMN invite_only boolean DEFAULT false NOT NULL;
                ALTER TABLE team_members DROP COLUMN join_request_notifications;
                ALTER TABLE campaigns DROP CONSTRAINT campaigns_name_key;
                ALTER TABLE projects ADD COLUMN mapper_level integer DEFAULT 2 NOT NULL;
                """
            ),
            (
                "4.3.1", ["slug", "subscription_tier"],
                "ALTER TABLE organisations DROP COLUMN slug, DROP COLUMN subscription_tier"
            ),
        ])
    func oldVersions(version: String, missing: [String], change: String) throws {
        let outcome = try fixture.take(try database(village + change))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let keys = [
            "slug": "slug", "description": "description", "type": "type", "subscription_tier": "subscriptionTier",
        ]
        var expected = villageFiles
        for file in expected.keys where file.hasPrefix("organisations/") {
            for key in missing.compactMap({ keys[$0] }) {
                let line = try Regex("\"\(key)\": [^\n]*,\n")
                expected[file] = expected[file]?.replacing(line, with: "\"\(key)\": null,\n")
            }
        }
        #expect(try fixture.files() == expected)
    }

    @Test("an address as a Tasking Manager's own settings have it is one too")
    func otherSchemes() throws {
        let uri = try database(village)
        let rest = uri.dropFirst("postgresql".count)
        for source in [
            "postgres\(rest)", "postgresql+asyncpg\(rest)", "postgresql+psycopg2\(rest)", "PostgreSQL+asyncpg\(rest)",
            "postgresql+asyncpg\(rest)?ssl=disable", "postgresql+asyncpg\(rest)?application_name=tm&ssl=prefer",
        ] {
            let outcome = try fixture.take(source)
            #expect(outcome.status == 0, "\(source): \(outcome.errors)")
        }
        #expect(try fixture.files() == villageFiles)
    }

    @Test(
        "an address of another kind of database is no PostgreSQL's",
        arguments: ["mysql://tm@h/tm", "sqlite+aiosqlite:///tm"])
    func otherDatabase(source: String) throws {
        let outcome = try fixture.take(source)
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("PostgreSQL"))
    }

    @Test("names and links that come follow the rules of the API, from a document too")
    func namesAndLinks() throws {
        let campaigns = """
            (1, U&'\\200BMissing Maps\\2060', 'storm.png', 'hotosm.org/x'), (2, 'Missing Maps', 'hotosm.org/a.png', NULL),
            (3, U&'\\3164', NULL, 'javascript.com:alert(1)')
            """
        let outcome = try fixture.take(
            try database(
                """
                INSERT INTO users (id, username, role) VALUES (1, U&'ana\\200B', 1);
                INSERT INTO campaigns (id, name, logo, url) VALUES \(campaigns);
                """))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let expected = [
            "campaigns/1": ("Missing Maps", "storm.png", "https://hotosm.org/x"),
            "campaigns/2": ("Missing Maps (2)", "https://hotosm.org/a.png", nil),
            "campaigns/3": ("Campaign 3", nil, nil),
        ]
        for (file, (name, logo, url)) in expected {
            #expect(try fixture.value("\(file).json", "name") == name)
            #expect(try fixture.value("\(file).json", "logo") == logo)
            #expect(try fixture.value("\(file).json", "url") == url)
        }
        #expect(try fixture.value("users/1.json", "username") == "ana")
        let document = try fixture.export().replacingOccurrences(of: "\"Campaign 3\"", with: "\" Wells\u{200B}\"")
        #expect(try fixture.take("-", input: document).status == 0)
        #expect(try fixture.value("campaigns/3.json", "name") == "Wells")
    }

    @Test("a database without a Tasking Manager's tables ends it with 65, and says what is missing")
    func otherTables() throws {
        let source = try PrivateCluster.shared().taskingManager("DROP TABLE campaign_projects")
        let outcome = try fixture.take(source.uri)
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains(#"relation "campaign_projects" does not exist"#))
    }

    @Test("a user of the database who may not read its tables gets 69, and is told which")
    func noRight() throws {
        let source = try PrivateCluster.shared().taskingManager("")
        try source.run("CREATE USER stranger_\(source.name)")
        let uri = source.uri.replacingOccurrences(of: "tm@", with: "stranger_\(source.name)@")
        let outcome = try fixture.take(uri)
        #expect(outcome.status == 69)
        #expect(outcome.errors == "campaignd: the database refuses: permission denied for table users\n")
    }

    @Test("without libpq it says so and ends with 69, and everything else works")
    func withoutLibrary() throws {
        // The dynamic linker finds this one first.
        try fixture.folder.write("", to: "libraries/libpq.so.5")
        let without = ["LD_LIBRARY_PATH": fixture.folder.path + "/libraries"]
        let outcome = try fixture.take("postgresql:///tm", environment: without)
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("libpq5"))
        #expect(!FileManager.default.fileExists(atPath: fixture.data))
        #expect(try fixture.campaignd(["init", fixture.data, "--demo"], without).status == 0)
        #expect(try fixture.campaignd(["export", "--data", fixture.data], without).status == 0)
        #expect(try !Command.run("ldd", [Repository.campaignd.path]).text.contains("libpq"))
    }

    private func database(_ sql: String) throws -> String {
        try PrivateCluster.shared().taskingManager(sql).uri
    }
}
