public import HTTPTypes

/// Answers requests, on many threads at once.
public protocol Responder: Sendable {
    /// The meta-variables (RFC 3875, 4.1) that a web server may set for this application: ``Request/variables``. No client can
    /// set one whose name does not begin with HTTP_.
    var variables: [String] { get }

    /// What a request is for, by its method and its target: looked up once, with all that depends on it.
    func endpoint(for head: HTTPRequest) -> any Endpoint

    /// Answers a request that says little, without waiting for the disk.
    ///
    /// - Parameter variable: gives a meta-variable of the web server's, by its name.
    func readyAnswer(to request: PlainGet, _ variable: (String) -> String?) -> ReadyAnswer

    /// Answers where there is no request to speak of.
    func respond(to error: RequestError) -> Response
}

/// What a request is for.
public protocol Endpoint: Sendable {
    /// Bytes that the body of such a request may have; a longer one is not handed over.
    var bodyLimit: Int { get }

    func respond(to request: Request) -> Response

    /// Answers without waiting for the disk; nil: that cannot be, and ``respond(to:)`` has to. Such requests wait on threads
    /// of their own, so that the others are answered meanwhile.
    func respondAtOnce(to request: Request) -> Response?
}

/// A GET that says nothing but its target, If-None-Match, Accept-Encoding and whether it has an Authorization.
public struct PlainGet: Sendable {
    public let target: String
    public let ifNoneMatch: String?
    public let acceptEncoding: String?
    public let isAuthorized: Bool

    public init(
        _ target: String, ifNoneMatch: String? = nil, acceptEncoding: String? = nil, isAuthorized: Bool = false
    ) {
        self.target = target
        self.ifNoneMatch = ifNoneMatch
        self.acceptEncoding = acceptEncoding
        self.isAuthorized = isAuthorized
    }
}

/// What there is to say at once to a ``PlainGet``.
public enum ReadyAnswer: Sendable {
    /// The answer in parts, header first, ready to be sent.
    case parts([[UInt8]])
    /// The answer is the endpoint's.
    case notReady(any Endpoint, mayBeAtOnce: Bool)
}

extension Responder {
    public var variables: [String] { [] }

    public func readyAnswer(to request: PlainGet, _ variable: (String) -> String?) -> ReadyAnswer {
        .notReady(
            endpoint(for: HTTPRequest(method: .get, scheme: nil, authority: nil, path: request.target)),
            mayBeAtOnce: true)
    }
}
