internal import Synchronization

/// Bodies of answers in content codings, kept for as long as the answer stays what it is.
///
/// The first who asks gets one that is quickly made. Those that are asked for again and again are made once more, with more effort,
/// by whoever calls ``improve()``; brotli comes only then.
final class CodedAnswers: Sendable {
    /// A body in a content coding, and what stands before it.
    struct Coded: Sendable {
        let coding: ContentCoding
        let body: [UInt8]
        /// The header of the answer to a request that says nothing special, and the same for who has it already (304).
        var head: [UInt8] = []
        var notModified: [UInt8] = []
    }

    private struct Entry {
        let digest: String
        var codings: [ContentCoding: Coded] = [:]
        var uses = 0
        /// Whether it was made with all effort, or is about to be.
        var isBest = false

        var size: Int { codings.values.reduce(0) { $0 + $1.body.count + $1.head.count + $1.notModified.count } }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var size = 0
        /// The paths of those that are worth more effort.
        var wanted: [String: @Sendable (ContentCoding) -> Coded?] = [:]
    }

    private let state = Mutex(State())
    /// Bytes that are kept at most; when there are more, it begins anew.
    private static let capacity = 16 << 20
    /// Bytes that are encoded at once, by who answers from memory: a millisecond or two.
    static let quick = 512 << 10
    /// Uses after which more effort pays.
    private static let often = 8

    /// An answer's body in a coding.
    ///
    /// - Parameters:
    ///   - path: in the one spelling that answers are kept by.
    ///   - digest: stands for exactly the bytes of the answer as it is.
    ///   - make: makes it.
    /// - Returns: the coding, and nothing more where it is not there yet and may not be made; nil: the answer is sent as it is.
    func answer(
        to path: String, digest: String, _ accepted: AcceptEncoding, mayMake: Bool,
        _ make: @escaping @Sendable (ContentCoding, ContentCoding.Effort) -> Coded?
    ) -> (coding: ContentCoding, coded: Coded?)? {
        let found: (coding: ContentCoding, coded: Coded?)? = state.withLock { state in
            guard let entry = state.entries[path], entry.digest == digest else {
                return accepted.best(of: [.gzip]).map { ($0, nil) }
            }
            let kept = ContentCoding.allCases.filter { $0 == .gzip || entry.codings[$0] != nil }
            guard let coding = accepted.best(of: kept) else { return nil }
            let uses = entry.uses + 1
            state.entries[path]?.uses = uses
            if uses == Self.often, !entry.isBest {
                state.entries[path]?.isBest = true
                state.wanted[path] = { make($0, .much) }
            }
            return (coding, entry.codings[coding])
        }
        guard let found, found.coded == nil, mayMake else { return found }
        guard let coded = make(found.coding, .little) else { return nil }
        keep([coded], to: path, digest: digest)
        return (found.coding, coded)
    }

    private func keep(_ coded: [Coded], to path: String, digest: String, onlyIfThere: Bool = false) {
        state.withLock { state in
            let former = state.entries[path]
            if onlyIfThere, former?.digest != digest { return }
            var entry = former.flatMap { $0.digest == digest ? $0 : nil } ?? Entry(digest: digest)
            for one in coded { entry.codings[one.coding] = one }
            let size = entry.size + path.utf8.count
            guard size <= Self.capacity else { return }
            state.size += size - (former.map { $0.size + path.utf8.count } ?? 0)
            state.entries[path] = entry
            if state.size > Self.capacity { state = State(entries: [path: entry], size: size) }
        }
    }

    /// Makes those anew that are asked for often, with more effort.
    func improve() {
        let wanted = state.withLock { state in
            defer { state.wanted = [:] }
            return state.wanted.compactMap { path, make in state.entries[path].map { (path, $0.digest, make) } }
        }
        for (path, digest, make) in wanted {
            // It may be another one by now, and then this would be for nobody.
            guard state.withLock({ $0.entries[path]?.digest == digest }) else { continue }
            keep(ContentCoding.allCases.compactMap(make), to: path, digest: digest, onlyIfThere: true)
        }
    }
}
