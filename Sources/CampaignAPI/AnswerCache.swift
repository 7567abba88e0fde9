internal import FastCGI
internal import HTTPTypes
internal import Synchronization

/// Answers that were made already, header and all. After a change of any record an answer counts again as soon as it is known
/// that it would be the same.
///
/// Making an answer costs several times what reading and writing it costs, and most requests are for what was just asked for.
final class AnswerCache: Sendable {
    struct Ready: Sendable {
        /// The number of the route that it answers.
        let route: Int
        /// Stands for exactly the bytes of the body.
        let digest: String
        let tag: EntityTag
        /// The fields of the header.
        let fields: HTTPFields
        let head: [UInt8]
        /// Shared with who made it.
        let body: [UInt8]
        /// For who has it already (304).
        let notModified: [UInt8]
        /// Whether it is only for requests without a token, good or not.
        let isForStrangers: Bool
        /// Whether it is handed as a file to who takes files; that is looked at anew every time, for files go, too.
        let isFile: Bool

        init(
            route: Int, digest: String, fields: HTTPFields, head: [UInt8], body: [UInt8], notModified: [UInt8],
            isForStrangers: Bool = false, isFile: Bool = false
        ) {
            self.route = route
            self.digest = digest
            tag = EntityTag(digest)
            self.fields = fields
            self.head = head
            self.body = body
            self.notModified = notModified
            self.isForStrangers = isForStrangers
            self.isFile = isFile
        }
    }

    private struct Entry {
        var ready: Ready
        /// The state of the records of which it is known to be the answer.
        var generation: Int
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var size = 0
    }

    private let state = Mutex(State())
    /// Bytes of answers that are kept at most; when there are more, it begins anew.
    private static let capacity = 16 << 20

    /// - Parameters:
    ///   - path: in the one spelling that answers are kept by.
    ///   - generation: the state of the records that the answer has to show.
    /// - Returns: the answer, and whether it shows that state; otherwise it may, as most changes are of other records.
    func answer(to path: String, generation: Int) -> (ready: Ready, isCurrent: Bool)? {
        state.withLock { state in
            state.entries[path].map { ($0.ready, $0.generation == generation) }
        }
    }

    /// Says that an answer shows a later state of the records, too.
    func renew(_ answer: Ready, at path: String, generation: Int) {
        state.withLock { state in
            guard let entry = state.entries[path], entry.ready.digest == answer.digest else { return }
            state.entries[path]?.generation = max(entry.generation, generation)
        }
    }

    /// - Parameter generation: the state of the records from before the answer was made.
    func keep(_ answer: Ready, to path: String, generation: Int) {
        let size = Self.size(answer, path)
        guard size <= Self.capacity else { return }
        state.withLock { state in
            let former = state.entries.updateValue(Entry(ready: answer, generation: generation), forKey: path)
            state.size += size - (former.map { Self.size($0.ready, path) } ?? 0)
            guard state.size > Self.capacity else { return }
            state = State(entries: [path: Entry(ready: answer, generation: generation)], size: size)
        }
    }

    private static func size(_ answer: Ready, _ path: String) -> Int {
        answer.head.count + answer.body.count + answer.notModified.count + path.utf8.count
    }
}
