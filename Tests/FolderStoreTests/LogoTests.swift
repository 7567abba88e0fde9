import Foundation
import Records
import TestSupport
import Testing

@testable import FolderStore

/// The logos that are uploaded.
struct LogoTests {
    private let fixture: Fixture
    private let folder: DataFolder

    init() throws {
        fixture = try Fixture()
        folder = fixture.folder
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.logos).sorted()
    }

    private func status(_ path: String) throws -> stat {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw FastCGIClient.Broken("lstat \(path)") }
        return status
    }

    @Test("a logo is a file with its bytes, named by their SHA-256, and there is nothing else")
    func kept() throws {
        let name = try folder.storeImage(Array("abc".utf8), fileExtension: "png")
        #expect(name == "ba7816bf8f01cfea414140de5dae2223.png")
        #expect(try fixture.read("logos/\(name)") == "abc")
        #expect(try names() == [name])
    }

    @Test("a logo that is there already is not written again, and one that has been changed is")
    func twice() throws {
        let name = try folder.storeImage(Array("abc".utf8), fileExtension: "png")
        let first = try status("\(folder.logos)/\(name)")
        #expect(try folder.storeImage(Array("abc".utf8), fileExtension: "png") == name)
        let second = try status("\(folder.logos)/\(name)")
        #expect(second.st_ino == first.st_ino)
        #expect(second.st_ctim.tv_sec == first.st_ctim.tv_sec && second.st_ctim.tv_nsec == first.st_ctim.tv_nsec)
        for other in ["", "ab", "abd", "abcd"] {
            try fixture.write(other, "logos/\(name)")
            #expect(try folder.storeImage(Array("abc".utf8), fileExtension: "png") == name)
            #expect(try fixture.read("logos/\(name)") == "abc")
        }
        #expect(try names() == [name])
    }

    @Test("a logo has the permissions and, when root made it, the owner of the folder around it")
    func permissions() throws {
        chmod(folder.logos, 0o2775)
        if geteuid() == 0 { chown(folder.logos, 4711, 4712) }
        let around = try status(folder.logos)
        let name = try folder.storeImage(Array("abc".utf8), fileExtension: "png")
        let made = try status("\(folder.logos)/\(name)")
        #expect(made.st_mode & 0o7777 == 0o664)
        #expect(made.st_uid == around.st_uid)
        #expect(made.st_gid == around.st_gid)
    }

    @Test("a link that stands in the place of a logo is replaced, and what it leads to is left alone")
    func link() throws {
        let name = try folder.storeImage(Array("abc".utf8), fileExtension: "png")
        try fixture.remove("logos/\(name)")
        try fixture.write("abc", "elsewhere")
        symlink("\(fixture.path)/elsewhere", "\(folder.logos)/\(name)")
        #expect(try folder.storeImage(Array("abc".utf8), fileExtension: "png") == name)
        #expect(try status("\(folder.logos)/\(name)").st_mode & S_IFMT == S_IFREG)
        #expect(try fixture.read("elsewhere") == "abc")
    }

    @Test("what a crash has left is no hindrance, nor is a folder that has gone")
    func leftovers() throws {
        try fixture.write("half a pict", "logos/.upload.tmp")
        let name = try folder.storeImage(Array("abc".utf8), fileExtension: "png")
        #expect(try names() == [name])
        try fixture.remove("logos")
        #expect(try folder.storeImage(Array("abc".utf8), fileExtension: "png") == name)
        #expect(try names() == [name])
    }

    @Test("many that upload at once get what they sent")
    func together() throws {
        let folder = folder
        try onThreads(16) { number in
            let bytes = Array(repeating: UInt8(number / 2), count: 50_000)
            let name = try folder.storeImage(bytes, fileExtension: "gif")
            let kept = try Data(contentsOf: URL(fileURLWithPath: "\(folder.logos)/\(name)"))
            #expect(Array(kept) == bytes)
        }
        #expect(try names().count == 8)
    }
}
