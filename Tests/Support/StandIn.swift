import Foundation

/// The stand-in of OpenStreetMap, `nginx/openstreetmap.py`, for tests.
public final class StandIn: Sendable {
    public static let clientID = "test-client"
    public static let clientSecret = "test/client+secret of 100 %"

    public let url: String
    private let process: Process?

    /// One for all tests of this process that do not end it.
    public static let shared: Result<StandIn, any Error> = Result {
        let standIn = try StandIn()
        // Tests end without ending what is static.
        atexit { try? StandIn.shared.get().end() }
        return standIn
    }

    /// Starts one, and waits until it listens.
    public init() throws {
        let process = Command.make(
            "python3",
            [Repository.root.appendingPathComponent("nginx/openstreetmap.py").path, "--client-id", Self.clientID],
            ["TM_CLIENT_SECRET": Self.clientSecret])
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let line = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
        guard line.hasPrefix("http") else { throw Command.Failed(description: "the stand-in did not get ready") }
        url = line.trimmingCharacters(in: .whitespacesAndNewlines)
        self.process = process
    }

    /// One that runs already.
    ///
    /// - Parameter url: where.
    public init(at url: String) {
        self.url = url
        process = nil
    }

    deinit {
        end()
    }

    /// Ends it, whoever waits for its answers.
    public func end() {
        guard let process, process.isRunning else { return }
        // What a test starts has the signals blocked that this thread has, the one to end too.
        kill(process.processIdentifier, SIGKILL)
    }

    /// Does what somebody does who says who they are on the page that `page` is the address of.
    ///
    /// - Parameters:
    ///   - fail: what is to go wrong, one of the stand-in's FAILURES.
    /// - Returns: the address that the stand-in sends the browser to.
    public func authorize(page: String, user: Int, name: String = "", fail: String = "") throws -> URLComponents {
        guard var asked = URLComponents(string: page) else { throw Command.Failed(description: "no address: \(page)") }
        var items = asked.queryItems ?? []
        for (name, value) in [("user", "\(user)"), ("name", name), ("fail", fail), ("answer", "yes")] {
            items.append(URLQueryItem(name: name, value: value))
        }
        asked.queryItems = items
        let form = (asked.percentEncodedQuery ?? "").replacing("+", with: "%2B")
        let answered = try Asked(
            "POST", "/oauth2/authorize", headers: [("Content-Type", "application/x-www-form-urlencoded")],
            body: Data(form.utf8)
        ).send(to: url)
        guard answered.status == 302, let location = answered.header("Location").flatMap(URLComponents.init(string:))
        else {
            throw Command.Failed(description: "\(answered.status) \(String(decoding: answered.body, as: UTF8.self))")
        }
        return location
    }
}

extension URLComponents {
    /// The value of a parameter of the query.
    public func value(_ name: String) -> String? { queryItems?.first { $0.name == name }?.value }
}
