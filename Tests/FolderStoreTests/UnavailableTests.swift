import Campaigns
import Foundation
import Records
import TestSupport
import Testing

@testable import FolderStore

// Promise 5: what cannot be written is refused, and nothing is changed.

// MARK: The lock

@Test("a lock that is unavailable is waited for so long and no longer, and nothing is changed")
func locked() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store(timeout: .milliseconds(200))
    let before = try fixture.everything()
    let holder = try Holder(fixture)
    let time = ContinuousClock().measure {
        let error = #expect(throws: StoreUnavailable.self) { try store.rename(5, "a") }
        #expect(error?.description == "The data folder is locked by another process")
    }
    #expect(time >= .milliseconds(200))
    #expect(time < .seconds(10))
    #expect(try fixture.everything() == before)
    withExtendedLifetime(holder) {}
}

@Test("when the lock is released writers go on, also after some have given up")
func released() throws {
    let fixture = try Fixture(campaigns: [5])
    let hasty = try fixture.store(timeout: .milliseconds(50))
    let patient = try fixture.store(timeout: .seconds(30))
    let holder = try Holder(fixture)
    for _ in 0..<3 { #expect(throws: StoreUnavailable.self) { try hasty.rename(5, "no") } }
    let done = DispatchSemaphore(value: 0)
    inBackground {
        try? patient.rename(5, "a")
        done.signal()
    }
    holder.release()
    #expect(done.wait(timeout: .now() + 60) == .success)
    try fixture.store().rename(5, "b")
    #expect(try hasty.names() == [5: "b"])
}

@Test("a lock that another program holds is respected")
func lockedByProgram() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store(timeout: .milliseconds(200))
    try store.rename(5, "a")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
    process.arguments = ["\(fixture.path)/.lock", "-c", "echo locked; read line"]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "locked\n")
    #expect(throws: StoreUnavailable.self) { try store.rename(5, "b") }
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    try store.rename(5, "c")
    #expect(try store.names() == [5: "c"])
}

@Test("a lock file that is removed while it is held keeps nobody out for ever")
func lockRemoved() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store()
    let holder = try Holder(fixture)
    try fixture.remove(".lock")
    try store.rename(5, "a")
    #expect(try store.names() == [5: "a"])
    withExtendedLifetime(holder) {}
}

@Test("all writers of a group that gets no lock are told so")
func groupLocked() throws {
    let fixture = try Fixture(campaigns: [5])
    let store = try fixture.store(timeout: .milliseconds(200))
    let holder = try Holder(fixture)
    try onThreads(8) { number in
        #expect(throws: StoreUnavailable.self) { try store.create("a\(number)") }
    }
    holder.release()
    #expect(try store.names() == [5: "Campaign 5"])
    #expect(try store.create("a") == 6)
}

// MARK: Disks

/// A small file system in memory, which root can make.
private final class SmallDisk {
    static let isPossible = geteuid() == 0 && (try? SmallDisk()) != nil
    let folder: TemporaryFolder
    let fixture: Fixture

    init(options: String = "size=256k", campaigns: [Int] = []) throws {
        folder = try TemporaryFolder()
        let outcome = try Command.run("mount", ["-t", "tmpfs", "-o", options, "campaignd-test", folder.path])
        guard outcome.status == 0 else { throw FastCGIClient.Broken(outcome.errors) }
        fixture = try Fixture(campaigns: campaigns, in: folder.path + "/data")
    }

    deinit { _ = try? Command.run("umount", ["--lazy", folder.path]) }

    /// Takes all the room that is left.
    func fill() {
        let file = fopen(folder.path + "/filler", "we")
        let block = [UInt8](repeating: 1, count: 4096)
        setvbuf(file, nil, _IONBF, 0)
        while fwrite(block, 1, block.count, file) == block.count {}
        fclose(file)
    }

    /// Takes all names that are left.
    func fillNames() {
        var number = 0
        while true {
            let file = open("\(folder.path)/filler\(number)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            guard file >= 0 else { return }
            close(file)
            number += 1
        }
    }

    func empty() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasPrefix("filler") {
            unlink("\(folder.path)/\(name)")
        }
    }

    func remount(_ option: String) throws {
        _ = try Command.run("mount", ["-o", "remount,\(option)", folder.path])
    }
}

@Test(
    "on a full disk every change is refused, nothing is changed and nothing left behind, until there is room again",
    .enabled(if: SmallDisk.isPossible, "only root can mount a small disk"))
func fullDisk() throws {
    let disk = try SmallDisk(campaigns: [1, 2])
    let store = try disk.fixture.store()
    try store.create("before")
    let before = try disk.fixture.everything()
    disk.fill()
    let error = #expect(throws: StoreUnavailable.self) { try store.create("new") }
    #expect(error?.description.contains("No space left on device") == true)
    #expect(error?.description.contains("/") == false)
    #expect(throws: StoreUnavailable.self) { try store.rename(1, "changed") }
    #expect(try disk.fixture.everything() == before)
    #expect(try store.names() == [1: "Campaign 1", 2: "Campaign 2", 3: "before"])
    #expect(disk.fixture.folder.trouble()?.contains("No space left") == true)
    try disk.empty()
    #expect(disk.fixture.folder.trouble() == nil)
    #expect(try store.create("new") == 4)
    #expect(try disk.fixture.store().names() == [1: "Campaign 1", 2: "Campaign 2", 3: "before", 4: "new"])
}

@Test(
    "on a full disk a logo is refused and nothing left behind, until there is room again",
    .enabled(if: SmallDisk.isPossible, "only root can mount a small disk"))
func fullDiskForLogos() throws {
    let disk = try SmallDisk()
    let folder = disk.fixture.folder
    let picture = [UInt8](repeating: 7, count: 10_000)
    disk.fill()
    let error = #expect(throws: StoreUnavailable.self) { try folder.storeImage(picture, fileExtension: "gif") }
    #expect(error?.description == "The logo cannot be written: No space left on device")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.logos) == [])
    try disk.empty()
    let name = try folder.storeImage(picture, fileExtension: "gif")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.logos) == [name])
}

@Test(
    "on a disk without names left every change is refused, nothing is changed and nothing left behind",
    .enabled(if: SmallDisk.isPossible, "only root can mount a small disk"))
func noNames() throws {
    let disk = try SmallDisk(options: "size=1m,nr_inodes=60", campaigns: [1])
    let store = try disk.fixture.store()
    try store.create("before")
    let before = try disk.fixture.everything()
    disk.fillNames()
    #expect(throws: StoreUnavailable.self) { try store.create("new") }
    #expect(throws: StoreUnavailable.self) { try store.rename(1, "changed") }
    #expect(try disk.fixture.everything() == before)
    #expect(disk.fixture.folder.trouble()?.contains("No space left") == true)
    try disk.empty()
    #expect(try store.create("new") == 3)
}

@Test(
    "a large campaign for which there is no room leaves those of the same group unharmed",
    .enabled(if: SmallDisk.isPossible, "only root can mount a small disk"))
func largeOne() throws {
    let disk = try SmallDisk(campaigns: [1])
    let store = try disk.fixture.store()
    #expect(throws: StoreUnavailable.self) {
        try store.create("large", description: String(repeating: "a", count: 1 << 19))
    }
    #expect(try disk.fixture.everything().keys.sorted() == ["campaigns/1.json"])
    try store.create("small")
    #expect(try store.names().values.sorted() == ["Campaign 1", "small"])
}

@Test(
    "a folder that may only be read is served, and every change refused, until it may be written again",
    .enabled(if: SmallDisk.isPossible, "only root can mount a small disk"))
func readOnly() throws {
    let disk = try SmallDisk(campaigns: [1])
    let store = try disk.fixture.store()
    try disk.remount("ro")
    let before = try disk.fixture.everything()
    for change in [{ _ = try store.create("a") }, { try store.rename(1, "a") }, { try store.delete(1) }] {
        let error = #expect(throws: StoreUnavailable.self) { try change() }
        #expect(error?.description.contains("Read-only file system") == true)
    }
    #expect(try disk.fixture.everything() == before)
    #expect(try store.names() == [1: "Campaign 1"])
    #expect(try disk.fixture.store().names() == [1: "Campaign 1"])
    #expect(disk.fixture.folder.trouble() != nil)
    try disk.remount("rw")
    #expect(disk.fixture.folder.trouble() == nil)
    #expect(try store.create("a") == 2)
}

@Test(
    "a folder that may not be written is served, and every change refused",
    .enabled(if: geteuid() != 0, "root may write everywhere"))
func notWritable() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store()
    chmod("\(fixture.path)/campaigns", 0o500)
    defer { chmod("\(fixture.path)/campaigns", 0o700) }
    #expect(throws: StoreUnavailable.self) { try store.create("a") }
    #expect(try store.names() == [1: "Campaign 1"])
    #expect(fixture.folder.trouble() != nil)
}

@Test("a change whose place is taken by a folder is refused, and the other changes of it undone")
func placeTaken() throws {
    let fixture = try Fixture(campaigns: [1])
    try FileManager.default.createDirectory(
        atPath: "\(fixture.path)/campaigns/2.json", withIntermediateDirectories: false)
    let store = try fixture.store()
    let before = try FileManager.default.subpathsOfDirectory(atPath: fixture.path).sorted()
    #expect(throws: StoreUnavailable.self) {
        try store.change { transaction in
            try transaction.put(Campaign(id: 1, name: "changed"))
            try transaction.put(Campaign(id: 3, name: "new"))
            try transaction.put(Campaign(id: 2, name: "in the way"))
        }
    }
    #expect(try store.names() == [1: "Campaign 1"])
    #expect(try fixture.store().names() == [1: "Campaign 1"])
    #expect(
        try FileManager.default.subpathsOfDirectory(atPath: fixture.path).filter { !$0.hasPrefix(".ids/campaigns") }
            .sorted() == before)
}

@Test("a folder in order has no trouble")
func noTrouble() throws {
    let fixture = try Fixture()
    #expect(fixture.folder.trouble() == nil)
}

@Test("a campaign that the disk does not give back is refused, by name reported, and served as soon as it can be read")
func failingRecord() throws {
    let fixture = try Fixture(campaigns: [4])
    // The system answers EIO to who reads the first page of a process.
    symlink("/proc/self/mem", "\(fixture.path)/elsewhere")
    symlink("\(fixture.path)/elsewhere", "\(fixture.path)/campaigns/5.json")
    let store = try fixture.store()
    let error = #expect(throws: StoreUnavailable.self) { try store.read { try $0.campaign(5) } }
    #expect(error?.description == "The campaign cannot be read")
    #expect(throws: StoreUnavailable.self) { try store.rename(5, "a") }
    #expect(try store.names() == [4: "Campaign 4"])
    #expect(try store.broken() == ["campaigns/5.json": "Input/output error"])
    #expect(try store.create("next") == 6)
    // It may have any name.
    #expect(throws: StoreUnavailable.self) { try store.owner(of: "Campaign 5") }
    #expect(try store.owner(of: "next") == 6)
    let generation = store.generation()
    // No watch tells of a disk that is well again.
    try fixture.replace(Fixture.campaign(5), "elsewhere")
    let deadline = ContinuousClock.now + .seconds(20)
    while try store.names().count < 3, .now < deadline { usleep(20_000) }
    #expect(try store.names() == [4: "Campaign 4", 5: "Campaign 5", 6: "next"])
    #expect(store.generation() > generation)
    #expect(try store.owner(of: "Campaign 5") == 5)
    #expect(try store.broken() == [:])
    try store.rename(5, "a")
}

@Test("a new name can be given as soon as the disk gives back the campaign that may have it")
func certainAgain() throws {
    let fixture = try Fixture(campaigns: [4])
    symlink("/proc/self/mem", "\(fixture.path)/elsewhere")
    symlink("\(fixture.path)/elsewhere", "\(fixture.path)/campaigns/5.json")
    let store = try fixture.store()
    #expect(throws: StoreUnavailable.self) { try store.owner(of: "new") }
    let generation = store.generation()
    try fixture.replace(Fixture.campaign(5), "elsewhere")
    #expect(try store.owner(of: "new") == nil)
    #expect(store.generation() > generation)
    #expect(try store.names() == [4: "Campaign 4", 5: "Campaign 5"])
}

@Test("however often somebody asks for a lock that is held, one place in its queue is enough")
func onePlace() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store(timeout: .milliseconds(20))
    try store.rename(1, "changed")
    let holder = try Holder(fixture)
    for _ in 0..<10 {
        #expect(throws: StoreUnavailable.self) { try store.checkpoint() }
        #expect(throws: StoreUnavailable.self) { try store.storeImage([1], fileExtension: "gif") }
        #expect(throws: StoreUnavailable.self) { try store.rename(1, "refused") }
    }
    // The holder's and that of the one that stands there.
    #expect(try openLocks(fixture) == 2)
    holder.release()
}

/// How often this process has the lock's file open.
private func openLocks(_ fixture: Fixture) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { number in
        let file = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
        return file == "\(fixture.path)/.lock"
    }
}

@Test("all who wait for the lock in one process get it, one after the other")
func allGetIt() throws {
    let fixture = try Fixture(campaigns: [1])
    let store = try fixture.store(timeout: .seconds(20))
    let holder = try Holder(fixture)
    try onThreads(9) { number in
        switch number {
        case 0:
            while try openLocks(fixture) < 2 { usleep(1000) }
            holder.release()
        case 1...4: _ = try store.storeImage([UInt8(number)], fileExtension: "gif")
        default: try store.rename(1, "\(number)")
        }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(fixture.path)/logos").count == 4)
}
