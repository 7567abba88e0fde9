import CampaignAPI
import Campaigns
import Foundation
import JSON
import Logging
import Records
import Testing

@testable import FolderStore
@testable import RecordIndex

// What is read from the cache at the start must be what would be read from the files.

/// A folder with enough campaigns for a cache, and the cache of them.
private struct Cached {
    let fixture: Fixture
    static let count = CatalogueCache.least

    /// - Parameter forge: changes the entries that are kept, to tell what comes from the cache.
    init(forge: (CatalogueCache.Entry) -> CatalogueCache.Entry = { $0 }) throws {
        fixture = try Fixture(campaigns: Array(1...Self.count))
        let catalogue = fixture.untold()
        try catalogue.complete()
        let entries = try #require(catalogue.newCacheEntries())
        // From so far ahead every file has long been settled.
        try CatalogueCache.write(entries.map(forge), fixture.folder, CampaignJSON().version, now: .max)
    }

    var path: String { "\(fixture.path)/campaigns/.cache" }

    static func forged(_ entry: CatalogueCache.Entry) -> CatalogueCache.Entry {
        let campaign = entry.campaign
        return CatalogueCache.Entry(
            campaign: CampaignTable.Kept(
                id: entry.id, name: "forged", opening: campaign.opening, organisations: campaign.organisations,
                projects: campaign.projects), state: entry.state)
    }
}

@Test("a start takes what is in the cache, when the files are as they were")
func fromCache() throws {
    let cached = try Cached(forge: Cached.forged)
    #expect(try Set(cached.fixture.store().names().values) == ["forged"])
}

@Test("a start from the cache shows what a start without it shows")
func sameAsWithout() throws {
    let cached = try Cached()
    let with = try cached.fixture.store()
    let list = try with.read { try $0.allCampaigns().representation() }
    let one = try with.shown(7)
    unlink(cached.path)
    let without = try cached.fixture.store()
    #expect(try without.read { try $0.allCampaigns().representation() } == list)
    #expect(try without.shown(7) == one)
    #expect(try with.owner(of: "Campaign 9") == 9)
    #expect(try with.create("new") == Cached.count + 1)
}

@Test("what was changed, replaced, removed, added or broken while nothing ran is seen at the start")
func changedMeanwhile() throws {
    let cached = try Cached(forge: Cached.forged)
    let fixture = cached.fixture
    try fixture.write(Fixture.campaign(1, "in place"), "campaigns/1.json")
    try fixture.replace(Fixture.campaign(2, "by rename"), "campaigns/2.json")
    try fixture.remove("campaigns/3.json")
    try fixture.write(Fixture.campaign(Cached.count + 5, "added"), "campaigns/\(Cached.count + 5).json")
    try fixture.write("{", "campaigns/4.json")
    let store = try fixture.store()
    let names = try store.names()
    #expect(names[1] == "in place")
    #expect(names[2] == "by rename")
    #expect(names[3] == nil)
    #expect(names[4] == nil)
    #expect(names[5] == "forged")
    #expect(names[Cached.count + 5] == "added")
    #expect(try Array(store.broken().keys) == ["campaigns/4.json"])
}

@Test("a change that keeps the size and puts the time back is seen at the start")
func disguised() throws {
    let cached = try Cached(forge: Cached.forged)
    let path = "\(cached.fixture.path)/campaigns/8.json"
    var before = stat()
    stat(path, &before)
    try cached.fixture.write(Fixture.campaign(8, "Campaign 9"), "campaigns/8.json")
    var times = [before.st_atim, before.st_mtim]
    utimensat(AT_FDCWD, path, &times, 0)
    #expect(try cached.fixture.store().names()[8] == "Campaign 9")
}

@Test("a file that changed shortly before it was read is not kept")
func unsettled() throws {
    let fixture = try Fixture(campaigns: Array(1...Cached.count))
    let catalogue = fixture.untold()
    try catalogue.complete()
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    try CatalogueCache.write(
        try #require(catalogue.newCacheEntries()), fixture.folder, CampaignJSON().version,
        now: now.tv_sec * 1_000_000_000 + now.tv_nsec)
    #expect(
        CatalogueCache.read(fixture.folder, CampaignJSON().version).allSatisfy {
            $0.state.changed < now.tv_sec * 1_000_000_000 + now.tv_nsec - 1_000_000_000
        })
}

@Test("a cache that is cut, twisted, or none at all is as good as no cache")
func twisted() throws {
    let cached = try Cached(forge: Cached.forged)
    let whole = try Data(contentsOf: URL(fileURLWithPath: cached.path))
    var texts = [
        Data(), Data("x".utf8), whole.prefix(18), whole.prefix(50), whole.dropLast(), whole.dropLast(1000),
        whole + whole,
    ]
    for place in [0, 20, 5000, whole.count - 1] {
        var other = whole
        other[place] ^= 1
        texts.append(other)
    }
    for text in texts {
        try text.write(to: URL(fileURLWithPath: cached.path))
        #expect(CatalogueCache.read(cached.fixture.folder, CampaignJSON().version).isEmpty)
    }
    #expect(try cached.fixture.store().names()[7] == "Campaign 7")
}

@Test("a campaign from the cache is changed like any other, and its unknown keys are kept")
func changeCached() throws {
    let cached = try Cached()
    try cached.fixture.write(#"{"name": "x", "extra": true}"#, "campaigns/6.json")
    let store = try cached.fixture.store()
    try store.rename(5, "five")
    try store.rename(6, "six")
    #expect(try store.names()[5] == "five")
    #expect(try cached.fixture.read("campaigns/6.json").contains(#""extra": true"#))
    #expect(try cached.fixture.store().names() == store.names())
}

@Test("the cache is for its owner alone")
func cacheMode() throws {
    let cached = try Cached()
    #expect(try FileManager.default.attributesOfItem(atPath: cached.path)[.posixPermissions] as? Int == 0o600)
}

@Test("a few campaigns whose files are large are worth a cache too, and the next start takes it")
func fewLarge() throws {
    let fixture = try Fixture(campaigns: [1, 2])
    var catalogue = fixture.untold()
    try catalogue.complete()
    #expect(catalogue.newCacheEntries() == nil)
    let padding = String(repeating: " ", count: 900_000)
    for id in 3...12 { try fixture.write(Fixture.campaign(id) + padding, "campaigns/\(id).json") }
    catalogue = fixture.untold()
    try catalogue.complete()
    let entries = try #require(catalogue.newCacheEntries())
    try CatalogueCache.write(entries.map(Cached.forged), fixture.folder, CampaignJSON().version, now: .max)
    #expect(try Set(fixture.store().names().values) == ["forged"])
}

@Test("a cache that an earlier program has made is not read, but the highest id in it stays used")
func earlierCache() throws {
    let fixture = try Fixture(campaigns: Array(1...Cached.count))
    let catalogue = fixture.untold()
    try catalogue.complete()
    try CatalogueCache.write(try #require(catalogue.newCacheEntries()), fixture.folder, 99, now: .max)
    #expect(CatalogueCache.read(fixture.folder, CampaignJSON().version).isEmpty)
    #expect(CatalogueCache.highestID(fixture.folder) == Cached.count)
    try fixture.remove("campaigns/\(Cached.count).json")
    try? fixture.remove(".ids/campaigns")
    #expect(try fixture.store().create("Next") == Cached.count + 1)
}
