public import FastCGI

// One request at a time, without a server.
extension Responder {
    public func respond(to request: Request) -> Response { endpoint(for: request.head).respond(to: request) }
    public func respondAtOnce(to request: Request) -> Response? {
        endpoint(for: request.head).respondAtOnce(to: request)
    }

    /// What there is to say at once to a GET.
    public func readyAnswer(
        to target: String, ifNoneMatch: String? = nil, acceptEncoding: String? = nil, variables: [String: String] = [:],
        isAuthorized: Bool = false
    ) -> Ready {
        let get = PlainGet(
            target, ifNoneMatch: ifNoneMatch, acceptEncoding: acceptEncoding, isAuthorized: isAuthorized)
        return switch readyAnswer(to: get, { variables[$0] }) {
        case .parts(let parts): .parts(parts)
        case .notReady(_, let mayBeAtOnce): mayBeAtOnce ? .unknown : .waits
        }
    }
}

public enum Ready: Equatable {
    case parts([[UInt8]])
    case unknown
    case waits
}
