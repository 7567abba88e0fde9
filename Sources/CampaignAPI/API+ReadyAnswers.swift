public import FastCGI
internal import HTTPTypes
internal import Records
internal import Threads

// Answers that are there already, or are made of what is in memory.
extension API {
    public func readyAnswer(to request: PlainGet, _ variable: (String) -> String?) -> ReadyAnswer {
        let received = Uptime.now()
        let generation = store.generation()
        if let found = answers.answer(to: request.target, generation: generation), found.isCurrent,
            !(found.ready.isForStrangers && request.isAuthorized)
        {
            return give(found.ready, request.target, request, variable, received)
                ?? .notReady(find(Self.head(request)), mayBeAtOnce: false)
        }
        let head = Self.head(request)
        let endpoint = find(head)
        // Others depend on who asks.
        guard let route = endpoint.route, !route.isSignIn, !endpoint.isForWhoAsks(request.isAuthorized) else {
            return .notReady(endpoint, mayBeAtOnce: true)
        }
        let waits = ReadyAnswer.notReady(endpoint, mayBeAtOnce: false)
        let whole = Request(head)
        // One for all spellings of a path and all that the route does not look at in a query: what is asked for in ever
        // new ways is not made ever anew, nor does it drive out the rest.
        guard let path = endpoint.keptPath(Query(whole)) else { return waits }
        let found = answers.answer(to: path, generation: generation)
        if let found, found.isCurrent { return give(found.ready, path, request, variable, received) ?? waits }
        guard let answer = atOnce({ try endpoint.answer(whole, waits: false) }) else { return waits }
        // Others depend on more than the records.
        guard answer.status == .ok, let digest = answer.digest else {
            let response = response(to: whole, answer)
            metrics.count(route.number, response.status.code, since: received)
            return .parts([response.head, response.body])
        }
        let ready: AnswerCache.Ready
        if let found, found.ready.digest == digest {
            ready = found.ready
            answers.renew(ready, at: path, generation: generation)
        } else {
            ready = self.ready(whole, answer, digest, route)
            answers.keep(ready, to: path, generation: generation)
        }
        return give(ready, path, request, variable, received) ?? waits
    }

    private static func head(_ request: PlainGet) -> HTTPRequest {
        HTTPRequest(method: .get, scheme: nil, authority: nil, path: request.target)
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

    /// - Returns: nil when it has to be encoded first, or is to be handed over as a file, which has to be looked at.
    private func give(
        _ ready: AnswerCache.Ready, _ path: String, _ request: PlainGet, _ variable: (String) -> String?,
        _ received: Int
    ) -> ReadyAnswer? {
        let isMatch = request.ifNoneMatch.map(ready.tag.isIn) ?? false
        guard let parts = parts(ready, path, request, isMatch, variable) else { return nil }
        metrics.count(ready.route, isMatch ? 304 : 200, since: received)
        return .parts(parts)
    }

    private func parts(
        _ ready: AnswerCache.Ready, _ path: String, _ request: PlainGet, _ isMatch: Bool,
        _ variable: (String) -> String?
    ) -> [[UInt8]]? {
        if let field = request.acceptEncoding, ready.body.count >= ContentCoding.least {
            let found = coded.answer(
                to: path, digest: ready.digest, AcceptEncoding(field),
                mayMake: !isMatch && ready.body.count <= CodedAnswers.quick
            ) { coding, effort in Self.encode(ready.body, ready.fields, ready.digest, coding, effort) }
            if let found {
                if isMatch {
                    return [found.coded?.notModified ?? Self.notModified(ready.fields, ready.digest, found.coding)]
                }
                return found.coded.map { [$0.head, $0.body] }
            }
        }
        if isMatch { return [ready.notModified] }
        return ready.isFile && variable(Request.largeAnswersVariable) != nil ? nil : [ready.head, ready.body]
    }
}
