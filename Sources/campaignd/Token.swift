import ArgumentParser
import CampaignAPI
import Campaigns
import FolderStore
import Glibc

struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Mint a session token for a user.",
        discussion: """
            Prints what goes behind 'Authorization: Token'. The secret comes from TM_SECRET or a file, and has to be \
            the one that the service has.
            """)

    @Argument(
        help: ArgumentHelp(
            "The user's id, or a name that is in the data folder. Where it could be both: id:5 or name:5.",
            valueName: "user"))
    var user: String

    @OptionGroup var data: DataOption

    @Option(help: ArgumentHelp("How long it is good, such as 90s, 30m, 12h or 7d; 7d at most.", valueName: "time"))
    var validFor = "7d"

    @Option(help: ArgumentHelp("A file with the secret, instead of TM_SECRET.", valueName: "path"))
    var secretFile: String?

    func validate() throws {
        guard Duration.seconds(of: validFor, atMost: SessionTokens.lifetime) != nil else {
            throw ValidationError("--valid-for is a time from 1s to 7d, such as 30m, not '\(validFor)'.")
        }
    }

    func run() throws {
        try reporting {
            // First: the file may be for root alone, and the data folder is read as its owner.
            let tokens = SessionTokens(secret: try Settings.secret(file: secretFile))
            // How long a token is good is not in it: it counts from when it was signed.
            let lifetime = SessionTokens.lifetime
            let elapsed = lifetime - (Duration.seconds(of: validFor, atMost: lifetime) ?? lifetime)
            print(tokens.token(user: try userID(), time: time(nil) - elapsed))
        }
    }

    private func userID() throws -> Int {
        let reference = try UserReference(user)
        if let id = reference.exactID { return id }
        // An id is one anywhere; that it is nobody's name can be told only where there are names.
        if let id = reference.possibleID, try data.path == nil && Settings.dataFolder.read() == nil { return id }
        return try reference.id(among: Settings.folder(data.path).users(), needsRecord: false)
    }
}
