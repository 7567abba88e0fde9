import Campaigns
import Foundation
import JSON
import Records
import Synchronization

/// Records in dictionaries, and nothing more: what the API asks of a store holds for any that keeps these promises.
final class DictionaryStore: RecordStore {
    fileprivate struct State: Sendable {
        var users: [Int: User] = [:]
        var organisations: [Int: Organisation] = [:]
        var projects: [Int: Project] = [:]
        var campaigns: [Int: Campaign] = [:]
        var messages: [Int: Message] = [:]
        var deliveries: [Int: Delivery] = [:]
        var readings: [Int: ReadState] = [:]
        var mailings: [Int: Mailing] = [:]
        var changes: [ChangeEntry] = []
        var images: [String: [UInt8]] = [:]
        var lastCampaign = 0
        var lastMessage = 0
        /// Another after every change.
        var version = 1
    }

    private let state: Mutex<State>
    private let rendering: any CampaignRendering
    private let waiting = Mutex<[Int: [RecordRef]]>([:])

    /// - Parameter folder: a data folder, of which the users, organisations, projects and campaigns are taken.
    init(copyOf folder: URL, _ rendering: any CampaignRendering) throws {
        self.rendering = rendering
        func records<Kind: Record>(_: Kind.Type, _ kind: RecordKind) throws -> [Int: Kind] {
            let place = folder.appendingPathComponent(kind.rawValue)
            var found: [Int: Kind] = [:]
            for name in (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? [] {
                guard name.hasSuffix(".json"), let id = Int(name.dropLast(5)) else { continue }
                let json = try JSONValue(parsing: Array(Data(contentsOf: place.appendingPathComponent(name))))
                found[id] = try Kind(RecordMembers(json, id: id, idKey: Kind.idKey))
            }
            return found
        }
        var state = State()
        state.users = try records(User.self, .users)
        state.organisations = try records(Organisation.self, .organisations)
        state.projects = try records(Project.self, .projects)
        state.campaigns = try records(Campaign.self, .campaigns)
        state.messages = try records(Message.self, .messages)
        state.deliveries = try records(Delivery.self, .deliveries)
        state.readings = try records(ReadState.self, .readers)
        state.lastCampaign = state.campaigns.keys.max() ?? 0
        state.lastMessage = state.messages.keys.max() ?? 0
        self.state = Mutex(state)
    }

    func generation() -> Int { state.withLock { $0.version } }

    func read<Value: Sendable>(waits: Bool, _ body: (any RecordReader) throws -> Value) throws -> Value {
        try body(DictionaryReader(state: state.withLock { $0 }, rendering: rendering))
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (any RecordWriter) throws -> Value) throws -> Value {
        try state.withLock { state in
            let writer = DictionaryWriter(state)
            let value = try body(writer)
            state = writer.state
            state.version += 1
            return value
        }
    }

    func health() -> StoreHealth { StoreHealth(trouble: nil) }

    func changes<Value>(
        ofCampaign campaign: Int?, _ range: (Int) -> Range<Int>, _ make: (ChangeEntry, [Value]) -> Value
    ) throws(StoreUnavailable) -> [Value] {
        let entries = state.withLock { $0.changes }.filter { campaign == nil || $0.campaign == campaign }
        let wanted = Array(entries.reversed())[range(entries.count).clamped(to: 0..<entries.count)]
        return wanted.reduce(into: []) { made, entry in made.append(make(entry, made)) }
    }

    func highestCampaignEver() throws -> Int { state.withLock { $0.lastCampaign } }

    func storeImage(_ image: [UInt8], fileExtension: String) throws(StoreUnavailable) -> String {
        let name = "\(Representation(image).digest).\(fileExtension)"
        state.withLock { $0.images[name] = image }
        return name
    }

    func recipients(ofMessage id: Int) throws(StoreUnavailable) -> [Int] {
        state.withLock { $0.deliveries[id]?.recipients ?? [] }
    }

    func mailLock() throws(StoreUnavailable) -> AnyObject? { nil }

    var waitingDeliveries: [Int: [RecordRef]] {
        get { waiting.withLock { $0 } }
        set { waiting.withLock { $0 = newValue } }
    }

    var journalBytes: Int { 0 }
}

/// A list whose text is made when it is asked for.
private struct PlainList: RenderedList {
    let campaigns: [Campaign]
    let rendering: any CampaignRendering

    func representation() -> Representation {
        var text = rendering.listOpening
        for (place, campaign) in campaigns.enumerated() {
            if place > 0 { text += rendering.listSeparator }
            rendering.append(item: campaign.id, name: campaign.name, to: &text)
        }
        return Representation(text + rendering.listEnd)
    }
}

extension DictionaryStore.State {
    fileprivate func reading(_ user: Int) -> ReadState { readings[user] ?? ReadState(id: user) }

    fileprivate func box(of user: Int) -> [Int] {
        messages.values.filter { deliveries[$0.id]?.recipients.contains(user) == true }
            .filter { !reading(user).deleted.contains($0.id) }
            .sorted { ($0.sentDate, $0.id) < ($1.sentDate, $1.id) }.map(\.id)
    }

    fileprivate func new(of user: Int) -> Int {
        box(of: user).count { !reading(user).read.contains($0) && !reading(user).noticed.contains($0) }
    }

    fileprivate func audience(ofProjects ids: [Int]) -> Audience {
        Audience(
            contributors: ids.compactMap { projects[$0]?.contributors },
            optedOut: Set(users.values.filter { !$0.projectsNotifications }.map(\.id)))
    }
}

private struct DictionaryReader: RecordReader {
    let state: DictionaryStore.State
    let rendering: any CampaignRendering

    func user(_ id: Int) -> User? { state.users[id] }
    func organisation(_ id: Int) -> Organisation? { state.organisations[id] }
    func project(_ id: Int) -> Project? { state.projects[id] }
    func allUsers() -> [User] { state.users.values.sorted { $0.id < $1.id } }
    func allOrganisations() -> [Organisation] { state.organisations.values.sorted { $0.id < $1.id } }
    func allProjects() -> [Project] { state.projects.values.sorted { $0.id < $1.id } }
    func managesAnOrganisation(_ user: User) -> Bool {
        user.role == .admin || state.organisations.values.contains { $0.managers.contains(user.id) }
    }
    func version(_ kind: RecordKind) -> Int { state.version }

    private func campaigns(_ isIncluded: (Campaign) -> Bool = { _ in true }) -> [Campaign] {
        state.campaigns.values.filter(isIncluded).sorted { $0.id < $1.id }
    }

    func campaign(_ id: Int) throws(StoreUnavailable) -> Representation? {
        guard let campaign = state.campaigns[id] else { return nil }
        return try rendering.representation(of: campaign) { state.organisations[$0] }
    }
    func allCampaigns() -> any RenderedList { PlainList(campaigns: campaigns(), rendering: rendering) }
    func campaigns(ofProject id: Int) -> any RenderedList {
        PlainList(campaigns: campaigns { $0.projects.contains(id) }, rendering: rendering)
    }
    func campaigns(ofOrganisation id: Int) -> any RenderedList {
        PlainList(campaigns: campaigns { $0.organisations.contains(id) }, rendering: rendering)
    }
    func campaignCount() -> Int { state.campaigns.count }
    func campaignGroups() -> [(number: Int, version: Int)] { [(0, state.version)] }
    func detailedCampaigns(
        inGroup group: Int
    ) throws(StoreUnavailable) -> [(campaign: Representation, projects: Int)] {
        var found: [(campaign: Representation, projects: Int)] = []
        for campaign in campaigns() {
            let text = try rendering.representation(of: campaign) { state.organisations[$0] }
            found.append((text, campaign.projects.count { state.projects[$0] != nil }))
        }
        return found
    }
    func projects(ofCampaignsNamed name: String) -> Set<Int> {
        Set(campaigns { $0.name.trimmedName() == name.trimmedName() }.flatMap(\.projects))
    }
    func audience(ofCampaign id: Int) -> Audience? {
        state.campaigns[id].map { state.audience(ofProjects: $0.projects) }
    }

    func message(_ id: Int) -> Message? { state.messages[id] }
    func outline(ofMessage id: Int) -> Message? { state.messages[id] }
    func isLongMessage(_ id: Int) -> Bool { false }
    func checkReadable(message id: Int) {}
    func messageIDs() -> [Int] { state.messages.keys.sorted() }
    func recipientCount(ofMessage id: Int) -> Int? { state.deliveries[id]?.recipients.count }
    func isDelivered(_ id: Int, to user: Int) -> Bool { state.deliveries[id]?.recipients.contains(user) == true }
    func isRead(_ id: Int, by user: Int) -> Bool { state.reading(user).read.contains(id) }
    func isDeleted(_ id: Int, by user: Int) -> Bool { state.reading(user).deleted.contains(id) }
    func messages(of user: Int) -> [Int] { state.box(of: user) }
    func newMessages(of user: Int) -> Int { state.new(of: user) }
    func pendingMessages() -> [Int] { state.messages.keys.filter { state.deliveries[$0] == nil }.sorted() }
    func audience(of message: Message) -> Audience { state.audience(ofProjects: message.projects) }
    func isUnreadable(_ kind: RecordKind, _ id: Int) -> Bool { false }
    func allMailings() -> [Mailing] { state.mailings.values.sorted { $0.id < $1.id } }
    func mailing(_ id: Int) -> Mailing? { state.mailings[id] }

    func broken() -> [String: String] { [:] }
    var doubles: [String: String] { [:] }
    var keptBytes: Int { 0 }
}

private final class DictionaryWriter: RecordWriter {
    var state: DictionaryStore.State

    init(_ state: DictionaryStore.State) {
        self.state = state
    }

    func user(_ id: Int) -> User? { state.users[id] }
    func userForUpdate(_ id: Int) -> User? { state.users[id] }
    func organisation(_ id: Int) -> Organisation? { state.organisations[id] }
    func project(_ id: Int) -> Project? { state.projects[id] }
    func campaign(_ id: Int) -> Campaign? { state.campaigns[id] }
    func campaignID(named name: String) -> Int? {
        state.campaigns.values.first { $0.name.trimmedName() == name.trimmedName() }?.id
    }
    func newCampaignID() -> Int {
        state.lastCampaign += 1
        return state.lastCampaign
    }

    private func add(_ entry: ChangeEntry) {
        var entry = entry
        entry.id = (state.changes.last?.id ?? 0) + 1
        entry.date = UTC.now()
        state.changes.append(entry)
    }

    func put(_ campaign: Campaign, as entry: ChangeEntry) {
        state.campaigns[campaign.id] = campaign
        add(entry)
    }
    func remove(_ campaign: Campaign, as entry: ChangeEntry) {
        state.campaigns[campaign.id] = nil
        add(entry)
    }
    func put(_ user: User) { state.users[user.id] = user }

    func addMessage(as entry: ChangeEntry, _ make: (Int) -> Message) {
        state.lastMessage += 1
        state.messages[state.lastMessage] = make(state.lastMessage)
        add(entry)
    }
    func deliver(_ id: Int, to recipients: [Int], byMail: Bool) -> Bool {
        guard state.messages[id] != nil, state.deliveries[id] == nil else { return false }
        state.deliveries[id] = Delivery(id: id, recipients: recipients)
        return true
    }
    func removeMessage(_ id: Int) { (state.messages[id], state.deliveries[id], state.mailings[id]) = (nil, nil, nil) }
    func hasDelivered(_ id: Int) -> Bool { state.messages[id] != nil && state.deliveries[id] != nil }
    func isDelivered(_ id: Int, to user: Int) -> Bool { state.deliveries[id]?.recipients.contains(user) == true }
    func messages(of user: Int) -> [Int] { state.box(of: user) }
    func newMessages(of user: Int) -> Int { state.new(of: user) }

    private func change(_ user: Int, _ body: (inout ReadState) -> Void) {
        var reading = state.reading(user)
        body(&reading)
        state.readings[user] = reading
    }
    func markAsRead(_ ids: Set<Int>, by user: Int) { change(user) { $0.read.formUnion(ids) } }
    func markAllAsNoticed(by user: Int) {
        let ids = state.box(of: user)
        change(user) { $0.noticed.formUnion(ids) }
    }
    func deleteMessages(_ ids: Set<Int>, for user: Int) { change(user) { $0.deleted.formUnion(ids) } }
    func mailing(_ id: Int) -> Mailing? { state.mailings[id] }
    func put(_ mailing: Mailing) { state.mailings[mailing.id] = mailing }
}
