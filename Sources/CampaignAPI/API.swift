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
    private let answers = AnswerCache()
    private let coded = CodedAnswers()
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

    public func respond(to request: Request) -> Response {
        let answer = attempt { try route(request, waits: true) }
        return counted(
            request, codedResponse(to: request, answer, mayTakeLong: true) ?? response(to: request, answer))
    }

    /// Says in the log how many tokens were not good, about once a minute.
    ///
    /// - Parameter isEnd: whether nobody will ask again.
    public func reportRefusedTokens(isEnd: Bool = false) { events.report(isEnd: isEnd) }

    private func counted(_ request: Request, _ response: Response) -> Response {
        let route = destination(of: request)?.route(for: request.head.method)
        metrics.count(route?.number, response.status.code, since: request.received)
        return response
    }

    /// Makes the answers shorter that are asked for often; takes its time.
    public func improveKeptAnswers() { coded.improve() }

    public func bodyLimit(for head: HTTPRequest) -> Int {
        destination(of: Request(head))?.route(for: head.method)?.bodyLimit ?? Self.bodyLimit
    }

    /// What needs no token is nearly always in memory, and so is the answer where there is no route. All others may wait for
    /// the folder's lock, reads too: a notification that is opened is marked as read, and a list of them is rendered. What is
    /// made for who asks, or for a query of which there are too many to be kept, costs more than what is made for all.
    public func respondAtOnce(to request: Request) -> Response? {
        if let route = destination(of: request)?.route(for: request.head.method) {
            if route.right.needsToken || route.right.readsToken && request.isAuthorized { return nil }
            if route.keptQuery(Query(request)) == nil { return nil }
        }
        guard let answer = atOnce({ try route(request, waits: false) }) else { return nil }
        if let response = codedResponse(to: request, answer, mayTakeLong: false) {
            return counted(request, response)
        }
        // It has to be encoded, or its file has to be written, or looked at.
        if takesLong(request, answer) || request.largeAnswers != nil && isFile(answer) { return nil }
        return counted(request, response(to: request, answer))
    }

    public func readyAnswer(
        to target: String, ifNoneMatch: String?, acceptEncoding: String? = nil, takesFiles: Bool = false,
        isAuthorized: Bool = false
    ) -> ReadyAnswer {
        let received = Uptime.now()
        let condition = Condition(ifNoneMatch: ifNoneMatch, acceptEncoding: acceptEncoding, takesFiles: takesFiles)
        let generation = store.generation()
        if let ready = answers.answer(to: target, generation: generation), !(ready.isForStrangers && isAuthorized) {
            return counted(ready, give(ready, target, condition), received)
        }
        let request = Request(HTTPRequest(method: .get, scheme: nil, authority: nil, path: target))
        // Others depend on who asks.
        guard let destination = destination(of: request), let route = destination.route(for: .get),
            !route.right.needsToken, !route.isSignIn, !(route.right.readsToken && isAuthorized)
        else { return .unknown }
        // One for all spellings of a path and all that the route does not look at in a query: what is asked for in ever
        // new ways is not made ever anew, nor does it drive out the rest.
        guard let path = Self.keptPath(request, destination, route) else { return .waits }
        if path != target, let ready = answers.answer(to: path, generation: generation) {
            return counted(ready, give(ready, path, condition), received)
        }
        guard let answer = atOnce({ try self.route(request, waits: false) }) else { return .waits }
        // Others depend on more than the records.
        guard answer.status == .ok, let digest = answer.digest else {
            let whole = response(to: request, answer)
            metrics.count(route.number, whole.status.code, since: received)
            return .parts([whole.head, whole.body])
        }
        let ready = ready(request, answer, digest, route)
        answers.keep(ready, to: path, generation: generation)
        return counted(ready, give(ready, path, condition), received)
    }

    private func counted(_ ready: AnswerCache.Ready, _ answer: ReadyAnswer, _ received: Int) -> ReadyAnswer {
        if case .parts(let parts) = answer {
            metrics.count(ready.route, parts.count == 1 ? 304 : 200, since: received)
        }
        return answer
    }

    /// What a request says besides what it asks for.
    private struct Condition {
        let ifNoneMatch: String?
        let acceptEncoding: String?
        let takesFiles: Bool
    }

    private func give(_ ready: AnswerCache.Ready, _ path: String, _ condition: Condition) -> ReadyAnswer {
        guard let field = condition.acceptEncoding, ready.body.count >= ContentCoding.least else {
            return ready.answer(condition.ifNoneMatch, takesFiles: condition.takesFiles)
        }
        let isMatch = condition.ifNoneMatch.map(ready.tag.isIn) ?? false
        let found = coded.answer(
            to: path, digest: ready.digest, AcceptEncoding(field),
            mayMake: !isMatch && ready.body.count <= CodedAnswers.quick
        ) { coding, effort in Self.encode(ready.body, ready.fields, ready.digest, coding, effort) }
        guard let found else { return ready.answer(condition.ifNoneMatch, takesFiles: condition.takesFiles) }
        if isMatch {
            return .parts([found.coded?.notModified ?? Self.notModified(ready.fields, ready.digest, found.coding)])
        }
        guard let coded = found.coded else { return .waits }
        return .parts([coded.head, coded.body])
    }

    /// The path of an answer that may be kept, in one spelling; nil when it may not.
    private static func keptPath(_ request: Request, _ destination: Destination, _ route: Route) -> String? {
        route.keptQuery(Query(request)).map { base + destination.path(of: route) + $0 }
    }

    // MARK: Content codings

    /// Whether an answer is the same for all, comes in a coding to who takes it, and has a length that pays.
    private func isCoded(_ request: Request, _ answer: Answer) -> Bool {
        request.head.method == .get && answer.status == .ok && answer.digest != nil
            && answer.body.count >= ContentCoding.least && request.head.headerFields[.acceptEncoding] != nil
    }

    private func takesLong(_ request: Request, _ answer: Answer) -> Bool {
        isCoded(request, answer) && answer.body.count > CodedAnswers.quick
    }

    /// The answer in a coding that the request takes; nil where it is to be sent as it is, or would have to be made and that
    /// takes long.
    ///
    /// A process that answers one request leaves that to the web server.
    private func codedResponse(to request: Request, _ answer: Answer, mayTakeLong: Bool) -> Response? {
        guard configuration.encodes, isCoded(request, answer), let digest = answer.digest,
            let field = request.head.headerFields[.acceptEncoding], let destination = destination(of: request),
            let route = destination.route(for: .get), !route.right.needsToken,
            !(route.right.readsToken && request.isAuthorized),
            let path = Self.keptPath(request, destination, route)
        else { return nil }
        let whole = response(to: request, answer, isWhole: true)
        if whole.status == .notModified {
            guard let coding = AcceptEncoding(field).best(of: [.gzip]) else { return whole }
            return Response(.notModified, headerFields: Self.fields(whole.headerFields, digest, coding, count: nil))
        }
        let found = coded.answer(
            to: path, digest: digest, AcceptEncoding(field),
            mayMake: mayTakeLong || answer.body.count <= CodedAnswers.quick
        ) { coding, effort in
            // What is kept is for those who say nothing about where they come from.
            var plain = request
            plain.head.headerFields[.origin] = nil
            let fields = response(to: plain, answer, isWhole: true).headerFields
            return Self.encode(answer.body, fields, digest, coding, effort)
        }
        guard let coded = found?.coded else { return nil }
        return Response(
            .ok, headerFields: Self.fields(whole.headerFields, digest, coded.coding, count: coded.body.count),
            body: coded.body)
    }

    private static func encode(
        _ body: [UInt8], _ fields: HTTPFields, _ digest: String, _ coding: ContentCoding, _ effort: ContentCoding.Effort
    ) -> CodedAnswers.Coded? {
        guard let encoded = coding.encode(body, effort) else { return nil }
        let head = Response(.ok, headerFields: Self.fields(fields, digest, coding, count: encoded.count)).head
        return CodedAnswers.Coded(
            coding: coding, body: encoded, head: head, notModified: notModified(fields, digest, coding))
    }

    private static func notModified(_ fields: HTTPFields, _ digest: String, _ coding: ContentCoding) -> [UInt8] {
        Response(.notModified, headerFields: Self.fields(fields, digest, coding, count: nil)).head
    }

    /// The header fields of an answer as it is, for a coding of it.
    private static func fields(
        _ fields: HTTPFields, _ digest: String, _ coding: ContentCoding, count: Int?
    ) -> HTTPFields {
        var fields = fields
        fields[.eTag] = EntityTag(digest, coding).description
        fields[.contentEncoding] = count == nil ? nil : coding.rawValue
        fields[.contentLength] = count.map(String.init)
        if count == nil { fields[.contentType] = nil }
        return fields
    }

    /// Whether an answer is large enough to be handed to the web server as a file.
    private func isFile(_ answer: Answer) -> Bool {
        answer.digest != nil && configuration.largeAnswers?.takes(answer.body) == true
    }

    private func ready(
        _ request: Request, _ answer: Answer, _ digest: String, _ route: Route
    ) -> AnswerCache.Ready {
        let whole = response(to: request, answer)
        let tag = EntityTag(digest)
        var request = request
        request.head.headerFields[.ifNoneMatch] = tag.description
        return AnswerCache.Ready(
            route: route.number, digest: digest, fields: whole.headerFields, head: whole.head, body: whole.body,
            notModified: response(to: request, answer).head, isForStrangers: route.right.readsToken,
            isFile: isFile(answer))
    }

    public func respond(to error: RequestError) -> Response {
        let problem =
            switch error {
            case .badVariable(let name): Problem.invalid("The web server's \(name) makes no sense")
            case .bodyTooLarge(let limit): Problem.payloadTooLarge(limit: limit)
            case .bodyCutOff: Problem.invalid("The body has broken off before its end")
            case .overloaded: Problem.unavailable("The service is busy")
            }
        let response = response(to: nil, Answer(problem))
        metrics.count(nil, response.status.code, since: Uptime.now())
        return response
    }

    /// - Parameter waits: whether it may wait for the disk.
    private func route(_ request: Request, waits: Bool) throws -> Answer {
        guard let destination = destination(of: request) else { throw Problem.notFound }
        guard destination.isSignIn else { return try route(request, to: destination, waits: waits) }
        // Its answers are for one person, once.
        var answer = try passing { try route(request, to: destination, waits: waits) }
        answer.headerFields[.cacheControl] = "no-store"
        return answer
    }

    private func route(_ request: Request, to destination: Destination, waits: Bool) throws -> Answer {
        let method = request.head.method
        if method == .options { return options(request, allow: destination.allow) }
        guard let route = destination.route(for: method) else {
            throw Problem.methodNotAllowed(allow: destination.allow)
        }
        var userID: Int?
        if route.right.needsToken || route.right.readsToken {
            do throws(Problem) {
                userID = try authenticatedUser(request)
            } catch {
                if request.isAuthorized { events.tokenRefused() }
                if route.right.needsToken { throw error }
            }
        }
        let call = Call(
            api: self, request: request, ids: destination.ids, text: destination.text, userID: userID, waits: waits)
        var answer = try passing {
            if let userID, route.right.needsRecords {
                try store.read(waits: waits) { try route.right.check(userID, destination.ids, $0) }
            }
            return try route.handler(call)
        }
        if answer.status == .forbidden, let userID { events.refused(userID, route, request) }
        if route.right.readsToken {
            answer.headerFields[.vary] = "Authorization"
            if request.isAuthorized { answer.headerFields[.cacheControl] = "private, no-cache" }
        }
        return answer
    }

    /// Where a request's path leads to, or nil when there is no such path.
    private func destination(of request: Request) -> Destination? {
        let target = request.head.path ?? "/"
        let path = target[..<(target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex)]
        let base = Self.base.utf8
        guard path.utf8.starts(with: base),
            let destination = Destination(
                path[path.utf8.index(path.startIndex, offsetBy: base.count)...], in: Self.routes)
        else { return nil }
        return destination.isSignIn && configuration.signIn == nil ? nil : destination
    }

    private func options(_ request: Request, allow: String) -> Answer {
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
    private func authenticatedUser(_ request: Request) throws(Problem) -> Int {
        guard let header = request.head.headerFields[.authorization] else { throw .invalidToken }
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].isScheme("token"),
            let user = tokens.user(of: String(parts[1].drop { $0 == " " }), now: now())
        else { throw .invalidToken }
        return user
    }

    /// Answers without waiting for the disk; nil when that cannot be.
    private func atOnce(_ body: () throws -> Answer) -> Answer? {
        do {
            return try passing(body)
        } catch {
            return nil
        }
    }

    /// Turns whatever goes wrong into an answer, but that it would have to wait.
    private func passing(_ body: () throws -> Answer) throws(WouldWait) -> Answer {
        do {
            return try body()
        } catch let error as WouldWait {
            throw error
        } catch {
            return attempt { throw error }
        }
    }

    /// Turns whatever goes wrong into an answer.
    private func attempt(_ body: () throws -> Answer) -> Answer {
        do {
            return try body()
        } catch let problem as Problem {
            return Answer(problem)
        } catch let error as StoreUnavailable {
            logger.error("the data folder is unavailable", metadata: ["reason": "\(error.detail)"])
            return Answer(.unavailable(error.description))
        } catch {
            logger.critical("an error has no answer of its own", metadata: ["error": "\(error)"])
            return Answer(.internalServerError)
        }
    }

    // MARK: From an answer to a response

    /// - Parameter isWhole: whether it is to hold the body, though it could be handed over as a file.
    private func response(to request: Request?, _ answer: Answer, isWhole: Bool = false) -> Response {
        var fields = answer.headerFields
        if !configuration.allowedOrigins.isEmpty {
            fields[.vary] = fields[.vary].map { "\($0), Origin" } ?? "Origin"
            if let origin = request?.head.headerFields[.origin], isAllowed(origin) {
                fields[.accessControlAllowOrigin] = origin
                fields[.accessControlExposeHeaders] = "ETag, Location, Retry-After"
            }
        }
        let isRead = request?.head.method == .get || request?.head.method == .head
        if isRead, answer.status == .ok, fields[.cacheControl] != "no-store" {
            let tag = EntityTag(answer.digest ?? Representation(answer.body).digest)
            fields[.eTag] = tag.description
            fields[.cacheControl] = fields[.cacheControl] ?? "no-cache"
            // Some web servers compress what comes as it is, too.
            if answer.body.count >= ContentCoding.least {
                fields[.vary] = fields[.vary].map { "\($0), Accept-Encoding" } ?? "Accept-Encoding"
            }
            if let condition = request?.head.headerFields[.ifNoneMatch], tag.isIn(condition) {
                return Response(.notModified, headerFields: fields)
            }
            if !isWhole, let digest = answer.digest, let place = request?.largeAnswers,
                let location = configuration.largeAnswers?.location(of: answer.body, digest: digest, below: place)
            {
                fields[.contentType] = "application/json"
                fields[.xAccelRedirect] = location
                return Response(.ok, headerFields: fields)
            }
        }
        return Self.whole(answer, fields)
    }

    /// The answer with the header fields that its body needs.
    private static func whole(_ answer: Answer, _ headerFields: HTTPFields) -> Response {
        var fields = headerFields
        if answer.status != .noContent {
            fields[.contentType] = fields[.contentType] ?? "application/json"
            fields[.contentLength] = String(answer.body.count)
        }
        return Response(answer.status, headerFields: fields, body: answer.body)
    }

    private func isAllowed(_ origin: String?) -> Bool {
        guard let origin else { return false }
        return configuration.allowedOrigins.contains(origin) || configuration.allowedOrigins.contains("*")
    }
}

extension Request {
    /// Whether it says who asks, be it wrongly.
    fileprivate var isAuthorized: Bool { head.headerFields[.authorization] != nil }
}

extension Substring {
    /// Whether this is an authentication scheme in any letter case. ASCII's alone: lowercased() makes a k of the KELVIN SIGN.
    ///
    /// - Parameter scheme: small letters.
    fileprivate func isScheme(_ scheme: String) -> Bool {
        utf8.elementsEqual(scheme.utf8) { $0 | 0x20 == $1 }
    }
}
