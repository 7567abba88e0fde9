import Foundation
import Records
import TestSupport
import Testing

@testable import FolderStore
@testable import RecordIndex

// Changes that no writer's end tells of.

@Test("a file that is cut off by its path shows in the next answer")
func truncatedByPath() throws {
    let fixture = try Fixture(campaigns: [4, 5])
    let store = try fixture.store()
    #expect(truncate("\(fixture.path)/campaigns/5.json", 10) == 0)
    #expect(try store.names() == [4: "Campaign 4"])
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
    try fixture.write(Fixture.campaign(5), "campaigns/5.json")
    #expect(try store.names() == [4: "Campaign 4", 5: "Campaign 5"])
}

@Test(
    "what is put in a record's place that is no file is reported in the next answer",
    arguments: ["pipe", "folder", "socket"])
func noFileInPlace(what: String) throws {
    let fixture = try Fixture(campaigns: [4, 5])
    let store = try fixture.store()
    let path = "\(fixture.path)/campaigns/5.json"
    try fixture.remove("campaigns/5.json")
    switch what {
    case "pipe": #expect(mkfifo(path, 0o600) == 0)
    case "folder": #expect(mkdir(path, 0o700) == 0)
    default: #expect(mknod(path, S_IFSOCK | 0o600, 0) == 0)
    }
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
    #expect(try store.names() == [4: "Campaign 4"])
    rmdir(path)
    unlink(path)
    #expect(try store.broken() == [:])
}

@Test("a file that is made empty is reported in the next answer")
func emptyFile() throws {
    let fixture = try Fixture()
    let store = try fixture.store()
    #expect(mknod("\(fixture.path)/campaigns/5.json", S_IFREG | 0o600, 0) == 0)
    #expect(try Array(store.broken().keys) == ["campaigns/5.json"])
}

@Test("a file that is written over in pieces shows as it was until it is closed, however long that takes")
func inPieces() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let file = try #require(fopen("\(fixture.path)/campaigns/5.json", "we"))
    for piece in [#"{"id": 5, "#, #""name": "#, #""a""#] {
        fputs(piece, file)
        fflush(file)
        for _ in 0..<3 { #expect(try store.names() == [5: "Campaign 5"]) }
        #expect(try store.broken() == [:])
    }
    fputs("}", file)
    fclose(file)
    #expect(try store.names() == [5: "a"])
}

/// Another process that keeps a file to itself (a lease), until it is let go.
private final class LeaseHolder {
    private let process = Process()
    private let input = Pipe()

    init(_ path: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            """
            import fcntl, os, signal, sys
            signal.signal(signal.SIGIO, signal.SIG_IGN)
            file = os.open(sys.argv[1], os.O_RDWR)
            while True:
                try:
                    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
                    break
                except BlockingIOError:
                    pass  # A process that another test is about to start has the file open for a moment.
            print("held", flush=True)
            sys.stdin.read()
            """, path,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // Python may write the end of the line on its own.
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("held"))
    }

    func release() throws {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}

@Test("a record that another process keeps to itself is 503 alone, and served when it is given back")
func leased() throws {
    let fixture = try Fixture(campaigns: [4, 5])
    let store = try fixture.store()
    let holder = try LeaseHolder("\(fixture.path)/campaigns/5.json")
    // So that it is read again.
    chmod("\(fixture.path)/campaigns/5.json", 0o640)
    #expect(throws: StoreUnavailable.self) { try store.shown(5) }
    #expect(try store.shown(4) != nil)
    #expect(try store.names() == [4: "Campaign 4"])
    #expect(try store.owner(of: "Campaign 5") == 5)
    #expect(try store.create("other") == 6)
    try holder.release()
    let deadline = ContinuousClock.now + .seconds(20)
    while (try? store.shown(5)) == nil, .now < deadline { usleep(20_000) }
    #expect(try store.shown(5)?.contains("Campaign 5") == true)
}
