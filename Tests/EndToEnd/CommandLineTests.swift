import Foundation
import TestSupport
import Testing

@Test("without a secret the service does not start, and says so in one line")
func noSecret() throws {
    let folder = try TemporaryFolder()
    let outcome = try Command.run(
        Repository.campaignd.path, ["serve", "--data", folder.path, "--socket", folder.path + "/s"],
        environment: ["TM_SECRET": nil])
    #expect(outcome.status == 78)
    #expect(outcome.errors.split(separator: "\n").count == 1)
}
