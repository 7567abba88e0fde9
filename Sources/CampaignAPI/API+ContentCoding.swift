internal import FastCGI
internal import HTTPTypes

// Answers in content codings (RFC 9110, 8.4.1).
extension API {
    /// Whether an answer is the same for all, comes in a coding to who takes it, and has a length that pays.
    private func isCoded(_ request: Request, _ answer: Answer) -> Bool {
        request.head.method == .get && answer.status == .ok && answer.digest != nil
            && answer.body.count >= ContentCoding.least && request.head.headerFields[.acceptEncoding] != nil
    }

    func takesLong(_ request: Request, _ answer: Answer) -> Bool {
        isCoded(request, answer) && answer.body.count > CodedAnswers.quick
    }

    /// The answer in a coding that the request takes; nil where it is to be sent as it is, or would have to be made and that
    /// takes long.
    ///
    /// A process that answers one request leaves that to the web server.
    func codedResponse(
        to request: Request, at endpoint: APIEndpoint, _ answer: Answer, mayTakeLong: Bool
    ) -> Response? {
        guard configuration.encodes, isCoded(request, answer), let digest = answer.digest,
            let field = request.head.headerFields[.acceptEncoding], !endpoint.isForWhoAsks(request.isAuthorized),
            let path = endpoint.keptPath(Query(request))
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

    static func encode(
        _ body: [UInt8], _ fields: HTTPFields, _ digest: String, _ coding: ContentCoding, _ effort: ContentCoding.Effort
    ) -> CodedAnswers.Coded? {
        guard let encoded = coding.encode(body, effort) else { return nil }
        let head = Response(.ok, headerFields: Self.fields(fields, digest, coding, count: encoded.count)).head
        return CodedAnswers.Coded(
            coding: coding, body: encoded, head: head, notModified: notModified(fields, digest, coding))
    }

    static func notModified(_ fields: HTTPFields, _ digest: String, _ coding: ContentCoding) -> [UInt8] {
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
    func isFile(_ answer: Answer) -> Bool {
        answer.digest != nil && configuration.largeAnswers?.takes(answer.body) == true
    }
}
