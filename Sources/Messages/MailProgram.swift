internal import Glibc

/// A program such as sendmail, which takes an e-mail on its standard input.
struct MailProgram {
    enum Outcome: Equatable {
        case sent
        /// It does not send this e-mail to this address, and never will.
        case refused(String)
        /// It does not send it now.
        case failed(String)
    }

    /// The program and its arguments.
    private let command: [String]

    /// Seconds that it may take for one e-mail.
    private static let patience = 60
    /// The exit codes of sysexits.h that speak of this one e-mail: the data is wrong, there is no such user. All others are
    /// worth another attempt. EX_NOHOST (68) is among those, for it is also what msmtp says when no name can be looked up.
    private static let final = [65: "EX_DATAERR", 67: "EX_NOUSER"]

    init(_ command: String) {
        self.command = command.split(separator: " ").map(String.init)
    }

    /// Runs the program with a text on its standard input.
    func send(_ text: String) -> Outcome {
        // A file, not a pipe: a program that does not read cannot hold this up.
        guard let program = command.first, let input = tmpfile() else { return .failed(Self.reason("no file", errno)) }
        defer { fclose(input) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, input) == bytes.count, fflush(input) == 0, fseek(input, 0, SEEK_SET) == 0
        else { return .failed(Self.reason("no room", errno)) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        // The service blocks and ignores signals that the program may need.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The secret is nobody's business but the service's.
        let visible = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        var variables: [UnsafeMutablePointer<CChar>?] = visible.map { strdup($0) } + [nil]
        defer { for variable in variables { free(variable) } }
        // Whoever ignores this signal is not told how a program has ended.
        signal(SIGCHLD, SIG_DFL)
        var child = pid_t()
        let error = posix_spawnp(&child, program, &actions, &attributes, &arguments, &variables)
        guard error == 0 else { return .failed(Self.reason("\(program) cannot be started", error)) }
        return outcome(of: child)
    }

    private static func reason(_ what: String, _ error: Int32) -> String {
        "\(what): \(String(cString: strerror(error)))"
    }

    private func outcome(of child: pid_t) -> Outcome {
        var status: Int32 = 0
        for _ in 0..<(Self.patience * 100) {
            if waitpid(child, &status, WNOHANG) == child { return Self.outcome(status) }
            usleep(10_000)
        }
        kill(child, SIGKILL)
        waitpid(child, &status, 0)
        return .failed("it took more than \(Self.patience) seconds")
    }

    /// - Parameter status: as wait(2) has it.
    private static func outcome(_ status: Int32) -> Outcome {
        let signal = status & 0x7F
        guard signal == 0 else { return .failed("it was ended by signal \(signal)") }
        let code = Int(status >> 8 & 0xFF)
        if code == 0 { return .sent }
        if let name = final[code] { return .refused("exit status \(code), \(name)") }
        return .failed("exit status \(code)")
    }
}
