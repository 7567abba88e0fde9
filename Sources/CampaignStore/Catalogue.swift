public import Campaigns
internal import JSON
internal import Logging

/// What the data folder holds, in memory: everything that an answer needs, so that none reads a file.
///
/// The files are the truth. The catalogue changes in one way alone, by reading a file (again): ``reload(_:_:)``.
public final class Catalogue {
    private let folder: DataFolder
    private let logger: Logger

    private var campaigns = CampaignTable()
    private var organisations: [Int: Organisation] = [:]
    private var projects: [Int: Project] = [:]
    private var users: [Int: User] = [:]
    /// Those who want no messages of campaigns.
    private var unwilling: Set<Int> = []
    private var messages = MessageTable()
    private var mailings: [Int: Mailing] = [:]

    /// What cannot be served, by its place in the data folder, with the reason.
    public private(set) var broken: [String: String] = [:]
    /// The highest id that a file of a kind has been named by, broken ones included.
    private var highestIDs: [RecordKind: Int] = [:]
    /// How many campaigns' files have been read that are not in the cache.
    private var readSinceCache = 0
    /// Records that could not be judged because the process was short of something; they are looked at again.
    private var unread: [(RecordKind, Int)] = []

    /// Starts empty.
    init(_ folder: DataFolder, logger: Logger) {
        self.folder = folder
        self.logger = logger
    }

    /// Reads every record of the folder.
    func load() throws(FolderUnavailable) {
        for kind in RecordKind.allCases {
            do throws(SystemError) {
                // In order, for then every sorted list grows at its end.
                let ids = try folder.names(in: folder.directory(kind)).compactMap { DataFolder.id(ofFile: $0) }.sorted()
                if kind == .campaigns { campaigns.reserveCapacity(ids.count) }
                var cached =
                    kind == .campaigns && ids.count >= CatalogueCache.least ? CatalogueCache.read(folder)[...] : []
                for id in ids {
                    cached = cached.drop { $0.id < id }
                    if let entry = cached.first, entry.id == id, FileState(folder.file(kind, id)) == entry.state {
                        campaigns.insert(entry)
                        highestIDs[kind] = id
                    } else {
                        try reload(kind, id)
                    }
                }
            } catch {
                throw FolderUnavailable("The data folder cannot be read", error)
            }
        }
    }

    /// What the next start should find in the cache, or nil when little has been read that is not there.
    func newCacheEntries() -> [CatalogueCache.Entry]? {
        guard readSinceCache >= CatalogueCache.least else { return nil }
        readSinceCache = 0
        return Array(campaigns.cacheEntries)
    }

    /// Whether ``apply(_:)`` has anything to do.
    func needs(_ changes: [FolderWatch.Change]) -> Bool { !changes.isEmpty || !unread.isEmpty }

    /// Takes over what has changed.
    func apply(_ changes: [FolderWatch.Change]) throws(FolderUnavailable) {
        let queue = unread.map { FolderWatch.Change.record($0, $1) } + changes
        unread = []
        for (place, change) in queue.enumerated() {
            do throws(SystemError) {
                switch change {
                case .record(let kind, let id): try reload(kind, id)
                case .begun(let kind, let id): try reload(kind, id, mayBeUnfinished: true)
                case .everything: break
                }
            } catch {
                for case .record(let kind, let id) in queue[(place + 1)...] { unread.append((kind, id)) }
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
        if case .missing = file {} else { highestIDs[kind] = max(highestID(kind), id) }
        let place = "\(kind.rawValue)/\(id).json"
        do throws(RecordError) {
            switch file {
            case .missing: forget(kind, id)
            case .unreadable(let reason): throw RecordError(reason)
            case .bytes(let bytes, let state): try install(kind, id, bytes, state)
            }
            if broken.removeValue(forKey: place) != nil {
                logger.notice("a record is in order again", metadata: ["file": "\(place)"])
            }
        } catch {
            // A link tells nothing more: what it leads to is finished, or is none of ours.
            guard !mayBeUnfinished || FileState.isLink(folder.file(kind, id)) else { return }
            forget(kind, id)
            if broken.updateValue(error.description, forKey: place) != error.description {
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
                readSinceCache += 1
            }
        case .organisations:
            organisations[id] = try Organisation(file: bytes, id: id)
            campaigns.organisationsChanged()
        case .projects: projects[id] = try Project(file: bytes, id: id)
        case .users:
            let user = try User(file: bytes, id: id)
            users[id] = user
            if user.projectsNotifications { unwilling.remove(id) } else { unwilling.insert(id) }
        case .messages: messages.insert(try Message(file: bytes, id: id))
        case .deliveries: messages.insert(try Delivery(file: bytes, id: id))
        case .mailings: mailings[id] = try Mailing(file: bytes, id: id)
        case .readers: messages.insert(try Reader(file: bytes, id: id))
        }
    }

    /// The highest id that a file of a kind has been named by, broken ones included; 0 when there has been none.
    func highestID(_ kind: RecordKind) -> Int { highestIDs[kind] ?? 0 }

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
    public func user(_ id: Int) -> User? { users[id] }
    public func project(_ id: Int) -> Project? { projects[id] }
    public func organisation(_ id: Int) -> Organisation? { organisations[id] }

    /// Whether a user manages at least one organisation; an admin manages every one.
    public func managesAnOrganisation(_ user: User) -> Bool {
        user.role == .admin || organisations.values.contains { user.manages($0) }
    }

    /// All users, by rising id; likewise the others.
    public var allUsers: [User] { users.values.sorted { $0.id < $1.id } }
    public var allOrganisations: [Organisation] { organisations.values.sorted { $0.id < $1.id } }
    public var allProjects: [Project] { projects.values.sorted { $0.id < $1.id } }

    /// Whether there is a campaign with this id.
    public func hasCampaign(_ id: Int) -> Bool { campaigns.contains(id) }
    public var campaignCount: Int { campaigns.count }

    /// The id of the campaign with a name that is canonically equivalent.
    func campaignID(named name: String) -> Int? { campaigns.id(named: name) }

    /// A campaign as `GET /campaigns/{campaign_id}/` shows it, or nil when there is none.
    public func campaign(_ id: Int) -> Representation? {
        campaigns.representation(id) { id in organisations[id] }
    }

    /// Every campaign's id and name.
    public func allCampaigns() -> Representation { campaigns.list() }
    /// The id and name of the campaigns that are linked to a project.
    public func campaigns(ofProject id: Int) -> Representation { campaigns.list(ofProject: id) }
    /// The id and name of the campaigns that are linked to an organisation.
    public func campaigns(ofOrganisation id: Int) -> Representation { campaigns.list(ofOrganisation: id) }
}

// MARK: Messages

extension Catalogue {
    public func message(_ id: Int) -> Message? { messages.messages[id] }
    public var allMessages: [Message] { messages.messages.values.sorted { $0.id < $1.id } }

    /// How far the messages have been sent by e-mail, those that are sent so at all, by rising id.
    public var allMailings: [Mailing] { mailings.values.sorted { $0.id < $1.id } }

    /// The users who got a message, by rising id, or nil when it is still to be delivered.
    public func recipients(ofMessage id: Int) -> [Int]? { messages.recipients(id) }
    public func isDelivered(_ id: Int, to user: Int) -> Bool { messages.isDelivered(id, to: user) }
    public func isRead(_ id: Int, by user: Int) -> Bool { messages.reader(user).read.contains(id) }
    public func isDeleted(_ id: Int, by user: Int) -> Bool { messages.reader(user).deleted.contains(id) }

    /// The ids of the messages that a user has, oldest first.
    public func messages(of user: Int) -> [Int] { messages.shown(to: user) }
    /// How many of them the user has not read.
    public func unreadMessages(of user: Int) -> Int { messages.unread(by: user) }

    func reader(_ user: Int) -> Reader { messages.reader(user) }
    func messagesEverDelivered(to user: Int) -> [Int] { messages.delivered(to: user) }

    /// The ids of messages that are still to be delivered. A delivery whose record is broken is not made again.
    var pendingMessages: [Int] {
        messages.pending.filter { broken["\(RecordKind.deliveries.rawValue)/\($0).json"] == nil }
    }

    /// What it takes to find out who gets a message: the contributors of each project, and those who want none.
    func audience(of message: Message) -> (contributors: [[Int]], unwilling: Set<Int>) {
        (message.projects.compactMap { projects[$0]?.contributors }, unwilling)
    }
}
