import ArgumentParser
import FolderStore

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read a whole data folder and say what is wrong with it.",
        discussion: """
            Names every file that is broken, misnamed, or refers to something that is not there. Exit code 1 when there \
            is one.
            """)

    @OptionGroup var data: DataArgument

    func run() throws {
        try reporting(unavailable: Failure.refused) {
            let (records, problems) = try FolderCheck.run(Settings.folder(data.path))
            for problem in problems { print(problem) }
            guard problems.isEmpty else {
                let files = Set(problems.map(\.file)).count
                throw Failure.refused(
                    "\(records) records; \(files) \(files == 1 ? "file needs" : "files need") attention")
            }
            print("\(records) records, all in order")
        }
    }
}
