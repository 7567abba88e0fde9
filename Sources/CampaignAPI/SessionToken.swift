internal import Crypto
internal import FoundationEssentials
internal import JSON

/// Makes and checks the Tasking Manager's session tokens: what `URLSafeTimedSerializer(secret).dumps(id)` of the Python
/// package itsdangerous makes, in standard Base64 once more.
public struct SessionTokens: Sendable {
    private let secret: [UInt8]
    /// Made when there is a token: a process for one request may never see one.
    private var key: SymmetricKey {
        SymmetricKey(data: Insecure.SHA1.hash(data: Data(Array("itsdangerous".utf8) + Array("signer".utf8) + secret)))
    }

    /// Seconds for which a token is good.
    public static let lifetime = 604_800

    /// - Parameter secret: what the Tasking Manager calls `TM_SECRET`; any bytes.
    public init(secret: [UInt8]) {
        self.secret = secret
    }

    /// The token of a user.
    ///
    /// - Parameter time: when it is signed, in seconds since 1970 in UTC.
    public func token(user id: Int, time: Int) -> String {
        Data(innerText(user: id, time: time).utf8).base64EncodedString()
    }

    /// The token of a user before the outer Base64, as the Tasking Manager gives it to who signs in.
    public func innerText(user id: Int, time: Int) -> String {
        let bytes = withUnsafeBytes(of: UInt64(clamping: time).bigEndian) { Array($0.drop { $0 == 0 }) }
        let signed = "\(Data("\(id)".utf8).base64URL).\(Data(bytes).base64URL)"
        let signature = Data(HMAC<Insecure.SHA1>.authenticationCode(for: Data(signed.utf8), using: key))
        return "\(signed).\(signature.base64URL)"
    }

    /// The user of a token, or nil when it is malformed, badly signed, expired, or from the future.
    ///
    /// - Parameter now: seconds since 1970 in UTC.
    public func user(of token: String, now: Int) -> Int? {
        // One spelling a token: Base64 leaves bits over that say nothing, and Foundation lets more padding pass.
        guard let outer = Data(base64Encoded: token), outer.base64EncodedString() == token,
            outer.allSatisfy({ $0 < 0x80 })
        else { return nil }
        let parts = String(decoding: outer, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Data(base64URL: parts[2]), signature.base64URL == parts[2],
            // Takes as long for every wrong one.
            HMAC<Insecure.SHA1>.isValidAuthenticationCode(
                signature, authenticating: Data("\(parts[0]).\(parts[1])".utf8), using: key),
            let payload = Data(base64URL: parts[0]), let time = Data(base64URL: parts[1]), time.count <= 7
        else { return nil }
        let age = now - time.reduce(0) { $0 << 8 | Int($1) }
        guard (0...Self.lifetime).contains(age) else { return nil }
        return switch try? JSONValue(parsing: Array(payload)) {
        case .string(let text): Int(text)
        case .some(let value): value.wholeNumber
        case nil: nil
        }
    }
}

extension Data {
    /// URL-safe Base64 without padding (RFC 4648, 5).
    fileprivate var base64URL: String {
        String(
            base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    fileprivate init?(base64URL text: some StringProtocol) {
        var standard = ""
        for character in text {
            switch character {
            case "-": standard.append("+")
            case "_": standard.append("/")
            case "+", "/", "=": return nil
            default: standard.append(character)
            }
        }
        standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        self.init(base64Encoded: standard)
    }
}
