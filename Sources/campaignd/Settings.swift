import ArgumentParser
import CampaignAPI
import FolderStore
import Glibc
import Logging
import Messages

/// The settings, each of which is described here and nowhere else.
enum Settings {
    static let dataFolder = Setting(
        "CAMPAIGNS_DATA", "The data folder, where --data is not given.", "the path of a folder"
    ) { $0 }
    /// Read byte for byte, see ``secret(file:)``.
    static let secret = Setting("TM_SECRET", "The secret that signs session tokens. There is no default.", "any text") {
        $0
    }
    static let secretFile = Setting(
        "TM_SECRET_FILE", "A file with that secret, which others must not be able to read. It counts if both are set.",
        "the path of a file"
    ) { $0 }
    static let database = Setting(
        "CAMPAIGNS_DATABASE", "The connection string for 'campaignd database', where it is not given.",
        "a PostgreSQL connection string"
    ) { $0 }
    static let allowedOrigins = Setting(
        "ALLOWED_ORIGINS",
        "Pages of other sites that browsers may call from, separated by commas; * allows every page. Default: none.",
        "*, or origins such as https://tasks.example.org with commas between them, each a scheme, a host and perhaps a port",
        Origins.init)
    private static let address = "an http or https address such as https://campaigns.example.org"
    static let appBaseURL = Setting(
        "APP_BASE_URL",
        "The address of the Tasking Manager's web pages, for links in messages. Default: \(Configuration.defaultAppBaseURL).",
        address, WebAddress.init)
    static let publicURL = Setting(
        "PUBLIC_URL", "The service's own address. The addresses of uploaded logos begin with it.", address,
        WebAddress.init)
    static let sendmail = Setting(
        "SENDMAIL",
        "A command that sends an e-mail, such as '/usr/sbin/sendmail -t -i'. With it messages go out by e-mail too. It needs "
            + "APP_BASE_URL or MAIL_FROM.",
        "a command such as /usr/sbin/sendmail -t -i"
    ) { text in
        text.contains { $0 != " " } ? text : nil
    }
    static let mailFrom = Setting(
        "MAIL_FROM", "The sender of these e-mails. Default: noreply@ and the host of APP_BASE_URL.", "an e-mail address"
    ) { MailSettings.isAddress($0) ? $0 : nil }
    private static let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    static let logLevel = Setting(
        "LOG_LEVEL",
        "What is logged: one of \(levels). The lines that say who did what are of the level notice. Default: info.",
        levels
    ) { name in
        Logger.Level(rawValue: name.lowercased())
    }
    static let logFormat = Setting(
        "LOG_FORMAT", "text, or json for one object a line. Default: text.",
        LineLog.Format.allCases.map(\.rawValue).joined(separator: " or ")
    ) {
        LineLog.Format(rawValue: $0.lowercased())
    }

    /// Every setting with what it is for, in the order in which a person reads them.
    static var all: [(name: String, help: String)] {
        let before = [
            (dataFolder.name, dataFolder.help), (database.name, database.help), (secret.name, secret.help),
            (secretFile.name, secretFile.help),
            (allowedOrigins.name, allowedOrigins.help), (appBaseURL.name, appBaseURL.help),
            (publicURL.name, publicURL.help),
        ]
        return before + ofSignIn + [
            (sendmail.name, sendmail.help), (mailFrom.name, mailFrom.help), (logLevel.name, logLevel.help),
            (logFormat.name, logFormat.help),
        ]
    }

    /// The secret that signs the session tokens, byte for byte.
    ///
    /// - Parameter file: where it is, from the command line; otherwise TM_SECRET_FILE or TM_SECRET says it.
    static func secret(file: String? = nil) throws(Failure) -> [UInt8] {
        let named = try secretFile.read()
        guard let file = file ?? named else {
            guard let secret = getenv(Self.secret.name), secret.pointee != 0 else {
                throw Failure.configuration("there is no secret: set TM_SECRET, or name a file with --secret-file")
            }
            return Array(UnsafeBufferPointer(start: secret, count: strlen(secret)).map(UInt8.init(bitPattern:)))
        }
        return try secret(in: file)
    }

    /// The secret that a file holds, byte for byte.
    static func secret(in file: String) throws(Failure) -> [UInt8] {
        guard let stream = fopen(file, "re") else {
            throw Failure.configuration("the secret file \(file) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(stream) }
        var status = stat()
        guard fstat(fileno(stream), &status) == 0, status.st_mode & 0o007 == 0 else {
            throw Failure.configuration("the secret file \(file) is open to everybody: chmod o= \(file)")
        }
        var bytes = [UInt8](repeating: 0, count: longestSecret + 1)
        let count = fread(&bytes, 1, bytes.count, stream)
        guard ferror(stream) == 0 else {
            throw Failure.configuration("the secret file \(file) cannot be read: \(String(cString: strerror(errno)))")
        }
        guard count <= longestSecret else {
            throw Failure.configuration("the secret file \(file) is longer than \(longestSecret) bytes")
        }
        bytes.removeLast(bytes.count - count)
        // What editors put round a line, and nobody means.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        while let last = bytes.last, [UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(last) { bytes.removeLast() }
        guard !bytes.isEmpty else { throw Failure.configuration("the secret file \(file) is empty") }
        return bytes
    }

    /// Bytes that a file with a secret may have.
    private static let longestSecret = 4096

    /// What the API is told, by a service and by a process for one request.
    ///
    /// - Parameter secretFile: what the command line says.
    static func configuration(secretFile: String? = nil) throws(Failure) -> Configuration {
        var configuration = Configuration(
            secret: try secret(file: secretFile), allowedOrigins: try allowedOrigins.read()?.all ?? [],
            appBaseURL: try webClient(), publicURL: try publicURL.read()?.text)
        configuration.signIn = try signIn(publicURL: configuration.publicURL)
        return configuration
    }

    /// Where the Tasking Manager's web client is, without a slash at the end.
    private static func webClient() throws(Failure) -> String {
        try appBaseURL.read()?.text ?? Configuration.defaultAppBaseURL
    }

    /// Opens the data folder, as the user whose folder it is.
    ///
    /// - Parameter path: what the command line says.
    static func folder(_ path: String?) throws -> DataFolder {
        guard let path = try path ?? dataFolder.read(), !path.isEmpty else {
            throw Failure.configuration("there is no data folder: name it with --data or in CAMPAIGNS_DATA")
        }
        return try DataFolder(asOwnerOf: path)
    }

    /// How e-mails are sent, when SENDMAIL asks for them.
    ///
    /// They say of themselves where they come from, and how to get no more of them. That must not be somebody else's address.
    static func mail() throws(Failure) -> MailSettings? {
        let (named, base) = (try mailFrom.read(), try appBaseURL.read()?.text)
        guard let command = try sendmail.read() else { return nil }
        guard let from = named ?? base.map({ "noreply@\(host(of: $0))" }) else {
            throw .configuration(
                "SENDMAIL needs APP_BASE_URL or MAIL_FROM: else e-mails would come from an address that is not yours")
        }
        guard MailSettings.isAddress(from) else {
            throw .configuration("SENDMAIL needs MAIL_FROM: \(from) is not an e-mail address")
        }
        return MailSettings(command: command, from: from, appBaseURL: base, publicURL: try publicURL.read()?.text)
    }

    private static func host(of url: String) -> Substring {
        url.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" && $0 != ":" }
    }

    /// A log at the level that LOG_LEVEL names, in the form that LOG_FORMAT does.
    static func logger() throws(Failure) -> Logger {
        let (level, format) = (try logLevel.read() ?? .info, try logFormat.read() ?? .text)
        return Logger(label: "campaignd") { _ in LineLog(logLevel: level, format: format) }
    }
}

/// The option that says where the data folder is.
struct DataOption: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp("The data folder. (environment: CAMPAIGNS_DATA)", valueName: "dir"))
    var path: String?

    /// Opens the folder for a command that works on it and ends.
    func store() throws -> FolderStore {
        try FolderStore(Settings.folder(path), CampaignJSON(), logger: Settings.logger())
    }
}

/// The data folder where it is the one thing that a command is told.
struct DataArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The data folder. (environment: CAMPAIGNS_DATA)", valueName: "dir"))
    var path: String?

    func validate() throws {
        guard path == nil, getenv(Settings.dataFolder.name).map({ $0.pointee == 0 }) ?? true else { return }
        throw ValidationError("Name the data folder, or set \(Settings.dataFolder.name).")
    }
}
