public import ArgumentParser
import CampaignStore
public import Campaigns

/// Does what a command that writes a record does: makes the folder where it is missing, and says what went wrong.
private func write<Value: Sendable>(_ data: DataOption, _ body: @escaping @Sendable (Transaction) throws -> Value)
    throws
    -> Value
{
    try Settings.folder(data.path).create()
    return try data.store().write(body)
}

extension Transaction {
    /// The id that a new record gets.
    ///
    /// - Parameter wanted: what the command line says.
    fileprivate func id(_ wanted: Int?, _ what: String, _ kind: RecordKind) throws -> Int {
        guard let wanted else { return try nextID(kind) }
        guard wanted >= 1 else { throw Failure.refused("an id is 1 at the least") }
        // Also where it is broken: that is for a person to mend, not to be written over.
        guard try !isTaken(kind, wanted) else { throw Failure.refused("there is \(what) \(wanted) already") }
        return wanted
    }

    /// The id of a user who is named on the command line.
    fileprivate func userID(_ text: String) throws -> Int {
        try UserReference(text).id(among: allUsers())
    }
}

/// A name as the command line may give one.
private func checkedName(_ text: String) throws(Failure) -> String {
    do {
        return try Name.checked(text)
    } catch {
        throw .refused(error.description)
    }
}

struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Add users, and list them.", subcommands: [Add.self, List.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a user.")

        @Argument(help: "The name, as it is in OpenStreetMap.") var username: String
        @OptionGroup var data: DataOption
        @Option(help: "The id, as it is in OpenStreetMap; otherwise the next free one.") var id: Int?
        @Option(help: "ADMIN, MAPPER or READ_ONLY.") var role: Role = .mapper
        @Option(help: "Where the picture is.") var pictureUrl: String?
        @Option(help: "For messages by e-mail.") var email: String?
        @Flag(help: "The user wants no messages of campaigns.") var noNotifications = false

        func run() throws {
            try reporting {
                let username = try checkedName(username)
                let (wanted, role, pictureUrl, email) = (id, role, pictureUrl, email)
                let wantsMessages = !noNotifications
                let user = try write(data) { transaction in
                    let users = try transaction.allUsers()
                    guard !users.contains(where: { $0.isCalled(username) }) else {
                        throw Failure.refused("there is a user called \(username) already")
                    }
                    let user = User(
                        id: try transaction.id(wanted, "a user", .users), username: username, role: role,
                        pictureUrl: pictureUrl, emailAddress: email, projectsNotifications: wantsMessages)
                    try transaction.put(user)
                    return user
                }
                print("user \(user.id) \(username) (\(user.role.rawValue))")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the users: id, role, name.")

        @OptionGroup var data: DataOption

        func run() throws {
            try reporting {
                for user in try data.store().read({ try $0.allUsers() }) {
                    print("\(user.id)\t\(user.role.rawValue)\t\(user.username ?? "")")
                }
            }
        }
    }
}

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
                let id = try write(data) { transaction in
                    let organisation = Organisation(
                        id: try transaction.id(wanted, "an organisation", .organisations),
                        name: name, slug: slug, logo: logo, url: url, description: description, type: type,
                        subscriptionTier: subscriptionTier,
                        managers: try managers.map(transaction.userID).withoutRepeats())
                    try transaction.put(organisation)
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
                let id = try write(data) { transaction in
                    if let organisation, try transaction.organisation(organisation) == nil {
                        throw Failure.refused("there is no organisation \(organisation)")
                    }
                    let project = Project(
                        id: try transaction.id(wanted, "a project", .projects),
                        name: name, shortDescription: shortDescription, status: status, percentMapped: percentMapped,
                        percentValidated: percentValidated, author: try author.map(transaction.userID),
                        organisation: organisation,
                        managers: try managers.map(transaction.userID).withoutRepeats(),
                        contributors: try contributors.map(transaction.userID).withoutRepeats())
                    try transaction.put(project)
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

extension Role: ExpressibleByArgument {}
extension OrganisationType: ExpressibleByArgument {}
extension ProjectStatus: ExpressibleByArgument {}
