import FastCGI
import Foundation
import Logging
import TestSupport
import Testing

private func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
}

private func isListening(_ path: String) -> Bool {
    (try? FastCGIClient(path)) != nil
}

@Test("whoever may connect is said by the socket's mode", arguments: [0o660, 0o600, 0o666, 0o777] as [UInt32])
func mode(mode: UInt32) throws {
    let folder = try TemporaryFolder()
    _ = try ListeningSocket(path: folder.path + "/s", mode: mode)
    #expect(status(folder.path + "/s").map { $0.st_mode & 0o7777 } == mode)
}

@Test("without a mode the owner and the group may connect")
func defaultMode() throws {
    let folder = try TemporaryFolder()
    _ = try ListeningSocket(path: folder.path + "/s")
    #expect(status(folder.path + "/s").map { $0.st_mode & 0o7777 } == 0o660)
    #expect(isListening(folder.path + "/s"))
}

@Test("a socket that a dead process has left is replaced")
func stale() throws {
    let folder = try TemporaryFolder()
    close(try UnixSocket.bound(to: folder.path + "/s", queue: 1))
    #expect(!isListening(folder.path + "/s"))
    _ = try ListeningSocket(path: folder.path + "/s")
    #expect(isListening(folder.path + "/s"))
}

@Test("a socket on which somebody listens is not stolen")
func live() throws {
    let folder = try TemporaryFolder()
    let other = try UnixSocket.bound(to: folder.path + "/s", queue: 8)
    defer { close(other) }
    let before = status(folder.path + "/s")?.st_ino
    #expect(throws: SocketError.taken(folder.path + "/s")) { try ListeningSocket(path: folder.path + "/s") }
    #expect(status(folder.path + "/s")?.st_ino == before)
    #expect(isListening(folder.path + "/s"))
}

@Test("a socket whose queue is full is not stolen")
func fullQueue() throws {
    let folder = try TemporaryFolder()
    let other = try UnixSocket.bound(to: folder.path + "/s", queue: 1)
    defer { close(other) }
    let waiting = try (0..<2).map { _ in try FastCGIClient(folder.path + "/s") }
    #expect(throws: SocketError.taken(folder.path + "/s")) { try ListeningSocket(path: folder.path + "/s") }
    #expect(status(folder.path + "/s") != nil)
    withExtendedLifetime(waiting) {}
}

@Test("a regular file at the path is left as it is")
func regularFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("precious", to: "s")
    #expect(throws: SocketError.notSocket(folder.path + "/s")) { try ListeningSocket(path: folder.path + "/s") }
    #expect(try folder.read("s") == "precious")
}

@Test("a folder or a link at the path is left as it is")
func folderAndLink() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/d", withIntermediateDirectories: false)
    try folder.write("precious", to: "file")
    symlink(folder.path + "/file", folder.path + "/l")
    #expect(throws: SocketError.notSocket(folder.path + "/d")) { try ListeningSocket(path: folder.path + "/d") }
    #expect(throws: SocketError.notSocket(folder.path + "/l")) { try ListeningSocket(path: folder.path + "/l") }
    #expect(try folder.read("file") == "precious")
}

@Test("a path of 107 bytes is taken")
func longestPath() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/" + String(repeating: "s", count: 106 - folder.path.utf8.count)
    #expect(path.utf8.count == 107)
    _ = try ListeningSocket(path: path)
    #expect(isListening(path))
}

@Test(
    "a path of 108 bytes, or of none, is refused",
    arguments: ["", "/tmp/" + String(repeating: "s", count: 103), "/tmp/" + String(repeating: "\u{E9}", count: 52)])
func badPath(path: String) {
    #expect(throws: SocketError.pathTooLong(path)) { try ListeningSocket(path: path) }
}

@Test("a path in a folder that is not there is an error with a reason")
func noFolder() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/none/s"
    #expect(throws: SocketError.failed(path, reason: "No such file or directory")) { try ListeningSocket(path: path) }
}

@Test(
    "an address that is not this machine's loopback is refused",
    arguments: [
        "0.0.0.0", "::", "192.168.1.1", "128.0.0.1", "example.org", "", "127.0.0.1.example.org", "::ffff:10.0.0.1", "*",
    ])
func notLoopback(host: String) {
    #expect(throws: SocketError.notLoopback(host)) { try ListeningSocket(host: host, port: 9000) }
}

@Test("a loopback address is listened on", arguments: ["127.0.0.1", "localhost", "127.8.9.10"])
func loopback(host: String) throws {
    _ = try ListeningSocket(host: host, port: UInt16(FreePort.find()))
}

@Test("a port on which somebody listens is taken")
func takenPort() throws {
    let port = UInt16(try FreePort.find())
    _ = try ListeningSocket(host: "127.0.0.1", port: port)
    #expect(throws: SocketError.taken("127.0.0.1:\(port)")) { try ListeningSocket(host: "127.0.0.1", port: port) }
}

@Test("a process that was started with no socket is told so")
func notInherited() {
    #expect(throws: SocketError.notInherited) { try ListeningSocket(inheritedFrom: [:]) }
    // Another process's variables, as a child inherits them.
    #expect(throws: SocketError.notInherited) {
        try ListeningSocket(inheritedFrom: ["LISTEN_PID": "1", "LISTEN_FDS": "1"])
    }
}

@Test("only a socket that listens counts as one")
func listeningOnly() throws {
    let folder = try TemporaryFolder()
    let bound = try UnixSocket.bound(to: folder.path + "/a", queue: 0)
    let listening = try UnixSocket.bound(to: folder.path + "/b", queue: 1)
    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { for number in [bound, listening, file] { close(number) } }
    #expect(!ListeningSocket.isListening(bound))
    #expect(ListeningSocket.isListening(listening))
    #expect(!ListeningSocket.isListening(file))
    #expect(!ListeningSocket.isListening(-1))
}

@Test(
    "each error is one line that names what it is about",
    arguments: [
        SocketError.taken("/a"), .notSocket("/a"), .pathTooLong("/a"), .notLoopback("/a"), .notOurs("/a", process: 1),
        .failed("/a", reason: "full"),
    ])
func oneLine(error: SocketError) {
    #expect(error.description.contains("/a"))
    #expect(!error.description.contains("\n"))
}
