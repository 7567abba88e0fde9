public import Campaigns
internal import JSON
internal import Logging
internal import Threads

/// What the data folder holds, in memory: everything that an answer needs, so that none reads a file, but for those that
/// show a long text.
///
/// The files are the truth. The catalogue changes in one way alone, by reading a file (again): ``reload(_:_:)``.
public final class Catalogue {
    private let folder: DataFolder
    private let logger: Logger
    private let usesCache: Bool

    private var campaigns = CampaignTable()
    private var organisations: [Int: Organisation] = [:]
    private var projects: [Int: Project] = [:]
    private var users: [Int: User] = [:]
    /// Those who want no messages of campaigns.
    private var unwilling: Set<Int> = []
    private var messages = MessageTable()
    private var mailings: [Int: Mailing] = [:]

    /// What cannot be served, of all that has been read.
    private var brokenSoFar: [String: String] = [:]
    /// The highest id that a file of a kind has been named by, broken ones included.
    private var highestIDs: [RecordKind: Int] = [:]
    /// How many campaigns' files have been read that are not in the cache; large ones count as several.
    private var readSinceCache = 0
    /// Records that could not be judged because the process was short of something; they are looked at again.
    private var unread: [(RecordKind, Int)] = []
    /// Records that are there but that the disk does not give back, and when one of them is to be tried again.
    private var failing: [RecordKind: Set<Int>] = [:]
    private var nextTry = ContinuousClock.now

    /// Kinds of which not everything has been read. With a watch nothing is left here; without one, where a catalogue
    /// lasts for one request, what the request needs is read when it does.
    private var unloaded = Set(RecordKind.allCases)
    /// What has been read of those kinds.
    private var looked: [RecordKind: Set<Int>] = [:]
    /// Why something that was needed could not be read.
    private(set) var failure: FolderUnavailable?

    /// Starts empty.
    init(_ folder: DataFolder, logger: Logger, usesCache: Bool = true) {
        self.folder = folder
        self.logger = logger
        self.usesCache = usesCache
    }

    /// Reads every record of the folder.
    func load() throws(FolderUnavailable) {
        for kind in RecordKind.allCases { need(kind) }
        if let failure { throw failure }
    }

    private func load(_ kind: RecordKind) throws(SystemError) {
        // In order, for then every sorted list grows at its end.
        let ids = try folder.names(in: folder.directory(kind)).compactMap { DataFolder.id(ofFile: $0) }.sorted()
        if kind == .campaigns, usesCache, CatalogueCache.exists(folder) { return try loadCached(ids) }
        for id in ids { try reload(kind, id) }
    }

    /// Reads those campaigns whose files have changed since they were put into the cache.
    private func loadCached(_ ids: [Int]) throws(SystemError) {
        campaigns.reserveCapacity(ids.count)
        // The cache is read while the files are looked at.
        let cache = Monitor<[CatalogueCache.Entry]?>(nil)
        do {
            try Thread("cache") { [folder] in
                let entries = CatalogueCache.read(folder)
                cache.update { $0 = entries }
            }.detach()
        } catch {
            cache.update { $0 = [] }
        }
        let states = ids.map { FileState(folder.file(.campaigns, $0)) }
        var cached = (cache.wait { $0 } ?? [])[...]
        for (id, state) in zip(ids, states) {
            cached = cached.drop { $0.id < id }
            if let entry = cached.first, entry.id == id, entry.state == state {
                campaigns.insert(entry)
                highestIDs[.campaigns] = id
            } else {
                try reload(.campaigns, id)
            }
        }
    }

    /// Sees to it that everything of some kinds has been read.
    private func need(_ kinds: RecordKind...) {
        for kind in kinds where unloaded.remove(kind) != nil {
            do throws(SystemError) {
                try load(kind)
            } catch {
                failure = failure ?? FolderUnavailable("The data folder cannot be read", error)
            }
        }
    }

    /// Sees to it that one record has been read.
    private func need(_ kind: RecordKind, _ id: Int) {
        guard unloaded.contains(kind), looked[kind, default: []].insert(id).inserted else { return }
        do throws(SystemError) {
            try reload(kind, id)
        } catch {
            failure = failure ?? FolderUnavailable("The data folder cannot be read", error)
        }
    }

    /// What the next start should find in the cache, or nil when little has been read that is not there.
    func newCacheEntries() -> [CatalogueCache.Entry]? {
        guard readSinceCache >= CatalogueCache.least else { return nil }
        readSinceCache = 0
        return Array(campaigns.cacheEntries)
    }

    /// Whether ``apply(_:)`` has anything to do.
    func needs(_ changes: [FolderWatch.Change]) -> Bool { !changes.isEmpty || !unread.isEmpty || isTryDue }

    private var isTryDue: Bool { !failing.isEmpty && nextTry <= .now }

    /// Takes over what has changed.
    func apply(_ changes: [FolderWatch.Change]) throws(FolderUnavailable) {
        var queue = unread.map { FolderWatch.Change.record($0, $1) } + changes
        unread = []
        // One alone, for a disk that fails is slow, and everybody waits for it.
        if isTryDue, let (kind, ids) = failing.randomElement(), let id = ids.randomElement() {
            queue.append(.record(kind, id))
            nextTry = .now + .seconds(1)
        }
        for (place, change) in queue.enumerated() {
            do throws(SystemError) {
                switch change {
                case .record(let kind, let id): try reload(kind, id)
                case .begun(let kind, let id): try reload(kind, id, mayBeUnfinished: true)
                case .everything: break
                }
            } catch {
                for change in queue[(place + 1)...] {
                    switch change {
                    case .record(let kind, let id), .begun(let kind, let id): unread.append((kind, id))
                    case .everything: break
                    }
                }
                throw FolderUnavailable("The data folder cannot be read", error)
            }
        }
    }

    /// Reads one record's file again, or for the first time.
    ///
    /// - Throws: ``SystemError`` when the process is short of something; the record is then read at the next call of ``apply(_:)``.
    func reload(_ kind: RecordKind, _ id: Int, mayBeUnfinished: Bool = false) throws(SystemError) {
        let file: RecordFile
        do throws(SystemError) {
            file = try RecordFile(folder.file(kind, id))
        } catch {
            unread.append((kind, id))
            throw error
        }
        take(kind, id, file, mayBeUnfinished: mayBeUnfinished)
    }

    /// Takes over what was found of a record's file.
    private func take(_ kind: RecordKind, _ id: Int, _ file: RecordFile, mayBeUnfinished: Bool) {
        if case .missing = file {} else { highestIDs[kind] = max(highestIDs[kind] ?? 0, id) }
        if case .unreadable(_, isOfFile: false) = file {
            failing[kind, default: []].insert(id)
        } else if failing[kind]?.remove(id) != nil {
            if failing[kind]?.isEmpty == true { failing[kind] = nil }
            // The disk may be well again, and give the others too.
            nextTry = .now
        }
        let place = "\(kind.rawValue)/\(id).json"
        do throws(RecordError) {
            switch file {
            case .missing: forget(kind, id)
            case .unreadable(let reason, _): throw RecordError(reason)
            case .bytes(let bytes, let state): try install(kind, id, bytes, state)
            }
            if brokenSoFar.removeValue(forKey: place) != nil {
                logger.notice("a record is in order again", metadata: ["file": "\(place)"])
            }
        } catch {
            // A link tells nothing more: what it leads to is finished, or is none of ours.
            guard !mayBeUnfinished || FileState.isLink(folder.file(kind, id)) else { return }
            forget(kind, id)
            if brokenSoFar.updateValue(error.description, forKey: place) != error.description {
                logger.error("a record is broken", metadata: ["file": "\(place)", "reason": "\(error)"])
            }
        }
    }

    private func install(_ kind: RecordKind, _ id: Int, _ bytes: [UInt8], _ state: FileState) throws(RecordError) {
        switch kind {
        case .campaigns:
            var hasher = Hasher()
            bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
            let fingerprint = hasher.finalize()
            if campaigns.fingerprint(id) != fingerprint {
                campaigns.insert(try Campaign(file: bytes, id: id), fingerprint: fingerprint, state: state)
                readSinceCache += CatalogueCache.weight(ofBytes: bytes.count)
            }
        case .organisations:
            organisations[id] = try Organisation(file: bytes, id: id)
            campaigns.organisationsChanged()
        case .projects: projects[id] = try Project(file: bytes, id: id)
        case .users:
            let user = try User(file: bytes, id: id)
            users[id] = user
            if user.projectsNotifications { unwilling.remove(id) } else { unwilling.insert(id) }
        case .messages: messages.insert(try Message(file: bytes, id: id), state: state)
        case .deliveries: messages.insert(try Delivery(file: bytes, id: id))
        case .mailings: mailings[id] = try Mailing(file: bytes, id: id)
        case .readers: messages.insert(try Reader(file: bytes, id: id))
        }
    }

    /// A record whose text is in its file alone, or nil when the file is gone.
    ///
    /// What has become of the file in between is taken over, as the next ``apply(_:)`` would.
    ///
    /// - Parameter known: the state of the file when it was read.
    /// - Throws: ``FolderUnavailable`` when the file is there and does not give the record, be it that somebody is writing it.
    private func reread<Kind: Record>(
        _: Kind.Type, _ kind: RecordKind, _ id: Int, known: FileState?, else complaint: String
    ) throws(FolderUnavailable) -> Kind? {
        let file = try FolderUnavailable.saying(complaint) { () throws(SystemError) in
            try RecordFile(folder.file(kind, id))
        }
        guard case .bytes(let bytes, let state) = file else {
            take(kind, id, file, mayBeUnfinished: true)
            if case .missing = file { return nil }
            throw FolderUnavailable(complaint)
        }
        if state != known { take(kind, id, file, mayBeUnfinished: true) }
        guard let record = try? Kind(file: bytes, id: id) else { throw FolderUnavailable(complaint) }
        return record
    }

    /// The highest id that a file of a kind has been named by, broken ones included; 0 when there has been none.
    func highestID(_ kind: RecordKind) -> Int {
        need(kind)
        return highestIDs[kind] ?? 0
    }

    /// The highest id that has been seen so far, without looking further.
    func seenID(_ kind: RecordKind) -> Int { highestIDs[kind] ?? 0 }

    /// The highest id of a campaign that anything else names; 0 when nothing does.
    func highestCampaignMentioned() -> Int {
        need(.messages)
        let cached = CatalogueCache.exists(folder) ? CatalogueCache.read(folder).map(\.id) : []
        return max(messages.messages.values.map(\.campaign).max() ?? 0, cached.max() ?? 0)
    }

    private func forget(_ kind: RecordKind, _ id: Int) {
        switch kind {
        case .campaigns: campaigns.remove(id)
        case .organisations:
            if organisations.removeValue(forKey: id) != nil { campaigns.organisationsChanged() }
        case .projects: projects[id] = nil
        case .users:
            users[id] = nil
            unwilling.remove(id)
        case .messages: messages.removeMessage(id)
        case .deliveries: messages.removeDelivery(id)
        case .mailings: mailings[id] = nil
        case .readers: messages.removeReader(id)
        }
    }
}

// MARK: What answers are made of

extension Catalogue {
    public func user(_ id: Int) -> User? {
        need(.users, id)
        return users[id]
    }

    public func project(_ id: Int) -> Project? {
        need(.projects, id)
        return projects[id]
    }

    public func organisation(_ id: Int) -> Organisation? {
        need(.organisations, id)
        return organisations[id]
    }

    /// Whether a user manages at least one organisation; an admin manages every one.
    public func managesAnOrganisation(_ user: User) -> Bool {
        user.role == .admin || allOrganisations.contains { user.manages($0) }
    }

    /// All users, by rising id; likewise the others.
    public var allUsers: [User] {
        need(.users)
        return users.values.sorted { $0.id < $1.id }
    }

    public var allOrganisations: [Organisation] {
        need(.organisations)
        return organisations.values.sorted { $0.id < $1.id }
    }

    public var allProjects: [Project] {
        need(.projects)
        return projects.values.sorted { $0.id < $1.id }
    }

    /// Whether there is a campaign with this id, be it one that cannot be read.
    public func hasCampaign(_ id: Int) -> Bool {
        need(.campaigns, id)
        return campaigns.contains(id) || failing[.campaigns]?.contains(id) == true
    }

    /// What is known of every campaign without its text, by rising id.
    var campaignOutlines: [(id: Int, name: String, organisations: [Int], projects: [Int])] {
        need(.campaigns)
        return campaigns.outlines
    }

    public var campaignCount: Int {
        need(.campaigns)
        return campaigns.count
    }

    /// What cannot be served, by its place in the data folder, with the reason.
    public var broken: [String: String] {
        for kind in RecordKind.allCases { need(kind) }
        return brokenSoFar
    }

    /// Whether there are records that the disk has not given back. One that is broken does not count: nobody knows what it is
    /// to be.
    var lacksRecords: Bool { !failing.isEmpty }

    /// Tries to read what the disk has not given back of some kinds, until it fails again.
    ///
    /// - Returns: whether all is there.
    func complete(_ kinds: RecordKind...) -> Bool {
        for kind in kinds {
            need(kind)
            while let id = failing[kind]?.first {
                guard (try? reload(kind, id)) != nil, failing[kind]?.contains(id) != true else { return false }
            }
        }
        return true
    }

    /// The ids of the campaigns with a name that is canonically equivalent: more than one where hands have given it.
    func campaignIDs(named name: String) -> Set<Int> {
        need(.campaigns)
        return campaigns.ids(named: name)
    }

    /// A campaign as `GET /campaigns/{campaign_id}/` shows it, or nil when there is none.
    ///
    /// - Throws: ``FolderUnavailable`` when it is there but the disk does not give it back.
    public func campaign(_ id: Int) throws(FolderUnavailable) -> Representation? {
        need(.campaigns, id)
        let complaint = "The campaign cannot be read"
        if failing[.campaigns]?.contains(id) == true { throw FolderUnavailable(complaint) }
        for organisation in campaigns.organisations(of: id) { need(.organisations, organisation) }
        if let ready = campaigns.representation(id, organisation: { organisations[$0] }) { return ready }
        guard let known = campaigns.state(id),
            let campaign = try reread(Campaign.self, .campaigns, id, known: known, else: complaint)
        else { return nil }
        let made = CampaignTable.representation(of: campaign, organisation: organisation)
        campaigns.keep(made, of: id)
        return made
    }

    /// Bytes of the campaigns' and the messages' texts that are in memory.
    var keptBytes: Int { campaigns.keptBytes + messages.keptBytes }

    /// Every campaign's id and name.
    public func allCampaigns() -> Representation {
        need(.campaigns)
        return campaigns.list()
    }

    /// The id and name of the campaigns that are linked to a project.
    public func campaigns(ofProject id: Int) -> Representation {
        need(.campaigns)
        return campaigns.list(ofProject: id)
    }

    /// The id and name of the campaigns that are linked to an organisation.
    public func campaigns(ofOrganisation id: Int) -> Representation {
        need(.campaigns)
        return campaigns.list(ofOrganisation: id)
    }
}

// MARK: Messages

extension Catalogue {
    /// A message with all that its record holds, or nil when there is none.
    ///
    /// - Throws: ``FolderUnavailable`` when it is there but the disk does not give it back.
    public func message(_ id: Int) throws(FolderUnavailable) -> Message? {
        need(.messages, id)
        guard let known = messages.stateIfLong(id) else { return messages.messages[id] }
        return try reread(Message.self, .messages, id, known: known, else: "The message cannot be read")
    }

    /// Sees that the disk has given back a message, and who got it.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func checkReadable(message id: Int) throws(FolderUnavailable) {
        need(.messages, id)
        need(.deliveries, id)
        for kind in [RecordKind.messages, .deliveries] where failing[kind]?.contains(id) == true {
            throw FolderUnavailable("The message cannot be read")
        }
    }

    /// A message as it is in memory: a long one has neither subject nor text.
    public func outline(ofMessage id: Int) -> Message? {
        need(.messages, id)
        return messages.messages[id]
    }

    /// Whether ``message(_:)`` has to read the message's file.
    public func isLongMessage(_ id: Int) -> Bool {
        need(.messages, id)
        return messages.stateIfLong(id) != nil
    }

    /// The ids of all messages, rising.
    public var messageIDs: [Int] {
        need(.messages)
        return messages.messages.keys.sorted()
    }

    /// The ids of all messages of which it is known who got them, rising.
    var deliveryIDs: [Int] {
        need(.deliveries)
        return messages.deliveryIDs
    }

    /// How far the messages have been sent by e-mail, those that are sent so at all, by rising id.
    public var allMailings: [Mailing] {
        need(.mailings)
        return mailings.values.sorted { $0.id < $1.id }
    }

    /// The users who got a message, by rising id, or nil when it is still to be delivered.
    public func recipients(ofMessage id: Int) -> [Int]? {
        need(.deliveries, id)
        return messages.recipients(id)
    }

    public func isDelivered(_ id: Int, to user: Int) -> Bool {
        need(.messages, id)
        need(.deliveries, id)
        return messages.isDelivered(id, to: user)
    }

    public func isRead(_ id: Int, by user: Int) -> Bool { reader(user).read.contains(id) }
    public func isDeleted(_ id: Int, by user: Int) -> Bool { reader(user).deleted.contains(id) }

    /// The ids of the messages that a user has, oldest first.
    public func messages(of user: Int) -> [Int] {
        needBox(user)
        return messages.shown(to: user)
    }

    /// How many of them the user has not read.
    public func unreadMessages(of user: Int) -> Int {
        needBox(user)
        return messages.unread(by: user)
    }

    func messagesEverDelivered(to user: Int) -> [Int] {
        needBox(user)
        return messages.delivered(to: user)
    }

    func reader(_ user: Int) -> Reader {
        need(.readers, user)
        return messages.reader(user)
    }

    /// nil when the user's record is broken.
    func soundReader(_ user: Int) -> Reader? {
        let reader = reader(user)
        return brokenSoFar["\(RecordKind.readers.rawValue)/\(user).json"] == nil ? reader : nil
    }

    private func needBox(_ user: Int) {
        need(.messages, .deliveries)
        need(.readers, user)
    }

    /// The ids of messages that are still to be delivered. A delivery whose record is broken is not made again.
    var pendingMessages: [Int] {
        need(.messages, .deliveries)
        return messages.pending.filter { brokenSoFar["\(RecordKind.deliveries.rawValue)/\($0).json"] == nil }
    }

    /// What it takes to find out who gets a message: the contributors of each project, and those who want none.
    func audience(of message: Message) -> (contributors: [[Int]], unwilling: Set<Int>) {
        need(.users)
        return (message.projects.compactMap { project($0)?.contributors }, unwilling)
    }
}
