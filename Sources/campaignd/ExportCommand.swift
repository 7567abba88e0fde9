import ArgumentParser
import CampaignAPI
import FolderStore
import Glibc
import Threads
import Transfer

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all records of a data folder as one JSON document, to standard output.",
        discussion: """
            Users, organisations, projects, campaigns, and the messages with who got and who read them; 'campaignd import' \
            reads it. The pictures in logos/ and the history in changes/ are files, to be copied as such. E-mail addresses are in the document: keep \
            it as you keep the folder.

              campaignd export --data data >everything.json

            Exit code 1 when a record is broken; it is named, and all others are in the document.
            """)

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting(unavailable: Failure.refused) {
            let folder = try Settings.folder(data.path)
            guard access(folder.path, F_OK) == 0 else {
                throw Failure.refused("there is no data folder \(folder.path)")
            }
            // Each record is read when its turn comes.
            let store = try FolderStore(folder, CampaignJSON(), logger: Settings.logger(), watching: false)
            var output = Output()
            let faults = try Export.run(store) { bytes in try output.write(bytes) }
            try output.flush()
            guard faults.isEmpty else {
                throw Failure.refused("left out: \(faults.map(\.description).joined(separator: "; "))")
            }
        }
    }
}

/// Standard output, in large pieces, of which each has to arrive.
private struct Output {
    private var pending: [UInt8] = []

    mutating func write(_ bytes: [UInt8]) throws {
        pending += bytes
        if pending.count >= 1 << 16 { try flush() }
    }

    mutating func flush() throws {
        guard writeAll(pending, to: STDOUT_FILENO) else {
            throw Failure.cannotCreate("the document cannot be written: \(String(cString: strerror(errno)))")
        }
        pending.removeAll(keepingCapacity: true)
    }
}
