internal import Campaigns
internal import JSON
internal import Records

/// How far a kind is.
private struct ImportPass<Kind: Importable> {
    /// Whether the order in lists of ids says something.
    let ordered: Bool
    var tally = Import.Tally(kind: Kind.kind)
    var seen: Set<Int> = []
    /// The ids of all campaigns that come.
    var coming: Set<Int> = []
    /// What the next new record's id is where they come from.
    var nextID: Int?
}

/// What a group of records has come to.
private struct Outcome: Sendable {
    var new = 0
    var changed = 0
    var same = 0
    var notes: [Import.Note] = []
}

extension Import {
    /// - Returns: how many of the records lack something that is told by number alone.
    mutating func take<Kind: FromTaskingManager>(_: Kind.Type, from source: TaskingManager) throws -> Int {
        var pass = ImportPass<Kind>(ordered: false)
        progress(pass.tally, false)
        var found: [Note] = []
        // All that come have to be known before the first name is given.
        var campaigns: [Campaign] = []
        let lacking = try source.read(
            Kind.self, note: { found.append(Note(what: $0, reason: $1)) },
            take: { records in
                let records = fit(records)
                if let some = records as? [Campaign] { campaigns += some } else { try take(records, &pass) }
            })
        notes += found
        if let all = named(campaigns) as? [Kind] {
            pass.coming = Set(all.map(\.id))
            try takeAll(all, &pass)
        }
        try finish(pass)
        return lacking
    }

    mutating func take<Kind: Importable>(_: Kind.Type, from document: Document) throws {
        var pass = ImportPass<Kind>(ordered: true)
        let (records, faults) = document.records(Kind.self, Kind.kind)
        for fault in faults { add("\(Kind.singular) \(fault.id)", "left out: \(fault.reason)") }
        let fitting = fit(records)
        pass.coming = Set(records.map(\.id))
        pass.nextID = document.nextID(Kind.kind)
        pass.seen.formUnion(faults.compactMap { Int($0.id) })
        try takeAll(fitting, &pass)
        try finish(pass)
    }

    /// The records with names as the API would accept them.
    private mutating func fit<Kind: Importable>(_ records: [Kind]) -> [Kind] {
        records.map { record in
            var record = record
            if let change = record.fitName() { add("\(Kind.singular) \(record.id)", change) }
            return record
        }
    }

    private mutating func takeAll<Kind: Importable>(_ records: [Kind], _ pass: inout ImportPass<Kind>) throws {
        var rest = records[...]
        while !rest.isEmpty {
            try take(Array(rest.prefix(Self.group)), &pass)
            rest = rest.dropFirst(Self.group)
        }
    }

    private mutating func take<Kind: Importable>(_ records: [Kind], _ pass: inout ImportPass<Kind>) throws {
        var sound: [Kind] = []
        for record in records {
            let file = "\(Kind.kind.rawValue)/\(record.id).json"
            if !pass.seen.insert(record.id).inserted {
                add("\(Kind.singular) \(record.id)", "comes twice; the first counts")
            } else if broken.contains(file) {
                add("\(Kind.singular) \(record.id)", "left out: \(file) is broken here; mend or remove it first")
            } else {
                sound.append(record)
            }
        }
        let (group, ordered, coming, nextID) = (sound, pass.ordered, pass.coming, pass.nextID)
        let outcome = try decide { writer in
            var outcome = Outcome()
            if let nextID { try writer.reserveIDs(Kind.kind, below: nextID) }
            for record in group {
                let record = try Self.fitting(record, coming, writer, &outcome)
                guard let current = try Kind.current(record.id, writer) else {
                    try record.put(writer)
                    outcome.new += 1
                    continue
                }
                // By their bytes: texts are equal to Swift already when they are canonically equivalent.
                if record.replacing(current, ordered: ordered).json.compact == current.json.compact {
                    outcome.same += 1
                } else {
                    // Whatever somebody has made of it in this moment stays, too.
                    let current = try writer.sound(Kind.self, Kind.kind, record.id) ?? record
                    let changed = record.replacing(current, ordered: ordered)
                    try changed.put(writer)
                    outcome.changed += 1
                    if let warning = changed.warning(replacing: current) {
                        outcome.notes.append(Note(what: "\(Kind.singular) \(record.id)", reason: warning))
                    }
                }
            }
            return outcome
        }
        pass.tally.came += records.count
        pass.tally.new += outcome.new
        pass.tally.changed += outcome.changed
        pass.tally.same += outcome.same
        notes += outcome.notes
        progress(pass.tally, false)
    }

    private mutating func finish<Kind: Importable>(_ pass: ImportPass<Kind>) throws {
        var tally = pass.tally
        tally.untouched = try store.ids(Kind.kind).filter { !pass.seen.contains($0) }
        progress(tally, true)
        tallies.append(tally)
    }

    /// The record as it may stand beside those that are here and stay.
    private static func fitting<Kind: Importable>(
        _ record: Kind, _ coming: Set<Int>, _ writer: any TransferWriter, _ outcome: inout Outcome
    ) throws -> Kind {
        guard let campaign = record as? Campaign else { return record }
        let renamed = try campaign.renamed { name in
            try writer.campaignID(named: name).map { $0 != campaign.id && !coming.contains($0) } ?? false
        }
        guard renamed.name != campaign.name, let fitting = renamed as? Kind else { return record }
        outcome.notes.append(
            Note(
                what: "campaign \(campaign.id)",
                reason: "the name '\(campaign.name)' is another's here; now '\(renamed.name)'"))
        return fitting
    }

    /// Campaigns of which no two have names that are the same to a person's eye.
    private mutating func named(_ campaigns: [Campaign]) -> [Campaign] {
        var names = Set<String>()
        return campaigns.map { campaign in
            let renamed = campaign.renamed(while: names.contains)
            names.insert(renamed.name)
            if renamed.name != campaign.name {
                add("campaign \(campaign.id)", "the name '\(campaign.name)' is another's; now '\(renamed.name)'")
            }
            return renamed
        }
    }
}
