internal import CLinux
internal import Glibc

/// Runs other programs: without a shell, and with nothing of this process but what they are given.
public enum Program {
    /// Runs a program to its end.
    ///
    /// It has no environment but a PATH and a locale, none of this process's descriptors, and its messages are dropped.
    /// One that is not done in time, or writes too much, is killed.
    ///
    /// - Parameters:
    ///   - command: the program, which is looked for in PATH, and its arguments. Everybody on the machine can see them.
    ///   - input: what it reads from standard input.
    ///   - outputLimit: bytes that it may write to standard output.
    ///   - deadline: when it must have ended.
    /// - Returns: what it has written to standard output.
    /// - Throws: ``ProgramError``.
    public static func run(
        _ command: [String], input: [UInt8], outputLimit: Int, until deadline: ContinuousClock.Instant
    ) throws(ProgramError) -> [UInt8] {
        // A socket, for it can be written to without a signal when nobody reads.
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .notStarted(errno: errno)
        }
        defer { close(ends[0]) }
        let child: pid_t
        do throws(ProgramError) {
            child = try start(command, ends[1])
            close(ends[1])
        } catch {
            close(ends[1])
            throw error
        }
        let output: [UInt8]
        do throws(ProgramError) {
            output = try exchange(ends[0], input, outputLimit, deadline)
        } catch {
            kill(child, SIGKILL)
            _ = wait(for: child, until: nil)
            throw error
        }
        guard let status = wait(for: child, until: deadline) else {
            kill(child, SIGKILL)
            _ = wait(for: child, until: nil)
            throw .late
        }
        guard status == 0 else { throw .failed(status: status) }
        return output
    }

    private static func start(_ command: [String], _ end: Int32) throws(ProgramError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)
        // The service blocks and ignores signals that the program may need.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var ignored = sigset_t()
        sigemptyset(&ignored)
        for signal in [SIGPIPE, SIGTERM, SIGCHLD] { sigaddset(&ignored, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The secrets of this process are nobody's business but its own.
        let visible = ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"]
        var variables: [UnsafeMutablePointer<CChar>?] = visible.map { strdup($0) } + [nil]
        defer { for variable in variables { free(variable) } }
        var child = pid_t()
        let error = posix_spawnp(&child, command.first ?? "", &actions, &attributes, &arguments, &variables)
        guard error == 0 else { throw .notStarted(errno: error) }
        return child
    }

    /// Writes the input and reads the output to its end.
    private static func exchange(
        _ end: Int32, _ input: [UInt8], _ outputLimit: Int, _ deadline: ContinuousClock.Instant
    ) throws(ProgramError) -> [UInt8] {
        var (output, rest) = ([UInt8](), input[...])
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let events = POLLIN | (rest.isEmpty ? 0 : POLLOUT)
            var place = pollfd(fd: end, events: Int16(events), revents: 0)
            let left = deadline - ContinuousClock.now
            guard left > .zero else { throw .late }
            guard poll(&place, 1, Int32(clamping: left.wholeMilliseconds + 1)) > 0 else { continue }
            if !rest.isEmpty, place.revents & Int16(POLLOUT) != 0 {
                let count = rest.withUnsafeBytes {
                    send(end, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
                }
                // One that does not read to the end may still have something to say.
                rest = count > 0 ? rest.dropFirst(count) : errno == EAGAIN || errno == EINTR ? rest : []
                if rest.isEmpty { shutdown(end, Int32(SHUT_WR)) }
            }
            guard place.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { continue }
            let count = recv(end, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { return output }
            output += buffer[..<count]
            guard output.count <= outputLimit else { throw .tooLong }
        }
    }

    /// - Returns: the exit status, 128 and its number after a signal, or nil when the time is up.
    private static func wait(for child: pid_t, until deadline: ContinuousClock.Instant?) -> Int32? {
        var status: Int32 = 0
        while true {
            switch waitpid(child, &status, deadline == nil ? 0 : WNOHANG) {
            case child: return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
            case 0:
                guard let deadline, ContinuousClock.now < deadline else { return nil }
                usleep(1000)
            // Whoever started this process lets nobody know how children end.
            default: if errno != EINTR { return 0 }
            }
        }
    }
}

/// Why a program did not do what it was to do.
public enum ProgramError: Error, Equatable, CustomStringConvertible {
    case notStarted(errno: Int32)
    case late
    case tooLong
    case failed(status: Int32)

    public var description: String {
        switch self {
        case .notStarted(let errno): String(cString: strerror(errno))
        case .late: "the time was up"
        case .tooLong: "it wrote too much"
        case .failed(let status): "exit status \(status)"
        }
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
