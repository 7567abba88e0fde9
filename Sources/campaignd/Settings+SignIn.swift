import CampaignAPI
import OpenStreetMap

/// The settings of signing in with OpenStreetMap.
extension Settings {
    private static let clientID = Setting(
        "TM_CLIENT_ID",
        "The id of the OAuth 2 application at OpenStreetMap with which people sign in. Default: none, and nobody can. "
            + "The program curl is needed for it.",
        "the id of an application at OpenStreetMap"
    ) { $0 }
    private static let clientSecret = Setting(
        "TM_CLIENT_SECRET", "The secret of that application.", "the secret of that application"
    ) { $0 }
    private static let clientSecretFile = Setting(
        "TM_CLIENT_SECRET_FILE", "A file with that secret, which others must not be able to read.",
        "the path of a file"
    ) { $0 }
    private static let redirectURI = Setting(
        "TM_REDIRECT_URI", "Where OpenStreetMap sends people back to. Default: PUBLIC_URL and a slash.",
        "an http or https address without a fragment"
    ) { text in
        SignIn.redirectURI(text) == nil ? nil : text
    }
    private static let openStreetMap = Setting(
        "OSM_SERVER_URL", "The address of OpenStreetMap. Default: \(OpenStreetMap.defaultServer).",
        "an https address, or an http address of this machine"
    ) { text in
        WebAddress(text).flatMap { $0.text.hasPrefix("https:") || $0.isLoopback ? $0 : nil }
    }
    private static let scope = Setting(
        "TM_SCOPE", "What the application may do for people. Default: \(OpenStreetMap.defaultScope), which is enough.",
        "words such as read_prefs, with a space between them"
    ) { text in
        text.split(separator: " ", omittingEmptySubsequences: false).allSatisfy(isScope) ? text : nil
    }

    static var ofSignIn: [(name: String, help: String)] {
        [
            (clientID.name, clientID.help), (clientSecret.name, clientSecret.help),
            (clientSecretFile.name, clientSecretFile.help), (redirectURI.name, redirectURI.help),
            (openStreetMap.name, openStreetMap.help), (scope.name, scope.help),
        ]
    }

    /// How people sign in; nil: they do not, for there is neither a client id nor its secret.
    ///
    /// - Parameter publicURL: this service's own address.
    static func signIn(publicURL: String?) throws(Failure) -> SignIn? {
        let (id, file) = (try clientID.read(), try clientSecretFile.read())
        let (server, scope) = (try openStreetMap.read(), try scope.read())
        let redirectURI = try redirectURI.read() ?? publicURL.map { "\($0)/" }
        var secret = try clientSecret.read()
        if let file {
            let bytes = try self.secret(in: file)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw .configuration("the secret file \(file) is not UTF-8")
            }
            secret = text
        }
        switch (id, secret) {
        case (nil, nil): return nil
        case (_?, nil):
            throw .configuration(
                "TM_CLIENT_ID is set, and its secret is not: set TM_CLIENT_SECRET or TM_CLIENT_SECRET_FILE")
        case (nil, _?): throw .configuration("the secret of a client is set, and TM_CLIENT_ID is not")
        case (let id?, let secret?):
            return SignIn(
                openStreetMap: OpenStreetMap(
                    server: server?.text ?? OpenStreetMap.defaultServer, clientID: id, clientSecret: secret,
                    scope: scope ?? OpenStreetMap.defaultScope),
                redirectURI: redirectURI)
        }
    }

    /// RFC 6749, 3.3.
    private static func isScope(_ word: Substring) -> Bool {
        !word.isEmpty && word.utf8.allSatisfy { (0x21...0x7E).contains($0) && !#""\"#.utf8.contains($0) }
    }
}
