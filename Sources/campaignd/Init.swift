import ArgumentParser
import FolderStore
import Glibc

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data folder.",
        discussion: "A folder that is there already gets what it lacks, and keeps what it has.")

    @OptionGroup var data: DataArgument

    @Flag(help: "Put a dozen campaigns into it, with organisations, projects, users of every role, and logos.")
    var demo = false

    func run() throws {
        try reporting {
            let folder = try Settings.folder(data.path)
            try folder.create()
            if demo { try Demo.fill(folder) }
            print(demo ? "The demo is in \(folder.path)." : "The data folder is \(folder.path).")
        }
    }
}
