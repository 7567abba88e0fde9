/// Answers requests, on many threads at once.
public protocol Responder: Sendable {
    func respond(to request: Request) -> Response

    /// Answers where there is no request to speak of.
    func respond(to error: RequestError) -> Response

    /// Whether the answer may have to wait for the disk. Such requests wait on threads of their own, so that the others
    /// are answered meanwhile.
    func mayWait(_ request: Request) -> Bool
}
