import Foundation
import TestSupport

/// nginx with a server block as the README has it, in front of `campaignd serve` as the unit starts it.
final class WebSite: @unchecked Sendable {
    // Unchecked: nothing changes after init but the processes, which only `deinit` touches.
    let port: Int
    let data: TemporaryFolder
    let certificate: String
    private let folder: TemporaryFolder
    private let daemon: Daemon
    private let nginx: Process
    private let log: URL

    var url: String { "https://localhost:\(port)" }

    /// Starts both, and waits until they answer.
    ///
    /// - Parameter own: what the site has in its server block, after the lines of the README.
    init(data: TemporaryFolder, own: String = "") throws {
        self.data = data
        folder = try TemporaryFolder()
        port = try FreePort.find()
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
                server {
                    include campaigns.conf;
                    include campaigns-page.conf;
                    listen 127.0.0.1:\(port) ssl http2;
                    server_name localhost;
                    ssl_certificate cert.pem;
                    ssl_certificate_key key.pem;
                    \(own)
                }
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
        daemon = try Daemon([
            "--data", data.path, "--socket", folder.path + "/campaignd.sock", "--large-answers",
            folder.path + "/large",
        ])
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
