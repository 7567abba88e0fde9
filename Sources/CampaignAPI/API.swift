internal import Campaigns
public import FastCGI
internal import Glibc
public import HTTPTypes
internal import JSON
public import Logging
internal import Messages
public import Records
internal import Threads

/// The campaign API: finds the route of a request, sees that its user may pass, and has it answered.
public struct API: Responder {
    /// What stands before every path.
    static let base = "/api/v2"
    /// Bytes that a body may have, where its route says nothing else.
    static let bodyLimit = 1 << 20

    let store: any RecordStore
    let configuration: Configuration
    let logger: Logger
    let html: MessageHTMLCache
    let tokens: SessionTokens
    let now: @Sendable () -> Int
    /// Those who are signing in wait for another server, on threads that others need too.
    let signingIn = Turns(4)
    let answers = AnswerCache()
    let coded = CodedAnswers()
    let events: EventLog
    let metrics = Metrics(routes)

    let users = Kept<UserIndex>(.users)
    let organisations = Kept<OrganisationIndex>(.organisations)
    let projects = Kept<ProjectIndex>(.projects)
    let detailedCampaigns = DetailedCampaigns()

    /// - Parameter now: the time in seconds since 1970 in UTC.
    public init(
        _ store: any RecordStore, _ configuration: Configuration, logger: Logger,
        now: (@Sendable () -> Int)? = nil
    ) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        self.now = now ?? Self.currentTime
        tokens = SessionTokens(secret: configuration.secret)
        events = EventLog(logger)
        html = MessageHTMLCache(
            MessageHTML(appBaseURL: configuration.appBaseURL, publicURL: configuration.publicURL))
    }

    /// Seconds since 1970 in UTC. Not time(3): its clock lags behind by a few milliseconds, which makes a token that was
    /// signed at the beginning of this second one from the future.
    private static let currentTime: @Sendable () -> Int = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec
    }

    /// The answer of a process that lacks what it needs to answer.
    public static let notConfigured: Response = {
        let answer = Answer(Problem.unavailable("The service is not configured"))
        return whole(answer, answer.headerFields)
    }()

    /// Says in the log how many tokens were not good, about once a minute.
    ///
    /// - Parameter isEnd: whether nobody will ask again.
    public func reportRefusedTokens(isEnd: Bool = false) { events.report(isEnd: isEnd) }

    /// Makes the answers shorter that are asked for often; takes its time.
    public func improveKeptAnswers() { coded.improve() }

    public let variables = [Request.largeAnswersVariable, Request.unauthorizedLocationVariable]

    public func endpoint(for head: HTTPRequest) -> any Endpoint { find(head) }

    /// Where a request leads to.
    func find(_ head: HTTPRequest) -> APIEndpoint {
        let target = head.path ?? "/"
        let path = target[..<(target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex)]
        let base = Self.base.utf8
        var destination: Destination?
        if path.utf8.starts(with: base) {
            destination = Destination(
                path[path.utf8.index(path.startIndex, offsetBy: base.count)...], in: Self.routes)
        }
        if destination?.isSignIn == true, configuration.signIn == nil { destination = nil }
        return APIEndpoint(api: self, destination: destination, route: destination?.route(for: head.method))
    }

    public func respond(to error: RequestError) -> Response {
        let problem =
            switch error {
            case .badVariable(let name): Problem.invalid("Invalid CGI variable \(name)")
            case .bodyTooLarge(let limit): Problem.payloadTooLarge(limit: limit)
            case .bodyCutOff: Problem.invalid("The body has broken off before its end")
            case .overloaded: Problem.unavailable("The service is busy")
            }
        let response = response(to: nil, Answer(problem))
        metrics.count(nil, response.status.code, since: Uptime.now())
        return response
    }

    func options(_ request: Request, allow: String) -> Answer {
        var answer = Answer(.noContent, .null, headerFields: [.allow: allow])
        answer.body = []
        let fields = request.head.headerFields
        if fields[.accessControlRequestMethod] != nil, isAllowed(fields[.origin]) {
            answer.headerFields[.accessControlAllowMethods] = allow
            answer.headerFields[.accessControlAllowHeaders] =
                "Authorization, Content-Type, Accept-Language, If-Match, If-None-Match"
            answer.headerFields[.accessControlMaxAge] = "600"
        }
        return answer
    }

    /// The user whose token the request carries.
    ///
    /// - Throws: ``Problem`` 401.
    func authenticatedUser(_ request: Request) throws(Problem) -> Int {
        guard let header = request.head.headerFields[.authorization] else { throw .invalidToken }
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].isScheme("token"),
            let user = tokens.user(of: String(parts[1].drop { $0 == " " }), now: now())
        else { throw .invalidToken }
        return user
    }

    /// Answers without waiting for the disk; nil when that cannot be.
    func atOnce(_ body: () throws -> Answer) -> Answer? {
        do {
            return try passing(body)
        } catch {
            return nil
        }
    }

    /// Turns whatever goes wrong into an answer, but that it would have to wait.
    func passing(_ body: () throws -> Answer) throws(WouldWait) -> Answer {
        do {
            return try body()
        } catch let error as WouldWait {
            throw error
        } catch {
            return attempt { throw error }
        }
    }

    /// Turns whatever goes wrong into an answer.
    func attempt(_ body: () throws -> Answer) -> Answer {
        do {
            return try body()
        } catch let problem as Problem {
            return Answer(problem)
        } catch let error as StoreUnavailable {
            logger.error("the records are unavailable", metadata: ["reason": "\(error.detail)"])
            return Answer(.unavailable(error.description))
        } catch {
            logger.critical("an error has no answer of its own", metadata: ["error": "\(error)"])
            return Answer(.internalServerError)
        }
    }
}

extension Substring {
    /// Whether this is an authentication scheme in any letter case. ASCII's alone: lowercased() makes a k of the KELVIN SIGN.
    ///
    /// - Parameter scheme: small letters.
    fileprivate func isScheme(_ scheme: String) -> Bool {
        utf8.elementsEqual(scheme.utf8) { $0 | 0x20 == $1 }
    }
}
