internal import Campaigns
internal import Glibc

/// Lines that are put at the end of a file of the folder `changes`.
///
/// They belong to changes of records, go into the ``Journal`` with these, and are written when those are in place. Whoever
/// calls holds the ``FolderLock``; others, who do not know of it, may do anything between any two calls.
struct LogAddition: Equatable, Sendable {
    /// Below the data folder.
    let path: String
    /// How long the file was when this was decided on. Bytes.
    let place: Int
    /// Whole lines. The first is empty where the file did not end with a line feed.
    let bytes: [UInt8]

    private static let lineFeed = UInt8(ascii: "\n")

    var lines: [ArraySlice<UInt8>] { bytes.split(separator: Self.lineFeed) }

    // MARK: Names

    static func path(month: String) -> String { "\(DataFolder.changesName)/\(month).jsonl" }

    /// Whether a path below the data folder is that of such a file.
    static func isPath(_ path: some StringProtocol) -> Bool {
        guard path.hasPrefix("\(DataFolder.changesName)/") else { return false }
        return isName(path.dropFirst(DataFolder.changesName.utf8.count + 1))
    }

    /// Whether a file is named as those are: `2026-11.jsonl`.
    static func isName(_ name: some StringProtocol) -> Bool { name.hasForm("0000-00.jsonl") }

    // MARK: Writing

    /// Opens the file to write at its end, wherever that is by then. It is made where it is missing.
    ///
    /// - Throws: ``SystemError``, also when there is something that is no file of its own.
    static func open(_ path: String, in folder: DataFolder) throws(SystemError) -> Descriptor {
        let flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK
        let full = "\(folder.path)/\(path)"
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor(full, flags)
        } catch {
            guard error.code == ENOENT else { throw error }
            file = try Descriptor(full, flags | O_CREAT, mode: 0o600)
            try file.inherit(from: folder.changes)
        }
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SystemError("write \(full), which is not a regular file", EINVAL)
        }
        return file
    }

    /// Whether a file ends with a whole line, as an empty one does.
    static func endsWithLine(_ file: borrowing Descriptor, size: Int) throws(SystemError) -> Bool {
        guard size > 0 else { return true }
        return try file.read(at: size - 1, count: 1) == [lineFeed]
    }

    /// Writes the lines.
    ///
    /// - Throws: ``SystemError``; then none of them is there.
    func write(in folder: DataFolder) throws(SystemError) {
        let file = try Self.open(path, in: folder)
        let status = try file.status()
        let size = Int(clamping: status.st_size)
        var bytes = bytes
        // Somebody may have written something meanwhile.
        if size != place, try !Self.endsWithLine(file, size: size) { bytes.insert(Self.lineFeed, at: 0) }
        do throws(SystemError) {
            try file.write(bytes, at: size)
        } catch {
            // A part of it may be there; what is behind it would be somebody else's.
            if let now = try? file.status().st_size, size..<size + bytes.count ~= Int(clamping: now) {
                try? file.truncate(to: size)
            }
            throw error
        }
        // Somebody may have put another file in its place.
        if FileIdentity("\(folder.path)/\(path)") != FileIdentity(status) {
            try Self.restore([self], path, in: folder, after: .end)
        }
    }

    // MARK: Afterwards

    /// Sees to it that all lines are in a file, each once and in their order, whatever has become of it. What somebody else has
    /// written there stays.
    ///
    /// - Parameter additions: to this file, in their order.
    static func restore(
        _ additions: [LogAddition], _ path: String, in folder: DataFolder, after reason: Journal.Reason
    ) throws(SystemError) {
        let file = try open(path, in: folder)
        let size = Int(clamping: try file.status().st_size)
        if reason != .failedSync, try isThere(additions, file) { return }
        let text = try file.read(at: 0, count: size)
        let lines = additions.flatMap(\.lines)
        let found = Found(text, wanted: Set(lines), after: reason)
        var missing = lines
        if found.hasOthersBehind {
            missing = lines.filter { !found.present.contains($0) }
            if reason == .failedSync, let first = found.first {
                // What looks right may not be on the disk.
                let rewritten = try Descriptor("\(folder.path)/\(path)", O_WRONLY | O_NOFOLLOW | O_NONBLOCK)
                try rewritten.write(Array(text[first...]), at: first)
            }
        } else if let first = found.first {
            // Whoever comes after a crash in this moment does it again.
            try file.truncate(to: first)
        }
        guard !missing.isEmpty else { return }
        var bytes: [UInt8] = []
        let isCut = !found.hasOthersBehind && found.first != nil
        if !isCut, let last = text.last, last != lineFeed { bytes.append(lineFeed) }
        for line in missing {
            bytes += line
            bytes.append(lineFeed)
        }
        try file.write(bytes, at: Int(clamping: try file.status().st_size))
    }

    /// Whether the lines stand where they were put.
    private static func isThere(
        _ additions: [LogAddition], _ file: borrowing Descriptor
    ) throws(SystemError) -> Bool {
        for addition in additions
        where try file.read(at: addition.place, count: addition.bytes.count) != addition.bytes { return false }
        return true
    }

    /// What a file holds of some lines.
    private struct Found {
        /// Where the first of them begins, or what is left of it.
        var first: Int?
        /// Whether there are other lines behind that.
        var hasOthersBehind = false
        var present: Set<ArraySlice<UInt8>> = []

        init(_ text: [UInt8], wanted: Set<ArraySlice<UInt8>>, after reason: Journal.Reason) {
            var start = 0
            while start < text.count {
                let end = text[start...].firstIndex(of: lineFeed) ?? text.count
                let line = text[start..<end]
                if wanted.contains(line) {
                    if end < text.count { present.insert(line) }
                    first = first ?? start
                } else if Self.isTorn(line, isWhole: end < text.count, wanted, reason) {
                    first = first ?? start
                } else if !line.isEmpty, first != nil {
                    hasOthersBehind = true
                }
                start = end + 1
            }
        }

        /// Whether it is what a crash has left of a line.
        private static func isTorn(
            _ line: ArraySlice<UInt8>, isWhole: Bool, _ wanted: Set<ArraySlice<UInt8>>, _ reason: Journal.Reason
        ) -> Bool {
            if reason == .powerCut, line.contains(0) { return true }
            return !isWhole && wanted.contains { $0.starts(with: line) }
        }
    }
}
