import Foundation
import Synchronization
import TestSupport

/// A PostgreSQL of the tests' own: in a temporary folder, on a unix socket, and gone with the process that started it.
final class PostgreSQL: Sendable {
    /// Where the socket is.
    let folder: String
    private let databases = Mutex(0)
    /// The server's standard input: when it closes, which the end of this process does too, the server ends.
    private let lifeline: Pipe

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    private static let running = Mutex<PostgreSQL?>(nil)

    /// The one of this process, started when it is first asked for.
    static func server() throws -> PostgreSQL {
        try running.withLock { running in
            let server = try running ?? PostgreSQL()
            running = server
            return server
        }
    }

    private init() throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")
        guard let version = versions.max(by: { $0.compare($1, options: .numeric) == .orderedAscending }) else {
            throw Failed(description: "Debian's postgresql is not installed")
        }
        folder = "/tmp/campaignd-postgresql-\(UUID().uuidString.prefix(8))"
        let script = """
            set -eu
            bin=/usr/lib/postgresql/\(version)/bin
            cd '\(folder)'
            trap 'rm -rf "\(folder)"/*' EXIT
            "$bin/initdb" --pgdata=data --username=tm --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >initdb.log
            "$bin/postgres" -D data -c listen_addresses= -c unix_socket_directories='\(folder)' -c fsync=off >log 2>&1 &
            read -r _ || :
            kill -INT $!
            wait $! || :
            """
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        lifeline = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // PostgreSQL does not run as root; the package makes a user for it.
        process.arguments =
            geteuid() == 0
            ? [
                "-c",
                "chown postgres '\(folder)'; runuser -u postgres -- sh -c \"$1\"; rm -rf '\(folder)'", "sh", script,
            ]
            : ["-c", "sh -c \"$1\"; rm -rf '\(folder)'", "sh", script]
        process.standardInput = lifeline
        try process.run()
        let deadline = Date(timeIntervalSinceNow: 60)
        while try psql("SELECT 1", in: "postgres").status != 0 {
            guard process.isRunning, Date() < deadline else {
                throw Failed(description: "PostgreSQL does not start")
            }
            usleep(50_000)
        }
    }

    /// Runs SQL.
    func psql(_ sql: String, in database: String) throws -> Command.Outcome {
        try Command.run(
            "psql",
            ["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", "tm", "-d", database, "-f", "-"],
            input: Data(sql.utf8))
    }

    /// A database with the tables of a Tasking Manager, which nobody else uses.
    func taskingManager(_ sql: String) throws -> Database {
        let number = databases.withLock { number in
            number += 1
            return number
        }
        let database = Database(server: self, name: "tm\(number)")
        try Database(server: self, name: "postgres").run("CREATE DATABASE tm\(number)")
        let tables = Repository.root.appendingPathComponent("Tests/TransferTests/tasking-manager.sql")
        try database.run(try String(contentsOf: tables, encoding: .utf8) + sql)
        return database
    }

    struct Database {
        let server: PostgreSQL
        let name: String

        /// The connection string, in the form of a URI.
        var uri: String {
            let host = server.folder.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return "postgresql://tm@\(host)/\(name)"
        }

        func run(_ sql: String) throws {
            let outcome = try server.psql(sql, in: name)
            guard outcome.status == 0 else { throw PostgreSQL.Failed(description: outcome.errors) }
        }
    }
}
