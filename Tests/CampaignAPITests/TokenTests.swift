import CampaignAPI
import Foundation
import TestSupport
import Testing

private let tokens = SessionTokens(secret: Array("oracle-secret".utf8))
/// When the vectors of the contract were signed.
private let signed = 1_795_468_047

private func wrapped(_ inner: String) -> String { Data(inner.utf8).base64EncodedString() }

private func inner(_ token: String) -> String {
    Data(base64Encoded: token).map { String(decoding: $0, as: UTF8.self) } ?? ""
}

// MARK: The vectors

private let vectors = [
    (user: 1, text: "MQ.awSrDw.Nd24FmVhvC7srrzlO16MeAA64RI"),
    (user: 123_456_789, text: "MTIzNDU2Nzg5.awSrDw.l6VD0f4niZ1szwWshbYA9Pdwa4E"),
]

@Test("the tokens of the contract's vectors are their users'", arguments: vectors)
func vectorRead(user: Int, text: String) {
    #expect(tokens.user(of: wrapped(text), now: signed) == user)
}

@Test("the tokens of the contract's vectors are made the same", arguments: vectors)
func vectorMade(user: Int, text: String) {
    #expect(inner(tokens.token(user: user, time: signed)) == text)
}

@Test(
    "a token that was minted is read back", arguments: [1, 2, 10, 4_294_967_296, Int.max],
    [1, 255, 256, 65_536, signed, 2_147_483_648, 1 << 40])
func minted(user: Int, time: Int) {
    #expect(tokens.user(of: tokens.token(user: user, time: time), now: time) == user)
}

// MARK: Time

@Test(
    "a token is good from its time on for 604,800 seconds",
    arguments: [
        (-1, false), (0, true), (1, true), (604_799, true), (604_800, true), (604_801, false), (-604_800, false),
        (10_000_000, false),
    ])
func age(seconds: Int, isGood: Bool) {
    #expect((tokens.user(of: wrapped(vectors[0].text), now: signed + seconds) != nil) == isGood)
}

// MARK: Forgeries

@Test("a token of another secret is refused", arguments: ["", "oracle-secre", "oracle-secret ", "Oracle-secret", "x"])
func otherSecret(secret: String) {
    #expect(SessionTokens(secret: Array(secret.utf8)).user(of: wrapped(vectors[0].text), now: signed) == nil)
}

@Test("a token of which any one character is another is refused", arguments: 0..<37)
func forged(place: Int) {
    for letter in "AZaz09-_.+/=%" {
        var text = Array(vectors[0].text)
        guard text[place] != letter else { continue }
        text[place] = letter
        #expect(tokens.user(of: wrapped(String(text)), now: signed) == nil, "\(String(text))")
    }
}

@Test("a token that is cut anywhere is refused")
func cut() {
    let token = wrapped(vectors[1].text)
    for length in 0..<token.count { #expect(tokens.user(of: String(token.prefix(length)), now: signed) == nil) }
    for length in 0..<vectors[1].text.count {
        #expect(tokens.user(of: wrapped(String(vectors[1].text.prefix(length))), now: signed) == nil)
    }
}

@Test(
    "a token with anything added is refused",
    arguments: ["A", ".", "=", " ", "\n", ".AA", "\u{0}", "\u{E9}"])
func added(text: String) {
    #expect(tokens.user(of: wrapped(vectors[0].text + text), now: signed) == nil)
    #expect(tokens.user(of: wrapped(text + vectors[0].text), now: signed) == nil)
    #expect(tokens.user(of: wrapped(vectors[0].text) + text, now: signed) == nil)
}

@Test(
    "what is no token is refused",
    arguments: [
        "", "x", "....", "MQ.awSrDw.Nd24FmVhvC7srrzlO16MeAA64RI", wrapped(""), wrapped("."), wrapped(".."),
        wrapped("..."),
        wrapped("MQ"), wrapped("MQ.awSrDw"), wrapped("MQ..Nd24FmVhvC7srrzlO16MeAA64RI"),
        wrapped(".awSrDw.Nd24FmVhvC7srrzlO16MeAA64RI"),
        wrapped("MQ.awSrDw."), wrapped("\u{661}.\u{661}.\u{661}"), String(repeating: "A", count: 100_000),
        wrapped(String(repeating: "A.", count: 10_000)), "\u{E9}", "TVEu\u{0}",
    ])
func noToken(token: String) {
    #expect(tokens.user(of: token, now: signed) == nil)
}

@Test("a token has one spelling: bits that Base64 leaves over are not free")
func leftOverBits() {
    let token = wrapped(vectors[0].text)
    #expect(token.hasSuffix("SQ=="))
    #expect(tokens.user(of: token.dropLast(4) + "SR==", now: signed) == nil)
}

@Test("the URL-safe alphabet is not taken for the outer Base64, nor one without padding")
func outerAlphabet() {
    let token = wrapped(vectors[0].text)
    #expect(token.hasSuffix("=="))
    #expect(tokens.user(of: String(token.dropLast(2)), now: signed) == nil)
}

@Test("a signature in the standard alphabet is refused")
func innerAlphabet() throws {
    let token = try #require(
        (0..<1000).map { tokens.token(user: 1, time: signed - $0) }.first { inner($0).contains("-") })
    #expect(tokens.user(of: token, now: signed) == 1)
    #expect(tokens.user(of: wrapped(inner(token).replacingOccurrences(of: "-", with: "+")), now: signed) == nil)
}

// MARK: Against the Python package

/// Runs Python with itsdangerous.
private enum Python {
    static let hasItsdangerous = (try? run("import itsdangerous"))?.status == 0

    static func run(_ program: String, _ arguments: [String] = []) throws -> Command.Outcome {
        try Command.run("python3", ["-c", program] + arguments)
    }

    /// The tokens that itsdangerous makes now of payloads in Python's spelling.
    static func tokens(_ payloads: [String]) throws -> [String] {
        let outcome = try run(
            """
            import sys, base64, itsdangerous
            serializer = itsdangerous.URLSafeTimedSerializer("oracle-secret")
            for payload in sys.argv[1:]:
                print(base64.b64encode(serializer.dumps(eval(payload)).encode()).decode())
            """, payloads)
        guard outcome.status == 0 else { throw FastCGIClient.Broken(outcome.errors) }
        return outcome.text.split(separator: "\n").map(String.init)
    }
}

@Test(
    "the tokens that itsdangerous makes are read",
    .enabled(if: Python.hasItsdangerous, "itsdangerous is missing"))
func fromPython() throws {
    let payloads = ["1", "7", "123456789", "9223372036854775807", "'42'", "12.0"]
    let made = try Python.tokens(payloads)
    // Afterwards, for Python may take its time, and none may be from the future.
    let now = Int(Date().timeIntervalSince1970) + 1
    let users = made.map { tokens.user(of: $0, now: now) }
    #expect(users == [1, 7, 123_456_789, .max, 42, 12])
}

@Test(
    "a payload of itsdangerous's that is no number is refused",
    .enabled(if: Python.hasItsdangerous, "itsdangerous is missing"))
func otherPayloads() throws {
    let payloads = [
        "'x'", "''", "None", "True", "[1]", "{'id': 1}", "1.5", "9223372036854775808", "'1 OR 1=1'", "'1\\n'",
        "['1'] * 200",
    ]
    let now = Int(Date().timeIntervalSince1970) + 1
    for (payload, token) in try zip(payloads, Python.tokens(payloads)) {
        #expect(tokens.user(of: token, now: now) == nil, "\(payload)")
    }
}

@Test(
    "itsdangerous reads the tokens that are made here",
    .enabled(if: Python.hasItsdangerous, "itsdangerous is missing"))
func toPython() throws {
    let now = Int(Date().timeIntervalSince1970)
    let users = [1, 7, 123_456_789, Int.max]
    let outcome = try Python.run(
        """
        import sys, base64, itsdangerous
        serializer = itsdangerous.URLSafeTimedSerializer("oracle-secret")
        for token in sys.argv[1:]:
            print(serializer.loads(base64.b64decode(token, validate=True).decode(), max_age=604800))
        """, users.map { tokens.token(user: $0, time: now - 100) })
    #expect(outcome.text.split(separator: "\n").map { Int($0) } == users)
}
