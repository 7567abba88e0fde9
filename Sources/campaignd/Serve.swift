import ArgumentParser
import CampaignAPI
import FastCGI
import FolderStore
import Glibc
import Logging
import Messages
import Records

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer requests that a web server hands over by FastCGI.",
        discussion: """
            Listens on a socket path, on a port of this machine, or, when neither is named, on the socket that it was \
            started with (systemd's socket activation, spawn-fcgi, mod_fcgid). SIGTERM and SIGINT finish what is in \
            flight, for 10 seconds at most.

            Environment:

            \(Settings.list)
            """)

    @OptionGroup var data: DataOption

    @Option(help: ArgumentHelp("The path of a unix socket to listen on.", valueName: "path"))
    var socket: String?

    @Flag(
        help: """
            Take the socket's path over from a campaignd that has it: this one serves from then on, and that one finishes \
            its requests in flight and exits. No request is lost.
            """)
    var takeOver = false

    @Option(help: ArgumentHelp("Permissions of the socket, in octal: who may connect.", valueName: "mode"))
    var socketMode = "0660"

    @Option(help: ArgumentHelp("A loopback address and port to listen on instead.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("A file with the secret, instead of TM_SECRET.", valueName: "path"))
    var secretFile: String?

    @Option(
        help: ArgumentHelp(
            "Where nginx takes large answers as files; needs the location /campaigns-large/ of nginx/campaigns.conf.",
            valueName: "dir"))
    var largeAnswers: String?

    func validate() throws {
        guard socket == nil || listen == nil else { throw ValidationError("Name either --socket or --listen.") }
        guard !takeOver || socket != nil else { throw ValidationError("--take-over needs --socket.") }
        guard UInt32(socketMode, radix: 8).map({ $0 <= 0o777 }) == true else {
            throw ValidationError("--socket-mode is an octal number such as 0660, not '\(socketMode)'.")
        }
        if let listen, Self.address(listen) == nil {
            throw ValidationError("--listen is an address and a port such as 127.0.0.1:9000, not '\(listen)'.")
        }
    }

    func run() throws {
        try reporting {
            let logger = try Settings.logger()
            var configuration = try Settings.configuration(secretFile: secretFile)
            let mail = try Settings.mail()
            let folder = try Settings.folder(data.path)
            // Before there is a thread: all of them inherit this, and only the main thread takes these signals.
            var signals = sigset_t()
            sigemptyset(&signals)
            for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, signal) }
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            let store = try Self.open(folder, logger)
            store.removeLeftovers()
            let listening = try openSocket()
            folder.closeToOthers(logger)
            let worker = BackgroundWorker(store, mailer: mail.map { Mailer(store, $0, logger: logger) }, logger: logger)
            configuration.largeAnswers = largeAnswers.map(LargeAnswers.init(directory:))
            configuration.messageSent = { worker.wake() }
            let api = API(store, configuration, logger: logger)
            let server: Server
            do {
                server = try Server(listening, responder: api, logger: logger)
                try worker.start(improving: api.improveKeptAnswers, everyRound: { api.reportRefusedTokens() })
                try server.start()
            } catch let error as ServerError {
                throw Failure.cannotCreate("connections cannot be watched: \(error)")
            } catch {
                throw Failure.cannotCreate("the system has no threads to give")
            }
            if let old = try reportingSocket({ () throws(SocketError) in try listening.takeOver() }) {
                logger.notice("taking over", metadata: ["from": "process \(old)"])
            }
            logger.notice(
                "ready", metadata: ["data": "\(folder.path)", "socket": "\(socket ?? listen ?? "inherited")"])
            var signal: Int32 = 0
            sigwait(&signals, &signal)
            logger.notice("stopping")
            let deadline = ContinuousClock.now + .seconds(10)
            worker.end()
            server.stop(within: .seconds(10))
            worker.wait(until: deadline)
            api.reportRefusedTokens(isEnd: true)
            configuration.largeAnswers?.removeAll()
            try? store.checkpoint()
            store.writeCache()
        }
    }

    private static func open(_ folder: DataFolder, _ logger: Logger) throws(StoreUnavailable) -> FolderStore {
        do {
            try folder.create()
        } catch {
            // What can be read is served, even where nothing can be made.
            guard access(folder.path, R_OK | X_OK) == 0 else { throw error }
            logger.warning("the data folder is not complete", metadata: ["reason": "\(error.detail)"])
        }
        return try FolderStore(folder, CampaignJSON(), logger: logger)
    }

    private func openSocket() throws -> ListeningSocket {
        try reportingSocket { () throws(SocketError) in
            if let socket {
                return try ListeningSocket(
                    path: socket, mode: UInt32(socketMode, radix: 8) ?? 0o660, takingOver: takeOver)
            }
            if let (host, port) = listen.flatMap(Self.address) { return try ListeningSocket(host: host, port: port) }
            return try ListeningSocket(inheritedFrom: [
                "LISTEN_PID": Self.variable("LISTEN_PID"), "LISTEN_FDS": Self.variable("LISTEN_FDS"),
            ])
        }
    }

    private static func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }

    private func reportingSocket<T>(_ body: () throws(SocketError) -> T) throws -> T {
        do {
            return try body()
        } catch {
            switch error {
            case .taken, .failed, .notSocket, .notOurs: throw Failure.cannotCreate(error.description)
            case .notInherited:
                throw Failure.configuration("\(error); use --socket PATH or --listen HOST:PORT")
            case .pathTooLong, .notLoopback: throw Failure.configuration(error.description)
            }
        }
    }

    private static func address(_ text: String) -> (host: String, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { return nil }
        return (String(text[..<colon]), port)
    }
}
