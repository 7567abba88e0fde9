import Foundation
import TestSupport

/// nginx with the server blocks of the README, in front of `campaignd serve` as the unit starts it.
final class WebSite: @unchecked Sendable {
    // Unchecked: nothing changes after init but the processes, which only `deinit` touches.
    let port: Int
    /// Of the block that only redirects.
    let plainPort: Int
    let data: TemporaryFolder
    let certificate: String
    private let folder: TemporaryFolder
    private let daemon: Daemon
    private let nginx: Process
    private let log: URL

    var url: String { "https://localhost:\(port)" }

    /// Starts both, and waits until they answer.
    ///
    /// - Parameters:
    ///   - own: what the site has in its server block, after the lines of the README.
    ///   - origins: those that are allowed, for the service and for nginx.
    init(data: TemporaryFolder, own: String = "", origins: [String] = []) throws {
        self.data = data
        folder = try TemporaryFolder()
        port = try FreePort.find()
        plainPort = try FreePort.find()
        certificate = folder.path + "/cert.pem"
        let files = Repository.root.appendingPathComponent("nginx")
        for name in ["campaigns-http.conf", "campaigns.conf", "campaigns-page.conf"] {
            let text = try String(contentsOf: files.appendingPathComponent(name), encoding: .utf8)
            try folder.write(
                text.replacing("/run/campaignd/", with: folder.path + "/").replacing(
                    "/var/lib/campaignd", with: data.path
                ).replacing("/var/cache/campaignd", with: folder.path + "/large").replacing(
                    "/usr/share/campaignd/page", with: files.path + "/page"), to: name)
        }
        try folder.write(
            origins.map { "\($0) $http_origin;\n" }.joined(), to: "campaigns-origins.conf")
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
                access_log off;
                include campaigns-http.conf;
                \(try Self.blocks(port: port, plainPort: plainPort, own: own))
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
            ], environment: ["ALLOWED_ORIGINS": origins.joined(separator: ",")])
        // Otherwise its workers could not enter the folders of this test.
        let user = getuid() == 0 ? " user root;" : ""
        nginx = Command.make(
            "nginx", ["-p", folder.path + "/", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;\(user)"], [:])
        log = folder.url.appendingPathComponent("log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        nginx.standardError = try FileHandle(forWritingTo: log)
        try nginx.run()
        let deadline = Date(timeIntervalSinceNow: 60)
        while (try? ask("GET", "/api/v2/system/heartbeat/").status) != 200 {
            guard nginx.isRunning, Date() < deadline else {
                throw Command.Failed(description: "nginx did not get ready: \(printed)")
            }
            usleep(20_000)
        }
    }

    /// The server blocks as the README tells people to have them, with this site's paths, ports and name.
    private static func blocks(port: Int, plainPort: Int, own: String) throws -> String {
        let readme = try String(contentsOf: Repository.root.appendingPathComponent("README.md"), encoding: .utf8)
        guard let block = readme.firstMatch(of: /```nginx\n(server \{\n    include (?s:.*?)\n\}\n)```/) else {
            throw Command.Failed(description: "the README has no server block")
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

    /// The names of the answers that the service has left for nginx as files.
    var largeAnswers: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path + "/large") }
    }

    func ask(_ method: String, _ target: String, _ headers: [(name: String, value: String)] = []) throws -> Answered {
        try Asked(method, target, headers: headers).send(to: url, certificate: certificate)
    }

    deinit {
        if nginx.isRunning { nginx.terminate() }
        nginx.waitUntilExit()
        daemon.end()
    }
}
