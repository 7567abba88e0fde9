import Foundation

/// The whole service as users run it: `./nginx/serve` with the program built beside the tests.
public final class LiveService: @unchecked Sendable {
    // Unchecked: nothing changes after init but the process, which only `stop` touches.
    public let url: String
    /// Tells curl to trust the server.
    public let certificate: String
    public let data: URL
    private let process: Process
    private let log: URL
    private let folder: TemporaryFolder

    /// Starts it, and waits until it is ready.
    ///
    /// - Parameters:
    ///   - data: the data folder; serve makes the demo in one that is empty.
    ///   - environment: TM_SECRET and the like.
    ///   - limits: whether messages and bad tokens are limited.
    ///   - demoOSM: whether people sign in, with a stand-in of OpenStreetMap.
    public init(
        data: URL, environment: [String: String?], binary: URL = Repository.campaignd, limits: Bool = false,
        demoOSM: Bool = false
    ) throws {
        folder = try TemporaryFolder()
        self.data = data
        let port = try FreePort.find()
        url = "https://localhost:\(port)"
        certificate = Repository.root.appendingPathComponent(".demo/tls/cert.pem").path
        log = folder.url.appendingPathComponent("log")
        process = try Command.start(
            Repository.root.appendingPathComponent("nginx/serve").path,
            [
                "--binary", binary.path, "--data", data.path, "--port", "\(port)", "--http-port", "0", "--listen",
                "127.0.0.1",
            ] + (limits ? [] : ["--no-limits"]) + (demoOSM ? ["--demo-osm"] : []),
            // It listens on the IPv4 address alone, and is asked for by its name.
            environment.merging(["PUBLIC_URL": url]) { given, _ in given }, log: log)
        AtExit.add { [weak self] in self?.stop() }
        let deadline = Date(timeIntervalSinceNow: 60)
        while !printed.contains("READY") {
            guard process.isRunning, Date() < deadline else {
                process.terminate()
                throw Command.Failed(description: "serve did not get ready:\n\(printed)")
            }
            usleep(20_000)
        }
    }

    /// What it has printed so far.
    public var printed: String {
        (try? String(decoding: Data(contentsOf: log), as: UTF8.self)) ?? ""
    }

    /// The folder in which serve keeps the configuration and the log of nginx, and the socket and the id of campaignd.
    public var runFolder: String {
        get throws {
            guard let match = printed.firstMatch(of: /socket="(\/[^"]+)\/campaignd\.sock"/) else {
                throw Command.Failed(description: "serve does not say where the socket is:\n\(printed)")
            }
            return String(match.output.1)
        }
    }

    /// Ends it as Ctrl-C does.
    ///
    /// - Returns: its exit status.
    @discardableResult
    public func stop() -> Int32 {
        guard process.isRunning else { return process.terminationStatus }
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit {
        stop()
    }
}
