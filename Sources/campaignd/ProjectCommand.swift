public import ArgumentParser
public import Campaigns
import Records

struct ProjectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "Add projects, and list them.", subcommands: [Add.self, List.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a project.")

        @Argument(help: "The name.") var name: String
        @OptionGroup var data: DataOption
        @Option(help: "The id; otherwise the next free one.") var id: Int?
        @Option(help: "What is mapped there, in a sentence or two.") var shortDescription: String?
        @Option(help: "DRAFT, PUBLISHED or ARCHIVED; without it PUBLISHED.") var status: ProjectStatus?
        @Option(help: ArgumentHelp("How much of it is mapped, from 0 to 100.", valueName: "percent"))
        var percentMapped: Int?
        @Option(help: ArgumentHelp("How much of it is validated, from 0 to 100.", valueName: "percent"))
        var percentValidated: Int?
        @Option(help: ArgumentHelp("Who made it, by id or name.", valueName: "user")) var author: String?
        @Option(help: ArgumentHelp("The id of the organisation that it belongs to.", valueName: "id"))
        var organisation: Int?
        @Option(
            name: .customLong("manager"),
            help: ArgumentHelp("Who manages it besides, by id or name; may be given several times.", valueName: "user"))
        var managers: [String] = []
        @Option(
            name: .customLong("contributor"),
            help: ArgumentHelp("Who mapped or validated in it; may be given several times.", valueName: "user"))
        var contributors: [String] = []

        func run() throws {
            try reporting {
                let name = try checkedName(name)
                let (wanted, author, organisation) = (id, author, organisation)
                let (managers, contributors) = (managers, contributors)
                let (shortDescription, status) = (shortDescription, status)
                let (percentMapped, percentValidated) = (percentMapped, percentValidated)
                for percent in [percentMapped, percentValidated] where percent.map((0...100).contains) == false {
                    throw Failure.refused("a percentage is from 0 to 100")
                }
                let id = try write(data) { writer in
                    if let organisation, try writer.organisation(organisation) == nil {
                        throw Failure.refused("there is no organisation \(organisation)")
                    }
                    let project = Project(
                        id: try writer.id(wanted, "a project", .projects),
                        name: name, shortDescription: shortDescription, status: status, percentMapped: percentMapped,
                        percentValidated: percentValidated, author: try author.map { try writer.userID($0) },
                        organisation: organisation,
                        managers: try managers.map { try writer.userID($0) }.withoutRepeats(),
                        contributors: try contributors.map { try writer.userID($0) }.withoutRepeats())
                    try writer.put(project)
                    return project.id
                }
                print("project \(id) \(name)")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the projects: id, name, author, organisation.")

        @OptionGroup var data: DataOption

        func run() throws {
            try reporting {
                for project in try data.store().read({ try $0.allProjects() }) {
                    let author = project.author.map(String.init) ?? ""
                    print(
                        "\(project.id)\t\(project.name ?? "")\t\(author)\t\(project.organisation.map(String.init) ?? "")"
                    )
                }
            }
        }
    }
}

extension ProjectStatus: ExpressibleByArgument {}
