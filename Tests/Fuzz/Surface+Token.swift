import CampaignAPI
import Crypto
import Foundation
import HTTPTypes

extension Surface {
    /// The first byte says what the rest is: an odd one a token, an even one a payload and, after a line feed, a time,
    /// which are signed here.
    func strikeToken(_ input: [UInt8], _ fixture: Fixture) throws {
        guard let first = input.first else { return }
        let rest = input.dropFirst()
        let token: String
        if first.isMultiple(of: 2) {
            let parts = rest.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
            token = Self.sign(Data(parts[0]), Data(parts.dropFirst().first ?? []))
        } else {
            token = String(decoding: rest.prefix { $0 != 0 }, as: UTF8.self)
        }
        if let user = SessionTokens(secret: Array(Fixture.secret.utf8)).user(of: token, now: Fixture.now) {
            // Whatever is accepted has to be, letter by letter, what the secret makes of its payload and its time.
            let parts = String(decoding: Data(base64Encoded: token) ?? Data(), as: UTF8.self).split(separator: ".")
            try expect(parts.count == 3, "a token without three parts is good: \(token)")
            let payload = Self.decode(parts[0])
            let time = Self.decode(parts[1])
            try expect(token == Self.sign(payload, time), "a token that was not signed is good: \(token)")
            let age = Double(Fixture.now) - Self.number(time)
            try expect((0...604_800).contains(age), "a token of age \(age) is good")
            let number = String(decoding: payload.filter { !"\" \t\r\n".utf8.contains($0) }, as: UTF8.self)
            try expect(
                Int(number) == user || Double(number) == Double(user) || number.contains("\\"),
                "a token of \(number) is user \(user)'s")
        }
        var variables = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/api/v2/notifications/")]
        variables.append(("HTTP_AUTHORIZATION", "Token \(token)"))
        guard let head = try? HTTPRequest(meta: variables.map { (name: $0.0, value: $0.1) }) else { return }
        try fixture.api.respond(to: .init(head)).check("a token")
    }

    /// What `URLSafeTimedSerializer(secret)` makes of a payload and a time, in Base64 once more.
    static func sign(_ payload: Data, _ time: Data) -> String {
        let signed = "\(url(payload)).\(url(time))"
        let key = SymmetricKey(data: Insecure.SHA1.hash(data: Data("itsdangeroussigner\(Fixture.secret)".utf8)))
        let signature = Data(HMAC<Insecure.SHA1>.authenticationCode(for: Data(signed.utf8), using: key))
        return Data("\(signed).\(url(signature))".utf8).base64EncodedString()
    }

    private static func number(_ bytes: Data) -> Double { bytes.reduce(0) { $0 * 256 + Double($1) } }

    private static func url(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func decode(_ text: Substring) -> Data {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4)) ?? Data()
    }
}
