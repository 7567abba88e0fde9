public import ArgumentParser
public import Campaigns
import Records

struct OrganisationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organisation", abstract: "Add organisations, and list them.", subcommands: [Add.self, List.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add an organisation.")

        @Argument(help: "The name.") var name: String
        @OptionGroup var data: DataOption
        @Option(help: "The id; otherwise the next free one.") var id: Int?
        @Option(help: "The short name that stands in addresses.") var slug: String?
        @Option(help: "Where the logo is, such as /logos/name.svg.") var logo: String?
        @Option(help: "The organisation's own page.") var url: String?
        @Option(help: "What the organisation does.") var description: String?
        @Option(help: "FREE, DISCOUNTED or FULL_FEE.") var type: OrganisationType?
        @Option(help: ArgumentHelp("A number, as the Tasking Manager has it.", valueName: "number"))
        var subscriptionTier: Int?
        @Option(
            name: .customLong("manager"),
            help: ArgumentHelp("Who manages it, by id or name; may be given several times.", valueName: "user"))
        var managers: [String] = []

        func run() throws {
            try reporting {
                let name = try checkedName(name)
                let (wanted, slug, logo, url, managers) = (id, slug, logo, url, managers)
                let (description, type, subscriptionTier) = (description, type, subscriptionTier)
                let id = try write(data) { writer in
                    let organisation = Organisation(
                        id: try writer.id(wanted, "an organisation", .organisations),
                        name: name, slug: slug, logo: logo, url: url, description: description, type: type,
                        subscriptionTier: subscriptionTier,
                        managers: try managers.map { try writer.userID($0) }.withoutRepeats())
                    try writer.put(organisation)
                    return organisation.id
                }
                print("organisation \(id) \(name)")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the organisations: id, name, managers.")

        @OptionGroup var data: DataOption

        func run() throws {
            try reporting {
                for organisation in try data.store().read({ try $0.allOrganisations() }) {
                    let managers = organisation.managers.map(String.init).joined(separator: ",")
                    print("\(organisation.id)\t\(organisation.name ?? "")\t\(managers)")
                }
            }
        }
    }
}

extension OrganisationType: ExpressibleByArgument {}
