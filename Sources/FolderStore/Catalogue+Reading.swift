internal import Campaigns
internal import RecordIndex
internal import Records

extension Catalogue: RecordReader {
    func user(_ id: Int) throws(StoreUnavailable) -> User? { try records(having: .users, id).users[id] }
    func project(_ id: Int) throws(StoreUnavailable) -> Project? { try records(having: .projects, id).projects[id] }
    func organisation(_ id: Int) throws(StoreUnavailable) -> Organisation? {
        try records(having: .organisations, id).organisations[id]
    }

    func allUsers() throws(StoreUnavailable) -> [User] { try records(havingAll: .users).allUsers }
    func allOrganisations() throws(StoreUnavailable) -> [Organisation] {
        try records(havingAll: .organisations).allOrganisations
    }
    func allProjects() throws(StoreUnavailable) -> [Project] { try records(havingAll: .projects).allProjects }

    // The same without those that cannot be read.
    var soundUsers: [User] { records.allUsers }
    var soundOrganisations: [Organisation] { records.allOrganisations }
    var soundProjects: [Project] { records.allProjects }

    func managesAnOrganisation(_ user: User) throws(StoreUnavailable) -> Bool {
        if user.role == .admin { return true }
        if try records(having: .organisations).isManager(user.id) { return true }
        // It may be one that cannot be read.
        try check(.organisations) { _ in true }
        return false
    }

    func version(_ kind: RecordKind) throws(StoreUnavailable) -> Int { try records(havingAll: kind).version(kind) }

    /// - Throws: ``StoreUnavailable`` when there is a record of a kind that cannot be read, for a reason that counts.
    func check(_ kind: RecordKind, _ counts: (Trouble) -> Bool) throws(StoreUnavailable) {
        guard let (ref, trouble) = troubles.first(where: { $0.key.kind == kind && counts($0.value) }) else { return }
        throw StoreUnavailable(
            "One of the \(kind.rawValue) cannot be read", detail: "\(ref.place) cannot be read: \(trouble.reason)")
    }
}

// MARK: Campaigns

extension Catalogue {
    /// Whether there is a campaign with this id, be it one that cannot be read.
    func hasCampaign(_ id: Int) throws(StoreUnavailable) -> Bool {
        try records(lookingAt: .campaigns, id).campaigns.contains(id) || troubles[RecordRef(.campaigns, id)] != nil
    }

    /// What is known of every campaign without its text, by rising id.
    func campaignOutlines() throws(StoreUnavailable) -> [CampaignTable.Outline] {
        try records(having: .campaigns).campaigns.outlines
    }

    func campaignCount() throws(StoreUnavailable) -> Int { try records(having: .campaigns).campaigns.count }

    func campaign(_ id: Int) throws(StoreUnavailable) -> Representation? {
        let records = try records(having: .campaigns, id)
        for organisation in records.campaigns.organisations(of: id) {
            _ = try self.records(having: .organisations, organisation)
        }
        if let ready = records.representation(ofCampaign: id) { return ready }
        guard records.campaigns.contains(id), let campaign = try whole(Campaign.self, .campaigns, id) else {
            return nil
        }
        // What it is now may name others.
        for organisation in campaign.organisations { _ = try self.records(having: .organisations, organisation) }
        let made = records.representation(of: campaign)
        records.campaigns.keep(made, of: id)
        return made
    }

    func allCampaigns() throws(StoreUnavailable) -> any RenderedList {
        try records(having: .campaigns).campaigns.list()
    }

    func campaigns(ofProject id: Int) throws(StoreUnavailable) -> any RenderedList {
        try records(having: .campaigns).campaigns.list(of: .project(id))
    }

    func campaigns(ofOrganisation id: Int) throws(StoreUnavailable) -> any RenderedList {
        try records(having: .campaigns).campaigns.list(of: .organisation(id))
    }

    func campaignGroups() throws(StoreUnavailable) -> [(number: Int, version: Int)] {
        try records(havingAll: .campaigns).campaigns.groups
    }

    /// An organisation whose record is broken is not shown.
    func detailedCampaigns(
        inGroup group: Int
    ) throws(StoreUnavailable) -> [(campaign: Representation, projects: Int)] {
        let records = try records(havingAll: .campaigns, .organisations, .projects)
        var found: [(campaign: Representation, projects: Int)] = []
        var lacking: StoreUnavailable?
        for id in records.campaigns.ids(inGroup: group) {
            let count = records.projectCount(ofCampaign: id)
            if let ready = records.representation(ofCampaign: id) {
                found.append((ready, count))
                continue
            }
            // All that lack something are told of at once, for else this would begin anew for each.
            do throws(StoreUnavailable) {
                guard let campaign = try whole(Campaign.self, .campaigns, id) else { continue }
                found.append((records.representation(of: campaign), count))
            } catch {
                lacking = error
            }
        }
        if let lacking { throw lacking }
        return found
    }

    func projects(ofCampaignsNamed name: String) throws(StoreUnavailable) -> Set<Int> {
        let campaigns = try records(havingAll: .campaigns).campaigns
        return campaigns.ids(named: name).reduce(into: Set()) { $0.formUnion(campaigns.projects(of: $1)) }
    }

    func audience(ofCampaign id: Int) throws(StoreUnavailable) -> Audience? {
        guard try records(having: .campaigns, id).campaigns.contains(id) else { return nil }
        let records = try records(havingAll: .users, .projects)
        return records.audience(ofProjects: records.campaigns.projects(of: id))
    }
}

// MARK: Names

extension Catalogue {
    /// The ids of the campaigns with a name that is canonically equivalent, or that may have it, as they cannot be read:
    /// more than one where hands have given it.
    func campaignIDs(named name: String) throws(StoreUnavailable) -> Set<Int> {
        if let index = usableNameIndex {
            let ids = try outside("who has the name \(name)") { try index.ids(named: name) }
            for id in ids { try look(RecordRef(.campaigns, id)) }
            return records.campaigns.ids(named: name).union(heldNames.ids(named: name))
        }
        return try records(having: .campaigns).campaigns.ids(named: name).union(heldNames.ids(named: name))
    }

    /// Whether it is certain which names the campaigns have. Of one that cannot be read it is when the name was known before, or
    /// when there is a text, which holds a name or holds none.
    func areNamesCertain() throws(StoreUnavailable) -> Bool {
        if usableNameIndex == nil { _ = try records(having: .campaigns) }
        let uncertain = troubles.filter { ref, trouble in
            ref.kind == .campaigns && trouble.mayPass && heldNames.formerName(ref.id) == nil
        }
        guard let ref = uncertain.keys.first, pass.tried.isDisjoint(with: uncertain.keys) else {
            return uncertain.isEmpty
        }
        pass.records.insert(ref)
        throw .notRead
    }

    var doubles: [String: String] {
        var doubles: [String: String] = [:]
        for (id, first) in records.campaigns.doubles {
            doubles[RecordRef(.campaigns, id).place] = "name is that of \(first).json as well"
        }
        for (owner, id) in heldDoubles where doubles[RecordRef(.campaigns, owner).place] == nil {
            doubles[RecordRef(.campaigns, owner).place] = Self.mayBeDouble(id)
        }
        return doubles
    }

    /// Campaigns that have a name which one that cannot be read may have, too.
    var heldDoubles: [(owner: Int, id: Int)] {
        heldNames.all.sorted { $0.id < $1.id }.flatMap { held in
            Set(held.names.flatMap { records.campaigns.ids(named: $0) }).sorted().map { ($0, held.id) }
        }
    }

    static func mayBeDouble(_ id: Int) -> String { "name may be that of \(id).json as well, which cannot be read" }
}

// MARK: What is wrong

extension Catalogue {
    func broken() throws(StoreUnavailable) -> [String: String] {
        try ensureLoaded(RecordKind.allCases)
        return Dictionary(uniqueKeysWithValues: troubles.map { ($0.key.place, $0.value.reason) })
    }

    var keptBytes: Int { records.keptBytes }

    func isUnreadable(_ kind: RecordKind, _ id: Int) throws(StoreUnavailable) -> Bool {
        try look(RecordRef(kind, id))
        return isUnreadable(RecordRef(kind, id))
    }

    private func isUnreadable(_ ref: RecordRef) -> Bool { troubles[ref] != nil || unfinished.contains(ref) }

    /// Tries once more to read what could not be read of some kinds.
    ///
    /// - Returns: whether all has been given back. One that is broken does not count: nobody knows what it is to be.
    func complete(_ kinds: RecordKind...) throws(StoreUnavailable) -> Bool {
        for kind in kinds {
            try ensureLoaded([kind])
            let failing = troubles.filter { $0.key.kind == kind && $0.value.mayPass }.keys
            guard failing.isEmpty else {
                guard pass.tried.isDisjoint(with: failing), let ref = failing.first else { return false }
                pass.records.insert(ref)
                throw .notRead
            }
        }
        return true
    }
}

// MARK: Messages

extension Catalogue {
    func message(_ id: Int) throws(StoreUnavailable) -> Message? {
        let messages = try records(lookingAt: .messages, id).messages
        // Once its file has been read, that counts.
        guard pass.wholeRecords[RecordRef(.messages, id)] != nil || messages.isLong(id) else {
            return messages.messages[id]
        }
        return try whole(Message.self, .messages, id)
    }

    func checkReadable(message id: Int) throws(StoreUnavailable) {
        for kind in [RecordKind.messages, .deliveries] {
            try look(RecordRef(kind, id))
            if troubles[RecordRef(kind, id)]?.mayPass == true { throw StoreUnavailable("The message cannot be read") }
        }
    }

    func outline(ofMessage id: Int) throws(StoreUnavailable) -> Message? {
        try records(lookingAt: .messages, id).messages.messages[id]
    }

    /// Whether there is a message, be it one that cannot be read.
    func isThere(message id: Int) throws(StoreUnavailable) -> Bool {
        try outline(ofMessage: id) != nil || troubles[RecordRef(.messages, id)] != nil
    }

    /// Whether it is known who got a message, or there is a record of it that cannot be read.
    func isThere(delivery id: Int) throws(StoreUnavailable) -> Bool {
        try recipientCount(ofMessage: id) != nil || troubles[RecordRef(.deliveries, id)] != nil
    }

    func isLongMessage(_ id: Int) throws(StoreUnavailable) -> Bool {
        try records(lookingAt: .messages, id).messages.isLong(id)
    }

    func messageIDs() throws(StoreUnavailable) -> [Int] {
        try records(having: .messages).messages.messages.keys.sorted()
    }

    /// The ids of all messages of which it is known who got them, rising.
    func deliveryIDs() throws(StoreUnavailable) -> [Int] { try records(having: .deliveries).messages.deliveryIDs }

    func allMailings() throws(StoreUnavailable) -> [Mailing] { try records(having: .mailings).allMailings }
    func mailing(_ id: Int) throws(StoreUnavailable) -> Mailing? { try records(having: .mailings, id).mailings[id] }

    func recipientCount(ofMessage id: Int) throws(StoreUnavailable) -> Int? {
        try records(lookingAt: .deliveries, id).messages.recipientCount(id)
    }

    func isDelivered(_ id: Int, to user: Int) throws(StoreUnavailable) -> Bool {
        try look(RecordRef(.messages, id))
        return try records(lookingAt: .deliveries, id).messages.isDelivered(id, to: user, search)
    }

    /// As ``MessageTable/Search`` has it: the files are read without the lock.
    private func search(_ user: Int, _ lists: [Int: any Recipients]) throws(StoreUnavailable) -> Set<Int> {
        let ids = lists.keys.sorted().map(String.init).joined(separator: " ")
        let files = lists.compactMapValues { ($0 as? RecipientList)?.filed }
        return try outside("recipients of \(ids): \(user)") {
            Set(try files.filter { try $0.value.contains(user) }.keys)
        }
    }

    func isRead(_ id: Int, by user: Int) throws(StoreUnavailable) -> Bool { try readState(user).read.contains(id) }
    func isDeleted(_ id: Int, by user: Int) throws(StoreUnavailable) -> Bool {
        try readState(user).deleted.contains(id)
    }

    func readState(_ user: Int) throws(StoreUnavailable) -> ReadState {
        try records(lookingAt: .readers, user).messages.reader(user)
    }

    func messages(of user: Int) throws(StoreUnavailable) -> [Int] {
        try recordsOfBox(user).messages.shown(to: user, search)
    }

    func newMessages(of user: Int) throws(StoreUnavailable) -> Int {
        try recordsOfBox(user).messages.new(to: user, search)
    }

    private func recordsOfBox(_ user: Int) throws(StoreUnavailable) -> RecordIndex {
        try ensureLoaded([.messages, .deliveries])
        return try records(lookingAt: .readers, user)
    }

    /// A delivery whose record is broken is not made again.
    func pendingMessages() throws(StoreUnavailable) -> [Int] {
        try records(having: .messages, .deliveries).messages.pending
            .filter { troubles[RecordRef(.deliveries, $0)] == nil }
    }

    func audience(of message: Message) throws(StoreUnavailable) -> Audience {
        let records = try records(having: .users)
        for id in message.projects { try look(RecordRef(.projects, id)) }
        let users = Set(troubles.keys).union(unfinished).filter { $0.kind == .users }
        return records.audience(
            ofProjects: message.projects,
            unreadableProjects: message.projects.filter { isUnreadable(RecordRef(.projects, $0)) },
            unreadableUsers: Set(users.map(\.id)))
    }
}
