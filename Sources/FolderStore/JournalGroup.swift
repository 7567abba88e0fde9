internal import Campaigns
internal import Glibc
internal import JSON
internal import Records

/// A group of changes as the journal's text has it: a header, then for each change a line and the new content, and a line and
/// what is added to the history, with the length that this had before.
///
///     group 8a7bb5a1-… 1f0c… 000000000412 -
///     campaigns/5.json 60d9f58853efd427b6af3942a4383e3e 351
///     {
///       "id": 5,
///       …
///     changes/2026-11.jsonl 4711 158
///     {"changeId":12,…
enum JournalGroup {
    /// All headers are of one length, so that the state at the end of one can be overwritten.
    struct Header {
        /// In which run of the machine the group was written.
        let boot: String
        let digest: String
        /// Of what follows the header. Bytes.
        let length: Int
        /// Whether the files are in place.
        let isDone: Bool
        /// All but the state.
        let fixed: [UInt8]

        static let size = 91
        /// Where the state is.
        static let state = 89
        static let open = UInt8(ascii: "-")
        static let done = UInt8(ascii: "+")
        /// Done, and said of the first group alone: the files of all are on their way to the disk.
        static let syncing = UInt8(ascii: "!")

        /// nil when the bytes do not begin with a header.
        init?(_ bytes: ArraySlice<UInt8>) {
            let line = bytes.prefix(Self.size)
            guard line.count == Self.size, line.last == UInt8(ascii: "\n") else { return nil }
            let words = String(decoding: line.dropLast(), as: UTF8.self).split(
                separator: " ", omittingEmptySubsequences: false)
            guard words.count == 5, words[0] == "group", words[1].utf8.count == 36, words[2].utf8.count == 32,
                words[3].utf8.count == 12, let length = Int(words[3]), 0...Journal.longest ~= length,
                words[4].utf8.count == 1,
                let state = words[4].utf8.first, [Self.open, Self.done, Self.syncing].contains(state)
            else { return nil }
            boot = String(words[1])
            digest = String(words[2])
            self.length = length
            isDone = state != Self.open
            fixed = Array(line.prefix(Self.state))
        }
    }

    /// A name for this run of the machine, from random(4). Where the system has none, each process counts as a run.
    static let boot: String = {
        let name = try? Descriptor("/proc/sys/kernel/random/boot_id", O_RDONLY).read(at: 0, count: 36)
        if let name, name.count == 36, !name.contains(UInt8(ascii: " ")) {
            return String(decoding: name, as: UTF8.self)
        }
        return "none-\(Representation(Array("\(getpid()) \(UInt64.random(in: 0 ... .max))".utf8)).digest.dropFirst())"
    }()

    static func bytes(_ changes: ChangeGroup) -> [UInt8] {
        var body: [UInt8] = []
        for change in changes.files {
            var former = "-"
            if case .file(let digest) = change.basis { former = digest }
            body += "\(change.path) \(former) \(change.contents.map { String($0.count) } ?? "-")\n".utf8
            body += change.contents ?? []
            body.append(UInt8(ascii: "\n"))
        }
        for addition in changes.additions {
            body += "\(addition.path) \(addition.place) \(addition.bytes.count)\n".utf8
            body += addition.bytes
            body.append(UInt8(ascii: "\n"))
        }
        let length = String(body.count)
        let padded = String(repeating: "0", count: max(0, 12 - length.utf8.count)) + length
        return Array("group \(boot) \(digest(boot, body[...])) \(padded) -\n".utf8) + body
    }

    /// What follows a header, or nil when it is not whole. What is neither a record nor history is left out, and told.
    static func changes(
        _ header: Header, _ bytes: ArraySlice<UInt8>, _ refuse: (String) -> Void
    ) -> ChangeGroup? {
        var body = bytes
        guard body.count == header.length, digest(header.boot, body) == header.digest else { return nil }
        var changes = ChangeGroup()
        while !body.isEmpty {
            guard let lineEnd = body.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            let words = String(decoding: body[..<lineEnd], as: UTF8.self).split(separator: " ")
            body = body[(lineEnd + 1)...]
            guard words.count == 3 else { return nil }
            var contents: [UInt8]?
            if words[2] != "-" {
                guard let count = Int(words[2]), count >= 0, count < body.count else { return nil }
                contents = Array(body.prefix(count))
                body = body.dropFirst(count)
            }
            guard body.popFirst() == UInt8(ascii: "\n") else { return nil }
            if isRecord(words[0]) {
                changes.files.append(
                    FileChange(
                        path: String(words[0]), contents: contents,
                        basis: words[1] == "-" ? .nothing : .file(String(words[1]))))
            } else if LogAddition.isPath(words[0]), let place = Int(words[1]), place >= 0, let contents,
                contents.last == UInt8(ascii: "\n")
            {
                changes.additions.append(LogAddition(path: String(words[0]), place: place, bytes: contents))
            } else {
                refuse(String(words[0]))
            }
        }
        return changes
    }

    /// Whether a path is that of a record: what else there is is never written by way of the journal.
    private static func isRecord(_ path: Substring) -> Bool {
        guard let slash = path.lastIndex(of: "/") else { return false }
        let name = path[path.index(after: slash)...]
        return RecordKind(rawValue: String(path[..<slash])) != nil && DataFolder.id(ofFile: name) != nil
    }

    private static func digest(_ boot: String, _ body: ArraySlice<UInt8>) -> String {
        Representation(Array(boot.utf8) + body).digest
    }
}
