import DatabaseStore
import Foundation
import PostgreSQL
import TestSupport
import Testing

@Suite("campaignd database")
struct InstallationTests {
    private let ground: Ground

    init() throws {
        ground = try Ground(village)
    }

    @Test("install makes what is missing, and does nothing where nothing is; check finds it in order")
    func install() throws {
        let whole = ["tables", "triggers", "rights", "index"]
        #expect(try ground.install() == whole.map { "\($0): installed\n" }.joined())
        let schema = try ground.database.schema()
        #expect(try ground.install() == whole.map { "\($0): there already\n" }.joined())
        #expect(try ground.database.schema() == schema)
        let check = try ground.command("check")
        #expect(check.text == "2 campaigns, 3 organisations, all in order\n")
        #expect(check.status == 0)
        // The Tasking Manager's rows are what they were.
        #expect(try ground.database.run("SELECT count(*) FROM campaign_projects") == "3\n")
    }

    @Test("after uninstall the schema is what it was, whatever was done meanwhile")
    func uninstall() throws {
        let before = try ground.database.schema()
        try ground.install()
        #expect(try ground.database.schema() != before)
        try ground.database.run(
            """
            INSERT INTO campaigns (name) VALUES ('new'); DELETE FROM campaign_projects; TRUNCATE campaign_organisations;
            INSERT INTO campaignd.organisation_order VALUES (6, '{1}');
            INSERT INTO campaignd.logo VALUES ('a.png', 'x');
            """)
        let outcome = try ground.command("uninstall", "--within", "60s")
        #expect(outcome.text == "uninstalled; the role \(ground.role) stays\n")
        #expect(try ground.database.schema() == before)
        #expect(try ground.command("uninstall", "--within", "60s").text == "there was nothing to uninstall\n")
        #expect(try ground.database.schema() == before)
        try ground.install()
        #expect(try ground.command("check").status == 0)
    }

    @Test("rights and roles that were there before the installation are there after the removal")
    func otherRights() throws {
        try ground.database.run(
            """
            CREATE ROLE \(ground.role) LOGIN; CREATE ROLE other_\(ground.role);
            GRANT SELECT, UPDATE ON users, campaigns TO \(ground.role);
            GRANT UPDATE (read) ON messages TO \(ground.role);
            GRANT SELECT ON campaigns TO other_\(ground.role), PUBLIC;
            """)
        let before = try ground.database.schema()
        try ground.install()
        #expect(try ground.command("check").status == 0)
        #expect(try ground.command("uninstall", "--within", "60s").status == 0)
        #expect(try ground.database.schema() == before)
    }

    @Test("where the service connects as the owner, rights are neither given nor taken")
    func owner() throws {
        let before = try ground.database.schema()
        let owner = ["--role", "tm"]
        for (words, text) in [
            (["install"], "rights: there already"), (["check"], "all in order"), (["uninstall"], "tm stays"),
        ] {
            let outcome = try Command.run(
                Repository.campaignd.path, ["database"] + words + [ground.database.uri] + owner)
            if words == ["install"] {
                #expect(outcome.text.contains("rights: installed"))
            } else {
                #expect(outcome.text.contains(text))
            }
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(try ground.database.schema() == before)
    }

    @Test("the role may do what the service does, and no more")
    func leastRights() throws {
        try ground.install()
        let connection = try ground.connect(as: ground.role)
        for statement: SQL in [
            "INSERT INTO campaigns (name) VALUES ('new')", "UPDATE campaigns SET name = 'newer' WHERE name = 'new'",
            "DELETE FROM campaigns WHERE name = 'newer'", "INSERT INTO campaign_projects VALUES (6, 10)",
            "INSERT INTO campaignd.organisation_order VALUES (6, '{1}')", "DELETE FROM campaignd.change",
            "INSERT INTO campaignd.done (request) VALUES (gen_random_uuid())", "SELECT name FROM campaignd.logo",
            "INSERT INTO messages (subject, to_user_id) VALUES ('s', 1)", "UPDATE messages SET read = true",
            "UPDATE users SET username = 'other' WHERE id = 3", "SELECT FROM campaigns WHERE id = 5 FOR UPDATE",
            """
            INSERT INTO campaignd.history (user_id, campaign_id, campaign_name, action, fields) VALUES (1, 5, 'n', 'created', '{}')
            """,
        ] {
            try connection.execute(statement)
        }
        for statement: SQL in [
            "UPDATE users SET role = 1", "DELETE FROM users", "UPDATE organisations SET name = 'x'",
            "DELETE FROM projects",
            "UPDATE messages SET subject = 'x'", "TRUNCATE campaigns", "DROP TABLE campaignd.change",
            "SELECT * FROM campaignd.granted", "CREATE TABLE campaignd.x ()",
            "ALTER TABLE campaigns DISABLE TRIGGER ALL",
        ] {
            #expect(throws: DatabaseError.self, "\(statement)") { try connection.execute(statement) }
        }
    }

    @Test("the Tasking Manager's role needs no right on the schema, and every change of its is noted")
    func triggers() throws {
        try ground.install()
        try ground.database.run(
            """
            CREATE ROLE tasking_\(ground.role) LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO tasking_\(ground.role);
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tasking_\(ground.role);
            """)
        let connection = try ground.connect(as: "tasking_\(ground.role)")
        func noted(_ statement: SQL) throws -> String {
            try ground.database.run("DELETE FROM campaignd.change")
            try connection.execute(statement)
            return try ground.database.run(
                "SELECT string_agg(kind::text || id, ' ' ORDER BY kind, id) FROM campaignd.change"
            ).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        #expect(try noted("UPDATE campaigns SET description = NULL") == "c5 c6")
        #expect(try noted("INSERT INTO campaigns (id, name) VALUES (9, 'nine')") == "c9")
        #expect(try noted("INSERT INTO campaign_projects VALUES (9, 10), (NULL, 10)") == "c9")
        #expect(try noted("UPDATE campaign_projects SET campaign_id = 6 WHERE campaign_id = 9") == "c6 c9")
        #expect(try noted("UPDATE campaign_projects SET project_id = 11 WHERE campaign_id = 6") == "c6 c6")
        #expect(try noted("DELETE FROM campaign_projects WHERE campaign_id = 6") == "c6 c6")
        #expect(try noted("INSERT INTO campaign_organisations VALUES (9, 1)") == "c9")
        #expect(try noted("DELETE FROM campaign_organisations WHERE campaign_id = 9") == "c9")
        try ground.database.run("INSERT INTO campaignd.organisation_order VALUES (9, '{1}')")
        #expect(try noted("DELETE FROM campaigns WHERE id = 9") == "c9")
        #expect(try ground.database.run("SELECT count(*) FROM campaignd.organisation_order") == "0\n")
        #expect(try noted("UPDATE organisations SET name = 'Other' WHERE id = 3") == "o3")
        #expect(try noted("UPDATE organisations SET description = 'Other' WHERE id = 3") == "")
        #expect(try noted("UPDATE projects SET tasks_mapped = 1") == "")
        #expect(try noted("DELETE FROM projects WHERE id = 12") == "p12")
        try connection.execute("SELECT 1")
        try ground.database.run("ALTER TABLE campaign_projects OWNER TO tasking_\(ground.role)")
        #expect(try noted("TRUNCATE campaign_projects") == "*0")
        try ground.database.run("ALTER TABLE campaign_projects OWNER TO tm")
    }

    @Test("a restore that passes other triggers by is noted as well")
    func replica() throws {
        try ground.install()
        try ground.database.run(
            "SET session_replication_role = replica; DELETE FROM campaign_projects; TRUNCATE campaign_projects")
        #expect(
            try ground.database.run("SELECT string_agg(kind::text || id, ' ' ORDER BY kind, id) FROM campaignd.change")
                == "*0 c5 c5 c6\n")
    }

    // MARK: Busy tables

    @Test("when the tables are in use it gives up in time, says who is in the way, and has changed nothing")
    func busy() throws {
        let before = try ground.database.schema()
        let other = try ground.connect()
        try other.execute("SET idle_in_transaction_session_timeout = 0; BEGIN; UPDATE projects SET priority = 1")
        let process = try other.execute("SELECT pg_backend_pid()").first?.number(0) ?? 0
        for word in ["install", "uninstall"] {
            if word == "uninstall" {
                try other.execute("COMMIT")
                try ground.install()
                try other.execute("BEGIN; UPDATE projects SET priority = 2")
            }
            let schema = try ground.database.schema()
            let outcome = try ground.command(word)
            #expect(outcome.status == 75)
            #expect(
                outcome.errors.contains(
                    "nothing was changed; in the way: process \(process) (campaignd, in a transaction"))
            #expect(try ground.database.schema() == schema)
        }
        try other.execute("COMMIT")
        #expect(try ground.command("uninstall", "--within", "60s").status == 0)
        #expect(try ground.database.schema() == before)
    }

    @Test(
        "a transaction that is in the way, and needs what the installation has, goes on and is not ended as a deadlock")
    func noDeadlock() throws {
        let other = try ground.connect()
        try other.execute(
            "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        try other.execute("BEGIN; UPDATE campaign_projects SET project_id = 10")
        // It has the lock on campaigns then, and waits for the one on campaign_projects.
        let installation = Unchecked(ground)
        let done = DispatchSemaphore(value: 0)
        let outcome = Box<Command.Outcome>()
        Foundation.Thread.detachNewThread {
            outcome.value = try? installation.value.command("install", "--within", "60s")
            done.signal()
        }
        try Event.wait {
            try ground.database.run(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'") != "0\n"
        }
        try other.execute("UPDATE campaigns SET description = 'x'")
        try other.execute("COMMIT")
        done.wait()
        #expect(outcome.value?.status == 0, "\(outcome.value?.errors ?? "")")
    }

    @Test("a dump that runs, however long, does not hold an installation up; the index alone waits for another time")
    func readers() throws {
        let other = try ground.connect()
        try other.execute("SET idle_in_transaction_session_timeout = 0")
        try other.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE campaigns, projects IN ACCESS SHARE MODE; SELECT 1")
        let outcome = try ground.command("install", "--within", "3s")
        #expect(outcome.text == "tables: installed\ntriggers: installed\nrights: installed\n")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("everything but the index is installed; run the command again for it: "))
        #expect(try ground.command("check").text.contains("the index public.campaignd_name is not"))
        try other.execute("COMMIT")
        #expect(
            try ground.install()
                == "tables: there already\ntriggers: there already\nrights: there already\nindex: installed\n")
        #expect(try ground.command("check").status == 0)
    }

    @Test("the owner of the tables, who is no superuser, can do it all once there is the role")
    func ordinaryOwner() throws {
        let owner = "owner_\(ground.role)"
        try ground.database.run(
            """
            CREATE ROLE \(owner) LOGIN; CREATE ROLE \(ground.role) LOGIN; ALTER DATABASE \(ground.database.name) OWNER TO \(owner);
            SELECT format('ALTER TABLE public.%I OWNER TO \(owner)', tablename) FROM pg_tables WHERE schemaname = 'public' \\gexec
            """)
        let before = try ground.database.schema()
        let url = ground.database.uri(of: owner)
        let install = try ground.command("install", "--within", "60s", url: url)
        #expect(install.status == 0, "\(install.errors)")
        #expect(try ground.command("check", url: url).status == 0)
        let connection = try ground.connect(as: ground.role)
        try connection.execute("INSERT INTO campaigns (name) VALUES ('new')")
        #expect(try connection.execute("SELECT FROM campaignd.change").count == 1)
        #expect(try ground.command("uninstall", "--within", "60s", url: url).status == 0)
        #expect(try ground.database.schema() == before)
    }

    @Test("a user who may make no role is told what to do, and nothing is changed")
    func noRole() throws {
        let owner = "owner_\(ground.role)"
        try ground.database.run(
            """
            CREATE ROLE \(owner) LOGIN; ALTER DATABASE \(ground.database.name) OWNER TO \(owner);
            SELECT format('ALTER TABLE public.%I OWNER TO \(owner)', tablename) FROM pg_tables WHERE schemaname = 'public' \\gexec
            """)
        let before = try ground.database.schema()
        let outcome = try ground.command("install", "--within", "60s", url: ground.database.uri(of: owner))
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("CREATE ROLE \"\(ground.role)\" LOGIN"))
        #expect(try ground.database.schema() == before)
    }

    // MARK: What is in the way

    @Test("a database that is another one ends it with 65, and says what is missing", arguments: ["install", "check"])
    func otherDatabase(word: String) throws {
        try ground.database.run("DROP TABLE messages")
        let outcome = try ground.command(word)
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("there is no table public.messages"))
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test("a schema of this name that is somebody else's is left alone")
    func otherSchema() throws {
        try ground.database.run("CREATE SCHEMA campaignd; CREATE TABLE campaignd.things ()")
        let before = try ground.database.schema()
        for word in ["install", "uninstall"] {
            let outcome = try ground.command(word)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("a schema campaignd with other things in it"))
        }
        #expect(try ground.database.schema() == before)
    }

    @Test("a user without the rights for it is told so, and nothing is changed")
    func noRights() throws {
        try ground.database.run("CREATE ROLE stranger_\(ground.role) LOGIN")
        let before = try ground.database.schema()
        let outcome = try ground.command("install", url: ground.database.uri(of: "stranger_\(ground.role)"))
        #expect(outcome.status == 69)
        #expect(outcome.errors.hasPrefix("campaignd: the database refuses: permission denied for"))
        #expect(try ground.database.schema() == before)
    }

    @Test("what is damaged is named by check, and mended by install")
    func damage() throws {
        try ground.install()
        let damages = [
            ("DROP TRIGGER campaignd ON campaigns", "the trigger campaignd on public.campaigns is not there"),
            (
                "ALTER TABLE projects DISABLE TRIGGER ALL",
                "the trigger campaignd on public.projects is not enabled for all changes"
            ),
            (
                "ALTER TABLE organisations ENABLE TRIGGER campaignd",
                "the trigger campaignd on public.organisations is not enabled"
            ),
            (
                "CREATE OR REPLACE TRIGGER campaignd AFTER INSERT ON campaign_projects FOR EACH ROW EXECUTE FUNCTION campaignd.note()",
                "the trigger campaignd on public.campaign_projects is another one"
            ),
            (
                "CREATE OR REPLACE FUNCTION campaignd.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                "the function campaignd.note is another one"
            ),
            ("DROP TABLE campaignd.history", "the table campaignd.history is not there"),
            ("ALTER TABLE campaignd.done DROP COLUMN result", "campaignd.done has no column result bigint"),
            ("DROP INDEX campaignd.change_xid", "the index campaignd.change_xid is not there"),
            ("DROP INDEX campaignd_name", "the index public.campaignd_name is not there"),
            ("REVOKE DELETE ON messages FROM \(ground.role)", "\(ground.role) lacks DELETE on public.messages"),
            (
                "REVOKE UPDATE (read) ON messages FROM \(ground.role)",
                "\(ground.role) lacks UPDATE (read) on public.messages"
            ),
        ]
        for (damage, problem) in damages where !damage.contains("DROP COLUMN") {
            try ground.database.run(damage)
            let check = try ground.command("check")
            #expect(check.status == 1)
            #expect(check.text.contains(problem), "\(check.text)")
            try ground.install()
            #expect(try ground.command("check").status == 0, "\(damage)")
        }
        // A column is not made anew: its values are gone.
        try ground.database.run("ALTER TABLE campaignd.done DROP COLUMN result")
        let outcome = try ground.command("install")
        #expect(outcome.status == 1)
        #expect(
            outcome.errors.contains(
                "campaignd.done has no column result bigint, and cannot be made; nothing was changed"))
    }

    @Test("check names doubled links, names that differ in form alone, and what the API would not accept")
    func records() throws {
        try ground.install()
        try ground.database.run(
            """
            INSERT INTO campaign_projects VALUES (5, 11), (5, 11), (NULL, 10);
            INSERT INTO campaigns (id, name, logo, url) VALUES (20, 'Caf' || U&'\\00E9', NULL, NULL), (21, 'Cafe' || U&'\\0301', NULL, NULL),
              (22, '', 'javascript:alert(1)', NULL), (23, repeat('x', 256), NULL, 'ftp://example.org'), (24, E'a\\tb', NULL, NULL),
              (25, ' Wells ', NULL, NULL), (26, U&'\\200B', NULL, NULL);
            INSERT INTO organisations (id, name, slug, type) VALUES (20, 'Ri' || U&'\\0301' || 'o Azul', 'Care ', 1);
            UPDATE users SET username = 'Ang' || U&'\\00E9' WHERE id = 2; UPDATE users SET username = 'Ange' || U&'\\0301' WHERE id = 3;
            """)
        let check = try ground.command("check")
        #expect(check.status == 1)
        #expect(
            check.text.split(separator: "\n") == [
                "campaign 5: the link to project 11 is there 3 times",
                "campaign_projects: 1 row is without a campaign or without project",
                "campaign 22: logo must be a link to http or https, or a path",
                "campaign 23: url must be a link to http or https, or a path",
                "campaign 21: the name differs from that of campaign 20 in form alone",
                "campaign 22: name must not be empty",
                "campaign 23: name must not be longer than 255 characters",
                "campaign 24: name must not contain control characters",
                "campaign 25: name has white space, or what cannot be seen, at an end",
                "campaign 25: the name differs from that of campaign 6 in form alone",
                "campaign 26: name must not be empty",
                "organisation 20: the name differs from that of organisation 2 in form alone",
                "user 3: the username differs from that of user 2 in form alone",
            ])
        #expect(check.errors.hasSuffix("campaignd: 9 campaigns, 4 organisations; 13 things need attention\n"))
        // So the tests' server is set.
        #expect(check.errors.hasPrefix("campaignd: note: fsync or full_page_writes is off"))
    }

    @Test("check of a database that was not prepared says so, and what it says of records is right")
    func unprepared() throws {
        let check = try ground.command("check")
        #expect(check.status == 1)
        #expect(check.text == "the schema campaignd is not there; 'campaignd database install' makes it\n")
    }

    // MARK: The command

    @Test("the SQL that is printed does the same")
    func printed() throws {
        let before = try ground.database.schema()
        func sql(_ words: String...) throws -> String {
            try Command.run(Repository.campaignd.path, ["database"] + words + ["--print", "--role", ground.role]).text
        }
        try ground.database.run(try sql("install"))
        #expect(try ground.command("check").status == 0)
        try ground.database.run(try sql("uninstall"))
        #expect(try ground.database.schema() == before)
        try ground.database.run(try sql("install").replacingOccurrences(of: "CREATE ROLE", with: "-- CREATE ROLE"))
        #expect(try ground.command("uninstall", "--within", "60s").status == 0)
        #expect(try ground.database.schema() == before)
    }

    @Test("without triggers there are none, and check says so")
    func withoutTriggers() throws {
        #expect(try ground.install("--without-triggers") == "tables: installed\nrights: installed\n")
        let check = try ground.command("check")
        #expect(check.status == 1)
        #expect(check.text.contains("the trigger campaignd on public.campaigns is not there"))
        #expect(try ground.command("uninstall", "--within", "60s").status == 0)
    }

    @Test("the database may be named in the environment, and has to be named")
    func environment() throws {
        func check(_ variables: [String: String?]) throws -> Command.Outcome {
            try Command.run(Repository.campaignd.path, ["database", "check"], environment: variables)
        }
        #expect(
            try check(["CAMPAIGNS_DATABASE": ground.database.uri]).text.hasPrefix("the schema campaignd is not there"))
        for value in [nil, ""] {
            let outcome = try check(["CAMPAIGNS_DATABASE": value])
            #expect(outcome.status == 78)
            #expect(outcome.errors.contains("CAMPAIGNS_DATABASE"))
        }
    }

    @Test(
        "a password is in no message, wherever it came from",
        arguments: [
            ("postgresql://tm:s3cr3t@127.0.0.1:1/tm", 69 as Int32), ("host=/nowhere user=tm password=s3cr3t", 69),
            ("postgresql://tm:s3cr3t@h:x:y/tm?nonsense=1", 78), ("mysql://tm:s3cr3t@h/tm", 78), ("s3cr3t", 78),
        ])
    func secrets(url: String, status: Int32) throws {
        for (words, environment) in [([url], [:]), ([], ["CAMPAIGNS_DATABASE": url])] {
            let outcome = try Command.run(
                Repository.campaignd.path, ["database", "check"] + words, environment: environment)
            #expect(outcome.status == status)
            #expect(!outcome.errors.contains("s3cr3t"))
            #expect(outcome.errors.split(separator: "\n").count == 1)
            #expect(outcome.text.isEmpty)
        }
    }

    @Test("a password in the command line is not in the list of processes")
    func processList() throws {
        let silent = try SilentServer()
        let host = silent.host
        for url in [
            "postgresql://tm:s3cr3t@\(host)/tm", "host=\(silent.folder.path) user=tm password=s3cr3t",
            "postgresql://\(host)/tm?user=tm&password=s3cr3t",
        ] {
            let process = Command.make(Repository.campaignd.path, ["database", "check", url], [:])
            process.standardError = FileHandle.nullDevice
            try process.run()
            // Once it has connected.
            try silent.accept()
            let line = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(process.processIdentifier)/cmdline"))
            let text = String(decoding: line, as: UTF8.self)
            #expect(text.contains("database\u{0}check\u{0}"))
            #expect(!text.contains("s3cr3t"), "\(text)")
            process.terminate()
            process.waitUntilExit()
        }
    }
}

/// Something that one thread hands to another.
private struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// What another thread puts there before it says that it is done.
private final class Box<Value>: @unchecked Sendable {
    var value: Value?
}
