public import Campaigns
internal import Glibc
internal import JSON
internal import Logging
public import Records
internal import Synchronization

/// Who changed what, for readers: where the entries are in the files of the folder `changes`. The entries themselves stay there.
///
/// What was looked at once is not read again as long as its file has only grown. Nobody who answers from memory comes here.
final class ChangeHistory: Sendable {
    /// Where an entry is, and what it is looked up by.
    private struct Place: Sendable {
        let start: Int
        let length: Int
        let id: Int
        let campaign: Int
    }

    private struct File: Sendable {
        var state: FileState
        /// Where the last whole line ends.
        var end = 0
        var lineCount = 0
        var places: [Place] = []
        /// Whether the last of them is a line that has no end yet.
        var isLastLoose = false
        /// What tells the last whole line from another.
        var lastLine: String?
        /// The first line that is no entry, and why.
        var fault: String?
    }

    private struct State: Sendable {
        /// By their names, which rise with time.
        var files: [(name: String, file: File)] = []
        /// What stands in the place of a file and is none.
        var faults: [String: String] = [:]
    }

    private let folder: DataFolder
    private let logger: Logger?
    private let state = Mutex(State())

    init(_ folder: DataFolder, logger: Logger? = nil) {
        self.folder = folder
        self.logger = logger
    }

    // MARK: What there is

    /// Reads what has come since the last time.
    ///
    /// - Throws: ``StoreUnavailable`` when a file cannot be read: without it the history would be another.
    func refresh() throws(StoreUnavailable) {
        try state.withLock { state throws(StoreUnavailable) in try refresh(&state) }
    }

    private func refresh(_ state: inout State) throws(StoreUnavailable) {
        try StoreUnavailable.mapError("The history cannot be read") { () throws(SystemError) in
            let before = Self.broken(state)
            var found = State()
            for name in try folder.names(in: folder.changes).filter(LogAddition.isName).sorted() {
                let known = state.files.first { $0.name == name }?.file
                do throws(SystemError) {
                    if let file = try read(name, known) { found.files.append((name, file)) }
                } catch {
                    guard error.fault == .file else { throw error }
                    found.faults[name] = error.reason
                }
            }
            state = found
            let now = Self.broken(state)
            for (name, reason) in now where before[name] != reason {
                logger?.error("the history is broken", metadata: ["file": "\(name)", "reason": "\(reason)"])
            }
            for name in before.keys where now[name] == nil {
                logger?.notice("the history is in order again", metadata: ["file": "\(name)"])
            }
        }
    }

    /// Which files hold something that is no entry, and why, as far as they have been read.
    var broken: [String: String] { state.withLock { Self.broken($0) } }

    private static func broken(_ state: State) -> [String: String] {
        var broken: [String: String] = [:]
        for (name, file) in state.files where file.fault != nil { broken[name] = file.fault }
        broken.merge(state.faults) { $1 }
        return Dictionary(uniqueKeysWithValues: broken.map { ("\(DataFolder.changesName)/\($0.key)", $0.value) })
    }

    /// The highest id of a campaign that an entry names; 0 when there is none.
    func highestCampaign() throws(StoreUnavailable) -> Int {
        try state.withLock { state throws(StoreUnavailable) in
            try refresh(&state)
            return state.files.flatMap { $0.file.places.map(\.campaign) }.max() ?? 0
        }
    }

    /// Some of the entries, newest first, each made into something as soon as it is read: they may be long.
    ///
    /// - Parameters:
    ///   - campaign: those of one campaign alone; nil: all.
    ///   - range: told how many there are, says which are wanted.
    ///   - make: is given an entry, and what was made before of those that are newer.
    /// - Throws: ``StoreUnavailable``.
    func entries<Value>(
        ofCampaign campaign: Int?, _ range: (Int) -> Range<Int>, _ make: (ChangeEntry, [Value]) -> Value
    ) throws(StoreUnavailable) -> [Value] {
        // Somebody may write a file anew while it is read.
        for _ in 0..<3 {
            let wanted = try state.withLock { state throws(StoreUnavailable) in
                try refresh(&state)
                return Self.places(state, campaign, range)
            }
            if let values = try read(wanted, make) { return values }
            state.withLock { $0 = State() }
        }
        throw StoreUnavailable("The history is being written anew")
    }

    private static func places(
        _ state: State, _ campaign: Int?, _ range: (Int) -> Range<Int>
    ) -> [(name: String, place: Place)] {
        func isWanted(_ place: Place) -> Bool { campaign.map { $0 == place.campaign } ?? true }
        let count = state.files.reduce(0) { count, file in
            count + (campaign == nil ? file.file.places.count : file.file.places.count(where: isWanted))
        }
        let range = range(count).clamped(to: 0..<count)
        var wanted: [(name: String, place: Place)] = []
        var last = Int.max
        var isFalling = true
        var number = 0
        for (name, file) in state.files.reversed() {
            for place in file.places.reversed() where isWanted(place) {
                if place.id > last { isFalling = false }
                last = place.id
                if range.contains(number) { wanted.append((name, place)) }
                number += 1
            }
        }
        if isFalling { return wanted }
        // Hands have been at it, or the clock went back over the end of a month.
        let all = state.files.flatMap { (name, file) in
            file.places.filter(isWanted).map { (name: name, place: $0) }
        }
        let sorted = all.enumerated().sorted { ($0.element.place.id, $0.offset) > ($1.element.place.id, $1.offset) }
        return sorted[range].map(\.element)
    }

    // MARK: Reading

    /// - Returns: nil when a file is not as it was.
    private func read<Value>(
        _ places: [(name: String, place: Place)], _ make: (ChangeEntry, [Value]) -> Value
    ) throws(StoreUnavailable) -> [Value]? {
        try StoreUnavailable.mapError("The history cannot be read") { () throws(SystemError) in
            var values: [Value] = []
            for (name, place) in places {
                let file: Descriptor
                do throws(SystemError) {
                    file = try open(name)
                } catch {
                    guard error.code == ENOENT else { throw error }
                    return nil
                }
                let line = try file.read(at: place.start, count: place.length)
                guard let entry = try? Self.entry(line[...]).get(), entry.id == place.id,
                    entry.campaign == place.campaign
                else { return nil }
                values.append(make(entry, values))
            }
            return values
        }
    }

    private func open(_ name: String) throws(SystemError) -> Descriptor {
        try Descriptor("\(folder.changes)/\(name)", O_RDONLY | O_NONBLOCK)
    }

    static func entry(_ line: ArraySlice<UInt8>) -> Result<ChangeEntry, RecordError> {
        Result { () throws(RecordError) in
            let json: JSONValue
            do {
                json = try JSONValue(parsing: Array(line))
            } catch {
                throw RecordError("it is not valid JSON: \(error)")
            }
            return try ChangeEntry(json)
        }
    }

    /// Reads a file on from where it is known.
    ///
    /// - Returns: nil when it is gone.
    private func read(_ name: String, _ known: File?) throws(SystemError) -> File? {
        let path = "\(folder.changes)/\(name)"
        if let known, FileState(path) == known.state { return known }
        let opened: Descriptor
        do throws(SystemError) {
            opened = try open(name)
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
        let status = try opened.status()
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("read \(path)", EISDIR) }
        let state = FileState(status)
        var file = File(state: state)
        if let known, try Self.hasOnlyGrown(known, state, opened) {
            file = known
            file.state = state
            if file.isLastLoose { file.places.removeLast() }
            file.isLastLoose = false
        }
        try Self.readOn(&file, opened)
        return file
    }

    private static func hasOnlyGrown(
        _ known: File, _ state: FileState, _ opened: borrowing Descriptor
    ) throws(SystemError) -> Bool {
        guard state.inode == known.state.inode, state.size >= known.end, let last = known.lastLine,
            let place = known.isLastLoose ? known.places.dropLast().last : known.places.last
        else { return false }
        return try Representation(opened.read(at: place.start, count: place.length)).digest == last
    }

    /// Bytes that are read at once.
    private static let window = 1 << 20

    private static func readOn(_ file: inout File, _ opened: borrowing Descriptor) throws(SystemError) {
        var rest: [UInt8] = []
        var place = file.end
        while place < file.state.size {
            let more = try opened.read(at: place, count: min(window, file.state.size - place))
            guard !more.isEmpty else { break }
            place += more.count
            rest += more
            // Nothing is looked at twice, however long a line is.
            guard let end = more.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            let whole = rest.count - (more.count - 1 - end)
            for line in rest[..<whole].dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            {
                file.lineCount += 1
                take(line, at: file.end, &file, isWhole: true)
                file.end += line.count + 1
            }
            rest.removeFirst(whole)
        }
        if !rest.isEmpty { take(rest[...], at: file.end, &file, isWhole: false) }
    }

    private static func take(_ line: ArraySlice<UInt8>, at start: Int, _ file: inout File, isWhole: Bool) {
        guard !line.isEmpty else { return }
        switch entry(line) {
        case .success(let entry):
            file.places.append(Place(start: start, length: line.count, id: entry.id, campaign: entry.campaign))
            if isWhole { file.lastLine = Representation(Array(line)).digest } else { file.isLastLoose = true }
        case .failure(let error):
            // It may just be being written.
            if isWhole, file.fault == nil { file.fault = "line \(file.lineCount): \(error)" }
        }
    }
}

extension FolderStore {
    public func changes<Value>(
        ofCampaign campaign: Int?, _ range: (Int) -> Range<Int>, _ make: (ChangeEntry, [Value]) -> Value
    ) throws(StoreUnavailable) -> [Value] {
        try history.entries(ofCampaign: campaign, range, make)
    }

    /// The highest id that a campaign has or has had, as far as anything tells: a record, an entry of the history, or the
    /// counter.
    ///
    /// - Throws: ``StoreUnavailable``.
    public func highestCampaignEver() throws -> Int {
        let next = try StoreUnavailable.mapError("The data folder cannot be read") { () throws(SystemError) in
            try IDCounter(folder, .campaigns).read()
        }
        return max(try readCatalogue { try $0.highestID(.campaigns) }, next - 1, try history.highestCampaign())
    }
}
