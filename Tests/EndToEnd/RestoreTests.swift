import Foundation
import TestSupport
import Testing

@Test(
    "a backup is restored by the commands that the documentation gives: what came since is gone, and its ids are not given again"
)
func restore() throws {
    let folder = try TemporaryFolder()
    let commands = try #require(Readme.sources.text.firstMatch(of: /```sh\n(mv data data\.before\n[^`]*)```/)).1
    func run(_ script: some StringProtocol) throws {
        let outcome = try Command.run("/bin/sh", ["-euc", String(script)], directory: folder.url)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }
    func campaignd(_ words: String...) throws -> String {
        let outcome = try Command.run(
            Repository.campaignd.path, words, environment: ["CAMPAIGNS_DATA": folder.path + "/data", "LOG_LEVEL": nil])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.text
    }
    _ = try campaignd("user", "add", "ana")
    try folder.write(#"{"name": "Old"}"#, to: "data/campaigns/4.json")
    try run("flock data/.lock cp -a data backup")
    _ = try campaignd("user", "add", "ben")
    _ = try campaignd("user", "add", "cleo")
    try folder.write(#"{"name": "New"}"#, to: "data/campaigns/4.json")
    try run(commands)
    #expect(try campaignd("user", "list") == "1\tMAPPER\tana\n")
    #expect(try folder.read("data/campaigns/4.json") == #"{"name": "Old"}"#)
    #expect(try campaignd("check").contains("all in order"))
    #expect(try campaignd("user", "add", "dora").hasPrefix("user 4 "))
}

@Test("a document is restored into a folder that is not there yet, ids included")
func restoreDocument() throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"username": "ana", "_note": 1}"#, to: "data/users/3.json")
    try folder.write("9\n", to: "data/campaigns/.next-id")
    try folder.write(#"{"name": "Old"}"#, to: "data/campaigns/4.json")
    let document = try Command.run(Repository.campaignd.path, ["export", "--data", folder.path + "/data"])
    let outcome = try Command.run(
        Repository.campaignd.path, ["import", "-", "--data", folder.path + "/new"], input: document.output)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let copy = try Command.run(Repository.campaignd.path, ["export", "--data", folder.path + "/new"])
    #expect(copy.text == document.text)
    #expect(copy.text.contains(#""campaigns":9"#))
}
