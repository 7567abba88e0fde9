import FolderStore
import Foundation
import Records

/// A group of changes as the journal of a data folder has it.
public struct JournalText {
    public static let thisBoot = String(
        decoding: FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id")?.prefix(36) ?? Data(),
        as: UTF8.self)
    public static let otherBoot = "00000000-0000-0000-0000-000000000000"

    public let bytes: [UInt8]
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// - Parameter changes: path, what was there before, and what is to be there.
    public init(
        _ changes: [(path: String, former: String?, contents: String?)], boot: String = thisBoot, isDone: Bool = true
    ) {
        let body = changes.flatMap { change in
            let former = change.former.map { Representation(Array($0.utf8)).digest } ?? "-"
            let count = change.contents.map { String($0.utf8.count) } ?? "-"
            return "\(change.path) \(former) \(count)\n\(change.contents ?? "")\n".utf8
        }
        self.init(body: body, boot: boot, isDone: isDone)
    }

    /// - Parameter body: what stands behind the header.
    public init(body: [UInt8], boot: String, isDone: Bool) {
        let digest = Representation(Array(boot.utf8) + body).digest
        let length = String(repeating: "0", count: 12 - String(body.count).count) + String(body.count)
        bytes = Array("group \(boot) \(digest) \(length) \(isDone ? "+" : "-")\n".utf8) + body
    }
}
