import ArgumentParser
import FolderStore
import Glibc
import Records

/// Ends the command with one clear line on standard error and an exit code of sysexits.h.
struct Failure: Error {
    let code: Int32
    let message: String

    /// A setting is missing or wrong (EX_CONFIG).
    static func configuration(_ message: String) -> Failure { Failure(code: 78, message: message) }
    /// Something cannot be made: a folder, a file, a socket (EX_CANTCREAT).
    static func cannotCreate(_ message: String) -> Failure { Failure(code: 73, message: message) }
    /// What was asked for cannot be done.
    static func refused(_ message: String) -> Failure { Failure(code: 1, message: message) }

    /// Writes the line, which is one whatever is in it.
    static func report(_ message: String) {
        let line = Array("campaignd: \(message.printable)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}

extension ParsableCommand {
    /// Runs the body of a command; what it throws becomes a line and an exit code.
    ///
    /// - Parameter unavailable: what it is when the data folder cannot be used.
    func reporting(
        unavailable: (String) -> Failure = Failure.cannotCreate, _ body: () throws -> Void
    ) throws {
        do {
            do {
                try body()
            } catch let error as StoreUnavailable {
                throw unavailable(error.detail)
            }
        } catch let failure as Failure {
            Failure.report(failure.message)
            throw ExitCode(failure.code)
        }
    }
}
