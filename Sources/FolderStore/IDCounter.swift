internal import Campaigns
internal import Glibc

/// The next free id of a folder's records: ids are not used again, even when the record is gone.
///
/// It is kept twice. The number in the file `.next-id` goes along in copies, and under version control. But a copy that is put
/// back, or a commit that is taken back, brings an old number with it. So there is also a file in the folder `.ids` that has
/// the number in its name, such as `campaigns-15`: an old copy adds a file of another name, and git is told to leave that
/// folder alone. The highest counts.
struct IDCounter {
    /// The kinds whose new records get their ids from here.
    static let kinds: [RecordKind] = [.campaigns, .messages, .organisations, .projects, .users]

    private let folder: DataFolder
    private let kind: RecordKind
    private var path: String { folder.counter(kind) }

    init(_ folder: DataFolder, _ kind: RecordKind) {
        self.folder = folder
        self.kind = kind
    }

    /// 1 when nothing is kept, or nothing that is a number.
    func read() throws(SystemError) -> Int { max(try inFile(), try mark() ?? 1) }

    private var kept: IDMark { IDMark(folder, kind.rawValue) }

    private func inFile() throws(SystemError) -> Int {
        switch try RecordFile(path) {
        case .missing: return 1
        case .unreadable: throw SystemError("read \(path)", EIO)
        case .bytes(let text, _):
            return Int(String(decoding: text.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }, as: UTF8.self))
                ?? 1
        }
    }

    /// The number that a file's name has; nil when there is none.
    func mark() throws(SystemError) -> Int? { try kept.read() }

    /// Keeps a number, unless it is a higher one already. Does not wait until it is on the disk: until then the ``Journal`` has
    /// the ids that were used.
    func raise(to next: Int) throws(SystemError) {
        // The service's own files are seen by people, who may wonder about one in a folder of theirs.
        if kind == .campaigns || kind == .messages, try inFile() < next { try write(next) }
        try raiseMark(to: next)
    }

    func raiseMark(to next: Int) throws(SystemError) { try kept.raise(to: next) }

    /// Overwrites the few bytes in place, which a disk does as one.
    private func write(_ next: Int) throws(SystemError) {
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            guard error.code == ENOENT else { throw error }
            file = try Descriptor(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
            try file.inherit(from: folder.directory(kind))
        }
        // What stands behind the number, and it is longer, is no digit.
        try file.write(Array("\(next)\n".utf8))
    }

    /// Keeps a number where there is no change that the ``Journal`` knows the id by, and waits until it is on the disk.
    func keep(_ next: Int) throws(SystemError) {
        guard try read() < next else { return }
        try raise(to: next)
        if let file = try? Descriptor(path, O_RDONLY | O_NONBLOCK) { try file.sync() }
        for directory in [folder.directory(kind), folder.ids] {
            try Descriptor(directory, O_RDONLY | O_DIRECTORY).sync()
        }
    }
}

/// The next free id of something, as a file's name in the folder `.ids` has it.
struct IDMark {
    private let folder: DataFolder
    private let name: String

    init(_ folder: DataFolder, _ name: String) {
        self.folder = folder
        self.name = name
    }

    /// nil when there is none.
    func read() throws(SystemError) -> Int? { try marks().max() }

    private func marks() throws(SystemError) -> [Int] {
        try folder.names(in: folder.ids).compactMap { file in
            file.hasPrefix("\(name)-") ? Int(file.dropFirst(name.utf8.count + 1)) : nil
        }
    }

    func raise(to next: Int) throws(SystemError) {
        let marks = try marks()
        guard next > marks.max() ?? 1 else { return }
        let path = "\(folder.ids)/\(name)-\(next)"
        if let highest = marks.max() {
            guard rename("\(folder.ids)/\(name)-\(highest)", path) == 0 else {
                throw SystemError("rename \(path)")
            }
            for lower in marks where lower < highest { unlink("\(folder.ids)/\(name)-\(lower)") }
        } else {
            try folder.makeIDs()
            try Descriptor(path, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600).inherit(from: folder.ids)
        }
    }
}

extension DataFolder {
    /// Makes the folder of the ids, which git leaves alone, whatever else it is told.
    func makeIDs() throws(SystemError) {
        guard mkdir(ids, 0o700) == 0 || errno == EEXIST else { throw SystemError("mkdir \(ids)") }
        let made = try Descriptor(ids, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        var around = stat()
        guard stat(directory(.campaigns), &around) == 0 else { throw SystemError("stat \(directory(.campaigns))") }
        let status = try made.status()
        if status.st_mode & 0o7777 != around.st_mode & 0o7777 { try made.setMode(around.st_mode & 0o7777) }
        if geteuid() == 0 { try made.giveAway(as: around) }
        let file = try Descriptor("\(ids)/.gitignore", O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
        try file.inherit(from: ids)
        try file.write(Array("*\n".utf8))
        // Its name, and that of the folder.
        try made.sync()
        try Descriptor(path, O_RDONLY | O_DIRECTORY).sync()
    }
}
