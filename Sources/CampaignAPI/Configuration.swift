public import OpenStreetMap

/// What the service is told from outside.
public struct Configuration: Sendable {
    /// Signs the session tokens (`TM_SECRET`); any bytes.
    public var secret: [UInt8]
    /// Origins that a browser may call from, as the Origin header has them; `*` stands for every one.
    public var allowedOrigins: Set<String>
    /// Where the Tasking Manager's web client is, without a slash at the end.
    public var appBaseURL: String
    /// This service's own address, without a slash at the end (`PUBLIC_URL`); nil where it is not known.
    public var publicURL: String?
    /// How people sign in with OpenStreetMap; nil: they do not.
    public var signIn: SignIn?
    /// Hands large answers to the web server, where it can take them.
    public var largeAnswers: LargeAnswers?
    /// Whether answers that are the same for all are kept in content codings, too.
    public var encodes = true
    /// Called when a message has been stored and is to be delivered.
    public var messageSent: @Sendable () -> Void

    /// HOT's own instance.
    public static let defaultAppBaseURL = "https://tasks.hotosm.org"

    public init(
        secret: [UInt8], allowedOrigins: Set<String> = [], appBaseURL: String = defaultAppBaseURL,
        publicURL: String? = nil, messageSent: @escaping @Sendable () -> Void = {}
    ) {
        self.secret = secret
        self.allowedOrigins = allowedOrigins
        self.appBaseURL = appBaseURL
        self.publicURL = publicURL
        self.messageSent = messageSent
    }
}

/// How people sign in with OpenStreetMap.
public struct SignIn: Sendable {
    public var openStreetMap: OpenStreetMap
    /// Where OpenStreetMap sends them back to when nobody says so; nil: that has to be said.
    public var redirectURI: String?
    /// How long each of them waits for OpenStreetMap, in all.
    public var patience: Duration

    public init(openStreetMap: OpenStreetMap, redirectURI: String?, patience: Duration = .milliseconds(9500)) {
        self.openStreetMap = openStreetMap
        self.redirectURI = redirectURI
        self.patience = patience
    }
}

/// The version of this program.
public let version = "0.1.0"
