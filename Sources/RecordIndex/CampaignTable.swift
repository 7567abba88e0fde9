public import Campaigns
public import Records

/// The campaigns in memory, with every way to find them.
public struct CampaignTable {
    /// What a campaign may be linked to.
    public enum Link: Hashable {
        case project(Int)
        case organisation(Int)
    }

    private struct Entry {
        let name: String
        let organisations: [Int]
        let projects: [Int]
        /// The members of the answer up to `organisations`, whose own depend on other records; nil: not kept, as it is long.
        var opening: [UInt8]?
        /// The whole answer, made when it is first asked for, and the state of the organisations that it shows.
        var representation: Representation?
        var generation = 0

        var keptBytes: Int { (opening?.count ?? 0) + (representation?.bytes.count ?? 0) }
        var links: [Link] { projects.map(Link.project) + organisations.map(Link.organisation) }
    }

    private let rendering: any CampaignRendering
    private var entries: [Int: Entry] = [:]
    /// Rising.
    private var ids: [Int] = []
    /// By what names are compared by: String's == and hash are those of canonical equivalence.
    private var owners: [String: Int] = [:]
    /// Where hands have given one name to several records: all that have it.
    private var shared: [String: Set<Int>] = [:]
    /// By rising id.
    private var linked: [Link: [Int]] = [:]
    /// By the number of a group, what changes with every one of its campaigns.
    private var versions: [Int: Int] = [:]
    private var wholeList: CampaignList?
    /// The lists of those that have many campaigns, with what they take, about, and when they were asked for.
    private var lists: [Link: (list: CampaignList, bytes: Int, use: Int)] = [:]
    private var listBytes = 0
    private var uses = 0
    /// Lists of fewer campaigns are made as quickly as they are found.
    private static let longList = 64
    /// Bytes that lists may have in all.
    private static let listCapacity = 64 << 20
    /// Changes with every change of an organisation.
    private var generation = 0
    /// The latest of those answers that are too long to be kept for good, oldest first.
    private var recent: [(id: Int, representation: Representation)] = []
    /// Bytes that they may have in all.
    private static let recentCapacity = 8 << 20
    /// Of the openings and answers of all campaigns, without `recent`.
    private var entriesBytes = 0

    public var count: Int { ids.count }
    /// How much of the campaigns' texts is in memory.
    public var keptBytes: Int { entriesBytes + recent.reduce(0) { $0 + $1.representation.bytes.count } }
    public func contains(_ id: Int) -> Bool { entries[id] != nil }
    public func projects(of id: Int) -> [Int] { entries[id]?.projects ?? [] }
    public func organisations(of id: Int) -> [Int] { entries[id]?.organisations ?? [] }
    public var names: [Int: String] { entries.mapValues(\.name) }
    public func name(_ id: Int) -> String? { entries[id]?.name }
    public func ids(named name: String) -> Set<Int> {
        let name = name.trimmedName()
        return shared[name] ?? owners[name].map { [$0] } ?? []
    }
    /// The ids of those that have the name of another, each with the first that has it.
    public var doubles: [(id: Int, first: Int)] {
        shared.values.flatMap { ids in
            let first = ids.min()
            return ids.compactMap { id in first.flatMap { id == $0 ? nil : (id: id, first: $0) } }
        }
    }

    init(_ rendering: any CampaignRendering) {
        self.rendering = rendering
    }

    /// Adds a campaign, or puts it in the place of the one with its id.
    public mutating func insert(_ campaign: Campaign) {
        insert(
            campaign.id,
            Entry(
                name: campaign.name, organisations: campaign.organisations, projects: campaign.projects,
                opening: Self.isLong(campaign) ? nil : rendering.opening(of: campaign)))
    }

    /// A campaign as it is kept.
    public struct Kept: Sendable {
        public let id: Int
        public let name: String
        /// What ``CampaignRendering/opening(of:)`` has made; nil: it is long, and not kept.
        public let opening: [UInt8]?
        public let organisations: [Int]
        public let projects: [Int]

        public init(id: Int, name: String, opening: [UInt8]?, organisations: [Int], projects: [Int]) {
            self.id = id
            self.name = name
            self.opening = opening
            self.organisations = organisations
            self.projects = projects
        }
    }

    /// Adds a campaign as it was kept before.
    public mutating func insert(_ kept: Kept) {
        insert(
            kept.id,
            Entry(
                name: kept.name, organisations: kept.organisations, projects: kept.projects, opening: kept.opening))
    }

    private mutating func insert(_ id: Int, _ entry: Entry) {
        versions[Self.group(of: id)] = RecordVersion.next()
        var entry = entry
        if !KeptText.includes(entry.keptBytes, besides: entriesBytes) { entry.opening = nil }
        let previous = entries.updateValue(entry, forKey: id)
        entriesBytes += entry.keptBytes
        if previous == nil, ids.last.map({ $0 < id }) ?? true {
            wholeList?.append(id, entry.name)
        } else if previous?.name.utf8.elementsEqual(entry.name.utf8) != true {
            wholeList = nil
        }
        if let previous { unlink(id, previous) } else { ids.insert(id, at: ids.insertionPoint(of: id)) }
        let isRenamed = previous?.name.utf8.elementsEqual(entry.name.utf8) == false
        let before = Set(previous?.links ?? [])
        for link in entry.links {
            if !before.contains(link), linked[link]?.last.map({ $0 < id }) ?? true {
                grow(link, id, entry.name)
            } else if isRenamed || !before.contains(link) {
                drop(link)
            }
            linked[link, default: []].insertSorted(id)
        }
        for link in before.subtracting(entry.links) { drop(link) }
        let name = entry.name.trimmedName()
        if let owner = owners[name] {
            shared[name, default: [owner]].insert(id)
        } else {
            owners[name] = id
        }
    }

    public mutating func reserveCapacity(_ count: Int) {
        entries.reserveCapacity(count)
        ids.reserveCapacity(count)
        owners.reserveCapacity(count)
    }

    /// A campaign without its texts.
    public typealias Outline = (id: Int, name: String, organisations: [Int], projects: [Int])

    /// All of them, by rising id.
    public var outlines: [Outline] {
        ids.compactMap { id in entries[id].map { (id, $0.name, $0.organisations, $0.projects) } }
    }

    /// All campaigns, by rising id, as they are kept.
    public var kept: some Sequence<Kept> {
        ids.lazy.compactMap { id in
            entries[id].map { entry in
                Kept(
                    id: id, name: entry.name, opening: entry.opening, organisations: entry.organisations,
                    projects: entry.projects)
            }
        }
    }

    public mutating func remove(_ id: Int) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        versions[Self.group(of: id)] = RecordVersion.next()
        wholeList = nil
        unlink(id, entry)
        for link in entry.links { drop(link) }
        ids.removeSorted(id)
    }

    private mutating func unlink(_ id: Int, _ entry: Entry) {
        entriesBytes -= entry.keptBytes
        recent.removeAll { $0.id == id }
        for link in entry.links { linked.removeSorted(id, from: link) }
        let name = entry.name.trimmedName()
        if var sharing = shared[name] {
            sharing.remove(id)
            owners[name] = sharing.min()
            shared[name] = sharing.count > 1 ? sharing : nil
        } else if owners[name] == id {
            owners[name] = nil
        }
    }

    private static func group(of id: Int) -> Int { id >> 8 }

    /// The groups, by rising id of their campaigns.
    public var groups: [(number: Int, version: Int)] {
        versions.map { (number: $0.key, version: $0.value) }.sorted { $0.number < $1.number }
    }

    /// The ids in a group, rising.
    public func ids(inGroup number: Int) -> ArraySlice<Int> {
        ids[ids.insertionPoint(of: number << 8)...].prefix { Self.group(of: $0) == number }
    }

    /// An organisation has changed, and answers show organisations.
    public mutating func organisationsChanged() {
        generation += 1
        recent = []
    }

    // MARK: Answers

    /// - Parameter organisation: finds an organisation; a link to one that is not there is not shown.
    /// - Returns: nil when there is no such campaign, or when its text is in its file alone.
    public mutating func representation(_ id: Int, organisation: (Int) -> Organisation?) -> Representation? {
        guard let entry = entries[id] else { return nil }
        if let representation = entry.representation, entry.generation == generation { return representation }
        if let kept = recent.first(where: { $0.id == id }) { return kept.representation }
        guard let opening = entry.opening else { return nil }
        let made = Representation(
            rendering.campaign(opening: opening, organisations: entry.organisations.compactMap(organisation)))
        keep(made, of: id)
        return made
    }

    /// Keeps the answer of a campaign that is in the table, as it is now: short ones for good, long ones for a while.
    public mutating func keep(_ made: Representation, of id: Int) {
        guard var entry = entries[id] else { return }
        entriesBytes -= entry.keptBytes
        entry.representation = nil
        if entry.opening != nil, KeptText.includes(made.bytes.count, besides: entriesBytes) {
            entry.representation = made
            entry.generation = generation
        }
        entriesBytes += entry.keptBytes
        entries[id] = entry
        recent.removeAll { $0.id == id }
        guard entry.representation == nil, made.bytes.count <= Self.recentCapacity else { return }
        recent.append((id, made))
        var size = recent.reduce(0) { $0 + $1.representation.bytes.count }
        while size > Self.recentCapacity { size -= recent.removeFirst().representation.bytes.count }
    }

    public mutating func list() -> any RenderedList {
        if let wholeList { return wholeList }
        let list = list(of: ids)
        wholeList = list
        return list
    }

    public mutating func list(of link: Link) -> any RenderedList {
        uses += 1
        if let list = lists[link]?.list {
            lists[link]?.use = uses
            return list
        }
        let ids = linked[link] ?? []
        let list = list(of: ids)
        guard ids.count >= Self.longList else { return list }
        let bytes = ids.reduce(0) { $0 + Self.listBytes($1, entries[$1]?.name) }
        guard bytes <= Self.listCapacity else { return list }
        lists[link] = (list, bytes, uses)
        listBytes += bytes
        while listBytes > Self.listCapacity, let oldest = lists.min(by: { $0.value.use < $1.value.use }) {
            drop(oldest.key)
        }
        return list
    }

    private func list(of ids: [Int]) -> CampaignList {
        CampaignList(ids.compactMap { id in entries[id].map { (id, $0.name) } }, rendering)
    }

    /// What an item takes in a list, about.
    private static func listBytes(_ id: Int, _ name: String?) -> Int { 32 + (name?.utf8.count ?? 0) }

    private mutating func grow(_ link: Link, _ id: Int, _ name: String) {
        guard let kept = lists[link] else { return }
        kept.list.append(id, name)
        let bytes = Self.listBytes(id, name)
        lists[link]?.bytes += bytes
        listBytes += bytes
    }

    private mutating func drop(_ link: Link) {
        if let kept = lists.removeValue(forKey: link) { listBytes -= kept.bytes }
    }

    /// Whether its opening would not be kept in any case.
    private static func isLong(_ campaign: Campaign) -> Bool {
        let texts = [campaign.logo, campaign.url, campaign.description]
        return texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) } > KeptText.longest
    }
}

extension [CampaignTable.Link: [Int]] {
    fileprivate mutating func removeSorted(_ number: Int, from key: CampaignTable.Link) {
        guard var numbers = removeValue(forKey: key) else { return }
        numbers.removeSorted(number)
        if !numbers.isEmpty { self[key] = numbers }
    }
}
