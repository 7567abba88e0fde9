public import HTTPTypes

/// What a handler answers.
public struct Response: Sendable {
    public var status: HTTPResponse.Status
    public var headerFields: HTTPFields
    public var body: [UInt8]

    public init(_ status: HTTPResponse.Status, headerFields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.headerFields = headerFields
        self.body = body
    }

    /// The header of a CGI document response (RFC 3875, 6.2), the empty line included.
    public var head: [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(256)
        head.append(contentsOf: "Status: ".utf8)
        head.append(contentsOf: String(status.code).utf8)
        if !status.reasonPhrase.isEmpty {
            head.append(UInt8(ascii: " "))
            head.append(contentsOf: status.reasonPhrase.utf8)
        }
        for field in headerFields {
            head.append(contentsOf: "\r\n".utf8)
            head.append(contentsOf: field.name.rawName.utf8)
            head.append(contentsOf: ": ".utf8)
            head.append(contentsOf: field.value.utf8)
        }
        head.append(contentsOf: "\r\n\r\n".utf8)
        return head
    }
}
