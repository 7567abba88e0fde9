internal import FastCGI
internal import HTTPTypes
internal import Synchronization

/// Answers that were made already, header and all, for as long as no record changes.
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

    private struct State {
        var generation = -1
        var answers: [String: Ready] = [:]
        var size = 0
    }

    private let state = Mutex(State())
    /// Bytes of answers that are kept at the most; when there are more, it begins anew.
    private static let capacity = 16 << 20

    /// - Parameters:
    ///   - path: in the one spelling that answers are kept by.
    ///   - generation: the state of the records that the answer has to show.
    func answer(to path: String, generation: Int) -> Ready? {
        state.withLock { $0.generation == generation ? $0.answers[path] : nil }
    }

    /// - Parameter generation: the state of the records from before the answer was made.
    func keep(_ answer: Ready, to path: String, generation: Int) {
        let size = answer.head.count + answer.body.count + answer.notModified.count + path.utf8.count
        guard size <= Self.capacity else { return }
        state.withLock { state in
            if state.generation != generation || state.size + size > Self.capacity {
                state = State(generation: generation)
            }
            if state.answers.updateValue(answer, forKey: path) == nil { state.size += size }
        }
    }
}
