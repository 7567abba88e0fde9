import Foundation
import Synchronization

/// A PostgreSQL of the tests' own: in a temporary folder, on a unix socket, and gone with the process that started it.
public final class PrivateCluster: Sendable {
    /// Where the socket is.
    public let folder: String
    private let databases = Mutex(0)
    /// The server's standard input: when it closes, which the end of this process does too, the server ends.
    private let lifeline: Pipe
    private let binaries: String

    private static let running = Mutex<PrivateCluster?>(nil)

    /// The one of this process, started when it is first asked for.
    public static func shared() throws -> PrivateCluster {
        try running.withLock { running in
            let server = try running ?? PrivateCluster()
            running = server
            return server
        }
    }

    /// Starts another one, for tests that change its settings.
    public init() throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")
        guard let version = versions.max(by: { $0.compare($1, options: .numeric) == .orderedAscending }) else {
            throw Command.Failed(description: "Debian's postgresql is not installed")
        }
        binaries = "/usr/lib/postgresql/\(version)/bin"
        folder = "/tmp/campaignd-postgresql-\(UUID().uuidString.prefix(8))"
        let script = """
            set -eu
            bin=\(binaries)
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
                throw Command.Failed(description: "PostgreSQL does not start")
            }
            usleep(50_000)
        }
    }

    /// Runs SQL.
    ///
    /// - Returns: with a line for each row, its values separated by `|`.
    public func psql(_ sql: String, in database: String) throws -> Command.Outcome {
        try Command.run(
            "psql",
            [
                "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U",
                "tm",
                "-d", database, "-f", "-",
            ],
            input: Data(sql.utf8))
    }

    /// An empty database, which nobody else uses.
    public func database(_ sql: String = "") throws -> Database {
        let number = databases.withLock { number in
            number += 1
            return number
        }
        let database = Database(server: self, name: "tm\(number)")
        try Database(server: self, name: "postgres").run("CREATE DATABASE tm\(number)")
        if !sql.isEmpty { try database.run(sql) }
        return database
    }

    /// A database with the tables of a Tasking Manager, which nobody else uses.
    public func taskingManager(filledBy sql: String = "") throws -> Database {
        let tables = Repository.root.appendingPathComponent("Tests/Support/tasking-manager.sql")
        return try database(String(contentsOf: tables, encoding: .utf8) + sql)
    }

    public struct Database: Sendable {
        public let server: PrivateCluster
        public let name: String

        /// The connection string, in the form of a URI.
        public var uri: String { uri(of: "tm") }

        public func uri(of user: String) -> String {
            let host = server.folder.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return "postgresql://\(user)@\(host)/\(name)"
        }

        /// - Returns: what psql prints.
        @discardableResult
        public func run(_ sql: String) throws -> String {
            let outcome = try server.psql(sql, in: name)
            guard outcome.status == 0 else { throw Command.Failed(description: outcome.errors) }
            return outcome.text
        }

        /// What there is beside the rows, as `pg_dump` writes it.
        public func schema() throws -> String {
            let dump = try Command.run(
                "\(server.binaries)/pg_dump", ["--schema-only", "-h", server.folder, "-U", "tm", "-d", name])
            guard dump.status == 0 else { throw Command.Failed(description: dump.errors) }
            // Newer ones begin and end with a random word.
            return dump.text.split(separator: "\n").filter { !$0.hasPrefix("\\") }.joined(separator: "\n")
        }
    }
}
