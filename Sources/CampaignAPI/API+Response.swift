internal import FastCGI
internal import HTTPTypes
internal import Records

// From an answer to a response.
extension API {
    /// - Parameter isWhole: whether it is to hold the body, though it could be handed over as a file.
    func response(to request: Request?, _ answer: Answer, isWhole: Bool = false) -> Response {
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
    static func whole(_ answer: Answer, _ headerFields: HTTPFields) -> Response {
        var fields = headerFields
        if answer.status != .noContent {
            fields[.contentType] = fields[.contentType] ?? "application/json"
            fields[.contentLength] = String(answer.body.count)
        }
        return Response(answer.status, headerFields: fields, body: answer.body)
    }

    func isAllowed(_ origin: String?) -> Bool {
        guard let origin else { return false }
        return configuration.allowedOrigins.contains(origin) || configuration.allowedOrigins.contains("*")
    }
}

extension Request {
    static let largeAnswersVariable = "LARGE_ANSWERS"
    static let unauthorizedLocationVariable = "UNAUTHORIZED_LOCATION"

    /// Whether it says who asks, be it wrongly.
    var isAuthorized: Bool { head.headerFields[.authorization] != nil }

    /// Where the web server finds large answers that are handed to it as files (X-Accel-Redirect); nil: it takes none. Others
    /// than nginx do not follow X-Accel-Redirect, so none is sent to who does not ask for it.
    var largeAnswers: String? { variables[Self.largeAnswersVariable] }

    /// Where the web server, nginx, wants an answer 401 sent by X-Accel-Redirect, so that it can count them.
    var unauthorizedLocation: String? { variables[Self.unauthorizedLocationVariable] }
}

extension HTTPField.Name {
    /// nginx's: it answers with what is at this internal location.
    static let xAccelRedirect = HTTPField.Name("X-Accel-Redirect") ?? .location
}
