import CampaignAPI
import Campaigns
import Foundation
import Logging
import Messages
import Records
import Testing

@testable import FolderStore
@testable import RecordIndex

// Long texts are not kept in memory: whoever may store some hundreds of them could otherwise end the service for good.

/// A description that differs from the others, of 30,000 bytes.
private func long(_ id: Int) -> String { "\(id) " + String(repeating: "é\"x\n", count: 6_000) }

private func record(_ id: Int, _ text: String, organisations: [Int] = []) -> String {
    let campaign = Campaign(id: id, name: "Campaign \(id)", description: text, organisations: organisations)
    return String(decoding: campaign.json.indented, as: UTF8.self)
}

/// Everything that is in the folder, and nobody tells what becomes of it.
private func catalogue(_ fixture: Fixture) throws -> LiveCatalogue {
    let catalogue = fixture.untold()
    try catalogue.complete()
    return catalogue
}

private func digest(_ store: FolderStore, _ id: Int) throws -> String? {
    try store.change { transaction in
        try transaction.campaign(id).map { try transaction.digest(of: $0, CampaignJSON()) }
    }
}

@Test("many long campaigns take bounded memory, when they are read and when each has been asked for")
func boundedCampaigns() throws {
    let fixture = try Fixture()
    let description = String(repeating: "x", count: 300_000)
    for id in 1...40 {
        try fixture.write(#"{"name": "\#(id)", "description": "\#(description)"}"#, "campaigns/\(id).json")
    }
    let catalogue = try catalogue(fixture)
    #expect(try catalogue.read { $0.keptBytes } < 1 << 20)
    for id in 1...40 { #expect(try catalogue.read { try $0.campaign(id) }?.bytes.count ?? 0 > 300_000) }
    #expect(try catalogue.read { $0.keptBytes } <= 8 << 20)
}

@Test("campaigns that are not quite long take bounded memory however many there are")
func boundedInAll() {
    var table = CampaignTable(CampaignJSON())
    let opening = [UInt8](repeating: 1, count: 10_000)
    for id in 1...9000 {
        table.insert(
            CampaignTable.Kept(id: id, name: "\(id)", opening: opening, organisations: [], projects: []))
    }
    for id in 1...100 { _ = table.representation(id) { _ in nil } }
    #expect(table.keptBytes < 80 << 20)
    table.insert(Campaign(id: 9001, name: "short", description: "short"))
    #expect(table.representation(9001) { _ in nil } != nil)
    for id in 1...9001 { table.remove(id) }
    #expect(table.keptBytes == 0)
}

@Test("a campaign with a short text is shown without its file")
func shortWithoutFile() throws {
    let fixture = try Fixture(campaigns: [5])
    let catalogue = try catalogue(fixture)
    try fixture.remove("campaigns/5.json")
    #expect(try catalogue.read { try $0.campaign(5) } != nil)
}

@Test("a long campaign is shown whole, and its tag is the one that a writer finds")
func longShown() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"organisationId": 1, "name": "One"}"#, "organisations/1.json")
    let store = try fixture.store()
    try store.change { transaction in
        try transaction.put(Campaign(id: 5, name: "a", description: long(5), organisations: [1]))
    }
    let campaign = Campaign(id: 5, name: "a", description: long(5), organisations: [1])
    for _ in 0..<2 {
        let shown = try store.read { try $0.campaign(5) }
        let expected = try CampaignJSON().representation(of: campaign) { Organisation(id: $0, name: "One") }
        #expect(shown == expected)
        #expect(try digest(store, 5) == shown?.digest)
    }
}

@Test("a long campaign shows every change: by hand, by rename, by the service, of its organisation")
func longChanged() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"organisationId": 1, "name": "One"}"#, "organisations/1.json")
    try fixture.write(record(5, long(5), organisations: [1]), "campaigns/5.json")
    let store = try fixture.store()
    #expect(try store.shown(5)?.contains(#""description":"5 "#) == true)
    try fixture.write(record(5, long(6), organisations: [1]), "campaigns/5.json")
    #expect(try store.shown(5)?.contains(#""description":"6 "#) == true)
    try fixture.replace(record(5, long(7), organisations: [1]), "campaigns/5.json")
    #expect(try store.shown(5)?.contains(#""description":"7 "#) == true)
    try store.rename(5, "renamed")
    #expect(try store.shown(5)?.hasPrefix(#"{"id":5,"name":"renamed""#) == true)
    try fixture.write(#"{"organisationId": 1, "name": "Uno"}"#, "organisations/1.json")
    #expect(try store.shown(5)?.contains(#""name":"Uno""#) == true)
    #expect(try digest(store, 5) == store.read { try $0.campaign(5)?.digest })
    try fixture.write(Fixture.campaign(5, "short"), "campaigns/5.json")
    #expect(try store.shown(5)?.contains(#""name":"short","logo":null,"url":null,"description":null"#) == true)
    try store.delete(5)
    #expect(try store.shown(5) == nil)
}

@Test("what becomes of a long campaign's file before anybody is told is seen when it is asked for")
func longChangedUntold() throws {
    let fixture = try Fixture()
    for id in 1...4 { try fixture.write(record(id, long(id)), "campaigns/\(id).json") }
    let catalogue = try catalogue(fixture)
    try fixture.remove("campaigns/1.json")
    try fixture.write(record(2, long(7)), "campaigns/2.json")
    try fixture.write(Fixture.campaign(3, "short"), "campaigns/3.json")
    try fixture.write("{", "campaigns/4.json")
    #expect(try catalogue.read { try $0.campaign(1) } == nil)
    #expect(try catalogue.read { try $0.hasCampaign(1) } == false)
    #expect(try catalogue.read { try $0.campaign(2) }?.bytes.count ?? 0 > 30_000)
    #expect(
        try catalogue.read { try $0.campaign(3) }.map { String(decoding: $0.bytes, as: UTF8.self) }?.contains("short")
            == true)
    #expect(
        String(decoding: try catalogue.read { try $0.allCampaigns() }.representation().bytes, as: UTF8.self).contains(
            #"{"id":3,"name":"short"}"#))
    // Somebody may just be writing it.
    #expect(throws: StoreUnavailable.self) { try catalogue.read { try $0.campaign(4) } }
    #expect(try catalogue.read { try $0.hasCampaign(4) })
}

@Test("a long campaign that the disk no longer gives back is refused, and served as soon as it can be read")
func longFailing() throws {
    let fixture = try Fixture()
    try fixture.write(record(5, long(5)), "elsewhere")
    symlink("\(fixture.path)/elsewhere", "\(fixture.path)/campaigns/5.json")
    let store = try fixture.store()
    unlink("\(fixture.path)/elsewhere")
    // The system answers EIO to who reads the first page of a process.
    symlink("/proc/self/mem", "\(fixture.path)/elsewhere")
    let error = #expect(throws: StoreUnavailable.self) { try store.read { try $0.campaign(5) } }
    #expect(error?.description == "The campaign cannot be read")
    unlink("\(fixture.path)/elsewhere")
    try fixture.write(record(5, long(6)), "elsewhere")
    let deadline = ContinuousClock.now + .seconds(20)
    while (try? store.shown(5)) == nil, .now < deadline { usleep(20_000) }
    #expect(try store.shown(5)?.contains(#""description":"6 "#) == true)
}

@Test("a start from the cache shows long campaigns as they are, and keeps no more of them")
func longFromCache() throws {
    let fixture = try Fixture(campaigns: Array(1...CatalogueCache.least))
    for id in 1...20 { try fixture.write(record(id, long(id)), "campaigns/\(id).json") }
    try CatalogueCache.write(
        try #require(try catalogue(fixture).newCacheEntries()), fixture.folder, CampaignJSON().version, now: .max)
    let entries = CatalogueCache.read(fixture.folder, CampaignJSON().version)
    #expect(entries.count == CatalogueCache.least)
    #expect(entries.filter { $0.campaign.opening == nil }.map(\.id) == Array(1...20))
    #expect(FileState("\(fixture.path)/campaigns/.cache")?.size ?? .max < 1 << 20)
    // While nothing runs.
    try fixture.write(record(2, long(7)), "campaigns/2.json")
    let with = try catalogue(fixture)
    #expect(try with.read { $0.keptBytes } < 1 << 20)
    let shown = try (1...30).map { id in try with.read { try $0.campaign(id) } }
    unlink("\(fixture.path)/campaigns/.cache")
    let without = try catalogue(fixture)
    #expect(try (1...30).map { id in try without.read { try $0.campaign(id) } } == shown)
    let store = try fixture.store()
    #expect(try digest(store, 2) == shown[1]?.digest)
    #expect(try digest(store, 25) == shown[24]?.digest)
}

// MARK: Messages

private func message(_ id: Int, _ text: String, subject: String = "s", date: String? = nil) -> String {
    let message = Message(
        id: id, campaign: 5, campaignName: "Floods", sender: 1, senderName: "anna", senderPicture: nil,
        subject: subject, text: text, sentDate: date ?? "2026-05-06T14:08:46.\(100_000 + id)Z", projects: [1])
    return String(decoding: message.json.indented, as: UTF8.self)
}

@Test("many long messages take bounded memory, when they are read and when each has been shown")
func boundedMessages() throws {
    let fixture = try Fixture()
    for id in 1...100 {
        let isText = id.isMultiple(of: 2)
        let text = isText ? message(id, long(id)) : message(id, "x", subject: long(id))
        try fixture.write(text, "messages/\(id).json")
    }
    let catalogue = try catalogue(fixture)
    for id in 1...100 {
        let message = try catalogue.read { try $0.message(id) }
        #expect((id.isMultiple(of: 2) ? message?.text : message?.subject) == long(id))
    }
    #expect(try catalogue.read { $0.keptBytes } < 1 << 20)
    for id in 1...100 { try fixture.remove("messages/\(id).json") }
    // Each is looked at when it is to be shown.
    for id in 1...100 { #expect(try catalogue.read { try $0.message(id) } == nil) }
    #expect(try catalogue.read { $0.keptBytes } == 0)
}

@Test("a message with a short text is shown without its file")
func shortMessage() throws {
    let fixture = try Fixture()
    try fixture.write(message(1, "short"), "messages/1.json")
    let catalogue = try catalogue(fixture)
    try fixture.remove("messages/1.json")
    #expect(try catalogue.read { try $0.message(1) }?.text == "short")
    #expect(try !catalogue.read { try $0.isLongMessage(1) })
}

@Test("long messages are delivered, ordered, and shown as they are in their files after every change of these")
func longMessages() throws {
    let fixture = try Fixture()
    try fixture.write(#"{"projectId": 1, "contributors": [2, 3]}"#, "projects/1.json")
    try fixture.write(message(1, long(1), date: "2026-05-06T14:08:46.200000Z"), "messages/1.json")
    try fixture.write(message(2, long(2), date: "2026-05-06T14:08:46.100000Z"), "messages/2.json")
    let store = try fixture.store()
    try store.deliverMessages(byMail: false, logger: nil)
    #expect(try store.read { try $0.messages(of: 2) } == [2, 1])
    #expect(try store.read { try $0.message(1)?.text } == long(1))
    try fixture.write(message(1, long(3), date: "2026-05-06T14:08:46.000000Z"), "messages/1.json")
    #expect(try store.read { try $0.message(1)?.text } == long(3))
    #expect(try store.read { try $0.messages(of: 2) } == [1, 2])
    try fixture.write(message(2, "short"), "messages/2.json")
    #expect(try store.read { try $0.message(2)?.text } == "short")
    try fixture.remove("messages/1.json")
    #expect(try store.read { try $0.message(1) } == nil)
    #expect(try store.read { try $0.messages(of: 2) } == [2])
}

@Test("what becomes of a long message's file before anybody is told is seen when it is asked for")
func messageChangedUntold() throws {
    let fixture = try Fixture()
    for id in 1...3 { try fixture.write(message(id, long(id)), "messages/\(id).json") }
    let catalogue = try catalogue(fixture)
    try fixture.remove("messages/1.json")
    try fixture.write(message(2, long(7)), "messages/2.json")
    try fixture.write("{", "messages/3.json")
    #expect(try catalogue.read { try $0.message(1) } == nil)
    #expect(try catalogue.read { try $0.outline(ofMessage: 1) } == nil)
    #expect(try catalogue.read { try $0.message(2) }?.text == long(7))
    // Somebody may just be writing it.
    #expect(throws: StoreUnavailable.self) { try catalogue.read { try $0.message(3) } }
}
