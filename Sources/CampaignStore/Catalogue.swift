public import Campaigns
internal import JSON
internal import Logging

/// What the data folder holds, in memory: everything that an answer needs, so that none reads a file, but for those that
/// show a long text.
///
/// The files are the truth. The catalogue changes in one way alone, by taking over what was found of a file: ``install(_:begun:)``.
/// It reads none itself, for whoever uses it holds the lock that all readers take: ``LiveCatalogue`` reads.
public final class Catalogue {
    private let logger: Logger

    private var campaigns = CampaignTable()
    private var organisations: [Int: Organisation] = [:]
    private var projects: [Int: Project] = [:]
    private var users: [Int: User] = [:]
    /// Those who want no messages of campaigns.
    private var unwilling: Set<Int> = []
    private var messages = MessageTable()
    private var mailings: [Int: Mailing] = [:]
    /// How many organisations each user manages by being in their lists.
    private var managed: [Int: Int] = [:]

    /// What cannot be served, of all that has been read.
    private var troubles: [RecordRef: Trouble] = [:]
    /// What was begun and cannot be taken over yet, for somebody is or may be writing it.
    private var unfinished: Set<RecordRef> = []
    /// Names that campaigns may have which cannot be served.
    private var heldNames = HeldNames()
    /// The highest id that a file of a kind has been named by, broken ones included.
    private var highestIDs: [RecordKind: Int] = [:]
    /// What changes with every record of a kind.
    private var versions: [RecordKind: Int] = [:]
    /// How many campaigns' files have been read that are not in the cache; large ones count as several.
    private var readSinceCache = 0

    /// Why a record cannot be served.
    private struct Trouble {
        let reason: String
        /// Whether it is there but not given back now, rather than broken.
        let mayPass: Bool
    }

    /// Kinds of which not everything has been read.
    private(set) var unloaded = Set(RecordKind.allCases)
    /// What has been read of those kinds.
    private var looked: [RecordKind: Set<Int>] = [:]
    /// For a process that answers one request.
    var nameIndex: NameIndex?
    /// What has changed since it was read.
    private var stale: [RecordKind: [Int: Mark]] = [:]
    /// When what was not given back, or may have been unfinished, is to be looked at again.
    private var retries: [RecordRef: ContinuousClock.Instant] = [:]

    /// That a file has changed: when it was first told since it was read, when last, and whether its end was told.
    private struct Mark {
        var first: Int
        var last: Int
        var isEnded: Bool
    }

    /// Rises with everything that is told of the folder, and with every reading that begins.
    private var clock = 0
    /// How many readings are on their way, and when that began of which each record is, of those since there were none.
    private var readings = 0
    private var installed: [RecordRef: Int] = [:]

    /// That of the body that runs.
    var pass = Pass()

    /// Starts empty.
    init(logger: Logger) {
        self.logger = logger
    }

    // MARK: What has to be read

    /// Notes what has changed.
    func mark(_ changes: [FolderWatch.Change]) {
        guard !changes.isEmpty else { return }
        clock += 1
        for change in changes {
            switch change {
            case .record(let ref): mark(ref, isEnded: true)
            case .begun(let ref): mark(ref, isEnded: false)
            case .everything: break
            }
        }
    }

    private func mark(_ ref: RecordRef, isEnded: Bool) {
        var mark = stale[ref.kind]?[ref.id] ?? Mark(first: clock, last: clock, isEnded: isEnded)
        mark.last = clock
        mark.isEnded = mark.isEnded || isEnded
        // It may be gone before anybody reads it.
        highestIDs[ref.kind] = max(highestIDs[ref.kind] ?? 0, ref.id)
        stale[ref.kind, default: [:]][ref.id] = mark
    }

    /// The state that a body which begins now has to see.
    var now: Int { clock }

    /// Whether a record has to be read before one can answer who began at a time.
    func isUnread(_ ref: RecordRef, since start: Int) -> Bool {
        if let mark = stale[ref.kind]?[ref.id], mark.first <= start { return true }
        return unloaded.contains(ref.kind) && looked[ref.kind]?.contains(ref.id) != true
    }

    /// Whether a record's file may be one that somebody is writing.
    func mayBeUnfinished(_ ref: RecordRef) -> Bool {
        if let mark = stale[ref.kind]?[ref.id] { return !mark.isEnded }
        // One that was unsettled.
        return retries[ref] != nil && troubles[ref] == nil
    }

    private func isDue(_ ref: RecordRef) -> Bool { retries[ref].map { $0 <= .now } ?? false }

    /// Whether a record that has been read may be another when it is read again, though nobody has told.
    func isToBeTried(_ ref: RecordRef) -> Bool { isDue(ref) || troubles[ref]?.mayPass == true }

    /// What is to be looked at again by now.
    var due: [RecordRef] { retries.isEmpty ? [] : retries.keys.filter(isDue) }

    /// Ends the body that runs unless everything of some kinds has been read.
    private func need(_ kinds: RecordKind...) throws(FolderUnavailable) {
        for kind in kinds {
            if unloaded.contains(kind) { pass.kinds.insert(kind) }
            for (id, mark) in stale[kind] ?? [:] where mark.first <= pass.start {
                pass.records.insert(RecordRef(kind, id))
            }
            // One alone, for a disk that fails is slow.
            if let ref = due.first(where: { $0.kind == kind && !pass.tried.contains($0) }) { pass.records.insert(ref) }
        }
        if pass.lacks { throw .notRead }
    }

    /// Ends the body that runs unless one record has been read.
    ///
    /// - Throws: ``FolderUnavailable``, also when there is a record that cannot be read: an answer without it would be wrong.
    private func need(_ kind: RecordKind, _ id: Int) throws(FolderUnavailable) {
        let ref = RecordRef(kind, id)
        try look(ref)
        guard let trouble = troubles[ref] else { return }
        throw FolderUnavailable(
            "The \(kind.noun) cannot be read", detail: "\(ref.place) cannot be read: \(trouble.reason)")
    }

    /// Ends the body that runs unless one record has been read, or found to be unreadable.
    private func look(_ ref: RecordRef) throws(FolderUnavailable) {
        if isUnread(ref, since: pass.start) || (isDue(ref) && !pass.tried.contains(ref)) {
            pass.records.insert(ref)
            throw .notRead
        }
    }

    /// What a record's file holds, with all that is not kept in memory; nil when there is none.
    ///
    /// - Throws: ``FolderUnavailable``, also when the file does not give the record, be it that somebody is writing it.
    func whole<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws(FolderUnavailable) -> Kind? {
        let ref = RecordRef(kind, id)
        guard let found = pass.wholeRecords[ref] else {
            pass.texts.insert(ref)
            throw .notRead
        }
        return try found.get() as? Kind
    }

    /// Has something done without the lock that readers take, such as reading a file.
    ///
    /// - Parameters:
    ///   - key: tells it from others.
    ///   - work: done once; the body that asks runs again then.
    func outside<Value: Sendable>(
        _ key: String, _ work: @escaping @Sendable () throws -> Value
    ) throws(FolderUnavailable) -> Value {
        guard let result = pass.values[key] else {
            pass.outside[key] = work
            throw .notRead
        }
        switch result {
        case .success(let value):
            guard let value = value as? Value else { throw FolderUnavailable("The data folder cannot be read") }
            return value
        case .failure(let error as FolderUnavailable): throw error
        case .failure(let error as SystemError): throw FolderUnavailable("The data folder cannot be read", error)
        case .failure(let error): throw FolderUnavailable("The data folder cannot be read", detail: "\(error)")
        }
    }

    // MARK: What was read

    /// Says that files are about to be read.
    ///
    /// - Returns: when that was, for ``install(_:begun:)``.
    func beginReading() -> Int {
        clock += 1
        readings += 1
        return clock
    }

    func endReading() {
        readings -= 1
        if readings == 0 { installed = [:] }
    }

    /// Says that everything of a kind has been read.
    func markLoaded(_ kind: RecordKind) {
        unloaded.remove(kind)
        looked[kind] = nil
    }

    func reserveCapacity(_ kind: RecordKind, _ count: Int) {
        if kind == .campaigns { campaigns.reserveCapacity(count) }
    }

    /// What the next start should find in the cache, or nil when little has been read that is not there.
    func newCacheEntries() -> [CatalogueCache.Entry]? {
        guard readSinceCache >= CatalogueCache.least, !unloaded.contains(.campaigns) else { return nil }
        readSinceCache = 0
        return Array(campaigns.cacheEntries)
    }

    /// The names of all campaigns; nil where not all have been read, or one cannot be.
    var certainNames: [Int: String]? {
        let isWhole = !unloaded.contains(.campaigns) && stale[.campaigns]?.isEmpty ?? true
        return isWhole && !troubles.keys.contains { $0.kind == .campaigns }
            && !unfinished.contains { $0.kind == .campaigns }
            ? campaigns.names : nil
    }

    /// The names of campaigns as they were last known, those that cannot be read among them.
    var knownNames: [Int: String] { campaigns.names.merging(heldNames.formerNames) { $1 } }

    /// Takes over what was found of a record's file.
    ///
    /// - Parameter begun: when reading it began. What was read later is not undone.
    /// - Returns: whether answers may change that nobody was told of.
    @discardableResult
    func install(_ loaded: LoadedRecord, begun: Int) -> Bool {
        let ref = loaded.ref
        if let last = installed[ref], last > begun { return false }
        installed[ref] = begun
        if let mark = stale[ref.kind]?[ref.id] {
            if mark.last <= begun {
                stale[ref.kind]?[ref.id] = nil
            } else {
                // Something was told while it was read.
                stale[ref.kind]?[ref.id]?.first = max(mark.first, begun + 1)
            }
        }
        if unloaded.contains(ref.kind) { looked[ref.kind, default: []].insert(ref.id) }
        let wasInTrouble = troubles[ref] != nil
        take(loaded)
        return wasInTrouble != (troubles[ref] != nil)
    }

    private func take(_ loaded: LoadedRecord) {
        let ref = loaded.ref
        unfinished.remove(ref)
        switch loaded.content {
        case .unfinished:
            retries[ref] = nil
            unfinished.insert(ref)
            return
        case .unsettled:
            retries[ref] = .now + .seconds(1)
            unfinished.insert(ref)
            return
        case .missing:
            forget(ref)
            heldNames.release(ref.id, of: ref.kind)
        case .record, .recipients, .cached: break
        case .broken(let reason, let name): trouble(loaded, Trouble(reason: reason, mayPass: false), name)
        case .unreadable(let reason): trouble(loaded, Trouble(reason: reason, mayPass: true), BrokenName())
        }
        if case .missing = loaded.content {} else { highestIDs[ref.kind] = max(highestIDs[ref.kind] ?? 0, ref.id) }
        if case .unreadable = loaded.content {
            retries[ref] = .now + .seconds(1)
        } else if retries.removeValue(forKey: ref) != nil, troubles[ref] != nil {
            // The disk may be well again, and give the others too.
            for other in retries.keys where troubles[other] != nil { retries[other] = .now }
        }
        switch loaded.content {
        case .record(let record, let fingerprint, let size, let state): install(ref, record, fingerprint, size, state)
        case .recipients(let recipients): messages.insert(recipients, ofMessage: ref.id)
        case .cached(let entry): campaigns.insert(entry)
        case .missing: break
        default: return
        }
        heldNames.release(ref.id, of: ref.kind)
        if troubles.removeValue(forKey: ref) != nil {
            logger.notice("a record is in order again", metadata: ["file": "\(ref.place)"])
        }
    }

    private func trouble(_ loaded: LoadedRecord, _ trouble: Trouble, _ name: BrokenName) {
        let ref = loaded.ref
        if ref.kind == .campaigns {
            let former = campaigns.name(ref.id) ?? loaded.formerName
            heldNames.hold(ref.id, name, former: former)
        }
        forget(ref)
        if troubles.updateValue(trouble, forKey: ref)?.reason != trouble.reason {
            let message: Logger.Message = trouble.mayPass ? "a record cannot be read" : "a record is broken"
            logger.error(message, metadata: ["file": "\(ref.place)", "reason": "\(trouble.reason)"])
        }
    }

    private func install(_ ref: RecordRef, _ record: any Record, _ fingerprint: Int, _ size: Int, _ state: FileState) {
        versions[ref.kind] = RecordVersion.next()
        switch record {
        case let campaign as Campaign:
            guard campaigns.fingerprint(ref.id) != fingerprint else { return }
            campaigns.insert(campaign, fingerprint: fingerprint, state: state)
            readSinceCache += CatalogueCache.weight(ofBytes: size)
        case let organisation as Organisation:
            count(organisations.updateValue(organisation, forKey: ref.id), -1)
            count(organisation, 1)
            campaigns.organisationsChanged()
        case let project as Project: projects[ref.id] = project
        case let user as User:
            users[ref.id] = user
            if user.projectsNotifications { unwilling.remove(ref.id) } else { unwilling.insert(ref.id) }
        case let message as Message: messages.insert(message, state: state)
        case let mailing as Mailing: mailings[ref.id] = mailing
        case let reader as Reader: messages.insert(reader)
        default: break
        }
    }

    /// Counts an organisation for its managers, or no longer.
    private func count(_ organisation: Organisation?, _ change: Int) {
        for user in organisation?.managers ?? [] {
            let count = managed[user, default: 0] + change
            managed[user] = count > 0 ? count : nil
        }
    }

    private func forget(_ ref: RecordRef) {
        let id = ref.id
        versions[ref.kind] = RecordVersion.next()
        switch ref.kind {
        case .campaigns: campaigns.remove(id)
        case .organisations:
            if let organisation = organisations.removeValue(forKey: id) {
                count(organisation, -1)
                campaigns.organisationsChanged()
            }
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

    /// The highest id that a file of a kind has been named by, broken ones included; 0 when there has been none.
    func highestID(_ kind: RecordKind) throws(FolderUnavailable) -> Int {
        if kind == .campaigns, let index = usableNameIndex {
            return max(index.highestID, highestIDs[kind] ?? 0)
        }
        try need(kind)
        return highestIDs[kind] ?? 0
    }

    /// What knows the campaigns' names where not all campaigns have been read.
    private var usableNameIndex: NameIndex? { unloaded.contains(.campaigns) ? nameIndex : nil }

    /// The highest id that has been seen so far, without looking further.
    func seenID(_ kind: RecordKind) -> Int { highestIDs[kind] ?? 0 }

    /// The highest id of a campaign that a message names; 0 when none does.
    func highestCampaignMentioned() throws(FolderUnavailable) -> Int {
        try need(.messages)
        return messages.messages.values.map(\.campaign).max() ?? 0
    }
}

extension RecordKind {
    /// What one of them is called in what clients are told.
    var noun: String {
        switch self {
        case .campaigns: "campaign"
        case .organisations: "organisation"
        case .projects: "project"
        case .users: "user's record"
        case .messages, .deliveries: "message"
        case .mailings: "state of a mailing"
        case .readers: "state of the user's messages"
        }
    }
}

// MARK: What answers are made of

extension Catalogue {
    // All of these throw ``FolderUnavailable`` where they cannot tell: that there is none is certain.

    public func user(_ id: Int) throws(FolderUnavailable) -> User? {
        try need(.users, id)
        return users[id]
    }

    public func project(_ id: Int) throws(FolderUnavailable) -> Project? {
        try need(.projects, id)
        return projects[id]
    }

    public func organisation(_ id: Int) throws(FolderUnavailable) -> Organisation? {
        try need(.organisations, id)
        return organisations[id]
    }

    /// Whether a user manages at least one organisation; an admin manages every one.
    public func managesAnOrganisation(_ user: User) throws(FolderUnavailable) -> Bool {
        if user.role == .admin { return true }
        try need(.organisations)
        if managed[user.id] != nil { return true }
        // It may be one that cannot be read.
        try check(.organisations) { _ in true }
        return false
    }

    /// All users, by rising id; likewise the others.
    public func allUsers() throws(FolderUnavailable) -> [User] {
        try needAll(.users)
        return soundUsers
    }

    public func allOrganisations() throws(FolderUnavailable) -> [Organisation] {
        try needAll(.organisations)
        return soundOrganisations
    }

    public func allProjects() throws(FolderUnavailable) -> [Project] {
        try needAll(.projects)
        return soundProjects
    }

    // The same without those that cannot be read.
    var soundUsers: [User] { users.values.sorted { $0.id < $1.id } }
    var soundOrganisations: [Organisation] { organisations.values.sorted { $0.id < $1.id } }
    var soundProjects: [Project] { projects.values.sorted { $0.id < $1.id } }

    /// A number that is another after every change of a kind's records, also where the folder is read anew.
    public func version(_ kind: RecordKind) throws(FolderUnavailable) -> Int {
        try needAll(kind)
        return versions[kind] ?? 0
    }

    private func needAll(_ kind: RecordKind) throws(FolderUnavailable) {
        try need(kind)
        try check(kind) { $0.mayPass }
    }

    /// - Throws: ``FolderUnavailable`` when there is a record of a kind that cannot be read, for a reason that counts.
    private func check(_ kind: RecordKind, _ counts: (Trouble) -> Bool) throws(FolderUnavailable) {
        guard let (ref, trouble) = troubles.first(where: { $0.key.kind == kind && counts($0.value) }) else { return }
        throw FolderUnavailable(
            "One of the \(kind.rawValue) cannot be read", detail: "\(ref.place) cannot be read: \(trouble.reason)")
    }

    /// Whether there is a campaign with this id, be it one that cannot be read.
    public func hasCampaign(_ id: Int) throws(FolderUnavailable) -> Bool {
        let ref = RecordRef(.campaigns, id)
        try look(ref)
        return campaigns.contains(id) || troubles[ref] != nil
    }

    /// What is known of every campaign without its text, by rising id.
    func campaignOutlines() throws(FolderUnavailable) -> [CampaignTable.Outline] {
        try need(.campaigns)
        return campaigns.outlines
    }

    public func campaignCount() throws(FolderUnavailable) -> Int {
        try need(.campaigns)
        return campaigns.count
    }

    /// What cannot be served, by its place in the data folder, with the reason.
    public func broken() throws(FolderUnavailable) -> [String: String] {
        for kind in RecordKind.allCases { try need(kind) }
        return brokenSoFar
    }

    /// The same of what has been read by now.
    public var brokenSoFar: [String: String] {
        Dictionary(uniqueKeysWithValues: troubles.map { ($0.key.place, $0.value.reason) })
    }

    /// Campaigns that have the name of another, by their place in the data folder, with the reason. Hands alone give a name
    /// twice.
    public var doubles: [String: String] {
        var doubles: [String: String] = [:]
        for ids in campaigns.sharedNames {
            guard let first = ids.min() else { continue }
            for id in ids where id != first {
                doubles[RecordRef(.campaigns, id).place] = "name is that of \(first).json as well"
            }
        }
        for (owner, id) in heldDoubles where doubles[RecordRef(.campaigns, owner).place] == nil {
            doubles[RecordRef(.campaigns, owner).place] = Self.mayBeDouble(id)
        }
        return doubles
    }

    /// Campaigns that have a name which one that cannot be read may have, too.
    var heldDoubles: [(owner: Int, id: Int)] {
        heldNames.all.sorted { $0.id < $1.id }.flatMap { held in
            Set(held.names.flatMap { campaigns.ids(named: $0) }).sorted().map { ($0, held.id) }
        }
    }

    static func mayBeDouble(_ id: Int) -> String { "name may be that of \(id).json as well, which cannot be read" }

    /// Whether it is certain which names the campaigns have. Of one that cannot be read it is when the name was known before, or
    /// when there is a text, which holds a name or holds none.
    func areNamesCertain() throws(FolderUnavailable) -> Bool {
        if usableNameIndex == nil { try need(.campaigns) }
        let uncertain = troubles.filter { ref, trouble in
            ref.kind == .campaigns && trouble.mayPass && heldNames.formerName(ref.id) == nil
        }
        guard let ref = uncertain.keys.first, pass.tried.isDisjoint(with: uncertain.keys) else {
            return uncertain.isEmpty
        }
        pass.records.insert(ref)
        throw .notRead
    }

    /// Tries once more to read what could not be read of some kinds.
    ///
    /// - Returns: whether all has been given back. One that is broken does not count: nobody knows what it is to be.
    func complete(_ kinds: RecordKind...) throws(FolderUnavailable) -> Bool {
        for kind in kinds {
            try need(kind)
            let failing = troubles.filter { $0.key.kind == kind && $0.value.mayPass }.keys
            guard failing.isEmpty else {
                guard pass.tried.isDisjoint(with: failing), let ref = failing.first else { return false }
                pass.records.insert(ref)
                throw .notRead
            }
        }
        return true
    }

    /// The ids of the campaigns with a name that is canonically equivalent, or that may have it, as they cannot be read:
    /// more than one where hands have given it.
    func campaignIDs(named name: String) throws(FolderUnavailable) -> Set<Int> {
        if let index = usableNameIndex {
            let ids = try outside("who has the name \(name)") { try index.ids(named: name) }
            for id in ids { try look(RecordRef(.campaigns, id)) }
        } else {
            try need(.campaigns)
        }
        return campaigns.ids(named: name).union(heldNames.ids(named: name))
    }

    /// A campaign as `GET /campaigns/{campaign_id}/` shows it, or nil when there is none.
    ///
    /// - Throws: ``FolderUnavailable``, also when it is there but cannot be read, or an organisation cannot that it shows.
    public func campaign(_ id: Int) throws(FolderUnavailable) -> Representation? {
        try need(.campaigns, id)
        for organisation in campaigns.organisations(of: id) { try need(.organisations, organisation) }
        if let ready = campaigns.representation(id, organisation: { organisations[$0] }) { return ready }
        guard campaigns.contains(id), let campaign = try whole(Campaign.self, .campaigns, id) else { return nil }
        // What it is now may name others.
        for organisation in campaign.organisations { try need(.organisations, organisation) }
        let made = CampaignTable.representation(of: campaign) { organisations[$0] }
        campaigns.keep(made, of: id)
        return made
    }

    /// Bytes of the campaigns' and the messages' texts that are in memory.
    var keptBytes: Int { campaigns.keptBytes + messages.keptBytes }

    /// Every campaign's id and name.
    public func allCampaigns() throws(FolderUnavailable) -> CampaignList {
        try need(.campaigns)
        return campaigns.list()
    }

    /// The campaigns in groups of such with near ids, by rising id, each group with a number that is another after every change
    /// of one of its campaigns.
    public func campaignGroups() throws(FolderUnavailable) -> [(number: Int, version: Int)] {
        try needAll(.campaigns)
        return campaigns.groups
    }

    /// The campaigns of a group as ``campaign(_:)`` gives them, each with the number of its projects that have a record. An
    /// organisation whose record is broken is not shown.
    public func detailedCampaigns(
        inGroup group: Int
    ) throws(FolderUnavailable) -> [(campaign: Representation, projects: Int)] {
        for kind in [RecordKind.campaigns, .organisations, .projects] { try needAll(kind) }
        var found: [(campaign: Representation, projects: Int)] = []
        var lacking: FolderUnavailable?
        for id in campaigns.ids(inGroup: group) {
            let count = campaigns.projects(of: id).count { projects[$0] != nil }
            if let ready = campaigns.representation(id, organisation: { organisations[$0] }) {
                found.append((ready, count))
                continue
            }
            // All that lack something are told of at once, for else this would begin anew for each.
            do throws(FolderUnavailable) {
                guard let campaign = try whole(Campaign.self, .campaigns, id) else { continue }
                found.append((CampaignTable.representation(of: campaign) { organisations[$0] }, count))
            } catch {
                lacking = error
            }
        }
        if let lacking { throw lacking }
        return found
    }

    /// The ids of the projects that are linked to the campaigns of a name.
    public func projects(ofCampaignsNamed name: String) throws(FolderUnavailable) -> Set<Int> {
        try needAll(.campaigns)
        return campaigns.ids(named: name).reduce(into: Set()) { $0.formUnion(campaigns.projects(of: $1)) }
    }

    /// What it takes to find out who would get a message to a campaign's contributors now, or nil when there is no such campaign.
    public func audience(
        ofCampaign id: Int
    ) throws(FolderUnavailable) -> (contributors: [[Int]], unwilling: Set<Int>)? {
        try need(.campaigns, id)
        guard campaigns.contains(id) else { return nil }
        return try audience(ofProjects: campaigns.projects(of: id))
    }

    private func audience(
        ofProjects ids: [Int]
    ) throws(FolderUnavailable) -> (contributors: [[Int]], unwilling: Set<Int>) {
        try needAll(.users)
        try needAll(.projects)
        return (ids.compactMap { projects[$0]?.contributors }, unwilling)
    }

    /// The id and name of the campaigns that are linked to a project.
    public func campaigns(ofProject id: Int) throws(FolderUnavailable) -> CampaignList {
        try need(.campaigns)
        return campaigns.list(of: .project(id))
    }

    /// The id and name of the campaigns that are linked to an organisation.
    public func campaigns(ofOrganisation id: Int) throws(FolderUnavailable) -> CampaignList {
        try need(.campaigns)
        return campaigns.list(of: .organisation(id))
    }
}

// MARK: Messages

extension Catalogue {
    /// A message with all that its record holds, or nil when there is none.
    ///
    /// - Throws: ``FolderUnavailable`` when it is there but the disk does not give it back.
    public func message(_ id: Int) throws(FolderUnavailable) -> Message? {
        try look(RecordRef(.messages, id))
        // Once its file has been read, that counts.
        guard pass.wholeRecords[RecordRef(.messages, id)] != nil || messages.stateIfLong(id) != nil else {
            return messages.messages[id]
        }
        return try whole(Message.self, .messages, id)
    }

    /// Sees that the disk has given back a message, and who got it.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func checkReadable(message id: Int) throws(FolderUnavailable) {
        for kind in [RecordKind.messages, .deliveries] {
            try look(RecordRef(kind, id))
            if troubles[RecordRef(kind, id)]?.mayPass == true { throw FolderUnavailable("The message cannot be read") }
        }
    }

    /// A message as it is in memory: a long one has neither subject nor text.
    public func outline(ofMessage id: Int) throws(FolderUnavailable) -> Message? {
        try look(RecordRef(.messages, id))
        return messages.messages[id]
    }

    /// Whether there is a message, be it one that cannot be read.
    func isThere(message id: Int) throws(FolderUnavailable) -> Bool {
        try outline(ofMessage: id) != nil || troubles[RecordRef(.messages, id)] != nil
    }

    /// Whether it is known who got a message, or there is a record of it that cannot be read.
    func isThere(delivery id: Int) throws(FolderUnavailable) -> Bool {
        try recipientCount(ofMessage: id) != nil || troubles[RecordRef(.deliveries, id)] != nil
    }

    /// Whether ``message(_:)`` has to read the message's file.
    public func isLongMessage(_ id: Int) throws(FolderUnavailable) -> Bool {
        try look(RecordRef(.messages, id))
        return messages.stateIfLong(id) != nil
    }

    /// The ids of all messages, rising.
    public func messageIDs() throws(FolderUnavailable) -> [Int] {
        try need(.messages)
        return messages.messages.keys.sorted()
    }

    /// The ids of all messages of which it is known who got them, rising.
    func deliveryIDs() throws(FolderUnavailable) -> [Int] {
        try need(.deliveries)
        return messages.deliveryIDs
    }

    /// How far the messages have been sent by e-mail, those that are sent so at all, by rising id.
    public func allMailings() throws(FolderUnavailable) -> [Mailing] {
        try need(.mailings)
        return mailings.values.sorted { $0.id < $1.id }
    }

    public func mailing(_ id: Int) throws(FolderUnavailable) -> Mailing? {
        try need(.mailings, id)
        return mailings[id]
    }

    /// How many got a message, or nil when it is still to be delivered.
    public func recipientCount(ofMessage id: Int) throws(FolderUnavailable) -> Int? {
        try look(RecordRef(.deliveries, id))
        return messages.recipientCount(id)
    }

    public func isDelivered(_ id: Int, to user: Int) throws(FolderUnavailable) -> Bool {
        try look(RecordRef(.messages, id))
        try look(RecordRef(.deliveries, id))
        return try messages.isDelivered(id, to: user, search)
    }

    /// As ``MessageTable/Search`` has it: the files are read without the lock.
    private func search(_ user: Int, _ lists: [Int: RecipientList.Filed]) throws(FolderUnavailable) -> Set<Int> {
        let ids = lists.keys.sorted().map(String.init).joined(separator: " ")
        return try outside("recipients of \(ids): \(user)") {
            Set(try lists.filter { try $0.value.contains(user) }.keys)
        }
    }

    public func isRead(_ id: Int, by user: Int) throws(FolderUnavailable) -> Bool {
        try reader(user).read.contains(id)
    }
    public func isDeleted(_ id: Int, by user: Int) throws(FolderUnavailable) -> Bool {
        try reader(user).deleted.contains(id)
    }

    /// The ids of the messages that a user has, oldest first.
    public func messages(of user: Int) throws(FolderUnavailable) -> [Int] {
        try needBox(user)
        return try messages.shown(to: user, search)
    }

    /// How many of them are new: neither read nor noticed.
    public func newMessages(of user: Int) throws(FolderUnavailable) -> Int {
        try needBox(user)
        return try messages.new(to: user, search)
    }

    func reader(_ user: Int) throws(FolderUnavailable) -> Reader {
        try look(RecordRef(.readers, user))
        return messages.reader(user)
    }

    private func needBox(_ user: Int) throws(FolderUnavailable) {
        try need(.messages, .deliveries)
        try look(RecordRef(.readers, user))
    }

    /// The ids of messages that are still to be delivered. A delivery whose record is broken is not made again.
    func pendingMessages() throws(FolderUnavailable) -> [Int] {
        try need(.messages, .deliveries)
        return messages.pending.filter { troubles[RecordRef(.deliveries, $0)] == nil }
    }

    /// What it takes to find out who gets a message.
    func audience(of message: Message) throws(FolderUnavailable) -> Audience {
        try need(.users)
        for id in message.projects { try look(RecordRef(.projects, id)) }
        let users = Set(troubles.keys).union(unfinished).filter { $0.kind == .users }
        return Audience(
            contributors: message.projects.compactMap { projects[$0]?.contributors }, unwilling: unwilling,
            unreadableProjects: message.projects.filter { isUnreadable(RecordRef(.projects, $0)) },
            unreadableUsers: Set(users.map(\.id)))
    }

    /// Whether there is a record of which nobody can say what is in it: it is broken, the disk does not give it back, or
    /// somebody is still writing it.
    public func isUnreadable(_ kind: RecordKind, _ id: Int) throws(FolderUnavailable) -> Bool {
        try look(RecordRef(kind, id))
        return isUnreadable(RecordRef(kind, id))
    }

    private func isUnreadable(_ ref: RecordRef) -> Bool { troubles[ref] != nil || unfinished.contains(ref) }
}

/// What decides who gets a message.
struct Audience: Sendable {
    /// Of each project.
    let contributors: [[Int]]
    /// The users who want no messages.
    let unwilling: Set<Int>
    /// What cannot be read: projects of the message, and any users.
    let unreadableProjects: [Int]
    let unreadableUsers: Set<Int>

    /// Who gets the message, by rising id.
    func recipients(besides sender: Int) -> [Int] {
        var last: Int?
        return contributors.flatMap(\.self).sorted().filter { id in
            defer { last = id }
            return id != last && id != sender && !unwilling.contains(id)
        }
    }

    /// The records without which nobody can say who gets the message.
    func lacks(among recipients: [Int]) -> [RecordRef] {
        let users = unreadableUsers.isEmpty ? [] : recipients.filter(unreadableUsers.contains)
        return unreadableProjects.map { RecordRef(.projects, $0) } + users.map { RecordRef(.users, $0) }
    }
}
