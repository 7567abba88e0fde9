import ArgumentParser
import CampaignStore
import Glibc

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data folder.",
        discussion: "A folder that is there already gets what it lacks, and keeps what it has.")

    @Argument(help: ArgumentHelp("Where to make it.", valueName: "dir"))
    var path: String

    @Flag(help: "Put a dozen campaigns into it, with organisations, projects, users of every role, and logos.")
    var demo = false

    func run() throws {
        try reporting {
            let folder = try Settings.ownDataFolder(path)
            do {
                try folder.create()
                if demo { try Demo.fill(folder) }
            } catch let error as FolderUnavailable {
                throw Failure.cannotCreate(error.detail)
            }
            print(demo ? "The demo is in \(folder.path)." : "The data folder is \(folder.path).")
        }
    }
}
