public import HTTPTypes

/// What tells a request from all others, in the logs of the web server and of this service.
public struct RequestID: Sendable, Equatable {
    public let text: String
    /// Whether the answer has to name it: a web server that says REQUEST_ID does so itself.
    let isOurs: Bool

    private static let longest = 128
    static let variable = "REQUEST_ID"
    static let headerVariable = "HTTP_X_REQUEST_ID"

    /// One that nobody has had.
    public init() {
        let digits = (0..<2).map { _ in
            let half = String(UInt64.random(in: 0 ... .max), radix: 16)
            return String(repeating: "0", count: 16 - half.utf8.count) + half
        }
        self.init(digits.joined(), isOurs: true)
    }

    private init(_ text: String, isOurs: Bool) {
        self.text = text
        self.isOurs = isOurs
    }

    /// - Parameters:
    ///   - own: what the web server calls the request (REQUEST_ID).
    ///   - header: what the client does (X-Request-ID); something that does not belong into a log is left out.
    init(own: String?, header: String?) {
        if let own, Self.isSound(own) {
            self.init(own, isOurs: false)
        } else if let header, Self.isSound(header) {
            self.init(header, isOurs: true)
        } else {
            self.init()
        }
    }

    private static func isSound(_ text: String) -> Bool {
        1...longest ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "._~+/=:@-".utf8.contains(byte)
                }
            }
    }

    /// An answer, header first, with the id in it, unless the web server puts it there.
    func naming(_ parts: [[UInt8]]) -> [[UInt8]] {
        guard isOurs, var head = parts.first, head.count >= 2 else { return parts }
        // Before the empty line.
        head.removeLast(2)
        head += Array("\(HTTPField.Name.xRequestID.rawName): \(text)\r\n\r\n".utf8)
        return [head] + parts.dropFirst()
    }
}

extension HTTPField.Name {
    public static let xRequestID = HTTPField.Name("X-Request-ID") ?? .location
}

extension Response {
    /// With the request's id in it, unless the web server puts it there.
    func naming(_ id: RequestID) -> Response {
        guard id.isOurs else { return self }
        var response = self
        response.headerFields[.xRequestID] = id.text
        return response
    }
}
