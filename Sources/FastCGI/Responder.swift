public import HTTPTypes

/// Answers requests, on many threads at once.
public protocol Responder: Sendable {
    func respond(to request: Request) -> Response

    /// Answers where there is no request to speak of.
    func respond(to error: RequestError) -> Response

    /// Bytes that the body of such a request may have; a longer one is not handed over.
    func bodyLimit(for head: HTTPRequest) -> Int

    /// Answers a GET that says nothing but its target, If-None-Match, Accept-Encoding and perhaps who asks, without waiting for
    /// the disk.
    ///
    /// - Parameters:
    ///   - takesFiles: whether the web server takes large answers as files, which have to be written first.
    ///   - isAuthorized: whether the request has an Authorization header.
    func readyAnswer(
        to target: String, ifNoneMatch: String?, acceptEncoding: String?, takesFiles: Bool, isAuthorized: Bool
    ) -> ReadyAnswer

    /// Answers without waiting for the disk; nil: that cannot be, and ``respond(to:)-(Request)`` has to. Such requests wait
    /// on threads of their own, so that the others are answered meanwhile.
    func respondAtOnce(to request: Request) -> Response?
}

/// What there is to say at once to a GET.
public enum ReadyAnswer: Sendable, Equatable {
    /// The answer in parts, header first, ready to be sent.
    case parts([[UInt8]])
    /// It takes the whole request to tell.
    case unknown
    /// The answer waits for the disk.
    case waits
}

extension Responder {
    public func readyAnswer(
        to target: String, ifNoneMatch: String?, acceptEncoding: String?, takesFiles: Bool, isAuthorized: Bool
    ) -> ReadyAnswer { .unknown }
}
