import ArgumentParser

struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "List the settings that are in the environment.",
        discussion: "The options of 'campaignd serve' are in its --help.")

    /// As the manual page has them (mdoc(7)); for nginx/manual.
    @Flag(help: .hidden)
    var mdoc = false

    func run() {
        guard mdoc else { return print(Settings.list) }
        for (name, help) in Settings.all {
            print(".It Ev \(name)")
            for sentence in help.split(separator: ". ") {
                print("\(sentence)\(sentence.hasSuffix(".") ? "" : ".")")
            }
        }
    }
}

extension Settings {
    /// All of them, one a line, with what each is for.
    static var list: String { all.map { "\($0.name): \($0.help)" }.joined(separator: "\n") }
}
