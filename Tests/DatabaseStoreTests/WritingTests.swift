import CampaignAPI
import Campaigns
import DatabaseStore
import PostgreSQL
import Records
import TestSupport
import Testing
import Threads

@Suite("Writing to a database")
struct WritingTests {
    private struct Taken: Error {}

    private let ground: Ground
    private let store: DatabaseStore
    /// Somebody else's.
    private let other: DatabaseConnection

    init() throws {
        ground = try Ground(village)
        try ground.install()
        store = try Self.store(ground)
        other = try ground.connect()
    }

    private static func store(_ ground: Ground, freshWithin interval: Duration? = nil) throws -> DatabaseStore {
        try DatabaseStore(
            ConnectionSettings(ground.database.uri(of: ground.role), for: .service), CampaignJSON(),
            freshWithin: interval, patience: .seconds(120))
    }

    @discardableResult
    private static func create(_ name: String, in store: DatabaseStore) throws -> Int {
        try store.write { writer in
            guard try writer.campaignID(named: name) == nil else { throw Taken() }
            let campaign = Campaign(id: try writer.newCampaignID(), name: name)
            try writer.put(campaign, as: .creation(of: campaign, by: 1))
            return campaign.id
        }
    }

    private static func change(
        _ id: Int, in store: DatabaseStore, _ body: @escaping @Sendable (inout Campaign) throws -> Void
    ) throws {
        try store.write { writer in
            guard let campaign = try writer.campaign(id) else { throw Taken() }
            var changed = campaign
            try body(&changed)
            try writer.put(changed, as: .update(of: campaign, to: changed, by: 2))
        }
    }

    /// Does something in several threads at once, on two stores in turn.
    ///
    /// - Returns: how often it worked.
    private func atOnce(_ body: @escaping @Sendable (DatabaseStore) throws -> Void) throws -> Int {
        let stores = [store, try Self.store(ground)]
        let count = Monitor(0)
        let threads = try (0..<8).map { number in
            try Threads.Thread("writer") {
                if (try? body(stores[number % 2])) != nil { count.update { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        return count.update { $0 }
    }

    private func number(_ query: SQL) throws -> Int? { try other.query(query).first?.number(0) }

    @Test("one of several who create a name at once gets it, in whatever form it is written")
    func names() throws {
        let forms = ["Caf\u{E9}", "Cafe\u{301}"]
        let turn = Monitor(0)
        let count = try atOnce { store in
            let number = turn.update { turn in
                turn += 1
                return turn
            }
            try Self.create(forms[number % 2], in: store)
        }
        #expect(count == 1)
        #expect(try number("SELECT count(*) FROM campaigns WHERE normalize(name, NFC) = normalize('Café', NFC)") == 1)
        #expect(try number("SELECT count(*) FROM campaignd.history") == 1)
    }

    @Test("one of several who link one thing at once does so, and it is linked once")
    func links() throws {
        let count = try atOnce { store in
            try Self.change(6, in: store) { campaign in
                guard !campaign.projects.contains(10) else { throw Taken() }
                campaign.projects.append(10)
                campaign.organisations.append(2)
            }
        }
        #expect(count == 1)
        #expect(try number("SELECT count(*) FROM campaign_projects WHERE campaign_id = 6 AND project_id = 10") == 1)
        #expect(try number("SELECT count(*) FROM campaign_organisations WHERE campaign_id = 6") == 1)
    }

    @Test("a name that the Tasking Manager takes at the same moment, and a project that it removes, are found out")
    func conflicts() throws {
        try other.execute("BEGIN")
        try other.execute("INSERT INTO campaigns (name) VALUES ('Taken')")
        let outcome = Monitor<Result<Int, any Error>?>(nil)
        let store = store
        let thread = try Threads.Thread("writer") {
            let result = Result { try Self.create("Taken", in: store) }
            outcome.update { $0 = result }
        }
        try Event.wait {
            try number("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'") ?? 0 > 0
        }
        try other.execute("COMMIT")
        thread.join()
        #expect(throws: Taken.self) { _ = try outcome.update { $0 }?.get() }
        #expect(try number("SELECT count(*) FROM campaigns WHERE name = 'Taken'") == 1)

        // There is no such project when it comes to it, however often it is tried.
        #expect(throws: StoreUnavailable.self) { try Self.change(6, in: store) { $0.projects.append(99) } }
        #expect(try number("SELECT count(*) FROM campaign_projects WHERE campaign_id = 6") == 1)
    }

    @Test("a change is carried out once though its connection ends, and is in the next answer of both kinds of stores")
    func brokenConnections() throws {
        let relaxed = try Self.store(ground, freshWithin: .seconds(3600))
        _ = try relaxed.read { try $0.campaignCount() }
        let tries = Monitor(0)
        let (database, role) = (ground.database, ground.role)
        let id = try relaxed.write { writer in
            let campaign = Campaign(id: try writer.newCampaignID(), name: "New")
            try writer.put(campaign, as: .creation(of: campaign, by: 1))
            let isFirst = tries.update { tries in
                tries += 1
                return tries == 1
            }
            if isFirst {
                try database.run(
                    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = '\(role)'")
            }
            _ = try writer.user(1)
            return campaign.id
        }
        #expect(tries.update { $0 } == 2)
        #expect(try number("SELECT max(id) FROM campaigns WHERE name = 'New'") == id)
        #expect(try number("SELECT count(*) FROM campaignd.history") == 1)
        let shown = try relaxed.read(waits: false) { try $0.campaign(id) }
        #expect(shown != nil)
        let strict = try store.read { try $0.campaign(id) }
        #expect(strict == shown)
    }

    @Test("what cannot be shown stays as it is when something else is changed, and the order of organisations is kept")
    func partialChanges() throws {
        try other.execute("UPDATE campaigns SET url = 'javascript:x', logo = 'data:x' WHERE id = 5")
        try Self.change(5, in: store) { campaign in
            campaign.description = "Other"
            campaign.organisations = [3, 1, 2]
        }
        #expect(
            try other.query("SELECT url || logo || description FROM campaigns WHERE id = 5").first?.text(0)
                == "javascript:xdata:xOther")
        try Self.change(5, in: store) { $0.organisations = [2, 3] }
        let order = try store.write { try $0.campaign(5)?.organisations }
        #expect(order == [2, 3])
        let actions = try store.changes(ofCampaign: 5, { 0..<$0 }, { entry, _ in "\(entry.action) by \(entry.user)" })
        #expect(actions == ["updated by 2", "updated by 2"])
        #expect(try store.highestCampaignEver() == 6)
    }

    @Test("a campaign that is removed takes its links along, also those that the Tasking Manager has doubled")
    func removal() throws {
        try other.execute("INSERT INTO campaign_projects VALUES (5, 11), (5, NULL)")
        try store.write { writer in
            guard let campaign = try writer.campaign(5) else { throw Taken() }
            try writer.remove(campaign, as: .deletion(of: campaign, by: 1))
        }
        #expect(try number("SELECT count(*) FROM campaigns") == 1)
        #expect(try number("SELECT count(*) FROM campaign_projects") == 1)
        let isThere = try store.read { try $0.campaign(5) != nil }
        #expect(!isThere)
    }

    @Test(
        "who comes for the first time is added as the Tasking Manager would, and others keep what is not theirs to change"
    )
    func users() throws {
        try other.execute("UPDATE users SET role = 1, picture_url = 'javascript:x' WHERE id = 2")
        try store.write { writer in
            guard try writer.userForUpdate(77) == nil, var known = try writer.userForUpdate(2) else { throw Taken() }
            try writer.put(User(id: 77, username: "new", pictureUrl: "https://example.org/new.png"))
            known.projectsNotifications = false
            try writer.put(known)
        }
        let shown = try store.read { [try $0.user(77), try $0.user(2)] }
        #expect(shown.first == User(id: 77, username: "new", pictureUrl: "https://example.org/new.png"))
        #expect(shown.last == User(id: 2, username: "user 2", role: .admin, projectsNotifications: false))
        #expect(try other.query("SELECT picture_url FROM users WHERE id = 2").first?.text(0) == "javascript:x")
    }
}
