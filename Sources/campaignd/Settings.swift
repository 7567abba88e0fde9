import ArgumentParser
import CampaignAPI
import CampaignStore
import Glibc
import Logging
import Messages

/// Reads settings from the environment.
enum Settings {
    /// A variable's value; one that is empty counts as absent.
    static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// The secret that signs the session tokens.
    ///
    /// - Parameter file: where it is, instead of in TM_SECRET.
    static func secret(file: String?) throws -> String {
        guard let file else {
            guard let secret = environment("TM_SECRET") else {
                throw Failure.configuration("there is no secret: set TM_SECRET, or name a file with --secret-file")
            }
            return secret
        }
        guard let stream = fopen(file, "re") else {
            throw Failure.configuration("the secret file \(file) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(stream) }
        var status = stat()
        guard fstat(fileno(stream), &status) == 0, status.st_mode & 0o007 == 0 else {
            throw Failure.configuration("the secret file \(file) is open to everybody: chmod o= \(file)")
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, stream)
        var secret = String(decoding: bytes.prefix(count), as: UTF8.self)
        while secret.last?.isNewline == true { secret.removeLast() }
        guard !secret.isEmpty else { throw Failure.configuration("the secret file \(file) is empty") }
        return secret
    }

    /// The data folder.
    ///
    /// - Parameter path: what the command line says.
    static func dataFolder(_ path: String?) throws -> DataFolder {
        guard let path = path ?? environment("CAMPAIGNS_DATA"), !path.isEmpty else {
            throw Failure.configuration("there is no data folder: name it with --data or in CAMPAIGNS_DATA")
        }
        return DataFolder(path)
    }

    /// The data folder for a command that works on it and ends.
    ///
    /// Root does so as the user whose folder it is: a link that this user has put into the folder then leads nowhere that the
    /// user could not go.
    ///
    /// - Parameter path: what the command line says.
    static func ownDataFolder(_ path: String?) throws -> DataFolder {
        let folder = try dataFolder(path)
        var status = stat()
        guard geteuid() == 0, stat(folder.path, &status) == 0, status.st_uid != 0 else { return folder }
        var group = status.st_gid
        guard setgroups(1, &group) == 0, setgid(group) == 0, setuid(status.st_uid) == 0 else {
            let reason = String(cString: strerror(errno))
            throw Failure.cannotCreate("root cannot become user \(status.st_uid), whose folder it is: \(reason)")
        }
        return folder
    }

    /// The origins that browsers may call from.
    static var allowedOrigins: Set<String> {
        Set((environment("ALLOWED_ORIGINS") ?? "").split { $0 == "," || $0 == " " }.map(String.init))
    }

    /// Where the Tasking Manager's web client is, without a slash at the end.
    static var appBaseURL: String {
        var url = environment("APP_BASE_URL") ?? Configuration.defaultAppBaseURL
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }

    /// This service's own address, without a slash at the end.
    static func publicURL() throws -> String? {
        guard let text = environment("PUBLIC_URL") else { return nil }
        guard let address = WebAddress(text) else {
            throw Failure.configuration(
                "PUBLIC_URL is \(text); it can be an http or https address such as https://campaigns.example.org")
        }
        return address.text
    }

    /// What sends e-mails, when SENDMAIL asks for them.
    static func mailer(_ store: Store, _ logger: Logger) throws -> Mailer? {
        guard let command = environment("SENDMAIL") else { return nil }
        var host = appBaseURL.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" && $0 != ":" }
        if host.isEmpty { host = "localhost" }
        let from = environment("MAIL_FROM") ?? "noreply@\(host)"
        guard Mailer.isAddress(from) else {
            throw Failure.configuration("MAIL_FROM is \(from), which is no e-mail address")
        }
        return Mailer(store, command: command, from: from, appBaseURL: appBaseURL, logger: logger)
    }

    /// The level that LOG_LEVEL names.
    static func logger() throws -> Logger {
        var level = Logger.Level.info
        if let name = environment("LOG_LEVEL") {
            guard let named = Logger.Level(rawValue: name.lowercased()) else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw Failure.configuration("LOG_LEVEL is \(name); it can be \(levels)")
            }
            level = named
        }
        return Logger(label: "campaignd") { _ in LineLog(logLevel: level) }
    }
}

/// The option that says where the data folder is.
struct DataOption: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp("The data folder. (environment: CAMPAIGNS_DATA)", valueName: "dir"))
    var path: String?

    /// Opens the folder for a command that works on it and ends.
    func store() throws -> Store {
        do {
            return try Store(Settings.ownDataFolder(path), logger: Settings.logger())
        } catch let error as FolderUnavailable {
            throw Failure.cannotCreate(error.detail)
        }
    }
}
