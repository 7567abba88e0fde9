import CampaignStore
import Logging
import TestSupport
import Testing

@Test("a folder that does not exist yet is a service without campaigns")
func noFolder() throws {
    let folder = try TemporaryFolder()
    let store = try Store(
        DataFolder(folder.path + "/none"), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    #expect(try store.read { $0.campaignCount } == 0)
}
