import CampaignAPI
import Campaigns
import DatabaseStore
import PostgreSQL
import Records
import TestSupport
import Testing
import Threads

@Suite("Reading from a database")
struct ReadingTests {
    private let ground: Ground
    /// Somebody else's.
    private let other: DatabaseConnection

    init() throws {
        ground = try Ground(village)
        try ground.install()
        other = try ground.connect()
    }

    private func store(freshWithin interval: Duration? = nil, patience: Duration = .seconds(120)) throws
        -> DatabaseStore
    {
        try DatabaseStore(
            ConnectionSettings(ground.database.uri(of: ground.role), for: .service), CampaignJSON(),
            freshWithin: interval, patience: patience)
    }

    private func list(_ store: DatabaseStore) throws -> String {
        String(decoding: try store.read { try $0.allCampaigns() }.representation().bytes, as: UTF8.self)
    }

    private func count(_ store: DatabaseStore) throws -> Int { try store.read { try $0.campaignCount() } }

    private func text(_ store: DatabaseStore, _ id: Int) throws -> String? {
        try store.read { try $0.campaign(id) }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    private func user(_ store: DatabaseStore, _ id: Int) throws -> User? { try store.read { try $0.user(id) } }

    private func countAtOnce(_ store: DatabaseStore) throws -> Int {
        try store.read(waits: false) { try $0.campaignCount() }
    }

    @Test("what others have committed is in the next answer of every responder, each time")
    func strictness() throws {
        let stores = [try store(), try store()]
        for number in 1...100 {
            try other.query("UPDATE campaigns SET name = 'Wells ' || $1::int WHERE id = 6", number)
            for store in stores {
                #expect(try list(store).contains("\"Wells \(number)\""))
                #expect(try text(store, 6)?.contains("\"Wells \(number)\"") == true)
            }
        }
        try other.execute("DELETE FROM campaign_projects; DELETE FROM campaign_organisations; DELETE FROM campaigns")
        for store in stores {
            #expect(try count(store) == 0)
            #expect(try text(store, 5) == nil)
        }
    }

    @Test("a campaign shows its organisations as they are, in their order, and what it is linked to finds it")
    func campaigns() throws {
        try other.execute(
            """
            INSERT INTO campaignd.organisation_order VALUES (5, '{3,1}'); UPDATE organisations SET name = 'Caring' WHERE id = 3;
            UPDATE campaigns SET url = 'javascript:alert(1)' WHERE id = 6; INSERT INTO campaigns (name) VALUES (' Wells')
            """)
        let store = try store()
        let shown = try text(store, 5) ?? ""
        let names = ["\"Caring\"", "\"Open Shelter\"", "\"Río Azul\""]
        let places = names.compactMap { shown.firstRange(of: $0)?.lowerBound }
        #expect(places.count == 3)
        #expect(places == places.sorted())
        #expect(try text(store, 6)?.contains("javascript") == false)
        try store.read { (records: any RecordReader) throws in
            #expect(try records.campaigns(ofProject: 12).representation() != records.allCampaigns().representation())
            #expect(try records.campaigns(ofOrganisation: 2).representation().bytes.count > 20)
            #expect(try records.projects(ofCampaignsNamed: "Before the Storm") == [10, 11])
            #expect(try records.campaignGroups().map(\.number) == [0])
            #expect(try records.detailedCampaigns(inGroup: 0).map(\.projects) == [2, 1, 0])
            #expect(records.doubles == ["campaigns/7": "name is that of campaign 6 as well"])
        }
    }

    @Test("a long text is read when it is asked for, as it is then")
    func longText() throws {
        let store = try store()
        for letter in ["a", "b"] {
            try other.query("UPDATE campaigns SET description = repeat($1, 40000) WHERE id = 6", letter)
            let shown = try text(store, 6) ?? ""
            #expect(shown.contains(String(repeating: letter, count: 40000)))
        }
    }

    @Test("users, organisations and projects are what the Tasking Manager's tables say now")
    func otherRecords() throws {
        try other.execute(
            """
            UPDATE users SET role = 1, picture_url = 'javascript:x', email_address = 'one@example.org' WHERE id = 1;
            UPDATE users SET role = -1, is_email_verified = true, email_address = 'two@example.org',
              projects_notifications = false WHERE id = 2;
            INSERT INTO organisation_managers VALUES (2, 3), (2, 1);
            UPDATE organisations SET type = 3, subscription_tier = 2, description = 'Water' WHERE id = 2;
            UPDATE projects SET organisation_id = 2, status = 2, total_tasks = 8, tasks_mapped = 2, tasks_validated = 1,
              tasks_bad_imagery = 1, default_locale = 'pt' WHERE id = 10;
            INSERT INTO project_info (project_id, locale, name, short_description) VALUES (10, 'en', 'Roads', 'All'), (10, 'pt', 'Ruas', '');
            INSERT INTO teams (id, organisation_id, name, join_method) VALUES (1, 1, 'T', 0);
            INSERT INTO team_members (team_id, user_id, function, active, join_request_notifications) VALUES
              (1, 3, 1, true, false), (1, 2, 1, false, false);
            INSERT INTO project_teams (team_id, project_id, role) VALUES (1, 10, 2), (1, 11, 1);
            INSERT INTO tasks (id, project_id, mapped_by, validated_by) VALUES (1, 10, 2, 3), (2, 10, 2, NULL);
            """)
        let store = try store()
        try store.read { (records: any RecordReader) throws in
            #expect(try records.user(1) == User(id: 1, username: "user 1", role: .admin))
            #expect(
                try records.user(2)
                    == User(
                        id: 2, username: "user 2", role: .readOnly, emailAddress: "two@example.org",
                        projectsNotifications: false))
            #expect(try records.user(99) == nil)
            #expect(try records.user(.max) == nil)
            #expect(try records.allUsers().map(\.id) == [1, 2, 3])
            let organisation = try records.organisation(2)
            #expect(
                organisation
                    == Organisation(
                        id: 2, name: "Río Azul", slug: "rio-azul", description: "Water", type: .fullFee,
                        subscriptionTier: 2, managers: [1, 3]))
            #expect(try records.allOrganisations().map(\.id) == [1, 2, 3])
            let project = try records.project(10)
            #expect(
                project
                    == Project(
                        id: 10, name: "Ruas", shortDescription: "All", status: .draft, percentMapped: 42,
                        percentValidated: 14, author: 1, organisation: 2, managers: [3], contributors: [2, 3]))
            #expect(try records.project(.max) == nil)
            #expect(try records.allProjects().first == project)
            #expect(try records.allProjects().map(\.id) == [10, 11, 12])
            #expect(try records.managesAnOrganisation(User(id: 3, username: nil)))
            #expect(try !records.managesAnOrganisation(User(id: 2, username: nil)))
        }
        try other.execute("DELETE FROM organisation_managers")
        let managers = try store.read { try $0.organisation(2)?.managers }
        #expect(managers == [])
    }

    @Test("who may not wait is told so; where answers may be a little old nobody waits")
    func waiting() throws {
        let strict = try store()
        #expect(try count(strict) == 2)
        #expect(throws: WouldWait.self) { try countAtOnce(strict) }
        // Nobody knows whether they are still the same.
        #expect(strict.generation() != strict.generation())

        let relaxed = try store(freshWithin: .milliseconds(20))
        #expect(try count(relaxed) == 2)
        #expect(try countAtOnce(relaxed) == 2)
        #expect(throws: WouldWait.self) { try relaxed.read(waits: false) { try $0.user(1) } }
        let before = relaxed.generation()
        #expect(before == relaxed.generation())
        try other.execute("INSERT INTO campaigns (name) VALUES ('New')")
        try Event.wait { try countAtOnce(relaxed) == 3 }
        #expect(relaxed.generation() != before)
        // It goes on answering while the database does not.
        try other.execute("BEGIN")
        try other.execute("LOCK TABLE campaignd.change, campaigns IN ACCESS EXCLUSIVE MODE")
        try Event.wait { relaxed.health().trouble != nil }
        #expect(try count(relaxed) == 3)
        try other.execute("ROLLBACK")
        try Event.wait { relaxed.health().trouble == nil }
    }

    @Test("all who wait share a round, and give up in time when it does not come")
    func sharing() throws {
        let store = try store(patience: .seconds(120))
        let impatient = try self.store(patience: .milliseconds(300))
        #expect(try count(store) == 2)
        try other.execute("BEGIN")
        try other.execute("LOCK TABLE campaignd.change IN ACCESS EXCLUSIVE MODE")
        try other.execute("INSERT INTO campaigns (name) VALUES ('New')")
        #expect(throws: StoreUnavailable.self) { try count(impatient) }
        let counts = Monitor<[Int]>([])
        let threads = try (0..<8).map { _ in
            try Threads.Thread("reader") {
                let count = (try? store.read { try $0.campaignCount() }) ?? 0
                counts.update { $0.append(count) }
            }
        }
        // One for each of the stores at most.
        try Event.wait {
            try other.query(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = $1)",
                ground.database.name
            ).first?.number(0) ?? 0 > 0
        }
        let waiting =
            try other.query(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = $1)",
                ground.database.name
            ).first?.number(0) ?? 0
        #expect(waiting <= 2)
        #expect(counts.update { $0 }.isEmpty)
        try other.execute("COMMIT")
        for thread in threads { thread.join() }
        #expect(counts.update { $0 } == Array(repeating: 3, count: 8))
    }

    @Test("what triggers do not tell of is found by looking, and that they are missing is said")
    func withoutTriggers() throws {
        let store = try DatabaseStore(
            ConnectionSettings(ground.database.uri(of: ground.role), for: .service), CampaignJSON(),
            patience: .seconds(120), inspection: .milliseconds(20))
        #expect(try count(store) == 2)
        #expect(store.health().broken.isEmpty)
        try other.execute("ALTER TABLE campaigns DISABLE TRIGGER campaignd")
        try Event.wait { !store.health().broken.isEmpty }
        try other.execute("INSERT INTO campaigns (name) VALUES ('New')")
        try Event.wait { try count(store) == 3 }
        // One may be passed by where there are triggers, too.
        try other.execute("DELETE FROM campaigns WHERE name = 'New'")
        try other.execute("ALTER TABLE campaigns ENABLE ALWAYS TRIGGER campaignd")
        try Event.wait { store.health().broken.isEmpty }
        try Event.wait { try count(store) == 2 }
    }

    @Test(
        "connections that end are made anew, and what was committed meanwhile is there; without a database it is said in time"
    )
    func brokenConnections() throws {
        let store = try store()
        for number in 3...6 {
            _ = try user(store, 1)
            try other.query(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = $1", ground.role)
            try other.execute("INSERT INTO campaigns (name) VALUES ('New ' || clock_timestamp())")
            #expect(try count(store) == number)
            #expect(try user(store, 1)?.id == 1)
        }
        let nobody = try DatabaseStore(
            ConnectionSettings("host=/nowhere user=tm", for: .service), CampaignJSON(), patience: .milliseconds(400))
        #expect(throws: StoreUnavailable.self) { try count(nobody) }
        try Event.wait { nobody.health().trouble != nil }
    }
}
