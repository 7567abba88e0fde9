import Foundation
import PostgreSQL
import TestSupport
import Testing
import Threads

@Suite("A transaction")
struct TransactionTests {
    private let fixture: Fixture
    private let connection: DatabaseConnection

    init() throws {
        fixture = try Fixture("CREATE TABLE t (id int)")
        connection = try fixture.connect()
    }

    private struct Refusal: Error {}

    private func count() throws -> String {
        try fixture.database.run("SELECT count(*) FROM t").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("it is committed when its body returns, and rolled back when that throws")
    func bothWays() throws {
        #expect(
            try connection.transaction {
                try connection.query("INSERT INTO t VALUES ($1) RETURNING id", 1).first?.number(0)
            } == 1)
        #expect(try count() == "1")
        #expect(throws: Refusal.self) {
            try connection.transaction {
                try connection.query("INSERT INTO t VALUES ($1)", 2)
                throw Refusal()
            }
        }
        #expect(
            failure {
                try connection.transaction {
                    try connection.query("INSERT INTO t VALUES ($1)", 3)
                    try connection.execute("SELECT 1 / 0")
                }
            }?.sqlState == "22012")
        #expect(try count() == "1")
        #expect(try connection.execute("SELECT 1").count == 1)
    }

    @Test("one in which a statement failed, and whose body says nothing of it, is not reported as done")
    func swallowed() throws {
        let error = failure {
            try connection.transaction {
                try connection.query("INSERT INTO t VALUES ($1)", 2)
                _ = try? connection.execute("SELECT 1 / 0")
            }
        }
        #expect(error?.sqlState == "25P02")
        #expect(try count() == "0")
    }

    @Test("one that only reads sees one moment, and cannot write")
    func snapshot() throws {
        try connection.transaction(.snapshot) {
            #expect(try connection.execute("SELECT count(*) FROM t").first?.number(0) == 0)
            try fixture.database.run("INSERT INTO t VALUES (1)")
            #expect(try connection.execute("SELECT count(*) FROM t").first?.number(0) == 0)
        }
        #expect(
            failure { try connection.transaction(.snapshot) { try connection.execute("DELETE FROM t") } }?.sqlState
                == "25006")
        #expect(try connection.execute("SELECT count(*) FROM t").first?.number(0) == 1)
    }

    @Test("one whose connection ends before COMMIT was not made, and may be tried again")
    func lostBefore() throws {
        let error = failure {
            try connection.transaction {
                try connection.execute("INSERT INTO t VALUES (1)")
                let process = try #require(try connection.execute("SELECT pg_backend_pid()").first?.number(0))
                try fixture.database.run("SELECT pg_terminate_backend(\(process), 60000)")
                try connection.execute("INSERT INTO t VALUES (2)")
            }
        }
        #expect(error?.isConnectionLost == true)
        #expect(error?.mayBeTriedAgain == true)
        #expect(try count() == "0")
    }

    @Test("a refusal at COMMIT is one, and nothing was done")
    func refusedAtCommit() throws {
        try fixture.database.run(
            "CREATE TABLE u (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO u VALUES (1)")
        let error = failure { try connection.transaction { try connection.execute("INSERT INTO u VALUES (1), (2)") } }
        #expect(error?.sqlState == "23505")
        #expect(try fixture.database.run("SELECT count(*) FROM u") == "1\n")
    }

    @Test("one whose COMMIT gets no answer has an unknown outcome, by the deadline and by the end of the connection")
    func unknown() throws {
        try fixture.database.run(
            """
            CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1000000); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()
            """)
        let error = failure {
            try connection.transaction {
                try connection.execute("INSERT INTO t VALUES (1)")
                connection.deadline = .soon
            }
        }
        #expect(error?.isOutcomeUnknown == true)
        #expect(!connection.isOpen)
        // The server is still at it, which no statement_timeout ends, and its transaction would be in the way of others.
        try fixture.database.run(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE query = 'COMMIT' AND datname = current_database()"
        )

        let other = try fixture.connect()
        let process = try #require(try other.execute("SELECT pg_backend_pid()").first?.number(0))
        let database = fixture.database
        let end = try Threads.Thread("terminate") {
            try? Event.wait {
                try database.run("SELECT state FROM pg_stat_activity WHERE pid = \(process) AND query = 'COMMIT'")
                    == "active\n"
            }
            _ = try? database.run("SELECT pg_terminate_backend(\(process), 60000)")
        }
        #expect(
            failure { try other.transaction { try other.execute("INSERT INTO t VALUES (1)") } }?.isOutcomeUnknown
                == true)
        end.join()
    }

    @Test(
        "a COMMIT whose wait for another machine was cut short is confirmed by a later one, or its outcome is unknown")
    func notReplicated() throws {
        // Nobody else must wait for a machine that is not there.
        let cluster = try PrivateCluster()
        let fixture = try Fixture("CREATE TABLE t (id int)", in: cluster)
        let connection = try fixture.connect()
        let process = try #require(try connection.execute("SELECT pg_backend_pid()").first?.number(0))
        let other = try Fixture(in: cluster).connect()
        func set(_ names: String) throws {
            try other.execute(SQL(composed: "ALTER SYSTEM SET synchronous_standby_names = '\(names)'"))
            try other.execute("SELECT pg_reload_conf()")
            try Event.wait { try other.execute("SHOW synchronous_standby_names").first?.text(0) == names }
        }
        /// What the transactions came to that have ended.
        let outcomes = Monitor<[DatabaseError?]>([])
        func isWaiting(_ query: String) throws -> Bool {
            try other.query(
                "SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep' AND query LIKE $2", process,
                query
            ).count == 1
        }
        /// Starts a transaction that waits for the other machine. Some may get through before all of the server has heard
        /// that there is one.
        func insert() throws -> Threads.Thread {
            while true {
                outcomes.update { $0 = [] }
                let mine = Unchecked(connection)
                let thread = try Threads.Thread("insert") {
                    let failure = failure {
                        try mine.value.transaction { try mine.value.execute("INSERT INTO t VALUES (1)") }
                    }
                    outcomes.update { $0.append(failure) }
                }
                try Event.wait { try isWaiting("COMMIT") || outcomes.update { !$0.isEmpty } }
                if outcomes.update({ $0.isEmpty }) { return thread }
                thread.join()
            }
        }
        try set("nobody")
        var thread = try insert()
        try other.query("SELECT pg_cancel_backend($1)", process)
        // Told of success, it asks again, which waits as well.
        try Event.wait { try isWaiting("%pg_logical_emit_message%") }
        #expect(outcomes.update { $0.isEmpty })
        try set("")
        thread.join()
        #expect(outcomes.update { $0 } == [nil])

        try set("nobody")
        thread = try insert()
        try other.query("SELECT pg_cancel_backend($1)", process)
        try Event.wait { try isWaiting("%pg_logical_emit_message%") }
        try other.query("SELECT pg_terminate_backend($1)", process)
        thread.join()
        #expect(outcomes.update { $0.last ?? nil }?.isOutcomeUnknown == true)
    }
}

/// Something that one thread hands to another.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
