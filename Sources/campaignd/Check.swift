import ArgumentParser
import CampaignStore

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read a whole data folder and say what is wrong with it.",
        discussion: """
            Names every file that is broken, misnamed, or refers to something that is not there. Exit code 1 when there \
            is one.
            """)

    @Argument(help: ArgumentHelp("The data folder.", valueName: "dir"))
    var path: String

    func run() throws {
        try reporting {
            do {
                let folder = try Settings.ownDataFolder(path)
                let (records, problems) = try FolderCheck.run(folder)
                for problem in problems { print(problem) }
                guard problems.isEmpty else {
                    let files = Set(problems.map(\.file)).count
                    throw Failure.refused(
                        "\(records) records; \(files) \(files == 1 ? "file needs" : "files need") attention")
                }
                print("\(records) records, all in order")
            } catch let error as FolderUnavailable {
                throw Failure.refused(error.detail)
            }
        }
    }
}
