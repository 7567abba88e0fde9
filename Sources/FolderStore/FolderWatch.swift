internal import Campaigns
internal import Glibc

/// Tells what changed in the data folder, by inotify(7): the kernel queues an event before the system call that made
/// the change returns, so nothing that anybody on this machine has finished is missed.
final class FolderWatch: Sendable {
    enum Change: Equatable {
        /// A record's file was closed by who wrote it, replaced, removed or given other permissions.
        case record(RecordRef)
        /// A file was made or written to, and that may go on; then its end will be told.
        case begun(RecordRef)
        /// Anything may have changed: events were lost, or a folder was replaced.
        case everything
    }

    private let number: Int32
    private let kinds: [Int32: RecordKind]
    /// The folders that are watched.
    private let identities: [FileIdentity?]

    /// Starts watching; read the records after this, not before.
    ///
    /// - Throws: ``SystemError`` when the system has no instance or watch left, or the folder is not there.
    init(_ folder: DataFolder) throws(SystemError) {
        // Before they are watched: if one is replaced meanwhile, it shows.
        identities = Self.identities(folder)
        var file = Descriptor(adopting: inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)), "inotify")
        guard file.number >= 0 else { throw SystemError("inotify_init1") }
        let changes = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
        guard inotify_add_watch(file.number, folder.path, UInt32(changes)) >= 0 else {
            throw SystemError("inotify_add_watch \(folder.path)")
        }
        var kinds: [Int32: RecordKind] = [:]
        for kind in RecordKind.allCases {
            // A write tells at its end (IN_CLOSE_WRITE): half a file is never shown. IN_MODIFY alone tells of truncate(2),
            // which opens nothing.
            let watch = inotify_add_watch(
                file.number, folder.directory(kind), UInt32(changes | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB))
            if watch >= 0 {
                kinds[watch] = kind
            } else if errno != ENOENT {
                throw SystemError("inotify_add_watch \(folder.directory(kind))")
            }
        }
        self.kinds = kinds
        number = file.release()
    }

    deinit { close(number) }

    /// Whether these are still the folder's folders. Of one that is a link, or that is behind one, or below a folder that
    /// is renamed, no event tells.
    func isOf(_ folder: DataFolder) -> Bool { Self.identities(folder) == identities }

    private static func identities(_ folder: DataFolder) -> [FileIdentity?] {
        folder.directories.map { FileIdentity($0) }
    }

    /// Takes what has been queued, without waiting. One thread at a time.
    func changes() -> [Change] {
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { buffer in
            var changes: [Change] = []
            while true {
                let count = read(number, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return changes }
                var offset = 0
                let header = MemoryLayout<inotify_event>.size
                while offset + header <= count {
                    let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    let name = buffer[min(offset + header, count)..<min(offset + header + Int(event.len), count)]
                    offset += header + Int(event.len)
                    if let change = change(event, name: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)),
                        changes.last != change
                    {
                        changes.append(change)
                    }
                }
            }
        }
    }

    private func change(_ event: inotify_event, name: String) -> Change? {
        let mask = Int32(bitPattern: event.mask)
        guard mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED) == 0 else {
            return .everything
        }
        if DataFolder.id(ofFile: name) == nil {
            // Also without IN_ISDIR: it may be a link to a folder.
            let isOurs = RecordKind.allCases.contains { $0.rawValue == name || $0.rawValue.hasSuffix("/\(name)") }
            return isOurs && mask & IN_ATTRIB == 0 ? .everything : nil
        }
        guard let kind = kinds[event.wd], let id = DataFolder.id(ofFile: name) else { return nil }
        let ref = RecordRef(kind, id)
        return mask & (IN_CREATE | IN_MODIFY) != 0 ? .begun(ref) : .record(ref)
    }
}
