import ArgumentParser
import CampaignAPI
import Campaigns
import FolderStore
import Glibc
import Records
import Transfer

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over the records of a Tasking Manager's database, or of a document that 'export' wrote.",
        discussion: """
            From a database it takes users with a role, a right or a task, organisations, projects and campaigns, with \
            their managers, authors, contributors and links. The database is only read, all of it as it is at one moment.

              campaignd import postgresql://tm@db.example.org/tm --data data --dry-run
              campaignd import 'host=/run/postgresql dbname=tm' --data data
              campaignd export --data data | campaignd import - --data copy

            It may be repeated, and while the service runs: ids stay, only what differs is written, and what is here and \
            does not come is left alone. At the end it says what was left out or changed, and why. The history in changes/ \
            stays as it is: what is imported is nobody's change, and gets no entry.

            Put the password into PGPASSWORD or ~/.pgpass: everybody on the machine can see the command line.

            Exit codes: 0 done; 65 the source is something else; 66 there is no such file; 69 the database, or libpq \
            (Debian's libpq5), is unavailable; 73 the folder cannot be written; 78 no data folder is named.
            """)

    @Argument(
        help: ArgumentHelp(
            "A PostgreSQL connection string, or the path of a document; - is standard input.", valueName: "source"))
    var source: String

    @OptionGroup var data: DataOption

    @Flag(help: "Change nothing, and say what would be done.")
    var dryRun = false

    func run() throws {
        try reporting {
            let folder = try Settings.folder(data.path)
            var progress = Progress()
            do {
                let store = try FolderStore(
                    folder, CampaignJSON(), logger: Settings.logger(), lockTimeout: .seconds(60))
                var moving = try Import(into: store, isRehearsal: dryRun) { progress.show($0, isAll: $1) }
                if Import.isDatabase(source) {
                    try moving.run(database: source)
                } else {
                    try moving.run(document: source)
                }
                report(moving)
            } catch let error as StoreUnavailable {
                progress.breakOff(isRehearsal: dryRun)
                throw Failure.cannotCreate(error.detail)
            } catch let error as SourceError {
                progress.breakOff(isRehearsal: dryRun)
                throw Failure(error)
            }
        }
    }

    private func report(_ moving: Import) {
        if !moving.notes.isEmpty { print("Left out or changed on the way:") }
        for note in moving.notes { print("  \(note)".printable) }
        let untouched = moving.tallies.filter { !$0.untouched.isEmpty }
        if !untouched.isEmpty { print("Here, and nothing came for them, so they are left alone:") }
        for tally in untouched {
            print("  \(tally.kind.rawValue) \(tally.untouched.map(String.init).joined(separator: ", "))")
        }
        let new = moving.tallies.reduce(0) { $0 + $1.new }
        let changed = moving.tallies.reduce(0) { $0 + $1.changed }
        let same = moving.tallies.reduce(0) { $0 + $1.same }
        print(
            dryRun
                ? "\(new) records would be new, \(changed) would change, \(same) are the same already; nothing was done"
                : "\(new) records are new, \(changed) have changed, \(same) were the same already")
    }
}

/// Shows on standard error how far an import is: a line for each kind of record, which a terminal shows growing.
private struct Progress {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var isOpen = false
    private var hasWritten = false

    mutating func show(_ tally: Import.Tally, isAll: Bool) {
        hasWritten = hasWritten || tally.new + tally.changed > 0
        guard isTerminal || isAll else { return }
        let counts = "\(tally.new) new, \(tally.changed) changed, \(tally.same) the same"
        say("\(isTerminal ? "\r\u{1B}[K" : "")\(tally.kind.rawValue): \(counts)\(isAll ? "\n" : " …")")
        isOpen = !isAll
    }

    /// After this an error is told.
    func breakOff(isRehearsal: Bool) {
        if isOpen { say("\n") }
        guard hasWritten, !isRehearsal else { return }
        say("What has been written so far stays; the same command goes on from there.\n")
    }

    private func say(_ text: String) {
        _ = write(STDERR_FILENO, text, text.utf8.count)
    }
}

extension Failure {
    fileprivate init(_ error: SourceError) {
        switch error {
        case .unsuitable(let message): self.init(code: 65, message: message)
        case .noInput(let message): self.init(code: 66, message: message)
        case .unavailable(let message): self.init(code: 69, message: message)
        }
    }
}
