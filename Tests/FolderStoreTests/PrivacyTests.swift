import Foundation
import Logging
import TestSupport
import Testing

@testable import FolderStore

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
}

@Test("what others could look into is closed, but for the logos and the way to them")
func closing() throws {
    let folder = try TemporaryFolder()
    let data = try DataFolder(asOwnerOf: folder.path)
    try data.create()
    try folder.write("secret", to: ".git/config")
    try folder.write("notes", to: "notes.txt")
    for (name, made) in [
        ("", 0o755), ("users", 0o755), ("messages", 0o750), ("projects", 0o2770), ("organisations", 0o775),
        ("campaigns", 0o777), (".git", 0o755), ("notes.txt", 0o644), ("logos", 0o755),
    ] { chmod("\(folder.path)/\(name)", mode_t(made)) }
    let found = try FolderCheck.run(data).problems.map(\.file)
    #expect(found == [".", ".git", "campaigns", "messages", "notes.txt", "organisations", "users"])
    data.closeToOthers(quiet)
    for (name, closed) in [
        ("", 0o711), ("users", 0o700), ("messages", 0o700), ("projects", 0o2770), ("organisations", 0o770),
        ("campaigns", 0o770), (".git", 0o700), ("notes.txt", 0o600), ("logos", 0o755),
    ] { #expect(mode("\(folder.path)/\(name)") == mode_t(closed), "\(name)") }
    #expect(try FolderCheck.run(data).problems.isEmpty)
}

@Test("a folder as init makes it is not touched")
func closedAlready() throws {
    let folder = try TemporaryFolder()
    let data = try DataFolder(asOwnerOf: folder.path + "/data")
    try data.create()
    #expect(try FolderCheck.run(data).problems.isEmpty)
    let before = try FileManager.default.subpathsOfDirectory(atPath: data.path).map { mode("\(data.path)/\($0)") }
    data.closeToOthers(quiet)
    #expect(try FileManager.default.subpathsOfDirectory(atPath: data.path).map { mode("\(data.path)/\($0)") } == before)
}

@Test(
    "what a link leads to stays as it is when it is somebody else's",
    .enabled(if: geteuid() == 0, "only root has others' files"))
func linkElsewhere() throws {
    let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
    let data = try DataFolder(asOwnerOf: folder.path)
    try data.create()
    chmod(other.path, 0o755)
    chown(folder.path, 4711, 4711)
    symlink(other.path, folder.path + "/link")
    data.closeToOthers(quiet)
    #expect(mode(other.path) == 0o755)
}
