import Foundation
import Synchronization

/// A process of `campaignd serve`, without a web server in front.
public final class Daemon: @unchecked Sendable {
    // Unchecked: nothing changes after init but the process, which only signals reach, and the lock guards the log.
    public let process: Process
    private let lines = Mutex("")
    private let drained = DispatchSemaphore(value: 0)
    private let pipe = Pipe()

    /// Starts it, and waits until it says that it is ready.
    ///
    /// - Parameters:
    ///   - arguments: what follows `serve`.
    ///   - input: descriptor 0.
    public convenience init(
        _ arguments: [String], environment: [String: String?] = [:], input: FileHandle? = nil
    ) throws {
        try self.init(
            program: Repository.campaignd.path, ["serve"] + arguments, environment: environment, input: input)
    }

    /// Starts a program that becomes `campaignd serve`.
    public init(program: String, _ arguments: [String], environment: [String: String?] = [:], input: FileHandle? = nil)
        throws
    {
        var variables: [String: String?] = ["TM_SECRET": Daemon.secret, "LOG_LEVEL": "notice"]
        variables.merge(environment) { $1 }
        process = Command.make(program, arguments, variables)
        process.standardInput = input ?? FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = pipe
        try process.run()
        // A test that fails, or forgets it, leaves none running.
        AtExit.add { [weak self] in
            guard let self, process.isRunning else { return }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        let ready = DispatchSemaphore(value: 0)
        inBackground { [self] in
            while true {
                let data = pipe.fileHandleForReading.availableData
                let isReady = lines.withLock { lines in
                    lines += String(decoding: data, as: UTF8.self)
                    return Self.isReady(lines)
                }
                if isReady || data.isEmpty { ready.signal() }
                if data.isEmpty { break }
            }
            drained.signal()
        }
        guard ready.wait(timeout: .now() + 60) == .success, Self.isReady(log) else {
            process.terminate()
            throw Command.Failed(description: "campaignd did not get ready: \(log)")
        }
    }

    /// Whether it has said so, in either form of the log.
    private static func isReady(_ log: String) -> Bool {
        log.contains("notice ready") || log.contains(#""event":"ready""#)
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// The secret of the service in tests.
    public static let secret = "daemon-secret"

    /// What it has written to standard error so far.
    public var log: String { lines.withLock { $0 } }

    public func send(_ signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    /// Waits for its end.
    ///
    /// - Returns: the exit status, or nil when it ended by a signal.
    public func wait() -> Int32? {
        process.waitUntilExit()
        _ = drained.wait(timeout: .now() + 60)
        return process.terminationReason == .exit ? process.terminationStatus : nil
    }

    /// Sends a signal and waits for the end.
    @discardableResult
    public func end(_ signal: Int32 = SIGTERM) -> Int32? {
        send(signal)
        return wait()
    }
}

/// Does something on a thread of its own.
public func inBackground(_ body: @escaping @Sendable () -> Void) {
    // Foundation keeps a thread's block for ever, and with it what the block holds; so the block gives it away.
    let work = Mutex<(@Sendable () -> Void)?>(body)
    Thread {
        let body = work.withLock { work in
            defer { work = nil }
            return work
        }
        body?()
    }.start()
}

/// Does the same on several threads at once, and waits for all of them.
public func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let failures = Mutex<[any Error]>([])
    let group = DispatchGroup()
    for number in 0..<count {
        group.enter()
        inBackground {
            do { try body(number) } catch { failures.withLock { $0.append(error) } }
            group.leave()
        }
    }
    group.wait()
    if let failure = failures.withLock({ $0.first }) { throw failure }
}
