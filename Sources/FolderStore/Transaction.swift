internal import Campaigns
internal import Glibc
internal import JSON
internal import Records

/// What a writer sees and changes while the data folder is locked: the records as they are now, with the changes that
/// are already decided on but not yet on the disk.
final class Transaction {
    /// What has been decided on.
    struct Staged: Sendable {
        var campaigns: [Int: Campaign?] = [:]
        /// In the order of the first change; the last content counts.
        var files: [FileChange] = []
        var readers: [Int: ReadState] = [:]
        /// What the next free ids are at least, of the kinds of which there are new records, or removed ones.
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

    func user(_ id: Int) throws(StoreUnavailable) -> User? { try catalogue.user(id) }
    func organisation(_ id: Int) throws(StoreUnavailable) -> Organisation? { try catalogue.organisation(id) }
    func project(_ id: Int) throws(StoreUnavailable) -> Project? { try catalogue.project(id) }

    func allUsers() throws(StoreUnavailable) -> [User] { try catalogue.allUsers() }

    /// A campaign with all that its record holds, or nil when there is none.
    ///
    /// - Throws: ``StoreUnavailable``.
    func campaign(_ id: Int) throws(StoreUnavailable) -> Campaign? {
        if let staged = staged.campaigns[id] { return staged }
        guard try catalogue.hasCampaign(id) else { return nil }
        return try sound(Campaign.self, .campaigns, id)
    }

    /// A record as its file has it now, nil when there is none. What is decided on it, and put, is changed only as long as
    /// the file is the same; otherwise it is decided anew.
    ///
    /// - Returns: or why the record is broken.
    /// - Throws: ``StoreUnavailable``, also when there is something that cannot be read.
    func current<Kind: Record>(
        _: Kind.Type, _ kind: RecordKind, _ id: Int
    ) throws(StoreUnavailable) -> Result<Kind?, RecordError> {
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
    /// - Throws: ``StoreUnavailable``, also when it is broken.
    func sound<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> Kind? {
        guard case .success(let record) = try current(Kind.self, kind, id) else {
            throw StoreUnavailable("\(kind.rawValue)/\(id).json is broken")
        }
        return record
    }

    func userForUpdate(_ id: Int) throws(StoreUnavailable) -> User? { try sound(User.self, .users, id) }

    /// The id of the campaign that has a name, as names are compared, or nil when the name is free. One that cannot be read has
    /// every name that its text may hold, and the one that it had before.
    ///
    /// - Throws: ``StoreUnavailable`` when that is not certain, for a campaign is not given back of which no name is known.
    func campaignID(named name: String) throws(StoreUnavailable) -> Int? {
        let name = name.trimmedName()
        if let staged = staged.campaigns.first(where: { $0.value?.name.trimmedName() == name }) { return staged.key }
        let owner = try catalogue.campaignIDs(named: name).filter { staged.campaigns[$0] == nil }.min()
        if let owner { return owner }
        guard try catalogue.areNamesCertain() else {
            throw StoreUnavailable("A campaign cannot be read, so it is not certain that the name is free")
        }
        return nil
    }

    /// An id that no campaign has had.
    ///
    /// - Throws: ``StoreUnavailable``.
    func newCampaignID() throws(StoreUnavailable) -> Int { try newID(.campaigns) }

    private func newID(_ kind: RecordKind) throws(StoreUnavailable) -> Int {
        let id = try nextID(kind)
        guard id < .max else { throw StoreUnavailable("There is no free id left") }
        use(kind, id)
        return id
    }

    /// Sees to it that an id is not given again.
    private func use(_ kind: RecordKind, _ id: Int) {
        staged.nextIDs[kind] = max(staged.nextIDs[kind] ?? 1, id == .max ? id : id + 1)
    }

    /// The id that the next new record of a kind gets.
    ///
    /// - Throws: ``StoreUnavailable``.
    func nextID(_ kind: RecordKind) throws(StoreUnavailable) -> Int {
        let (kept, isMarked) = try catalogue.outside("next id of \(kind)") { [folder] () throws -> (Int, Bool) in
            let counter = IDCounter(folder, kind)
            return (try counter.read(), try counter.mark() != nil)
        }
        var highest = max(try catalogue.highestID(kind), seenIDs[kind] ?? 0)
        // Where what is kept may be an old copy, whatever else names an id counts.
        if !isMarked, kind == .campaigns {
            let cached = try catalogue.outside("highest id in the cache") { [folder] in
                CatalogueCache.highestID(folder)
            }
            let entered = try catalogue.outside("highest id in the history") { [folder] in
                try ChangeHistory(folder).highestCampaign()
            }
            highest = max(highest, cached, entered, try catalogue.highestCampaignMentioned())
        }
        let (afterHighest, overflow) = highest.addingReportingOverflow(1)
        guard !overflow else { throw StoreUnavailable("There is no free id left") }
        return max(kept, staged.nextIDs[kind] ?? 1, afterHighest)
    }

    /// Whether there is a record with an id, be it a broken one.
    func isTaken(_ kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> Bool {
        try catalogue.outside("is \(kind) \(id) taken") { [folder] in FileIdentity(folder.file(kind, id)) != nil }
    }

    /// Stores a new campaign, or a changed one, and in one with it who did that.
    ///
    /// - Throws: ``StoreUnavailable``.
    func put(_ campaign: Campaign, as entry: ChangeEntry) throws(StoreUnavailable) {
        try put(campaign)
        staged.entries.append(entry)
    }

    /// Removes a campaign, and in one with it stores who did that.
    ///
    /// - Throws: ``StoreUnavailable``.
    func remove(_ campaign: Campaign, as entry: ChangeEntry) throws(StoreUnavailable) {
        try removeCampaign(campaign.id)
        staged.entries.append(entry)
    }

    /// Stores a new campaign, or a changed one, that nobody changes: it comes from elsewhere.
    ///
    /// - Throws: ``StoreUnavailable``.
    func put(_ campaign: Campaign) throws(StoreUnavailable) {
        let isThere = try catalogue.hasCampaign(campaign.id)
        let isNew = staged.campaigns[campaign.id] == nil && !isThere
        staged.campaigns[campaign.id] = .some(campaign)
        stage(.campaigns, campaign.id, campaign.json.indented, isNew: isNew)
    }

    /// Removes a campaign that nobody removes: a user's wish is ``remove(_:as:)``.
    ///
    /// - Throws: ``StoreUnavailable``.
    func removeCampaign(_ id: Int) throws(StoreUnavailable) {
        staged.campaigns[id] = .some(nil)
        // What is removed no longer shows that its id was used, so the counter has to.
        use(.campaigns, id)
        stage(.campaigns, id, nil)
    }

    /// Stores a record of a kind that the service only reads; for the command line.
    func put(_ organisation: Organisation) throws(StoreUnavailable) {
        let isNew = try self.organisation(organisation.id) == nil
        stage(.organisations, organisation.id, organisation.json.indented, isNew: isNew)
    }
    func put(_ project: Project) throws(StoreUnavailable) {
        stage(.projects, project.id, project.json.indented, isNew: try self.project(project.id) == nil)
    }
    func put(_ user: User) throws(StoreUnavailable) {
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
    /// - Throws: ``StoreUnavailable``.
    func addMessage(as entry: ChangeEntry, _ make: (Int) -> Message) throws(StoreUnavailable) {
        let message = make(try newID(.messages))
        stage(.messages, message.id, message.json.indented, isNew: true)
        staged.entries.append(entry)
    }

    /// Delivers a message, unless somebody else has done so meanwhile.
    ///
    /// - Parameters:
    ///   - recipients: by rising id.
    ///   - byMail: whether it is to be sent by e-mail too.
    /// - Returns: whether it was this one that delivered.
    /// - Throws: ``StoreUnavailable``.
    func deliver(_ id: Int, to recipients: [Int], byMail: Bool) throws(StoreUnavailable) -> Bool {
        guard try catalogue.pendingMessages().contains(id) else { return false }
        let record = try catalogue.outside("delivery of \(id)") {
            RecipientList.record(ofMessage: id, recipients: recipients)
        }
        // First: a message that everybody has and nobody has noted for e-mail would never be sent so.
        if byMail { put(Mailing(id: id)) }
        stage(.deliveries, id, record, isNew: true)
        return true
    }

    /// Removes a message, with who got it and how far it was sent by e-mail.
    ///
    /// - Throws: ``StoreUnavailable``.
    func removeMessage(_ id: Int) throws(StoreUnavailable) {
        // What is removed no longer shows that its id was used, so the counter has to.
        use(.messages, id)
        // In this order, so that at no moment it seems to wait for its delivery.
        for kind in [RecordKind.messages, .mailings, .deliveries] where try isTaken(kind, id) { stage(kind, id, nil) }
    }

    /// How far a message has been sent by e-mail.
    ///
    /// - Throws: ``StoreUnavailable``.
    func mailing(_ id: Int) throws(StoreUnavailable) -> Mailing? { try catalogue.mailing(id) }

    /// Stores how far a message has been sent by e-mail.
    ///
    /// What is there by then is written over: it is for the one process that holds ``FolderStore/mailLock()``.
    func put(_ mailing: Mailing) { stage(.mailings, mailing.id, mailing.json.indented) }

    /// The ids of the messages that a user has, oldest first.
    ///
    /// - Throws: ``StoreUnavailable`` when the user's record is broken.
    func messages(of user: Int) throws(StoreUnavailable) -> [Int] {
        let reader = try readState(of: user)
        return try catalogue.messages(of: user).filter { !reader.deleted.contains($0) }
    }

    /// How many of them are new, as ``Catalogue/newMessages(of:)`` says.
    ///
    /// - Throws: ``StoreUnavailable`` when the user's record is broken.
    func newMessages(of user: Int) throws(StoreUnavailable) -> Int {
        let reader = try readState(of: user)
        return try messages(of: user).count { !reader.read.contains($0) && !reader.noticed.contains($0) }
    }

    func isDelivered(_ id: Int, to user: Int) throws(StoreUnavailable) -> Bool {
        try catalogue.isDelivered(id, to: user)
    }
    /// Whether there is a message that has been delivered to anybody.
    ///
    /// - Throws: ``StoreUnavailable`` when the disk does not give it back.
    func hasDelivered(_ id: Int) throws(StoreUnavailable) -> Bool {
        try checkMessages()
        guard try catalogue.outline(ofMessage: id) != nil else { return false }
        return try catalogue.recipientCount(ofMessage: id) != nil
    }

    /// Marks messages as read by a user, who has them.
    ///
    /// - Throws: ``StoreUnavailable`` when the user's record is broken.
    func markAsRead(_ ids: Set<Int>, by user: Int) throws(StoreUnavailable) {
        var reader = try readState(of: user)
        reader.read.formUnion(ids)
        try change(reader)
    }

    /// What a user has no longer counts as new.
    ///
    /// - Throws: ``StoreUnavailable`` when the user's record is broken.
    func markAllAsNoticed(by user: Int) throws(StoreUnavailable) {
        var reader = try readState(of: user)
        reader.noticed.formUnion(try messages(of: user))
        try change(reader)
    }

    /// Deletes messages for a user, who has them; others keep them.
    ///
    /// - Throws: ``StoreUnavailable`` when the user's record is broken.
    func deleteMessages(_ ids: Set<Int>, for user: Int) throws(StoreUnavailable) {
        var reader = try readState(of: user)
        reader.deleted.formUnion(ids)
        try change(reader)
    }

    private func checkMessages() throws(StoreUnavailable) {
        guard try catalogue.complete(.messages, .deliveries) else {
            throw StoreUnavailable("A message cannot be read")
        }
    }

    private func readState(of user: Int) throws(StoreUnavailable) -> ReadState {
        // What a user has done with a message that is not there counts for nothing, and would be forgotten.
        try checkMessages()
        if let staged = staged.readers[user] { return staged }
        // A broken record is for a person to mend, not to be written over.
        guard case .success(let reader) = try current(ReadState.self, .readers, user) else {
            throw StoreUnavailable("What this user has read cannot be read: the record is broken")
        }
        return reader ?? ReadState(id: user)
    }

    private func change(_ reading: ReadState) throws(StoreUnavailable) {
        guard reading != (try readState(of: reading.id)) else { return }
        staged.readers[reading.id] = reading
        stage(.readers, reading.id, reading.json.indented)
    }
}

// MARK: What comes from another store, as it was there

extension Transaction: TransferWriter {
    func reserveIDs(_ kind: RecordKind, below next: Int) throws(StoreUnavailable) {
        staged.nextIDs[kind] = max(try nextID(kind), next)
    }

    func put(_ message: Message, _ delivery: Delivery?, _ mailing: Mailing?) {
        // In this order, so that at no moment it seems to wait for what has been done.
        if let mailing { put(mailing) }
        if let delivery { stage(.deliveries, delivery.id, delivery.json.indented) }
        stage(.messages, message.id, message.json.indented, isNew: true)
    }

    func put(_ reading: ReadState) { stage(.readers, reading.id, reading.json.indented, isNew: true) }
}
