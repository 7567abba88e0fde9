import Foundation
import TestSupport

/// nginx with the server blocks of `nginx/README.md`, in front of `campaignd serve` as the unit starts it.
final class WebSite: @unchecked Sendable {
    // Unchecked: nothing changes after init but the processes, which only `deinit` touches.
    let port: Int
    /// Of the block that only redirects.
    let plainPort: Int
    let data: TemporaryFolder
    let certificate: String
    private let folder: TemporaryFolder
    private let daemon: Daemon
    private let second: Daemon?
    private let nginx: Process
    private let log: URL

    var url: String { "https://localhost:\(port)" }

    /// What else there is on the machine.
    enum Arrangement {
        case nothing
        /// A second instance, `two`, with nothing in its data folder, for requests to `two.example.org`.
        case twoInstances
        /// A site that has the service below `/campaigns-api/`.
        case below
        /// A Tasking Manager, which answers "Tasking Manager" and the target.
        case taskingManager
    }

    /// Starts both, and waits until they answer.
    ///
    /// - Parameters:
    ///   - own: what the site has in its server block, after the lines of `nginx/README.md`.
    ///   - origins: those that are allowed, for the service and for nginx.
    ///   - settings: what the service is told besides.
    init(
        data: TemporaryFolder, own: String = "", origins: [String] = [], _ arrangement: Arrangement = .nothing,
        settings: [String: String?] = [:]
    ) throws {
        self.data = data
        folder = try TemporaryFolder()
        port = try FreePort.find()
        plainPort = try FreePort.find()
        certificate = folder.path + "/cert.pem"
        let files = Repository.root.appendingPathComponent("nginx")
        let here = folder.path
        /// A text of the repository with this site's paths.
        func adapted(_ text: some StringProtocol) -> String {
            String(text).replacing("/etc/nginx/", with: "").replacing("/run/campaigns-site", with: here + "/site")
                .replacing("/run/campaignd/", with: here + "/").replacing("/run/campaignd-", with: here + "/run-")
                .replacing("/var/lib/campaignd-", with: here + "/data-")
                .replacing("/var/lib/campaignd", with: data.path)
                .replacing("/var/cache/campaignd", with: here + "/large")
                .replacing("/usr/share/campaignd/page", with: files.path + "/page")
        }
        for name in [
            "campaigns-http.conf", "campaigns.conf", "campaigns-page.conf", "elsewhere/campaigns-site.conf",
            "elsewhere/campaigns-below.conf", "elsewhere/campaigns-tasking-manager.conf",
        ] {
            let file = files.appendingPathComponent(name)
            try folder.write(try adapted(String(contentsOf: file, encoding: .utf8)), to: file.lastPathComponent)
        }
        try folder.write(
            origins.map { "\($0) $http_origin;\n" }.joined(), to: "campaigns-origins.conf")
        var blocks = try Self.blocks(port: port, plainPort: plainPort, own: own)
        switch arrangement {
        case .nothing: break
        case .twoInstances:
            let readme = try Readme.nginx.text
            guard let upstream = readme.firstMatch(of: /```nginx\n(upstream campaigns-two \{[^`]*)```/)?.output.1,
                let instance = readme.firstMatch(of: /```nginx\n(two\.example\.org two;\n)```/)?.output.1
            else { throw Command.Failed(description: "\(Readme.nginx.rawValue) has no second instance") }
            try folder.write(String(instance), to: "campaigns-instances/two.conf")
            let second = try Self.blocks(port: port, plainPort: plainPort, own: own).components(separatedBy: "\n}\n")[0]
            blocks += "\(adapted(upstream))\(second.replacing("localhost", with: "two.example.org"))\n}\n"
        case .below, .taskingManager:
            let name = arrangement == .below ? "below" : "tasking-manager"
            blocks = """
                include campaigns-site.conf;
                server {
                    listen 127.0.0.1:\(port) ssl http2;
                    server_name localhost;
                    ssl_certificate cert.pem;
                    ssl_certificate_key key.pem;
                    location / { return 200 "Tasking Manager $request_uri\\n"; }
                    location /api/ { return 200 "Tasking Manager $request_uri\\n"; }
                    location ~ \\.json$ { return 404; }
                    include campaigns-\(name).conf;
                }
                """
            if arrangement == .taskingManager {
                // As the file says, it stands before other regular expressions.
                blocks = blocks.replacing("    location ~ \\.json$ { return 404; }\n", with: "")
            }
        }
        try folder.write(
            """
            pid nginx.pid;
            error_log stderr error;
            events { }
            http {
                client_body_temp_path body;
                fastcgi_temp_path fastcgi;
                proxy_temp_path proxy;
                scgi_temp_path scgi;
                uwsgi_temp_path uwsgi;
                access_log access.log;
                include campaigns-http.conf;
                \(blocks)
            }
            """, to: "nginx.conf")
        let made = try Command.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder.path + "/key.pem", "-out",
                certificate,
            ])
        guard made.status == 0 else { throw Command.Failed(description: made.errors) }
        daemon = try Daemon(
            [
                "--data", data.path, "--socket", folder.path + "/campaignd.sock", "--large-answers",
                folder.path + "/large",
            ],
            environment: [
                "ALLOWED_ORIGINS": origins.joined(separator: ","),
                "PUBLIC_URL": arrangement == .below ? "https://localhost:\(port)/campaigns-api" : nil,
            ].merging(settings) { $1 })
        if arrangement == .twoInstances {
            try FileManager.default.createDirectory(atPath: here + "/run-two", withIntermediateDirectories: false)
            second = try Daemon([
                "--data", here + "/data-two", "--socket", here + "/run-two/campaignd.sock", "--large-answers",
                here + "/large-two",
            ])
        } else {
            second = nil
        }
        // Otherwise its workers could not enter the folders of this test.
        let user = getuid() == 0 ? " user root;" : ""
        nginx = Command.make(
            "nginx", ["-p", folder.path + "/", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;\(user)"], [:])
        log = folder.url.appendingPathComponent("log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        nginx.standardError = try FileHandle(forWritingTo: log)
        try nginx.run()
        let deadline = Date(timeIntervalSinceNow: 60)
        AtExit.add { [weak self] in self?.end() }
        let heartbeat = (arrangement == .below ? "/campaigns-api" : "") + "/api/v2/system/heartbeat/"
        while (try? ask("GET", heartbeat).status) != 200 {
            guard nginx.isRunning, Date() < deadline else {
                throw Command.Failed(description: "nginx did not get ready: \(printed)")
            }
            usleep(20_000)
        }
    }

    /// The server blocks as `nginx/README.md` tells people to have them, with this site's paths, ports and name.
    private static func blocks(port: Int, plainPort: Int, own: String) throws -> String {
        guard let block = try Readme.nginx.text.firstMatch(of: /```nginx\n(server \{\n    include (?s:.*?)\n\}\n)```/)
        else {
            throw Command.Failed(description: "\(Readme.nginx.rawValue) has no server block")
        }
        var text = String(block.output.1).replacing(#/ +listen +\[::\].*\n/#, with: "").replacing(
            "/etc/nginx/", with: "")
        text = text.replacing("listen 443", with: "listen 127.0.0.1:\(port)")
            .replacing("listen 80", with: "listen 127.0.0.1:\(plainPort)")
            .replacing("campaigns.example.org", with: "localhost")
        text = text.replacing(/\S+\/fullchain.pem/, with: "cert.pem").replacing(/\S+\/privkey.pem/, with: "key.pem")
        guard let end = text.firstRange(of: "\n}") else { return text }
        return text[..<end.lowerBound] + "\n\(own)" + text[end.lowerBound...]
    }

    /// Ends the service; nginx goes on.
    func endService() { daemon.end() }

    /// What nginx has written into its error log.
    var printed: String { (try? String(decoding: Data(contentsOf: log), as: UTF8.self)) ?? "" }

    /// What nginx has written into its access log, in the form that it has by itself.
    var accessLog: String {
        get throws { try folder.read("access.log") }
    }

    /// The names of the answers that the service has left for nginx as files.
    var largeAnswers: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path + "/large") }
    }

    func ask(
        _ method: String, _ target: String, _ headers: [(name: String, value: String)] = [], body: Data? = nil
    ) throws -> Answered {
        try Asked(method, target, headers: headers, body: body).send(to: url, certificate: certificate)
    }

    /// Ends all.
    private func end() {
        if nginx.isRunning { nginx.terminate() }
        nginx.waitUntilExit()
        daemon.end()
        second?.end()
    }

    deinit {
        end()
    }
}
