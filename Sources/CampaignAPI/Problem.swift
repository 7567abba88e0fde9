internal import HTTPTypes
internal import JSON

/// An answer that is not the one asked for, in one of the contract's two shapes.
struct Problem: Error {
    let status: HTTPResponse.Status
    let body: JSONValue
    var headerFields: HTTPFields = [:]

    /// The shape of everything but 404 and 405.
    init(_ status: HTTPResponse.Status, _ subCode: String, _ error: String, headerFields: HTTPFields = [:]) {
        self.status = status
        body = ["Error": .string(error), "SubCode": .string(subCode)]
        self.headerFields = headerFields
    }

    /// The shape of 404 and 405.
    private init(_ status: HTTPResponse.Status, subCode: String, message: String, details: JSONObject = [:]) {
        self.status = status
        body = [
            "error": [
                "code": .integer(status.code), "sub_code": .string(subCode), "message": .string(message),
                "details": .object(details),
            ]
        ]
    }

    // MARK: Not found

    static let notFound = Problem(
        .notFound, subCode: "NOT_FOUND", message: "The requested URL was not found on the server.")

    static func methodNotAllowed(allow: String) -> Problem {
        var problem = Problem(
            .methodNotAllowed, subCode: "METHOD_NOT_ALLOWED",
            message: "The method is not allowed for the requested URL.")
        problem.headerFields[.allow] = allow
        return problem
    }

    static func campaignNotFound(_ id: Int) -> Problem {
        missing("CAMPAIGN", "campaign", ["campaign_id": .integer(id)])
    }
    static func projectNotFound(_ id: Int) -> Problem { missing("PROJECT", "project", ["project_id": .integer(id)]) }
    static func organisationNotFound(_ id: Int) -> Problem {
        missing("ORGANISATION", "organisation", ["organisation_id": .integer(id)])
    }
    static func organisationNotFound(slug: String) -> Problem {
        missing("ORGANISATION", "organisation", ["slug": .string(slug)])
    }
    static func userNotFound(_ id: Int) -> Problem { missing("USER", "user", ["user_id": .integer(id)]) }
    static func userNotFound(named name: String) -> Problem { missing("USER", "user", ["username": .string(name)]) }
    static func messageNotFound(_ id: Int) -> Problem { missing("MESSAGE", "message", ["message_id": .integer(id)]) }
    static func projectCampaignNotFound(project: Int, campaign: Int) -> Problem {
        missing(
            "PROJECT_CAMPAIGN", "campaign associated with the requested project",
            ["campaign_id": .integer(campaign), "project_id": .integer(project)])
    }
    static func organisationCampaignNotFound(organisation: Int, campaign: Int) -> Problem {
        missing(
            "ORGANISATION_CAMPAIGN", "campaign associated with the requested organisation",
            ["organisation_id": .integer(organisation), "campaign_id": .integer(campaign)])
    }

    private static func missing(_ code: String, _ what: String, _ details: JSONObject) -> Problem {
        Problem(
            .notFound, subCode: "\(code)_NOT_FOUND", message: "The requested \(what) was not found on the server.",
            details: details)
    }

    // MARK: Everything else

    static func invalid(_ error: String) -> Problem { Problem(.badRequest, "InvalidData", error) }

    static let invalidToken = Problem(
        .unauthorized, "InvalidToken", "Token is expired or invalid", headerFields: [.wwwAuthenticate: "Token"])

    static let withoutRecord = Problem(
        .forbidden, "UserNotPermitted", "User has no record and may not change anything")

    static let preconditionFailed = Problem(
        .preconditionFailed, "PreconditionFailed", "The campaign has changed since the ETag in If-Match was given")

    static func payloadTooLarge(_ what: String = "The body", limit: Int) -> Problem {
        Problem(.contentTooLarge, "PayloadTooLarge", "\(what) is larger than \(limit) bytes")
    }

    static func unavailable(_ error: String) -> Problem {
        Problem(.serviceUnavailable, "ServiceUnavailable", error, headerFields: [.retryAfter: "5"])
    }

    static let accessOtherUserMessage = Problem(
        .forbidden, "AccessOtherUserMessage", "User is not a recipient of the message")

    static let internalServerError = Problem(.internalServerError, "InternalServerError", "Internal Server Error")
}
