import ArgumentParser
import DatabaseStore
import Glibc
import PostgreSQL

struct DatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "database",
        abstract: "Prepare a Tasking Manager's PostgreSQL database, check it, or undo that.",
        discussion: """
            The service needs a schema of its own, 'campaignd', beside the Tasking Manager's tables, and triggers that note \
            what the Tasking Manager changes. Its tables stay as they are.

              campaignd database install 'postgresql://tm@db.example.org/tasking-manager'
              campaignd database check 'postgresql://tm@db.example.org/tasking-manager'
              campaignd database uninstall 'postgresql://tm@db.example.org/tasking-manager'

            Put the password into PGPASSWORD or ~/.pgpass, or the whole connection string into CAMPAIGNS_DATABASE: others on \
            the machine can see the command line.

            Exit codes: 0 done; 1 something was found or refused; 65 the database is something else; 69 the database, or \
            libpq (Debian's libpq5), is unavailable, or the user lacks a right; 75 the tables are in use, try again; 78 the \
            connection string is missing or wrong.
            """,
        subcommands: [Install.self, Check.self, Uninstall.self])

    /// What all of them are told.
    struct Options: ParsableArguments {
        @Argument(
            help: ArgumentHelp(
                "A PostgreSQL connection string, of the owner of the Tasking Manager's tables or of a superuser. "
                    + "(environment: CAMPAIGNS_DATABASE)", valueName: "url"))
        var url: String?

        @Option(help: ArgumentHelp("The database role that the service connects as.", valueName: "name"))
        var role = "campaignd"

        func validate() throws {
            // Longer names are cut by the server, and then are another one.
            guard 1...63 ~= role.utf8.count, !role.utf8.contains(0) else {
                throw ValidationError("The name of a role has 1 to 63 bytes.")
            }
        }

        func connect() throws -> DatabaseConnection {
            guard let text = try url ?? Settings.database.read(), !text.isEmpty else {
                throw Failure.configuration(
                    "there is no database: name it behind the command, or in \(Settings.database.name)")
            }
            let settings = try ConnectionSettings(text, for: .administration)
            return try DatabaseConnection(settings, by: Deadline(after: .seconds(30)))
        }
    }

    struct Within: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "How long others may have to wait for this at most, such as 5s. When the tables cannot be locked in this "
                    + "time, nothing is changed.", valueName: "time"))
        var within = "2s"

        func validate() throws {
            guard Duration.seconds(of: within, atMost: 3600) != nil else {
                throw ValidationError("--within is a time of at most an hour, such as 2s or 1m.")
            }
        }

        var duration: Duration { .seconds(Duration.seconds(of: within, atMost: 3600) ?? 2) }
    }

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the schema, the triggers and the role that the service needs.",
            discussion: """
                What is there already stays, so it may be repeated; then nothing is locked. Everything is made in one \
                transaction within 2 s, or, when the tables are in use, not at all. Only the index on the names of campaigns \
                is made afterwards, while everybody goes on writing.

                The role gets the rights that it needs and no more, and no password: set one with psql's \
                '\\password campaignd', or use a certificate.
                """)

        @OptionGroup var options: Options
        @OptionGroup var within: Within

        @Flag(
            help:
                "Leave the Tasking Manager's tables without triggers and index. What it changes then shows some seconds later."
        )
        var withoutTriggers = false

        @Flag(help: "Only print the SQL, for psql.")
        var print = false

        func run() throws {
            if print {
                return Swift.print(
                    Installation.installScript(role: options.role, withTriggers: !withoutTriggers), terminator: "")
            }
            try reportingDatabase {
                let installation = Installation(
                    try options.connect(), role: options.role, withTriggers: !withoutTriggers)
                let note = try installation.install(within: within.duration) { step, hasWorked in
                    Swift.print("\(step.rawValue): \(hasWorked ? "installed" : "there already")")
                }
                guard let note else { return }
                throw Failure.refused("everything but the index is installed; run the command again for it: \(note)")
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a whole database and say what is wrong with it.",
            discussion: """
                Names what is missing of the installation, its triggers and the role's rights; links that are there twice; \
                names that differ in form alone; and what the API would not accept. Nothing is changed. Exit code 1 when \
                there is something. A note on settings of the server by which a power cut may cost data is none of it.
                """)

        @OptionGroup var options: Options

        func run() throws {
            try reportingDatabase {
                let connection = try options.connect()
                connection.deadline = Deadline(after: .seconds(600))
                let found = try DatabaseCheck.run(connection, role: options.role)
                for problem in found.problems { print(problem.printable) }
                for note in found.notes { Failure.report("note: \(note)") }
                let records = "\(found.campaigns) campaigns, \(found.organisations) organisations"
                guard found.problems.isEmpty else {
                    let count = found.problems.count
                    throw Failure.refused(
                        "\(records); \(count) \(count == 1 ? "thing needs" : "things need") attention")
                }
                print("\(records), all in order")
            }
        }
    }

    struct Uninstall: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove the schema, the triggers and the rights again.",
            discussion: """
                What is in the schema is lost: messages that were not delivered yet, uploaded pictures, the history, and the \
                order of a campaign's organisations. Campaigns, organisations, links and delivered messages are the Tasking \
                Manager's, and stay. Stop the service first.

                The role stays too: DROP ROLE removes it. Rights that it had before the installation are left to it.
                """)

        @OptionGroup var options: Options
        @OptionGroup var within: Within

        @Flag(help: "Only print the SQL, for psql.")
        var print = false

        func run() throws {
            if print { return Swift.print(Installation.uninstallScript(role: options.role), terminator: "") }
            try reportingDatabase {
                let installation = Installation(try options.connect(), role: options.role)
                Swift.print(
                    try installation.uninstall(within: within.duration)
                        ? "uninstalled; the role \(options.role.printable) stays" : "there was nothing to uninstall")
            }
        }
    }
}

extension ParsableCommand {
    /// Runs the body of a command on a database.
    fileprivate func reportingDatabase(_ body: () throws -> Void) throws {
        try reporting {
            do {
                try body()
            } catch let error as DatabaseError {
                throw Failure(error)
            } catch let refusal as Installation.Refusal {
                throw Failure(refusal)
            }
        }
    }
}

extension Failure {
    fileprivate init(_ error: DatabaseError) {
        switch error {
        case .invalidConnectionString: self.init(code: EX_CONFIG, message: error.description)
        default: self.init(code: EX_UNAVAILABLE, message: error.description)
        }
    }

    fileprivate init(_ refusal: Installation.Refusal) {
        switch refusal {
        case .unsuitable(let message): self.init(code: EX_DATAERR, message: message)
        case .busy(let message): self.init(code: EX_TEMPFAIL, message: message)
        case .refused(let message): self = .refused(message)
        }
    }
}
