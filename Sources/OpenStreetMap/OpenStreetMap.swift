internal import FoundationEssentials
public import JSON
internal import Threads

/// The website of OpenStreetMap, as far as people sign in with it: OAuth 2's authorization code grant (RFC 6749, 4.1), and
/// the question who they are.
public struct OpenStreetMap: Sendable {
    /// The address of the website, without a slash at the end.
    private let server: String
    private let clientID: String
    private let clientSecret: String
    private let scope: String

    /// - Parameters:
    ///   - server: `https://www.openstreetmap.org`, say; without a slash at the end.
    ///   - clientID: of the application that is registered there, with its secret.
    ///   - scope: what an application may do for a user, words with a space between them.
    public init(server: String, clientID: String, clientSecret: String, scope: String) {
        self.server = server
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.scope = scope
    }

    /// OpenStreetMap's own website.
    public static let defaultServer = "https://www.openstreetmap.org"
    /// Enough to be told who somebody is.
    public static let defaultScope = "read_prefs"

    /// The page on which somebody lets this application know who they are (RFC 6749, 4.1.1).
    public func authorizationPage(redirectURI: String, state: String) -> String {
        "\(server)/oauth2/authorize?"
            + Self.form([
                ("response_type", "code"), ("client_id", clientID), ("redirect_uri", redirectURI), ("scope", scope),
                ("state", state),
            ])
    }

    /// What OpenStreetMap gives for a code, as it gave it.
    public struct Session: Sendable {
        public let accessToken: String
        public let tokenType: JSONValue
        public let scope: JSONValue
        public let createdAt: JSONValue
    }

    /// Exchanges a code for a token (RFC 6749, 4.1.3).
    ///
    /// - Parameter redirectURI: the one that the authorization page had.
    /// - Throws: ``SignInError`` `invalidGrant` or `noToken`.
    public func session(
        code: String, redirectURI: String, until deadline: ContinuousClock.Instant
    ) throws(SignInError) -> Session {
        let credentials = "\(Self.formEncoded(clientID)):\(Self.formEncoded(clientSecret))"
        let curl = Curl(
            url: "\(server)/oauth2/token",
            headers: [
                ("Accept", "application/json"),
                ("Authorization", "Basic \(Data(credentials.utf8).base64EncodedString())"),
            ],
            form: Self.form([
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirectURI),
                ("client_id", clientID),
            ]))
        let answer: Curl.Answer
        do throws(ProgramError) { answer = try curl.run(until: deadline) } catch { throw .noToken(Self.reason(error)) }
        var json: JSONObject?
        if case .object(let object)? = try? JSONValue(parsing: answer.body) { json = object }
        // RFC 6749, 5.2. Some say 401.
        if answer.status == 400 || answer.status == 401, json?["error"] == .string("invalid_grant") {
            throw .invalidGrant
        }
        guard answer.status == 200 else { throw .noToken("status \(answer.status)") }
        guard let json, case .string(let token)? = json["access_token"], Self.isToken(token) else {
            throw .noToken("no JSON with an access_token")
        }
        return Session(
            accessToken: token, tokenType: json["token_type"] ?? .null, scope: json["scope"] ?? .null,
            createdAt: json["created_at"] ?? .null)
    }

    /// Somebody who has an account.
    public struct Account: Sendable {
        public let id: Int
        public let name: String
        /// The address of a picture.
        public let picture: String?
    }

    /// Asks whose token it is.
    ///
    /// - Throws: ``SignInError`` `noDetails` or `noAccount`.
    public func account(
        of session: Session, until deadline: ContinuousClock.Instant
    ) throws(SignInError) -> Account {
        let curl = Curl(
            url: "\(server)/api/0.6/user/details.json",
            headers: [("Accept", "application/json"), ("Authorization", "Bearer \(session.accessToken)")])
        let answer: Curl.Answer
        do throws(ProgramError) { answer = try curl.run(until: deadline) } catch {
            throw .noDetails(Self.reason(error))
        }
        guard answer.status == 200 else { throw .noDetails("status \(answer.status)") }
        guard let json = try? JSONValue(parsing: answer.body) else { throw .noDetails("no JSON") }
        // No record may have a NUL.
        guard case .object(let details) = json, !json.hasNUL, case .object(let user)? = details["user"],
            let id = user["id"]?.wholeNumber, id >= 1, case .string(let name)? = user["display_name"], !name.isEmpty
        else { throw .noAccount }
        var picture: String?
        if case .object(let image)? = user["img"], case .string(let address)? = image["href"] { picture = address }
        return Account(id: id, name: name, picture: picture)
    }

    // MARK: -

    private static func reason(_ error: ProgramError) -> String {
        if case .notStarted = error { "the program curl cannot be started: \(error)" } else { "curl: \(error)" }
    }

    /// Whether it can stand in a header field.
    private static func isToken(_ text: String) -> Bool {
        (1...4096).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func form(_ pairs: [(name: String, value: String)]) -> String {
        pairs.map { "\($0.name)=\(formEncoded($0.value))" }.joined(separator: "&")
    }

    /// With everything percent-encoded but what no encoding changes (RFC 3986, 2.3).
    private static func formEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch UnicodeScalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": encoded.unicodeScalars.append(UnicodeScalar(byte))
            default: encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}

/// Why somebody cannot be signed in.
public enum SignInError: Error, Equatable {
    /// The code is wrong, was used, or is too old.
    case invalidGrant
    /// There is no token for the code; why.
    case noToken(String)
    /// There is no answer to whose token it is; why.
    case noDetails(String)
    /// The answer to whose token it is names nobody.
    case noAccount
}
