import DatabaseStore
import Foundation
import PostgreSQL
import TestSupport
import Testing
import Threads

@Suite("A change that is carried out once")
struct SingleChangeTests {
    private struct Refusal: Error {}

    private func names(_ database: PrivateCluster.Database) throws -> String {
        try database.run("SELECT string_agg(id || ' ' || name, ', ' ORDER BY id) FROM campaigns WHERE id > 6")
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func pool(_ ground: Ground) throws -> DatabasePool {
        DatabasePool(try ConnectionSettings(ground.database.uri(of: ground.role), for: .service), size: 2)
    }

    @Test("it is tried again when its connection ends, or others are in its way, and is there once")
    func repetition() throws {
        let ground = try Ground(village)
        try ground.install()
        var tries = 0
        let id = try SingleChange.run(in: pool(ground), by: .generous, newID: .campaign) { connection, id in
            tries += 1
            try connection.query("INSERT INTO campaigns (id, name) VALUES ($1, 'New')", id)
            switch tries {
            case 1:
                let process = try connection.execute("SELECT pg_backend_pid()").first?.number(0) ?? 0
                try ground.database.run("SELECT pg_terminate_backend(\(process), 60000)")
                try connection.execute("SELECT 1")
            case 2: try connection.execute("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")
            default: break
            }
            return id
        }
        #expect(tries == 3)
        // Ids of tries that failed are not used again.
        #expect(id == 9)
        #expect(try names(ground.database) == "9 New")
        #expect(try ground.database.run("SELECT count(*) FROM campaignd.done") == "1\n")
    }

    @Test("what its body throws, and what the database refuses for good, is thrown at once, and nothing is changed")
    func refusal() throws {
        let ground = try Ground(village)
        try ground.install()
        var tries = 0
        #expect(throws: Refusal.self) {
            try SingleChange.run(in: pool(ground), by: .generous) { connection, id in
                tries += 1
                #expect(id == nil)
                try connection.execute("DELETE FROM campaign_projects")
                throw Refusal()
            }
        }
        #expect {
            try SingleChange.run(in: pool(ground), by: .generous) { connection, _ in
                tries += 1
                try connection.execute("INSERT INTO campaigns (name) VALUES ('Wells')")
            }
        } throws: { ($0 as? DatabaseError)?.sqlState == "23505" }
        #expect(tries == 2)
        #expect(try ground.database.run("SELECT count(*) FROM campaign_projects") == "3\n")
        #expect(try ground.database.run("SELECT count(*) FROM campaignd.done") == "0\n")
    }

    @Test("when its time is up it says so: for certain not made, or not known")
    func timeIsUp() throws {
        let nobody = DatabasePool(try ConnectionSettings("host=/nowhere user=tm", for: .service), size: 1)
        #expect {
            try SingleChange.run(in: nobody, by: Deadline(after: .milliseconds(400))) { _, _ in }
        } throws: { if case .refused = $0 as? DatabaseError { true } else { false } }

        let ground = try Ground(village)
        try ground.install()
        try ground.database.run(
            """
            CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1000000); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON campaigns DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
              EXECUTE FUNCTION wait()
            """)
        #expect {
            try SingleChange.run(in: pool(ground), by: Deadline(after: .seconds(6))) { connection, _ in
                try connection.execute("INSERT INTO campaigns (name) VALUES ('New')")
                // The tries that follow wait for this one, until the time is up.
                connection.deadline = Deadline(after: .milliseconds(300))
            }
        } throws: { if case .outcomeUnknown = $0 as? DatabaseError { true } else { false } }
        try ground.database.run(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = '\(ground.role)'")
    }

    @Test(
        "when it was committed, and the answer did not come, a later try finds that out, and waits for other machines")
    func committedWithoutAnswer() throws {
        // Nobody else must wait for a machine that is not there.
        let cluster = try PrivateCluster()
        let ground = try Ground(village, in: cluster)
        try ground.install()
        let pool = try pool(ground)
        let other = try ground.connect()
        func set(_ names: String) throws {
            try other.execute(SQL(composed: "ALTER SYSTEM SET synchronous_standby_names = '\(names)'"))
            try other.execute("SELECT pg_reload_conf()")
        }
        /// The process that waits for another machine.
        func waiting(_ query: String) throws -> Int? {
            try other.query(
                """
                SELECT pid FROM pg_stat_activity WHERE usename = $1 AND wait_event = 'SyncRep' AND query LIKE $2
                """, ground.role, query
            ).first?.number(0)
        }
        let results = Monitor<[Int]>([])
        func start() throws -> Threads.Thread {
            try Threads.Thread("change") {
                let id = try? SingleChange.run(in: pool, by: .generous, newID: .campaign) { connection, id in
                    try connection.query("INSERT INTO campaigns (id, name) VALUES ($1, 'New ' || $1::int)", id)
                    return id
                }
                results.update { $0.append((id ?? nil) ?? 0) }
            }
        }
        try set("nobody")
        var thread: Threads.Thread
        while true {
            // Some may get through before all of the server has heard of the machine.
            let before = results.update { $0.count }
            thread = try start()
            try Event.wait { try waiting("COMMIT") != nil || results.update { $0.count > before } }
            if results.update({ $0.count == before }) { break }
            thread.join()
        }
        let before = results.update { $0.count }
        try other.query("SELECT pg_terminate_backend($1)", waiting("COMMIT"))
        // Its row is there, and it asks whether that is so elsewhere.
        try Event.wait { try waiting("%pg_logical_emit_message%") != nil }
        #expect(results.update { $0.count } == before)
        try set("")
        thread.join()
        let ids = results.update { $0 }
        #expect(ids.count == before + 1)
        #expect(try names(ground.database) == ids.map { "\($0) New \($0)" }.joined(separator: ", "))
    }
}

extension Deadline {
    /// For what must not take as long, be the machine as busy as it will.
    static var generous: Deadline { Deadline(after: .seconds(120)) }
}
