import Campaigns
import DatabaseStore
import Foundation
import PostgreSQL
import TestSupport
import Testing

@Suite("What others change in a database")
struct ChangeFeedTests {
    private let ground: Ground
    private let feed: ChangeFeed
    private let everything: ChangeFeed.Everything
    /// Somebody else's.
    private let other: DatabaseConnection

    init() throws {
        ground = try Ground(village)
        try ground.install()
        try ground.database.run(
            "INSERT INTO campaignd.organisation_order VALUES (5, '{3,9,1}'); INSERT INTO campaignd.logo VALUES ('a.png', 'x')"
        )
        (feed, everything) = try ChangeFeed.open(ground.connect(as: ground.role))
        other = try ground.connect()
    }

    private func changes() throws -> ChangeFeed.Changes? {
        switch try feed.round() {
        case .unchanged: return nil
        case .changed(let changes): return changes
        case .everything:
            Issue.record("everything was read")
            return nil
        }
    }

    private let storm = Campaign(
        id: 5, name: "Before the Storm", logo: "/storm.svg", url: "https://storm.example.org",
        description: "One\n\"two\"",
        organisations: [3, 1, 2], projects: [10, 11])

    @Test("first everything is read, with the organisations in the order in which they were given")
    func everythingFirst() throws {
        #expect(everything.campaigns == [storm, Campaign(id: 6, name: "Wells", projects: [12])])
        #expect(everything.organisations.map(\.id) == [1, 2, 3])
        #expect(
            everything.organisations.first
                == Organisation(id: 1, name: "Open Shelter", slug: "open-shelter", logo: "/shelter.svg"))
        #expect(everything.projects == [10, 11, 12])
        #expect(everything.logos == ["a.png"])
        #expect(try changes() == nil)
        #expect(try changes() == nil)
    }

    @Test("what another connection has committed is in the next round, once, and what it has not is not")
    func committed() throws {
        try other.execute("UPDATE campaigns SET name = 'After the Storm' WHERE id = 5")
        var changed = storm
        changed.name = "After the Storm"
        #expect(try changes()?.campaigns == [5: changed])
        #expect(try changes() == nil)

        try other.execute(
            "INSERT INTO campaigns (name) VALUES ('New'); INSERT INTO campaign_projects VALUES (7, 12), (7, 12)")
        #expect(try changes()?.campaigns == [7: Campaign(id: 7, name: "New", projects: [12])])

        try other.execute("DELETE FROM campaign_projects WHERE campaign_id = 6; DELETE FROM campaigns WHERE id = 6")
        let gone = try changes()
        #expect(gone?.campaigns.keys.sorted() == [6])
        #expect(gone?.campaigns[6] == .some(nil))

        try other.execute("UPDATE organisations SET name = 'Shelter' WHERE id = 1; DELETE FROM projects WHERE id = 99")
        #expect(try changes()?.organisations[1]??.name == "Shelter")
        try other.execute("DELETE FROM campaign_projects; DELETE FROM projects WHERE id = 12")
        #expect(try changes()?.projects == [12: false])
        try other.execute(
            "INSERT INTO campaignd.logo VALUES ('b.png', 'x'); INSERT INTO campaignd.change VALUES (DEFAULT, 'l', 0)")
        #expect(try changes()?.logos == ["a.png", "b.png"])

        try other.execute("BEGIN; UPDATE campaigns SET name = 'Nothing' WHERE id = 5; ROLLBACK")
        #expect(try changes() == nil)
    }

    @Test("what was changed in a transaction that ran for many rounds is not lost, whatever was committed meanwhile")
    func longTransaction() throws {
        let third = try ground.connect()
        try other.execute("BEGIN; UPDATE campaigns SET name = 'Early' WHERE id = 5")
        #expect(try changes() == nil)
        for number in 1...3 {
            // With higher numbers than that of the transaction that still runs.
            try third.query("UPDATE campaigns SET description = $1 WHERE id = 6", "\(number)")
            let changed = try changes()
            #expect(changed?.campaigns.keys.sorted() == [6])
            #expect(changed?.campaigns[6]??.description == "\(number)")
            #expect(try changes() == nil)
        }
        try other.execute("COMMIT")
        let late = try changes()
        #expect(late?.campaigns.keys.sorted() == [5])
        #expect(late?.campaigns[5]??.name == "Early")
        #expect(try changes() == nil)
    }

    @Test("the same in a part of a transaction, which has a number of its own")
    func savepoints() throws {
        try other.execute("BEGIN; SAVEPOINT a; UPDATE campaigns SET name = 'Part' WHERE id = 5")
        #expect(try changes() == nil)
        try other.execute("ROLLBACK TO a; SAVEPOINT b; UPDATE campaigns SET name = 'Other part' WHERE id = 6")
        #expect(try changes() == nil)
        try other.execute("COMMIT")
        #expect(try changes()?.campaigns.keys.sorted() == [6])
    }

    @Test("two feeds are told of everything, each in its own rounds, when many write at once")
    func concurrent() throws {
        let (second, _) = try ChangeFeed.open(ground.connect(as: ground.role))
        let (one, two) = (try ground.connect(), try ground.connect())
        var (first, seen): ([Int: String], [Int: String]) = ([:], [:])
        func take(_ feed: ChangeFeed, _ names: inout [Int: String]) throws {
            guard case .changed(let changes) = try feed.round() else { return }
            for (id, campaign) in changes.campaigns { names[id] = campaign?.name }
        }
        for number in 0..<40 {
            let (early, late) = number % 2 == 0 ? (one, two) : (two, one)
            try early.execute("BEGIN")
            try early.query("INSERT INTO campaigns (name) VALUES ($1)", "early \(number)")
            try late.query("INSERT INTO campaigns (name) VALUES ($1)", "late \(number)")
            try take(feed, &first)
            #expect(first.values.contains("late \(number)"))
            if number % 3 == 0 { try take(second, &seen) }
            try early.execute("COMMIT")
            try take(feed, &first)
            #expect(first.values.contains("early \(number)"))
        }
        try take(second, &seen)
        #expect(first == seen)
        #expect(first.count == 80)
    }

    @Test("after a TRUNCATE, and for a note of a kind that is not known, everything is read again")
    func all() throws {
        try other.execute("TRUNCATE campaign_projects")
        guard case .everything(let everything) = try feed.round() else {
            Issue.record("not everything was read")
            return
        }
        #expect(everything.campaigns.map(\.projects) == [[], []])
        #expect(try changes() == nil)
        try other.execute("INSERT INTO campaignd.change VALUES (DEFAULT, 'x', 1)")
        guard case .everything = try feed.round() else {
            Issue.record("not everything was read")
            return
        }
        #expect(try changes() == nil)
    }

    @Test("a round that fails is made up for by the next feed, and a lost connection is an error")
    func lost() throws {
        let connection = try ground.connect(as: ground.role)
        let (feed, _) = try ChangeFeed.open(connection)
        let process = try connection.execute("SELECT pg_backend_pid()").first?.number(0) ?? 0
        try other.query("SELECT pg_terminate_backend($1, 60000)", process)
        #expect(throws: DatabaseError.self) { try feed.round() }
    }

    @Test("notes are removed by the age of their transactions: one that others still wait for stays")
    func trim() throws {
        let responder = try ground.connect(as: ground.role)
        let third = try ground.connect()
        try third.execute("BEGIN; UPDATE campaigns SET name = 'Early' WHERE id = 5")
        try other.execute(
            "UPDATE campaigns SET name = 'Done' WHERE id = 6; INSERT INTO campaignd.done VALUES (gen_random_uuid(), now() - interval '2 days')"
        )
        try ChangeFeed.trim(responder)
        // As if that had been more than an hour ago; then it is the time of the note that says nothing.
        try other.execute(
            "UPDATE campaignd.horizon SET at = at - interval '2 hours'; UPDATE campaignd.change SET at = at - interval '3 hours'"
        )
        try ChangeFeed.trim(responder)
        try third.execute("COMMIT")
        #expect(try changes()?.campaigns.keys.sorted() == [5, 6])
        #expect(try other.execute("SELECT FROM campaignd.done").isEmpty)
        // Transactions in other databases of the server count as well, and other tests have some.
        try Event.wait {
            try ChangeFeed.trim(responder)
            try other.execute("UPDATE campaignd.horizon SET at = at - interval '2 hours'")
            try ChangeFeed.trim(responder)
            return try other.execute("SELECT FROM campaignd.change").isEmpty
        }
    }

    @Test("a checksum tells of what the triggers have passed by")
    func checksum() throws {
        let responder = try ground.connect(as: ground.role)
        var last = try ChangeFeed.checksum(responder)
        #expect(try ChangeFeed.checksum(responder) == last)
        try other.execute(
            "ALTER TABLE campaigns DISABLE TRIGGER ALL; ALTER TABLE campaign_projects DISABLE TRIGGER ALL")
        #expect(try !Installation.hasTriggers(responder))
        for statement: SQL in [
            "UPDATE campaigns SET url = NULL WHERE id = 5", "DELETE FROM campaign_projects WHERE project_id = 10",
            "INSERT INTO campaign_projects VALUES (6, 10)", "INSERT INTO campaigns (name) VALUES ('x')",
        ] {
            try other.execute(statement)
            #expect(try changes() == nil)
            let now = try ChangeFeed.checksum(responder)
            #expect(now != last, "\(statement)")
            last = now
        }
    }
}
