import CampaignAPI
import Campaigns
import FolderStore
import Records
import Transfer

/// What `campaignd init --demo` puts into a data folder. Every person, organisation and place in it is invented.
enum Demo {
    private static let logos = [
        "blue-river.svg": PackageResources.blue_river_svg,
        "care.svg": PackageResources.care_svg,
        "cartografia.svg": PackageResources.cartografia_svg,
        "compass.svg": PackageResources.compass_svg,
        "open-shelter.svg": PackageResources.open_shelter_svg,
        "storm.svg": PackageResources.storm_svg,
        "villages.svg": PackageResources.villages_svg,
    ]

    /// Fills a folder that has no records yet. `demo.json` is a document as `campaignd export` writes it.
    ///
    /// - Throws: ``Failure`` when there are records, ``StoreUnavailable``.
    static func fill(_ folder: DataFolder) throws {
        let store = try FolderStore(folder, CampaignJSON(), logger: Settings.logger(), watching: false)
        guard try RecordKind.allCases.allSatisfy({ try store.ids($0).isEmpty }) else {
            throw Failure.cannotCreate("There are records in \(folder.path) already")
        }
        for (name, picture) in logos { try store.storeImage(picture, named: name) }
        var filling = try Import(into: store, isRehearsal: false) { _, _ in }
        try filling.run(document: PackageResources.demo_json)
    }
}
