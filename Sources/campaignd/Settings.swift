import ArgumentParser
import CampaignStore
import Glibc
import Logging

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

    /// The level that LOG_LEVEL names.
    static func logger() throws -> Logger {
        let name = environment("LOG_LEVEL") ?? "info"
        guard let level = Logger.Level(rawValue: name.lowercased()) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure.configuration("LOG_LEVEL is \(name); it can be \(levels)")
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

    func folder() throws -> DataFolder {
        guard let path = path ?? Settings.environment("CAMPAIGNS_DATA"), !path.isEmpty else {
            throw Failure.configuration("there is no data folder: name it with --data or in CAMPAIGNS_DATA")
        }
        return DataFolder(path)
    }

    /// Opens the folder for a command that works on it and ends.
    func store() throws -> Store {
        do {
            return try Store(folder(), logger: Settings.logger())
        } catch let error as FolderUnavailable {
            throw Failure.cannotCreate(error.detail)
        }
    }
}
