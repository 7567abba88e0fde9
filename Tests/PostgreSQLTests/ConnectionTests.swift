import Foundation
import TestSupport
import Testing

@testable import PostgreSQL

@Suite("A connection")
struct ConnectionTests {
    @Test("values go into parameters and come back as they were")
    func values() throws {
        let connection = try Fixture().connect()
        let texts = [
            "", "a'b\"c\\d", "é e\u{301} 🗺 \u{2028}", "{1,NULL}", "$1; DROP TABLE x",
            String(repeating: "ü", count: 70_000),
        ]
        for text in texts {
            #expect(try connection.query("SELECT $1::text", text).first?.text(0)?.utf8.elementsEqual(text.utf8) == true)
        }
        for number in [0, 1, -1, .max, .min, 2_147_483_648] {
            #expect(try connection.query("SELECT $1::bigint", number).first?.number(0) == number)
        }
        #expect(try connection.query("SELECT $1::numeric + 1", Int.max).first?.number(0) == nil)
        let bytes = (0...255).map(UInt8.init)
        #expect(try connection.query("SELECT $1::bytea", SQLValue.bytes(bytes)).first?.data(0) == bytes)
        let row = try #require(
            try connection.query(
                "SELECT $1::boolean, $2::int[], $3::text[] = ARRAY['a\"', 'b\\', '{,}'], $4::int IS NULL, NULL", true,
                [3, 1, 2],
                ["a\"", "b\\", "{,}"], Int?.none
            ).first)
        #expect(row.flag(0) == true)
        #expect(row.numbers(1) == [3, 1, 2])
        #expect(row.flag(2) == true)
        #expect(row.flag(3) == true)
        #expect(row.text(4) == nil && row.number(4) == nil && row.flag(4) == nil && row.numbers(4) == nil)
        #expect(row.text(5) == nil && row.text(-1) == nil)
        #expect(try connection.query("SELECT '{}'::int[], '{4,NULL}'::int[]").first?.numbers(0) == [])
        #expect(try connection.query("SELECT '{4,NULL}'::int[]").first?.numbers(0) == [4])
    }

    @Test("a text with a NUL, which the server would cut there, is refused, and the connection goes on")
    func nul() throws {
        let connection = try Fixture().connect()
        #expect(failure { try connection.query("SELECT $1::text", "a\u{0}b") }?.sqlState == "22021")
        #expect(try connection.query("SELECT $1::text", "ab").first?.text(0) == "ab")
    }

    @Test("what a statement gives are its rows, and how many it has changed")
    func rows() throws {
        let connection = try Fixture("CREATE TABLE t (id int)").connect()
        #expect(try connection.execute("INSERT INTO t SELECT generate_series(1, 5)").affected == 5)
        let rows = try connection.query("SELECT id FROM t WHERE id > $1 ORDER BY id", 2)
        #expect(rows.map { $0.number(0) } == [3, 4, 5])
        #expect(try connection.query("DELETE FROM t WHERE id = $1", 9).affected == 0)
        #expect(try connection.execute("SELECT 1; SELECT 2").first?.number(0) == 2)
        #expect(try connection.execute("").isEmpty)
    }

    @Test("a statement that is refused tells its SQLSTATE and the constraint, and the connection goes on")
    func refusedStatement() throws {
        let connection = try Fixture("CREATE TABLE t (id int CONSTRAINT only_once UNIQUE)").connect()
        try connection.query("INSERT INTO t VALUES ($1)", 1)
        guard case .statement(let failure) = failure(of: { try connection.query("INSERT INTO t VALUES ($1)", 1) })
        else {
            Issue.record("it was not refused")
            return
        }
        #expect(failure.sqlState == "23505")
        #expect(failure.constraint == "only_once")
        #expect(PostgreSQLTests.failure { try connection.execute("SELEC 1") }?.sqlState == "42601")
        // It is not prepared then, and may be sent again.
        #expect(PostgreSQLTests.failure { try connection.query("SELECT $1 FROM u", 1) }?.sqlState == "42P01")
        try connection.execute("CREATE TABLE u ()")
        #expect(try connection.query("SELECT $1::int FROM u", 1).isEmpty)
    }

    @Test("a statement with more than fits on the way, and an answer too, arrive")
    func large() throws {
        let connection = try Fixture().connect()
        let text = String(repeating: "0123456789abcdef", count: 1 << 20)
        let row = try connection.query(
            "SELECT md5($1::text) = md5(repeat('0123456789abcdef', 1048576)), $1::text", text
        ).first
        #expect(row?.flag(0) == true)
        #expect(row?.text(1) == text)
    }

    @Test("what is no statement for this, such as COPY, ends the connection and waits for nothing")
    func copy() throws {
        for command: SQL in ["COPY (SELECT 1) TO STDOUT", "CREATE TEMP TABLE t (id int); COPY t FROM STDIN"] {
            let connection = try Fixture().connect()
            #expect(failure { try connection.execute(command) }?.isConnectionLost == true)
            #expect(!connection.isOpen)
        }
    }

    // MARK: Deadlines

    @Test("an answer is waited for until the deadline, and the connection is closed then")
    func deadline() throws {
        let connection = try Fixture().connect()
        connection.deadline = .soon
        #expect(failure { try connection.execute("SELECT pg_sleep(1000000)") }?.isDeadlineExceeded == true)
        #expect(!connection.isOpen)
        #expect(failure { try connection.execute("SELECT 1") }?.isConnectionLost == true)
    }

    @Test(
        "a server that has stopped, whose system goes on taking what is sent, is waited for until the deadline",
        arguments: [1, 1 << 24])
    func frozen(size: Int) throws {
        let connection = try Fixture().connect()
        let process = try #require(try connection.execute("SELECT pg_backend_pid()").first?.number(0))
        let text = String(repeating: "a", count: size)
        kill(pid_t(process), SIGSTOP)
        defer { kill(pid_t(process), SIGCONT) }
        connection.deadline = .soon
        #expect(failure { try connection.query("SELECT $1::text", text) }?.isDeadlineExceeded == true)
    }

    @Test("a host that takes connections and says nothing is left for the next one, within its part of the time")
    func silentHost() throws {
        let fixture = try Fixture()
        let silent = try SilentServer()
        let uri = fixture.database.uri.replacing("@", with: "@\(silent.host),")
        let settings = try ConnectionSettings(uri + "?connect_timeout=1", for: .service)
        #expect(try DatabaseConnection(settings, by: .generous).execute("SELECT 1").count == 1)
        let only = try ConnectionSettings(
            "host=\(silent.folder.path) user=tm dbname=tm connect_timeout=1000", for: .service)
        let error = failure { _ = try DatabaseConnection(only, by: .soon) }
        #expect(error == .refused("\(silent.folder.path): it does not answer in time"))
    }

    @Test("an administration waits longer than a service for one host, and nobody longer than told")
    func timeouts() throws {
        #expect(try ConnectionSettings("host=a", for: .service).connectTimeout == .seconds(2))
        #expect(try ConnectionSettings("host=a", for: .administration).connectTimeout == .seconds(15))
        #expect(try ConnectionSettings("host=a connect_timeout=7", for: .service).connectTimeout == .seconds(7))
        #expect(try ConnectionSettings("host=a connect_timeout=0", for: .service).connectTimeout == .seconds(3600))
        #expect(throws: DatabaseError.self) { try ConnectionSettings("host=a connect_timeout=2s", for: .service) }
    }

    // MARK: Which server

    @Test("hosts are tried in their order, and all are named when none lets us in")
    func hosts() throws {
        let fixture = try Fixture()
        let there = fixture.database.server.folder
        let connection = try DatabaseConnection(
            ConnectionSettings(
                "host=/nowhere,\(there),/elsewhere user=tm dbname=\(fixture.database.name)", for: .service),
            by: .generous)
        #expect(try connection.execute("SELECT current_database()").first?.text(0) == fixture.database.name)
        let error = failure {
            _ = try DatabaseConnection(
                ConnectionSettings("host=/nowhere,/elsewhere user=tm", for: .service), by: .generous)
        }
        #expect(error?.isRefused == true)
        #expect(error?.description.contains("/nowhere") == true)
        #expect(error?.description.contains("/elsewhere") == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("a host's name is looked up, and one that has no address is named")
    func names() throws {
        let error = failure {
            _ = try DatabaseConnection(
                ConnectionSettings("host=campaigns.invalid,localhost port=1 user=tm", for: .service), by: .generous)
        }
        #expect(error?.description.contains("campaigns.invalid:1: ") == true)
        #expect(error?.description.contains("Connection refused") == true)
    }

    @Test("a server that cannot be written to is refused to whom it would be of no use")
    func readOnly() throws {
        let fixture = try Fixture()
        try fixture.database.run("ALTER DATABASE \(fixture.database.name) SET default_transaction_read_only = on")
        let error = failure { _ = try fixture.connect(.service) }
        #expect(error?.description.contains("read-only") == true)
        #expect(failure { _ = try fixture.connect(.administration) }?.isRefused == true)
        #expect(try fixture.connect(.reading).execute("SELECT 1").count == 1)
    }

    @Test("a server that was primary before another one is refused")
    func timeline() throws {
        let fixture = try Fixture()
        let timelines = HighestTimeline()
        let connection = try DatabaseConnection(fixture.settings(), by: .generous, timelines: timelines)
        #expect(connection.timeline == 1)
        #expect(timelines.current == 1)
        let error = failure {
            _ = try DatabaseConnection(fixture.settings(), by: .generous, timelines: HighestTimeline(2))
        }
        #expect(error?.isRefused == true)
        #expect(error?.description.contains("its timeline is 1, and 2 has been seen") == true)
    }

    @Test("a service's statements end by themselves, and are planned once")
    func sessionOptions() throws {
        let fixture = try Fixture()
        let settings: SQL =
            "SELECT current_setting('plan_cache_mode'), current_setting('lock_timeout'), current_setting('work_mem')"
        let uri = fixture.database.uri + "?options=-c%20work_mem%3D5MB%20-c%20lock_timeout%3D1s"
        let row = try DatabaseConnection(ConnectionSettings(uri, for: .service), by: .generous).execute(settings).first
        #expect(row?.text(0) == "force_generic_plan")
        // What the string says comes before what the service wishes.
        #expect(row?.text(1) == "1s")
        #expect(row?.text(2) == "5MB")
    }

    // MARK: Errors say no secret

    @Test(
        "no error has the connection string or the password in it",
        arguments: [
            "postgresql://tm:s3cr3t@%2Fnowhere/tm", "postgresql://tm:s3cr3t@127.0.0.1:1/tm",
            "host=/nowhere password=s3cr3t",
            "postgresql://tm:s3cr3t@h:x/tm?nonsense=s3cr3t", "host=a,b port=1,2,3 password=s3cr3t", "password='s3cr3t",
            "mysql://tm:s3cr3t@h/tm",
        ])
    func secrets(string: String) throws {
        let error = failure {
            _ = try DatabaseConnection(ConnectionSettings(string, for: .service), by: .generous)
        }
        #expect(error != nil)
        #expect("\(error.debugDescription)".contains("s3cr3t") == false)
    }

    // MARK: Broken connections

    @Test("a connection that the server ends is lost, says why, and is closed")
    func ended() throws {
        let fixture = try Fixture()
        let connection = try fixture.connect()
        let process = try #require(try connection.execute("SELECT pg_backend_pid()").first?.number(0))
        try fixture.database.run("SELECT pg_terminate_backend(\(process), 60000)")
        #expect(failure { try connection.execute("SELECT 1") }?.isConnectionLost == true)
        #expect(!connection.isOpen)
    }
}
