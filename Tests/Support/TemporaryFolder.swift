import Foundation
import Synchronization

/// A folder that is gone when the last one who holds this is, or at the end of the process for what is static.
public final class TemporaryFolder: Sendable {
    public let url: URL
    public var path: String { url.path }

    /// - Parameter copy: what to fill it with.
    public init(copyOf copy: URL? = nil) throws {
        let url = URL(fileURLWithPath: "\(Self.parent)/campaignd-test-\(UUID().uuidString)")
        self.url = url
        Self.isRegistered
        _ = Self.all.withLock { $0.insert(url.path) }
        if let copy {
            try FileManager.default.copyItem(at: copy, to: url)
            // A copy keeps its owner, and what root does with a data folder is done as its owner.
            if geteuid() == 0 {
                for name in try [""] + FileManager.default.subpathsOfDirectory(atPath: url.path) {
                    lchown("\(url.path)/\(name)", 0, 0)
                }
            }
        } else {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// Where they all are. The path of a socket in one must not be too long.
    private static let parent = {
        let wished = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
        return wished.hasPrefix("/") && wished.utf8.count <= 30 ? wished : "/tmp"
    }()

    /// The paths of all. What is there at the end of the process is removed then: also what a service has written into a
    /// folder that was removed before the service had ended.
    private static let all = Mutex<Set<String>>([])
    private static let isRegistered: Void = AtExit.add {
        for path in TemporaryFolder.all.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
    }

    /// Writes a file below the folder, making the folders on the way.
    public func write(_ text: String, to path: String) throws {
        let file = url.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// The text of a file below the folder.
    public func read(_ path: String) throws -> String {
        try String(decoding: Data(contentsOf: url.appendingPathComponent(path)), as: UTF8.self)
    }
}

/// Where things are in the repository.
public enum Repository {
    public static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// The data folder that the contract's cases begin with.
    public static let fixture = root.appendingPathComponent("Tests/Contract/Fixture/data")
    /// The program, built beside the tests.
    public static let campaignd = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("campaignd")
}
