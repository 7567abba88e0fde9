public import HTTPTypes

/// Answers requests, on many threads at once.
public protocol Responder: Sendable {
    func respond(to request: Request) -> Response

    /// Answers where there is no request to speak of.
    func respond(to error: RequestError) -> Response

    /// Bytes that the body of such a request may have; a longer one is not handed over.
    func bodyLimit(for head: HTTPRequest) -> Int

    /// An answer that is ready to be sent, header and all, to a GET that says nothing but its target, If-None-Match and
    /// perhaps who asks; nil: there is none, and ``respond(to:)-(Request)`` has to make it.
    ///
    /// - Parameters:
    ///   - largeAnswers: see ``Request/largeAnswers``.
    ///   - isAuthorized: whether the request has an Authorization header.
    func readyAnswer(to target: String, ifNoneMatch: String?, largeAnswers: String?, isAuthorized: Bool) -> [UInt8]?

    /// Whether the answer may have to wait for the disk. Such requests wait on threads of their own, so that the others
    /// are answered meanwhile.
    func mayWait(_ request: Request) -> Bool
}

extension Responder {
    public func readyAnswer(
        to target: String, ifNoneMatch: String?, largeAnswers: String?, isAuthorized: Bool
    ) -> [UInt8]? { nil }
}
