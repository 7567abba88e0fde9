import Crypto
import Foundation
import JSON
import TestSupport

/// Makes the Authorization headers of the cases, good and bad, by the description in `README.md` and without the
/// service's own code.
enum Authorization {
    private static let users: JSONValue = {
        let file = Repository.root.appendingPathComponent("Tests/Contract/users.json")
        do {
            return try JSONValue(parsing: Array(Data(contentsOf: file)))
        } catch {
            fatalError("the users cannot be read: \(error)")
        }
    }()

    static func header(_ who: JSONValue?) throws -> String? {
        guard let who else { return nil }
        if let name = who.text {
            guard let id = users[name]?.wholeNumber else { throw Mismatch("there is no user \(name)") }
            return generate(["payload": .string("\(id)")])
        }
        if let token = who["token"]?.text { return "Token \(token)" }
        if let authorization = who["authorization"]?.text { return authorization }
        return who["generate"].map(generate)
    }

    private static func generate(_ recipe: JSONValue) -> String {
        let secret = recipe["secret"]?.text ?? UnderTest.secret
        let key = SymmetricKey(
            data: recipe["key"]?.text == "secret"
                ? Data(secret.utf8) : Data(Insecure.SHA1.hash(data: Data("itsdangerous\("signer")\(secret)".utf8))))
        let sign: (String) -> String = { text in
            let data = Data(text.utf8)
            return switch recipe["digest"]?.text {
            case "sha256": url(Data(HMAC<SHA256>.authenticationCode(for: data, using: key)))
            case "sha512": url(Data(HMAC<SHA512>.authenticationCode(for: data, using: key)))
            case "md5": url(Data(HMAC<Insecure.MD5>.authenticationCode(for: data, using: key)))
            default: url(Data(HMAC<Insecure.SHA1>.authenticationCode(for: data, using: key)))
            }
        }
        let tamper = recipe["tamper"]?.text
        let payload = url(Data((recipe["payload"]?.text ?? "").utf8))
        var seconds = Int(Date().timeIntervalSince1970) - (recipe["ageSeconds"]?.wholeNumber ?? 0)
        var signature = sign("\(payload).\(time(seconds))")
        while tamper == "standard-alphabet", !signature.contains("-"), !signature.contains("_") {
            seconds -= 1
            signature = sign("\(payload).\(time(seconds))")
        }
        let whole = "\(payload).\(time(seconds)).\(signature)"
        let inner =
            switch tamper {
            case "payload": "MQ.\(time(seconds)).\(signature)"
            case "time": "\(payload).\(time(seconds - 1)).\(signature)"
            case "signature":
                "\(payload).\(time(seconds)).\(signature.hasPrefix("A") ? "B" : "A")\(signature.dropFirst())"
            case "cut": String(whole.dropLast())
            case "extend": whole + "A"
            case "empty-signature": "\(payload).\(time(seconds))."
            case "no-signature": "\(payload).\(time(seconds))"
            case "no-time": "\(payload).\(sign(payload))"
            case "empty-time": "\(payload)..\(sign("\(payload)."))"
            case "standard-alphabet":
                "\(payload).\(time(seconds)).\(signature.replacing("-", with: "+").replacing("_", with: "/"))"
            case "padded": whole + "="
            default: whole
            }
        let token =
            (tamper == "unwrapped" ? inner : Data(inner.utf8).base64EncodedString())
            + (tamper == "trailing" ? " x" : "")
        if recipe["scheme"] == .null { return token }
        return (recipe["scheme"]?.text ?? "Token") + (recipe["separator"]?.text ?? " ") + token
    }

    private static func time(_ seconds: Int) -> String {
        url(withUnsafeBytes(of: UInt64(clamping: seconds).bigEndian) { Data($0.drop { $0 == 0 }) })
    }

    private static func url(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
