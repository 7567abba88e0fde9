public import Campaigns
internal import Glibc
internal import JSON

/// What a writer sees and changes while the data folder is locked: the records as they are now, with the changes that
/// are already decided on but not yet on the disk.
public final class Transaction {
    /// What has been decided on.
    struct Staged: Sendable {
        var campaigns: [Int: Campaign?] = [:]
        /// In the order of the first change; the last content counts.
        var files: [FileChange] = []
        var readers: [Int: Reader] = [:]
        /// What the next free ids are at the least, of the kinds of which there are new records, or removed ones.
        var nextIDs: [RecordKind: Int] = [:]
        /// Who changes what, in the order of the changes.
        var entries: [ChangeEntry] = []
    }

    private let catalogue: Catalogue
    private let folder: DataFolder
    /// The highest ids that have been seen, whatever has become of them.
    private let seenIDs: [RecordKind: Int]
    var staged = Staged()
    /// What has been read of files, by path; changes of them are made only where that is still there.
    private var bases: [String: Basis] = [:]

    init(_ catalogue: Catalogue, _ folder: DataFolder, seenIDs: [RecordKind: Int] = [:]) {
        self.catalogue = catalogue
        self.folder = folder
        self.seenIDs = seenIDs
    }

    public func user(_ id: Int) throws(FolderUnavailable) -> User? { try catalogue.user(id) }
    public func organisation(_ id: Int) throws(FolderUnavailable) -> Organisation? { try catalogue.organisation(id) }
    public func project(_ id: Int) throws(FolderUnavailable) -> Project? { try catalogue.project(id) }
    public func allUsers() throws(FolderUnavailable) -> [User] { try catalogue.allUsers() }
    public func allOrganisations() throws(FolderUnavailable) -> [Organisation] { try catalogue.allOrganisations() }
    public func allProjects() throws(FolderUnavailable) -> [Project] { try catalogue.allProjects() }

    /// A campaign with all that its record holds, or nil when there is none.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func campaign(_ id: Int) throws(FolderUnavailable) -> Campaign? {
        if let staged = staged.campaigns[id] { return staged }
        guard try catalogue.hasCampaign(id) else { return nil }
        return try sound(Campaign.self, .campaigns, id)
    }

    /// A record as its file has it now, nil when there is none. What is decided on it, and put, is changed only as long as
    /// the file is the same; otherwise it is decided anew.
    ///
    /// - Returns: or why the record is broken.
    /// - Throws: ``FolderUnavailable``, also when there is something that cannot be read.
    public func current<Kind: Record>(
        _: Kind.Type, _ kind: RecordKind, _ id: Int
    ) throws(FolderUnavailable) -> Result<Kind?, RecordError> {
        let ref = RecordRef(kind, id)
        let found = try catalogue.outside(ref.place) { [folder] () throws -> (Basis, Result<Kind?, RecordError>) in
            let path = folder.file(kind, id)
            switch try RecordFile(path) {
            case .missing: return (.nothing, .success(nil))
            case .unreadable: throw SystemError("read \(path)", EIO)
            case .bytes(let bytes, _):
                return (
                    .file(Representation(bytes).digest),
                    Result { () throws(RecordError) in try Kind(file: bytes, id: id) }
                )
            }
        }
        bases[ref.place] = found.0
        return found.1
    }

    /// A record as its file has it now, as ``current(_:_:_:)`` gives it.
    ///
    /// - Throws: ``FolderUnavailable``, also when it is broken.
    public func sound<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws(FolderUnavailable) -> Kind? {
        guard case .success(let record) = try current(Kind.self, kind, id) else {
            throw FolderUnavailable("\(kind.rawValue)/\(id).json is broken")
        }
        return record
    }

    /// The digest of a campaign's representation, as ``Catalogue/campaign(_:)`` gives it to readers.
    public func digest(of campaign: Campaign) throws(FolderUnavailable) -> String {
        var organisations: [Int: Organisation] = [:]
        for id in campaign.organisations { organisations[id] = try catalogue.organisation(id) }
        return CampaignTable.representation(of: campaign) { organisations[$0] }.digest
    }

    /// The id of the campaign that has a name, as names are compared, or nil when the name is free. One that cannot be read has
    /// every name that its text may hold, and the one that it had before.
    ///
    /// - Throws: ``FolderUnavailable`` when that is not certain, for a campaign is not given back of which no name is known.
    public func campaignID(named name: String) throws(FolderUnavailable) -> Int? {
        let name = name.trimmedName()
        if let staged = staged.campaigns.first(where: { $0.value?.name.trimmedName() == name }) { return staged.key }
        let owner = try catalogue.campaignIDs(named: name).filter { staged.campaigns[$0] == nil }.min()
        if let owner { return owner }
        guard try catalogue.areNamesCertain() else {
            throw FolderUnavailable("A campaign cannot be read, so it is not certain that the name is free")
        }
        return nil
    }

    /// An id that no campaign has had.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func newCampaignID() throws(FolderUnavailable) -> Int { try newID(.campaigns) }

    private func newID(_ kind: RecordKind) throws(FolderUnavailable) -> Int {
        let id = try nextID(kind)
        guard id < .max else { throw FolderUnavailable("There is no free id left") }
        use(kind, id)
        return id
    }

    /// Sees to it that an id is not given again.
    private func use(_ kind: RecordKind, _ id: Int) {
        staged.nextIDs[kind] = max(staged.nextIDs[kind] ?? 1, id == .max ? id : id + 1)
    }

    /// The id that the next new record of a kind gets.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func nextID(_ kind: RecordKind) throws(FolderUnavailable) -> Int {
        let (kept, isMarked) = try catalogue.outside("next id of \(kind)") { [folder] () throws -> (Int, Bool) in
            let counter = IDCounter(folder, kind)
            return (try counter.read(), try counter.mark() != nil)
        }
        var highest = max(try catalogue.highestID(kind), seenIDs[kind] ?? 0)
        // Where what is kept may be an old copy, whatever else names an id counts.
        if !isMarked, kind == .campaigns {
            let cached = try catalogue.outside("highest id in the cache") { [folder] in
                CatalogueCache.exists(folder) ? CatalogueCache.read(folder).map(\.id).max() ?? 0 : 0
            }
            let entered = try catalogue.outside("highest id in the history") { [folder] in
                try ChangeHistory(folder).highestCampaign()
            }
            highest = max(highest, cached, entered, try catalogue.highestCampaignMentioned())
        }
        let (afterHighest, overflow) = highest.addingReportingOverflow(1)
        guard !overflow else { throw FolderUnavailable("There is no free id left") }
        return max(kept, staged.nextIDs[kind] ?? 1, afterHighest)
    }

    /// Whether there is a record with an id, be it a broken one.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func isTaken(_ kind: RecordKind, _ id: Int) throws(FolderUnavailable) -> Bool {
        try catalogue.outside("is \(kind) \(id) taken") { [folder] in FileIdentity(folder.file(kind, id)) != nil }
    }

    /// Stores a new campaign, or a changed one, and in one with it who did that.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func put(_ campaign: Campaign, as entry: ChangeEntry) throws(FolderUnavailable) {
        try put(campaign)
        staged.entries.append(entry)
    }

    /// Removes a campaign, and in one with it stores who did that.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func remove(_ campaign: Campaign, as entry: ChangeEntry) throws(FolderUnavailable) {
        try removeCampaign(campaign.id)
        staged.entries.append(entry)
    }

    /// Stores a new campaign, or a changed one, that nobody changes: it comes from elsewhere.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func put(_ campaign: Campaign) throws(FolderUnavailable) {
        let isThere = try catalogue.hasCampaign(campaign.id)
        let isNew = staged.campaigns[campaign.id] == nil && !isThere
        staged.campaigns[campaign.id] = .some(campaign)
        stage(.campaigns, campaign.id, campaign.json.indented, isNew: isNew)
    }

    /// Removes a campaign that nobody removes: a user's wish is ``remove(_:as:)``.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func removeCampaign(_ id: Int) throws(FolderUnavailable) {
        staged.campaigns[id] = .some(nil)
        // What is removed no longer shows that its id was used, so the counter has to.
        use(.campaigns, id)
        stage(.campaigns, id, nil)
    }

    /// Stores a record of a kind that the service only reads; for the command line.
    public func put(_ organisation: Organisation) throws(FolderUnavailable) {
        let isNew = try self.organisation(organisation.id) == nil
        stage(.organisations, organisation.id, organisation.json.indented, isNew: isNew)
    }
    public func put(_ project: Project) throws(FolderUnavailable) {
        stage(.projects, project.id, project.json.indented, isNew: try self.project(project.id) == nil)
    }
    public func put(_ user: User) throws(FolderUnavailable) {
        stage(.users, user.id, user.json.indented, isNew: try self.user(user.id) == nil)
    }

    func stage(_ kind: RecordKind, _ id: Int, _ contents: [UInt8]?, isNew: Bool = false) {
        if isNew, IDCounter.kinds.contains(kind) { use(kind, id) }
        let path = "\(kind.rawValue)/\(id).json"
        var change = FileChange(path: path, contents: contents, basis: isNew ? .nothing : bases[path] ?? .asFound)
        if let place = staged.files.firstIndex(where: { $0.path == change.path }) {
            change.basis = staged.files[place].basis
            staged.files[place] = change
        } else {
            staged.files.append(change)
        }
    }
}

// MARK: Messages

extension Transaction {
    /// Stores a new message, which is then to be delivered.
    ///
    /// - Parameters:
    ///   - entry: who sends it.
    ///   - make: makes it for an id that no message has had.
    /// - Throws: ``FolderUnavailable``.
    public func addMessage(as entry: ChangeEntry? = nil, _ make: (Int) -> Message) throws(FolderUnavailable) {
        let message = make(try newID(.messages))
        stage(.messages, message.id, message.json.indented, isNew: true)
        if let entry { staged.entries.append(entry) }
    }

    /// Delivers a message, unless somebody else has done so meanwhile.
    ///
    /// - Parameters:
    ///   - record: the delivery as its record holds it.
    ///   - byMail: whether it is to be sent by e-mail too.
    /// - Returns: whether it was this one that delivered.
    /// - Throws: ``FolderUnavailable``.
    func deliver(_ id: Int, record: [UInt8], byMail: Bool) throws(FolderUnavailable) -> Bool {
        guard try catalogue.pendingMessages().contains(id) else { return false }
        // First: a message that everybody has and nobody has noted for e-mail would never be sent so.
        if byMail { put(Mailing(id: id)) }
        stage(.deliveries, id, record, isNew: true)
        return true
    }

    /// Removes a message, with who got it and how far it was sent by e-mail.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func removeMessage(_ id: Int) throws(FolderUnavailable) {
        // What is removed no longer shows that its id was used, so the counter has to.
        use(.messages, id)
        // In this order, so that at no moment it seems to wait for its delivery.
        for kind in [RecordKind.messages, .mailings, .deliveries] where try isTaken(kind, id) { stage(kind, id, nil) }
    }

    /// How far a message has been sent by e-mail.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func mailing(_ id: Int) throws(FolderUnavailable) -> Mailing? { try catalogue.mailing(id) }

    /// Stores how far a message has been sent by e-mail.
    ///
    /// What is there by then is written over: it is for the one process that holds ``Store/mailLock()``.
    public func put(_ mailing: Mailing) { stage(.mailings, mailing.id, mailing.json.indented) }

    /// The ids of the messages that a user has, oldest first.
    ///
    /// - Throws: ``FolderUnavailable`` when the user's record is broken.
    public func messages(of user: Int) throws(FolderUnavailable) -> [Int] {
        let reader = try reader(user)
        return try catalogue.messages(of: user).filter { !reader.deleted.contains($0) }
    }

    /// How many of them are new, as ``Catalogue/newMessages(of:)`` says.
    ///
    /// - Throws: ``FolderUnavailable`` when the user's record is broken.
    public func newMessages(of user: Int) throws(FolderUnavailable) -> Int {
        let reader = try reader(user)
        return try messages(of: user).count { !reader.read.contains($0) && !reader.noticed.contains($0) }
    }

    public func isDelivered(_ id: Int, to user: Int) throws(FolderUnavailable) -> Bool {
        try catalogue.isDelivered(id, to: user)
    }
    /// Whether there is a message that has been delivered to anybody.
    ///
    /// - Throws: ``FolderUnavailable`` when the disk does not give it back.
    public func hasDelivered(_ id: Int) throws(FolderUnavailable) -> Bool {
        try checkMessages()
        guard try catalogue.outline(ofMessage: id) != nil else { return false }
        return try catalogue.recipientCount(ofMessage: id) != nil
    }

    /// Marks messages as read by a user, who has them.
    ///
    /// - Throws: ``FolderUnavailable`` when the user's record is broken.
    public func markAsRead(_ ids: Set<Int>, by user: Int) throws(FolderUnavailable) {
        var reader = try reader(user)
        reader.read.formUnion(ids)
        try put(reader)
    }

    /// What a user has no longer counts as new.
    ///
    /// - Throws: ``FolderUnavailable`` when the user's record is broken.
    public func markAllAsNoticed(by user: Int) throws(FolderUnavailable) {
        var reader = try reader(user)
        reader.noticed.formUnion(try messages(of: user))
        try put(reader)
    }

    /// Deletes messages for a user, who has them; others keep them.
    ///
    /// - Throws: ``FolderUnavailable`` when the user's record is broken.
    public func deleteMessages(_ ids: Set<Int>, for user: Int) throws(FolderUnavailable) {
        var reader = try reader(user)
        reader.deleted.formUnion(ids)
        try put(reader)
    }

    private func checkMessages() throws(FolderUnavailable) {
        guard try catalogue.complete(.messages, .deliveries) else {
            throw FolderUnavailable("A message cannot be read")
        }
    }

    private func reader(_ user: Int) throws(FolderUnavailable) -> Reader {
        // What a user has done with a message that is not there counts for nothing, and would be forgotten.
        try checkMessages()
        if let staged = staged.readers[user] { return staged }
        // A broken record is for a person to mend, not to be written over.
        guard case .success(let reader) = try current(Reader.self, .readers, user) else {
            throw FolderUnavailable("What this user has read cannot be read: the record is broken")
        }
        return reader ?? Reader(id: user)
    }

    private func put(_ reader: Reader) throws(FolderUnavailable) {
        guard reader != (try self.reader(reader.id)) else { return }
        staged.readers[reader.id] = reader
        stage(.readers, reader.id, reader.json.indented)
    }
}
