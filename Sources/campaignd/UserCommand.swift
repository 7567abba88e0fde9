public import ArgumentParser
public import Campaigns
import Records

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
                let user = try write(data) { writer in
                    let users = try writer.allUsers()
                    guard !users.contains(where: { $0.isCalled(username) }) else {
                        throw Failure.refused("there is a user called \(username) already")
                    }
                    let user = User(
                        id: try writer.id(wanted, "a user", .users), username: username, role: role,
                        pictureUrl: pictureUrl, emailAddress: email, projectsNotifications: wantsMessages)
                    try writer.put(user)
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

extension Role: ExpressibleByArgument {}
