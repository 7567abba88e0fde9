import Foundation
import TestSupport
import Testing

/// What scripts and instructions do to a machine, seen on one that is only pretended.
struct InstallTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("what is missing is named with its size before it is installed, and no server is started or enabled")
    func install() throws {
        // Debian's tools as this script knows them: a package is installed when there is a file of its name.
        try folder.write(
            """
            #!/bin/sh
            for name; do last=$name; done
            [ -e "\(folder.path)/installed/$last" ] || exit 1
            echo 'ii '
            """, to: "bin/dpkg-query")
        try folder.write(
            """
            #!/bin/sh
            case "$*" in
            *--assume-no*)
                echo '2 upgraded, 7 newly installed, 0 to remove and 128 not upgraded.'
                echo 'After this operation, 66.3 MB of additional disk space will be used.'
                exit 1
                ;;
            *--yes*)
                cp "\(folder.path)/sbin/policy-rc.d" "\(folder.path)/policy-meanwhile"
                touch "\(folder.path)/installed/lighttpd" "\(folder.path)/installed/fcgiwrap"
                ;;
            esac
            echo "apt-get $*" >>"\(folder.path)/done"
            """, to: "bin/apt-get")
        try folder.write("#!/bin/sh\necho \"systemctl $*\" >>\"\(folder.path)/done\"\n", to: "bin/systemctl")
        try folder.write("#!/bin/sh\necho 0\n", to: "bin/id")
        try folder.write("#!/bin/sh\nexit 42\n", to: "sbin/policy-rc.d")
        let script = try String(
            contentsOf: Repository.root.appendingPathComponent("nginx/install"), encoding: .utf8)
        let usual = try #require(script.firstMatch(of: /\npackages="([^"]+)"/)).output.1
        for name in usual.split(separator: " ") { try folder.write("", to: "installed/\(name)") }
        try folder.write(
            script.replacing("/usr/sbin/policy-rc.d", with: folder.path + "/sbin/policy-rc.d"), to: "install")
        let made = try Command.run("chmod", ["-R", "+x", folder.path + "/bin"])
        try #require(made.status == 0)
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let outcome = try Command.run(
            "sh", [folder.path + "/install", "lighttpd", "fcgiwrap"],
            environment: ["PATH": "\(folder.path)/bin:\(path)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let size = try #require(outcome.errors.firstRange(of: "After this operation, 66.3 MB"))
        let end = try #require(outcome.errors.firstRange(of: "lighttpd is installed, not started, and not enabled"))
        #expect(size.lowerBound < end.lowerBound)
        #expect(
            try folder.read("done").components(separatedBy: "\n") == [
                "apt-get install --yes --no-install-recommends lighttpd fcgiwrap",
                "systemctl disable --quiet lighttpd.service",
                "systemctl disable --quiet fcgiwrap.service fcgiwrap.socket", "",
            ])
        #expect(try folder.read("policy-meanwhile") == "#!/bin/sh\nexit 101\n")
        #expect(try folder.read("sbin/policy-rc.d") == "#!/bin/sh\nexit 42\n")
    }

    @Test(
        "the instructions for an installation by hand work in their order, up to its removal, which leaves nothing",
        .enabled(if: geteuid() == 0, "only root can pretend to have another /etc and /usr"))
    func byHand() throws {
        let readme = try Readme.nginx.text
        let blocks = readme.matches(of: /(?m)^( *)```sh\n((?s:.*?))^ *```$/).map { block in
            block.output.2.components(separatedBy: "\n").map { String($0.dropFirst(block.output.1.count)) }
                .joined(separator: "\n")
        }.filter { !$0.hasPrefix("./nginx/package") && !$0.contains("./.build/package/") }
        #expect(blocks.count == 16)
        var commands = blocks
        let removal = try #require(commands.firstIndex { $0.contains("rm -rf /usr/local/sbin/campaignd") })
        commands.append(commands.remove(at: removal))
        var site = try #require(readme.firstMatch(of: /```nginx\n(server \{\n    include (?s:.*?)\n\}\n)```/)).output.1
        if !FileManager.default.fileExists(atPath: "/proc/net/if_inet6") {
            site = site.replacing(#/ +listen +\[::\].*\n/#, with: "")
        }
        try folder.write(String(site), to: "site")
        for (name, text) in [
            ("sudo", #"exec "$@""#), ("systemctl", "exit 0"), ("apt", "exit 0"), ("curl", "exit 0"),
            (
                "certbot",
                """
                place=/etc/letsencrypt/live/campaigns.example.org
                mkdir -p $place
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x \\
                    -keyout $place/privkey.pem -out $place/fullchain.pem 2>/dev/null
                """
            ),
        ] { try folder.write("#!/bin/sh\n\(text)\n", to: "bin/\(name)") }
        // Every block in a shell of its own, as if somebody had copied it; what they change is in a file system in memory.
        var script = """
            set -eu
            mkdir \(folder.path)/memory
            mount -t tmpfs none \(folder.path)/memory
            for place in etc usr var srv root; do
                mkdir \(folder.path)/memory/$place \(folder.path)/memory/$place.work
                mount -t overlay none /$place -o lowerdir=/$place,upperdir=\(folder.path)/memory/$place,workdir=\(folder.path)/memory/$place.work
            done
            mount -t tmpfs none /run
            chmod +x \(folder.path)/bin/*
            PATH=\(folder.path)/bin:/usr/local/sbin:/usr/sbin:/sbin:$PATH
            mkdir -p \(folder.path)/work/.build/package /etc/nginx/sites-available
            cd \(folder.path)/work
            ln -s '\(Repository.root.path)/nginx' nginx
            cp \(Repository.campaignd.path) .build/package/
            cp \(folder.path)/site /etc/nginx/sites-available/campaigns
            list() { (find /etc /usr/local /usr/share/campaignd /lib/systemd -name '*campaign*' ! -path '/etc/letsencrypt/*' 2>/dev/null || :) | sort; }

            """
        for (number, block) in commands.enumerated() {
            try folder.write(block, to: "block\(number)")
            if block.contains("cp -a /root/backup") {
                script += "rm -rf /root/backup && cp -a /var/lib/campaignd /root/backup\n"
            }
            script += "echo 'block \(number)'\nsh -eu \(folder.path)/block\(number)\n"
            if block.contains("/srv/campaigns") {
                script += "campaignd check /srv/campaigns\ngrep srv /etc/nginx/conf.d/campaigns-http.conf\n"
            }
        }
        script += "echo left:\nlist\n"
        try folder.write(script, to: "script")
        let outcome = try Command.run(
            "unshare", ["--mount", "--propagation", "private", "sh", folder.path + "/script"])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains("all in order"))
        #expect(outcome.text.hasSuffix("left:\n"), "\(outcome.text)")
    }
}
