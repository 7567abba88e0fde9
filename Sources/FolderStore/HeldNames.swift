internal import Campaigns

/// The names of campaigns that cannot be read: what their texts may say, and what they had before.
///
/// A name among them is not free, or two campaigns have it as soon as the file is mended.
struct HeldNames {
    private struct Entry {
        var name = BrokenName()
        var former: String?

        /// As names are compared.
        var names: Set<String> { Set(name.names.union(former.map { [$0] } ?? []).map { $0.trimmedName() }) }
    }

    private var entries: [Int: Entry] = [:]
    private var owners: [String: Set<Int>] = [:]

    /// - Parameters:
    ///   - name: what the text may say.
    ///   - former: the name that the campaign had when it could be read, where that is known.
    mutating func hold(_ id: Int, _ name: BrokenName, former: String?) {
        let former = former ?? entries[id]?.former
        release(id)
        let entry = Entry(name: name, former: former)
        entries[id] = entry
        for name in entry.names { owners[name, default: []].insert(id) }
    }

    mutating func release(_ id: Int, of kind: RecordKind = .campaigns) {
        guard kind == .campaigns, let entry = entries.removeValue(forKey: id) else { return }
        for name in entry.names {
            owners[name]?.remove(id)
            if owners[name]?.isEmpty == true { owners[name] = nil }
        }
    }

    var formerNames: [Int: String] { entries.compactMapValues(\.former) }
    /// All that are held, as names are compared.
    var all: [(id: Int, names: Set<String>)] { entries.map { ($0.key, $0.value.names) } }
    func formerName(_ id: Int) -> String? { entries[id]?.former }

    func ids(named name: String) -> Set<Int> {
        let name = name.trimmedName()
        var ids = owners[name] ?? []
        for (id, entry) in entries where entry.name.beginnings.contains(where: name.hasPrefix) { ids.insert(id) }
        return ids
    }
}
