internal import Campaigns
internal import FastCGI
internal import HTTPTypes
internal import JSON
internal import Records

/// An endpoint: a line of the table in `Routes.swift`.
struct Route: Sendable {
    typealias Handler = @Sendable (Call) throws -> Answer

    let method: HTTPRequest.Method
    /// Below ``API/base``. A segment in braces is an id when its name ends with `_id`, else any text; there is one of
    /// these at most.
    let path: String
    let right: Right
    /// The parameters of the query that the answer depends on, of those that need no token.
    let parameters: [String]
    /// Bytes that the body may have.
    let bodyLimit: Int
    /// Whether it is a part of signing in: only there where that is set up, and with answers that are for one person, once.
    let isSignIn: Bool
    let handler: Handler
    /// Its place in the table.
    var number = 0

    /// Method and path, for the log and the numbers.
    var name: String { "\(method.rawValue) \(path)" }

    init(
        _ method: HTTPRequest.Method, _ path: String, _ right: Right, reads parameters: [String] = [],
        bodyLimit: Int = API.bodyLimit, isSignIn: Bool = false,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.right = right
        self.parameters = parameters
        self.bodyLimit = bodyLimit
        self.isSignIn = isSignIn
        self.handler = handler
    }

    /// The one spelling of a query by which its answer is kept, or nil when it is not: of a text, a number or an id there
    /// are too many.
    func keptQuery(_ query: Query) -> String? {
        guard !isSignIn else { return nil }
        var kept = ""
        for name in parameters {
            guard let text = try? query.text(name)?.lowercased() ?? "", ["", "true", "false"].contains(text) else {
                return nil
            }
            if !text.isEmpty { kept += "\(kept.isEmpty ? "?" : "&")\(name)=\(text)" }
        }
        return kept
    }
}

/// A request that has found its route and may pass.
struct Call: Sendable {
    let api: API
    let request: Request
    /// The ids in the path, in its order.
    let ids: [Int]
    /// What else the path names; empty where it names nothing.
    let text: String
    /// The user of the token, where the route looks at it.
    let userID: Int?
    /// Whether it may wait for the disk.
    let waits: Bool

    var store: any RecordStore { api.store }
    var query: Query { Query(request) }

    /// Gives a reader the records, as ``RecordStore/read(waits:_:)`` does.
    func read<Result: Sendable>(_ body: (any RecordReader) throws -> Result) throws -> Result {
        try store.read(waits: waits, body)
    }

    /// The id at a place in the path; the router has seen to it that there is one.
    func id(_ place: Int = 0) -> Int { ids.indices.contains(place) ? ids[place] : 0 }

    /// The body as a JSON object.
    ///
    /// - Throws: ``Problem`` 400.
    func object() throws(Problem) -> JSONObject {
        guard !request.body.isEmpty else { throw .invalid("The body is missing: a JSON object is needed") }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: request.body, rounding: true)
        } catch {
            throw .invalid("The body is not valid JSON: \(error)")
        }
        guard case .object(let object) = json else {
            throw .invalid("The body must be a JSON object, not \(json.kind)")
        }
        if let member = object.members.first(where: { $0.value.hasNUL }) {
            throw .invalid("\(member.name) must not contain a NUL")
        }
        return object
    }
}

/// What a handler gives back.
struct Answer: Sendable {
    var status: HTTPResponse.Status = .ok
    var headerFields: HTTPFields = [:]
    var body: [UInt8]
    /// The digest of the body, where it is known already.
    var digest: String?

    init(_ representation: Representation) {
        body = representation.bytes
        digest = representation.digest
    }

    init(_ json: JSONValue) {
        self.init(body: json.compact)
    }

    /// - Parameter body: JSON.
    init(body: [UInt8]) {
        self.body = body
    }

    init(_ status: HTTPResponse.Status, _ json: JSONValue, headerFields: HTTPFields = [:]) {
        self.status = status
        self.headerFields = headerFields
        body = json.compact
    }

    init(_ problem: Problem) {
        self.init(problem.status, problem.body, headerFields: problem.headerFields)
    }
}
