public import HTTPTypes
public import Threads

/// A request as a handler sees it.
public struct Request: Sendable {
    /// Method, target (path and query, as the client sent them) and header fields.
    public var head: HTTPRequest
    public var body: [UInt8]
    /// What the web server says besides, of ``Responder/variables``.
    public var variables: [String: String]
    public var id: RequestID
    /// Whether the web server says for whom it asks (REMOTE_ADDR), so that it is not somebody on this machine.
    public var isForwarded: Bool
    /// When it came, in nanoseconds as ``Uptime`` has them.
    public let received: Int

    public init(
        _ head: HTTPRequest, body: [UInt8] = [], variables: [String: String] = [:], id: RequestID = RequestID(),
        isForwarded: Bool = false, received: Int = Uptime.now()
    ) {
        self.head = head
        self.body = body
        self.variables = variables
        self.id = id
        self.isForwarded = isForwarded
        self.received = received
    }
}

/// Why a request cannot be handed to a handler.
public enum RequestError: Error, Equatable {
    /// A meta-variable (RFC 3875, 4.1) is missing or makes no sense; its name.
    case badVariable(String)
    /// The body is longer than this many bytes.
    case bodyTooLarge(limit: Int)
    /// The body ended before CONTENT_LENGTH bytes had come, or, where no length was announced, before its end.
    case bodyCutOff
    /// More requests wait for the disk than will be served in reasonable time.
    case overloaded
}
