internal import FastCGI
internal import HTTPTypes
internal import Records

/// What a request is for: where its path leads to, and the route of its method. Everything that depends on the route is asked
/// of this.
struct APIEndpoint: Endpoint {
    let api: API
    /// nil: there is no such path.
    let destination: Destination?
    /// nil: the path does not have the method.
    let route: Route?

    var bodyLimit: Int { route?.bodyLimit ?? API.bodyLimit }

    func respond(to request: Request) -> Response {
        let answer = api.attempt { try self.answer(request, waits: true) }
        return finish(
            request,
            api.codedResponse(to: request, at: self, answer, mayTakeLong: true) ?? api.response(to: request, answer))
    }

    /// What needs no token is nearly always in memory, and so is the answer where there is no route. All others may wait for
    /// the folder's lock, reads too: a notification that is opened is marked as read, and a list of them is rendered. What is
    /// made for who asks, or for a query of which there are too many to be kept, costs more than what is made for all.
    func respondAtOnce(to request: Request) -> Response? {
        if let route, isForWhoAsks(request.isAuthorized) || route.keptQuery(Query(request)) == nil { return nil }
        guard let answer = api.atOnce({ try self.answer(request, waits: false) }) else { return nil }
        if let response = api.codedResponse(to: request, at: self, answer, mayTakeLong: false) {
            return finish(request, response)
        }
        // It has to be encoded, or its file has to be written, or looked at.
        if api.takesLong(request, answer) || request.largeAnswers != nil && api.isFile(answer) { return nil }
        return finish(request, api.response(to: request, answer))
    }

    /// Whether the answer depends on who asks.
    ///
    /// - Parameter isAuthorized: whether the request says who that is.
    func isForWhoAsks(_ isAuthorized: Bool) -> Bool {
        guard let route else { return false }
        return route.right.needsToken || route.right.readsToken && isAuthorized
    }

    /// The path of an answer that may be kept, in one spelling; nil when it may not.
    func keptPath(_ query: Query) -> String? {
        guard let destination, let route, let kept = route.keptQuery(query) else { return nil }
        return API.base + destination.path(of: route) + kept
    }

    private func finish(_ request: Request, _ response: Response) -> Response {
        api.metrics.count(route?.number, response.status.code, since: request.received)
        guard response.status == .unauthorized, let location = request.unauthorizedLocation else { return response }
        var response = response
        response.headerFields[.xAccelRedirect] = location
        return response
    }

    /// - Parameter waits: whether it may wait for the disk.
    func answer(_ request: Request, waits: Bool) throws -> Answer {
        guard let destination else { throw Problem.notFound }
        guard destination.isSignIn else { return try answer(request, to: destination, waits: waits) }
        // Its answers are for one person, once.
        var answer = try api.passing { try self.answer(request, to: destination, waits: waits) }
        answer.headerFields[.cacheControl] = "no-store"
        return answer
    }

    private func answer(_ request: Request, to destination: Destination, waits: Bool) throws -> Answer {
        if request.head.method == .options { return api.options(request, allow: destination.allow) }
        guard let route else { throw Problem.methodNotAllowed(allow: destination.allow) }
        var userID: Int?
        if route.right.needsToken || route.right.readsToken {
            do throws(Problem) {
                userID = try api.authenticatedUser(request)
            } catch {
                if request.isAuthorized { api.events.tokenRefused() }
                if route.right.needsToken { throw error }
            }
        }
        let call = Call(
            api: api, request: request, ids: destination.ids, text: destination.text, userID: userID, waits: waits)
        var answer = try api.passing {
            if let userID, route.right.needsRecords {
                try api.store.read(waits: waits) { try route.right.check(userID, destination.ids, $0) }
            }
            return try route.handler(call)
        }
        if answer.status == .forbidden, let userID { api.events.refused(userID, route, request) }
        if route.right.readsToken {
            answer.headerFields[.vary] = "Authorization"
            if request.isAuthorized { answer.headerFields[.cacheControl] = "private, no-cache" }
        }
        return answer
    }
}
