import Foundation
import Synchronization

/// A program that runs, or has run.
public struct Command {
    public struct Outcome: Sendable {
        public let status: Int32
        public let output: Data
        public let errors: String
        public var text: String { String(decoding: output, as: UTF8.self) }
    }

    public struct Failed: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) {
            self.description = description
        }
    }

    /// Runs a program to its end, for which it has a quarter of an hour.
    ///
    /// - Parameters:
    ///   - environment: what is set besides what this process has; nil unsets.
    public static func run(
        _ program: String, _ arguments: [String], environment: [String: String?] = [:], input: Data? = nil,
        directory: URL? = nil
    ) throws -> Outcome {
        let folder = try TemporaryFolder()
        let process = make(program, arguments, environment)
        if let directory { process.currentDirectoryURL = directory }
        // Files, for a pipe that nobody reads would stop the program.
        let files = ["in", "out", "err"].map { folder.url.appendingPathComponent($0) }
        for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        try (input ?? Data()).write(to: files[0])
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        let id = process.processIdentifier
        let end = DispatchWorkItem { kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 900, execute: end)
        process.waitUntilExit()
        end.cancel()
        return Outcome(
            status: process.terminationStatus, output: try Data(contentsOf: files[1]),
            errors: try String(decoding: Data(contentsOf: files[2]), as: UTF8.self))
    }

    /// Starts a program that writes to a file.
    static func start(
        _ program: String, _ arguments: [String], _ environment: [String: String?], log: URL
    ) throws -> Process {
        let process = make(program, arguments, environment)
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        let output = try FileHandle(forWritingTo: log)
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    public static func make(_ program: String, _ arguments: [String], _ environment: [String: String?]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program.hasPrefix("/") ? program : "/usr/bin/env")
        process.arguments = program.hasPrefix("/") ? arguments : [program] + arguments
        var variables = ProcessInfo.processInfo.environment
        for (name, value) in environment { variables[name] = value }
        process.environment = variables
        return process
    }
}

/// How many files this process may have open.
public enum OpenFiles {
    /// Whether it may be so many; then it may be from now on.
    public static func mayBe(_ count: Int) -> Bool {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return false }
        if limit.rlim_cur >= UInt(count) { return true }
        limit.rlim_cur = limit.rlim_max
        return limit.rlim_max >= UInt(count) && setrlimit(resource, &limit) == 0
    }
}

/// Ports that nobody listens on.
public enum FreePort {
    private static let given = Mutex<Set<UInt16>>([])

    /// A port that this process has not been given before, and that no outgoing connection takes meanwhile.
    public static func find() throws -> Int {
        for _ in 0..<100 {
            // Linux takes 32768 and above for outgoing connections.
            let port = UInt16.random(in: 10_000..<32_000)
            if given.withLock({ $0.insert(port).inserted }), isFree(port) { return Int(port) }
        }
        throw Command.Failed(description: "no port is free")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
