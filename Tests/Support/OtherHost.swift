import Foundation

/// The service behind another web server than the usual nginx, as `Tests/Hosts/serve` runs it.
public final class OtherHost: @unchecked Sendable {
    // Unchecked: nothing changes after init but the process, which only `stop` touches.
    public static let names = ["apache-cgi", "apache-fcgid", "lighttpd-cgi", "lighttpd-fastcgi", "fcgiwrap"]

    public let url: String
    private let process: Process
    private let folder: TemporaryFolder

    /// Starts it, and waits until it answers.
    ///
    /// - Parameters:
    ///   - name: one of ``names``.
    ///   - data: what its data folder is a copy of.
    ///   - environment: TM_SECRET and ALLOWED_ORIGINS.
    public init(_ name: String, data: URL, environment: [String: String?]) throws {
        folder = try TemporaryFolder()
        let campaigns = folder.url.appendingPathComponent("campaigns")
        try FileManager.default.createDirectory(at: campaigns, withIntermediateDirectories: false)
        try FileManager.default.copyItem(at: data, to: campaigns.appendingPathComponent("data"))
        let port = try FreePort.find()
        url = "http://127.0.0.1:\(port)"
        process = try Command.start(
            Repository.root.appendingPathComponent("Tests/Hosts/serve").path,
            [name, folder.path, "\(port)", Repository.campaignd.path], environment,
            log: folder.url.appendingPathComponent("log"))
        let deadline = Date(timeIntervalSinceNow: 60)
        while (try? Asked("GET", "/api/v2/system/heartbeat/").send(to: url).status) != 200 {
            guard process.isRunning, Date() < deadline else {
                stop()
                throw Command.Failed(
                    description: "\(name) did not get ready:\n\((try? folder.read("log")) ?? "")")
            }
            usleep(50_000)
        }
    }

    /// Ends it.
    public func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    deinit {
        stop()
    }
}
