internal import Campaigns
internal import FastCGI
internal import HTTPTypes
internal import JSON
internal import Logging
internal import OpenStreetMap
internal import Records

extension API {
    @Sendable static func login(_ call: Call) throws -> Answer {
        let signIn = try call.signIn
        let redirectURI = try call.redirectURI(signIn)
        let state = SignIn.newState()
        return Answer([
            "auth_url": .string(signIn.openStreetMap.authorizationPage(redirectURI: redirectURI, state: state)),
            "state": .string(state),
        ])
    }

    @Sendable static func callback(_ call: Call) throws -> Answer {
        let signIn = try call.signIn
        guard let code = try call.query.text("code") else { throw Problem.invalid("Missing code parameter") }
        let redirectURI = try call.redirectURI(signIn)
        let api = call.api
        let (session, account) = try api.signingIn.take(otherwise: .unavailable("Too many are signing in at once")) {
            do throws(SignInError) {
                let deadline = ContinuousClock.now + signIn.patience
                let session = try signIn.openStreetMap.session(code: code, redirectURI: redirectURI, until: deadline)
                return (session, try signIn.openStreetMap.account(of: session, until: deadline))
            } catch {
                throw api.problem(error, call.request)
            }
        }
        call.signedIn(account.id, isNew: try call.store.keep(account))
        return Answer([
            "username": .string(account.name),
            "session_token": .string(api.tokens.innerText(user: account.id, time: api.now())),
            "picture": JSONValue(account.picture),
            "session": [
                "access_token": .string(session.accessToken), "token_type": session.tokenType, "scope": session.scope,
                "created_at": session.createdAt,
            ],
        ])
    }

    /// Tells the log why, without what OpenStreetMap has said.
    private func problem(_ error: SignInError, _ request: Request) -> Problem {
        let (problem, reason): (Problem, String) =
            switch error {
            case .invalidGrant:
                (
                    Problem(
                        .badRequest, "InvalidGrantError",
                        "The provided authorization grant is invalid, expired or revoked"), "the code is not good"
                )
            case .noToken(let reason):
                (Problem(.badGateway, "TokenFetchError", "Couldn't fetch token from OSM."), "no token: \(reason)")
            case .noDetails(let reason):
                (
                    Problem(.badGateway, "OSMServiceError", "Couldn't fetch user details from OSM."),
                    "no details of the user: \(reason)"
                )
            case .noAccount:
                (Problem(.badGateway, "AuthError", "Unable to authenticate"), "the details name nobody")
            }
        logger.warning(
            "somebody could not sign in", metadata: ["reason": "\(reason)", "request": "\(request.id.text)"])
        return problem
    }
}

extension Call {
    /// - Throws: ``Problem`` 404 where it is not set up; then nobody comes here.
    fileprivate var signIn: SignIn {
        get throws(Problem) {
            guard let signIn = api.configuration.signIn else { throw .notFound }
            return signIn
        }
    }

    /// Where OpenStreetMap sends the user back to.
    ///
    /// - Throws: ``Problem`` 400 when it is none of those that are allowed: whoever gets the code there can sign in with it.
    fileprivate func redirectURI(_ signIn: SignIn) throws(Problem) -> String {
        guard let text = try query.text("redirect_uri") ?? signIn.redirectURI else {
            throw .invalid("redirect_uri is required")
        }
        guard text == signIn.redirectURI || isOurs(text) else {
            throw .invalid("redirect_uri must be at or below this service's own address, or that of an allowed origin")
        }
        return text
    }

    private func isOurs(_ text: String) -> Bool {
        guard let address = SignIn.redirectURI(text) else { return false }
        let configuration = api.configuration
        return (configuration.allowedOrigins + [configuration.publicURL ?? ""])
            .contains { WebAddress($0).map(address.isAtOrBelow) ?? false }
    }
}

extension SignIn {
    /// From the system's random source, which is what this generator asks.
    fileprivate static func newState() -> String {
        var source = SystemRandomNumberGenerator()
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<48).compactMap { _ in letters.randomElement(using: &source) })
    }

    /// The address that a redirect_uri has before its query, or nil when it is not one that OAuth takes (RFC 6749, 3.1.2:
    /// absolute, without a fragment).
    public static func redirectURI(_ text: String) -> WebAddress? {
        let address = text.prefix { $0 != "?" }
        let query = text.dropFirst(address.count)
        guard query.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"\"#<>\\^`{|}".utf8.contains($0) }) else {
            return nil
        }
        return WebAddress(String(address))
    }
}

extension RecordStore {
    /// Writes down who has signed in. Whoever has a record keeps role and rights, and gets the name and the picture of today.
    ///
    /// - Returns: whether they are new here.
    /// - Throws: ``StoreUnavailable``, also when there is a record that is broken.
    fileprivate func keep(_ account: OpenStreetMap.Account) throws -> Bool {
        // Most times nothing has changed, and nobody has to wait for a lock.
        if let user = try read({ try $0.user(account.id) }), user.isUpToDate(with: account) { return false }
        return try write { writer in
            let known = try writer.userForUpdate(account.id)
            var user = known ?? User(id: account.id, username: nil)
            if user.isUpToDate(with: account) { return false }
            user.username = account.name
            user.pictureUrl = account.picture
            try writer.put(user)
            return known == nil
        }
    }
}

extension User {
    fileprivate func isUpToDate(with account: OpenStreetMap.Account) -> Bool {
        username == account.name && pictureUrl == account.picture
    }
}
