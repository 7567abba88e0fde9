import Foundation
import TestSupport
import Testing

/// What `nginx/package` makes, of the program built beside the tests.
@Suite(.serialized)
struct PackageTests {
    @Test("the Debian package holds these files, with these modes, owned by root")
    func files() throws {
        let listing = try Self.output("dpkg-deb", ["--contents", Self.package.get().deb])
        let modes = Self.modes(listing)
        #expect(listing.split(separator: "\n").allSatisfy { $0.contains(" root/root ") })
        #expect(modes["./usr/sbin/campaignd"] == "-rwxr-xr-x")
        #expect(modes["./etc/campaignd/"] == "drwxr-xr-x")
        for file in [
            "lib/systemd/system/campaignd.service", "lib/systemd/system/campaignd.socket",
            "lib/systemd/system/campaignd@.service", "lib/systemd/system/campaignd@.socket", "etc/nginx/campaigns.conf",
            "usr/share/campaignd/campaignd-openstreetmap.conf", "usr/share/campaignd/campaigns-site.conf",
            "usr/share/campaignd/campaigns-below.conf",
            "usr/share/campaignd/campaigns-tasking-manager.conf", "usr/share/doc/campaignd/nginx/README.md.gz",
            "etc/nginx/conf.d/campaigns-http.conf", "etc/default/campaignd", "usr/share/man/man8/campaignd.8.gz",
            "usr/share/doc/campaignd/copyright", "usr/share/doc/campaignd/changelog.gz",
            "usr/share/campaignd/campaignd-mail.conf", "etc/nginx/campaigns-page.conf",
            "etc/nginx/campaigns-origins.conf",
            "usr/share/campaignd/page/index.html", "usr/share/campaignd/page/page.js",
        ] {
            #expect(modes["./" + file] == "-rw-r--r--", "\(file)")
        }
        #expect(!listing.contains("etc/campaignd/secret"))
        #expect(!listing.contains("page/README.md"))
    }

    @Test("what an administrator may have changed is not overwritten by an upgrade")
    func conffiles() throws {
        let conffiles = try Self.output("dpkg-deb", ["--info", Self.package.get().deb, "conffiles"])
        #expect(
            conffiles.split(separator: "\n") == [
                "/etc/default/campaignd", "/etc/nginx/campaigns-origins.conf", "/etc/nginx/campaigns-page.conf",
                "/etc/nginx/campaigns.conf",
                "/etc/nginx/conf.d/campaigns-http.conf",
            ])
    }

    @Test("the package has the program's version, and depends on no library")
    func control() throws {
        let deb = try Self.package.get().deb
        #expect(
            try Self.output("dpkg-deb", ["--field", deb, "Version"])
                .hasPrefix(
                    Self.output(Repository.campaignd.path, ["--version"]).trimmingCharacters(in: .newlines) + "+2"))
        #expect(try Self.output("dpkg-deb", ["--field", deb, "Depends"]) == "adduser\n")
    }

    @Test("the scripts of the package are in order", arguments: ["preinst", "postinst", "prerm", "postrm"])
    func scripts(_ name: String) throws {
        let script = try Self.package.get().folder.path + "/" + name
        let text = try Self.output("dpkg-deb", ["--info", Self.package.get().deb, name])
        try Data(text.utf8).write(to: URL(fileURLWithPath: script))
        #expect(try Command.run("sh", ["-n", script]).status == 0)
        #expect(text.hasPrefix("#!/bin/sh\n"))
        #expect(text.contains("\nset -e\n"))
    }

    @Test("a server block that still includes the package's files is named, and nginx can reload after a purge")
    func removing() throws {
        let folder = try TemporaryFolder()
        func run(_ name: String, _ action: String) throws -> String {
            // Of this machine nothing is touched.
            let text = try Self.output("dpkg-deb", ["--info", Self.package.get().deb, name])
                .replacing("/etc/", with: folder.path + "/etc/").replacing("/var/", with: folder.path + "/var/")
                .replacing("deb-systemd", with: "true deb-systemd").replacing("systemctl", with: "true")
            try folder.write(text, to: name)
            let outcome = try Command.run("sh", [folder.path + "/" + name, action])
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(name) \(action): \(outcome.errors)")
            return outcome.text
        }
        let nginx = "etc/nginx/"
        try folder.write(
            "server {\n    include /etc/nginx/campaigns.conf;\n}\n", to: nginx + "sites-available/campaigns")
        try folder.write(
            "server {\n    #include /etc/nginx/campaigns-page.conf;\n}\n", to: nginx + "sites-available/other")
        try folder.write("#     include /etc/nginx/campaigns.conf;\n", to: nginx + "campaigns.conf")
        let said = try run("prerm", "remove")
        #expect(said.contains("\(folder.path)/etc/nginx/sites-available/campaigns still includes"))
        #expect(!said.contains("sites-available/other"))
        // dpkg removes the configuration files before this.
        try FileManager.default.removeItem(atPath: "\(folder.path)/\(nginx)campaigns.conf")
        #expect(try run("postrm", "purge").contains("campaigns.conf is left behind, empty"))
        #expect(try folder.read(nginx + "campaigns.conf").hasPrefix("# campaignd is purged"))
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/\(nginx)campaigns-page.conf"))
        // What was left behind is in nobody's way when the package comes again.
        #expect(try run("preinst", "install").isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/\(nginx)campaigns.conf"))
    }

    @Test("systemd takes the units, and calls the service safe")
    func units() throws {
        let folder = try TemporaryFolder()
        for name in ["campaignd.service", "campaignd.socket", "campaignd@.service", "campaignd@.socket"] {
            let unit = Repository.root.appendingPathComponent("nginx/\(name)")
            // The program and its manual page are not where they will be.
            let text = try String(contentsOf: unit, encoding: .utf8)
                .replacingOccurrences(of: "ExecStart=campaignd", with: "ExecStart=/bin/true")
                .replacingOccurrences(of: "Documentation=man:campaignd(8)\n", with: "")
            try folder.write(text, to: name)
        }
        let verified = try Command.run(
            "systemd-analyze",
            ["verify"]
                + ["campaignd.service", "campaignd.socket", "campaignd@two.service", "campaignd@two.socket"].map {
                    "\(folder.path)/\($0)"
                })
        #expect(verified.status == 0, "\(verified.errors)")
        #expect(verified.errors.isEmpty)
        for name in ["mail", "openstreetmap"] {
            let dropIn = Repository.root.appendingPathComponent("nginx/campaignd-\(name).conf")
            let text = try String(contentsOf: dropIn, encoding: .utf8)
            try folder.write(text, to: "campaignd.service.d/\(name).conf")
            let opened = try Command.run("systemd-analyze", ["verify", folder.path + "/campaignd.service"])
            #expect(opened.status == 0 && opened.errors.isEmpty, "\(name): \(opened.errors)")
            try FileManager.default.removeItem(atPath: folder.path + "/campaignd.service.d")
        }
        // Of 100, the less the better; "OK" goes to 50, "SAFE" to 20.
        let rated = try Command.run(
            "systemd-analyze",
            ["security", "--offline=true", "--threshold=20", "--no-pager", folder.path + "/campaignd.service"])
        #expect(rated.status == 0, "\(rated.text)")
    }

    @Test(
        "systemd starts the service in its sandbox, and with the drop-in mail programs work there",
        .enabled(if: geteuid() == 0, "only root can start another systemd"))
    func sandbox() throws {
        let script = Repository.root.appendingPathComponent("Tests/EndToEnd/systemd.sh")
        let outcome = try Command.run("timeout", ["--kill-after=5", "400", script.path, Repository.campaignd.path])
        // EX_TEMPFAIL: not here, as in a container that may mount nothing.
        if outcome.status == 75 {
            print("systemd does not start here: \(outcome.errors)")
            return
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.text == """
                none, speak: not sent
                none, queue: not sent
                first, speak: sent
                first, queue: not sent
                whole, speak: sent
                whole, queue: sent
                active

                """, "\(outcome.errors)")
    }

    @Test("with the drop-in for e-mails, nothing keeps a program from becoming another group", arguments: ["", "@"])
    func mailDropIn(_ instance: String) throws {
        /// What systemd.exec(5) names at NoNewPrivileges=: each forbids it by itself, as long as User= is set.
        let forbidding = [
            "NoNewPrivileges", "SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies",
            "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "PrivateDevices", "ProtectClock",
            "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "DynamicUser",
            "MemoryDenyWriteExecute", "LockPersonality", "SystemCallLog",
        ]
        let lines = try ["campaignd\(instance).service", "campaignd-mail.conf"].flatMap { name in
            try String(contentsOf: Repository.root.appendingPathComponent("nginx/\(name)"), encoding: .utf8)
                .split(separator: "\n")
        }
        var set: [Substring: Substring] = [:]
        for line in lines {
            guard let equals = line.firstIndex(of: "="), !line.hasPrefix("#") else { continue }
            set[line[..<equals]] = line[line.index(after: equals)...]
        }
        // A user namespace of its own has no other group.
        for name in forbidding + ["PrivateUsers"] {
            #expect(set[Substring(name)] ?? "" == "" || set[Substring(name)] == "no", "\(name)")
        }
    }

    @Test("the units of an instance are the usual ones, with paths of its own", arguments: ["service", "socket"])
    func template(_ kind: String) throws {
        let folder = Repository.root.appendingPathComponent("nginx")
        let usual = try String(contentsOf: folder.appendingPathComponent("campaignd.\(kind)"), encoding: .utf8)
        let template = try String(contentsOf: folder.appendingPathComponent("campaignd@.\(kind)"), encoding: .utf8)
        #expect(
            template.replacing("campaignd@%i.socket", with: "campaignd.socket").replacing("service %i", with: "service")
                .replacing("-%i", with: "") == usual)
        #expect(template.matches(of: /-%i/).count == (kind == "service" ? 6 : 1))
    }

    @Test("the manual page names every command, option and variable, and is well formed")
    func manual() throws {
        let folder = try TemporaryFolder()
        let manual = Repository.root.appendingPathComponent("nginx/manual").path
        try folder.write(try Self.output(manual, [Repository.campaignd.path]), to: "campaignd.8")
        let page = folder.path + "/campaignd.8"
        let lint = try Command.run("mandoc", ["-Tlint", "-Wwarning", page])
        #expect(lint.status == 0, "\(lint.text)")
        let text = try Self.output("mandoc", ["-Tascii", page]).replacing(/.\u{8}/, with: "")
        let help = try Self.output(Repository.campaignd.path, ["serve", "--help"])
        for name in help.matches(of: /--[a-z][a-z-]+|[A-Z]+_[A-Z_]+|SENDMAIL/).map({ String($0.output) })
        where name != "--help" {
            #expect(text.contains(name), "the manual page does not name \(name)")
        }
        let commands = try Self.output(Repository.campaignd.path, ["--help"]).matches(of: /\n  ([a-z]+) {2,}[A-Z]/)
        #expect(!commands.isEmpty)
        for command in commands { #expect(text.contains(command.output.1), "\(command.output.1)") }
    }

    @Test("the archive for shared hosts is ready to be uploaded")
    func hosting() throws {
        let listing = try Self.output("tar", ["-tvzf", Self.package.get().archive])
        let modes = Self.modes(listing)
        #expect(modes["campaigns/campaignd"] == "-rwxr-xr-x")
        #expect(modes["campaigns/data/users/"] == "drwx------")
        #expect(modes["web/.htaccess"] == "-rw-r--r--")
        #expect(modes["web/index.html"] == "-rw-r--r--")
        // Files, as FTP knows no links.
        #expect(modes["web/campaigns.cgi"] == "-rwxr-xr-x")
        #expect(modes["web/campaigns.fcgi"] == "-rwxr-xr-x")
    }

    // MARK: -

    private struct Package {
        let folder: TemporaryFolder
        let deb: String
        let archive: String
    }

    private static let package = Result {
        let folder = try TemporaryFolder()
        let outcome = try Command.run(
            Repository.root.appendingPathComponent("nginx/package").path,
            ["--binary", Repository.campaignd.path, "--output", folder.path])
        let files = outcome.text.split(separator: "\n").map(String.init)
        try #require(outcome.status == 0 && files.count == 3, "\(outcome.text)\(outcome.errors)")
        return Package(folder: folder, deb: files[1], archive: files[2])
    }

    private static func output(_ program: String, _ arguments: [String]) throws -> String {
        let outcome = try Command.run(program, arguments)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.text
    }

    /// The permissions by name, of what tar or dpkg-deb lists.
    private static func modes(_ listing: String) -> [String: String] {
        var modes: [String: String] = [:]
        for line in listing.split(separator: "\n") {
            let words = line.split(separator: " ")
            if let mode = words.first, let name = words.last { modes[String(name)] = String(mode) }
        }
        return modes
    }
}
