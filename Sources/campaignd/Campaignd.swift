import ArgumentParser
import CampaignAPI
import FastCGI
import Glibc

/// The command: puts the rooms together.
@main
struct Campaignd: ParsableCommand {
    static func main() {
        takeSignals()
        if PlainCGI.isRequested { return PlainCGIProcess.run() }
        // Swift mends what is no UTF-8, and a path that was mended is another one.
        for argument in CommandLine.arguments.indices.dropFirst() {
            guard let text = CommandLine.unsafeArgv[argument], String(validatingCString: text) == nil else { continue }
            Failure.report("argument \(argument) is not UTF-8")
            Glibc.exit(EX_USAGE)
        }
        HiddenPassword.hide()
        // As spawn-fcgi and mod_fcgid start it: with a socket and without a word.
        if CommandLine.arguments.count <= 1, ListeningSocket.isListening(STDIN_FILENO) { return main(["serve"]) }
        main(nil)
    }

    /// A file that may grow no further is an error of the write (setrlimit(2), SIGXFSZ); that somebody opens a file which is
    /// looked at is none (SIGIO). Both would end the process. Handlers do not go along to the programs that it starts.
    private static func takeSignals() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        action.sa_flags = SA_RESTART
        for signal in [SIGXFSZ, SIGIO] { sigaction(signal, &action, nil) }
    }

    static let configuration = CommandConfiguration(
        commandName: "campaignd",
        abstract: "The Tasking Manager's campaign API, on a folder of plain JSON files.",
        discussion: """
            To begin: make a folder, give somebody rights, and serve it behind nginx.

              campaignd init data --demo
              TM_SECRET=... campaignd serve --data data --socket campaignd.sock
              TM_SECRET=... campaignd token demo_admin --data data

            Started by a web server for one request (plain CGI), it answers that request; the settings then come from the \
            environment, the secret from TM_SECRET or the file that TM_SECRET_FILE names.

            Exit codes: 0 done; 1 something was found or refused; 64 the command's words are wrong; 73 something cannot be \
            made (a folder, a socket); 78 a setting is missing or wrong. 'import' and 'database' have a few more.
            """,
        version: version,
        subcommands: [
            Serve.self, Init.self, Token.self, Check.self, UserCommand.self, OrganisationCommand.self,
            ProjectCommand.self, Deliver.self, MessagesCommand.self, ChangesCommand.self, ImportCommand.self,
            ExportCommand.self, DatabaseCommand.self, SettingsCommand.self,
        ])
}
