import JSON
import TestSupport
import Testing

private func parsed(_ text: String, rounding: Bool = false) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), rounding: rounding)
}

private func nested(_ levels: Int, _ open: String = "[", _ close: String = "]", _ inside: String = "") -> String {
    String(repeating: open, count: levels) + inside + String(repeating: close, count: levels)
}

// MARK: Reading

@Test("of a repeated name the last value counts")
func repeatedName() throws {
    #expect(try parsed(#"{"a": 1, "a": 2}"#) == ["a": 2])
}

@Test("a name that is repeated is there once")
func repeatedNameOnce() throws {
    #expect(try parsed(#"{"a": 1, "b": 0, "a": 2}"#).compact == Array(#"{"a":2,"b":0}"#.utf8))
}

@Test("members keep their order")
func memberOrder() throws {
    let text = #"{"z":1,"a":2,"m":{"y":3,"b":4},"":5}"#
    #expect(try parsed(text).compact == Array(text.utf8))
}

@Test("names are compared byte for byte, not by canonical equivalence")
func namesByBytes() throws {
    guard case .object(let object) = try parsed("{\"\u{E9}\": 1, \"e\u{301}\": 2}") else {
        Issue.record("no object")
        return
    }
    #expect(object.members.count == 2)
    #expect(object["\u{E9}"] == 1)
    #expect(object["e\u{301}"] == 2)
}

@Test("a byte order mark is skipped")
func byteOrderMark() throws {
    #expect(try parsed("\u{FEFF}{\"a\": 1}") == ["a": 1])
}

@Test(
    "a text may be a single value",
    arguments: [
        ("null", JSONValue.null), ("true", true), ("false", false), ("0", 0), ("-0", 0), ("-12", -12),
        ("1.5", .number(1.5)),
        ("1e3", .number(1000)), ("2E-2", .number(0.02)), (#""a""#, "a"), (#""""#, ""), ("[]", []), ("{}", [:]),
        (" \t\r\n[ ] \n", []),
    ] as [(String, JSONValue)])
func scalar(text: String, value: JSONValue) throws {
    #expect(try parsed(text) == value)
}

@Test(
    "escapes are read",
    arguments: [
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9""#, "\u{E9}"), (#""\u00E9""#, "\u{E9}"),
        (#""\ud83d\uDE00""#, "\u{1F600}"), (#""\u0000""#, "\0"), (#""a\u0000b""#, "a\0b"), (#""\uffff""#, "\u{FFFF}"),
    ])
func escapes(text: String, value: String) throws {
    guard case .string(let found) = try parsed(text) else {
        Issue.record("no text")
        return
    }
    #expect(Array(found.utf8) == Array(value.utf8))
}

@Test(
    "what is not valid JSON is refused",
    arguments: [
        "", " ", "\u{FEFF}", "\u{FEFF}\u{FEFF}1", "{", "}", "[", "]", "[1", "[1,]", "[,1]", "[1 2]", "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1 \"b\":2}", "01", "+1", ".5", "1.", "1e", "1e+", "-",
        "0x10",
        "NaN", "Infinity", "-Infinity", "nul", "True", "undefined", "'a'", "\"a", "\"\\x41\"", "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\", "// a\n1", "/* a */1", "1 2", "{} {}", "[] x", "null,", "[1]]", "{}\0", "1\0", "[1\0]", "[1.5\0,2]",
        "[1,\0]", "\0", "\"a\nb\"", "\"a\tb\"", "\"\u{1F}\"",
        "[\u{A0}1]", "[\u{2028}1]",
    ])
func noJSON(text: String) {
    #expect(throws: JSONError.self) { try parsed(text) }
}

@Test(
    "invalid UTF-8 is refused",
    arguments: [
        [0x80], [0xBF], [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE2, 0x82],
        [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]])
func invalidUTF8(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: Array("\"".utf8) + bytes + Array("\"".utf8)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: Array("{\"".utf8) + bytes + Array("\":1}".utf8)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
}

@Test(
    "UTF-16 and UTF-32 are refused",
    arguments: [
        [0xFF, 0xFE, 0x31, 0x00], [0xFE, 0xFF, 0x00, 0x31], [0x31, 0x00], [0x00, 0x31], [0x00, 0x00, 0x00, 0x31],
        [0xEF, 0xBB],
    ] as [[UInt8]])
func otherEncodings(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
}

@Test(
    "a lone surrogate is refused",
    arguments: [
        #""\ud800""#, #""\udc00""#, #""\uDFFF""#, #""\udbff\ud800""#, #""\ud800x""#, #""\ud800\n""#, #""\udc00\ud800""#,
        #"{"\ud800": 1}"#, #"["\ud83d\u0041"]"#,
    ])
func loneSurrogate(text: String) {
    #expect(throws: JSONError.self) { try parsed(text) }
}

@Test("a NUL in a name is refused")
func nulInName() {
    #expect(throws: JSONError.self) { try parsed(#"{"a\u0000b": 1}"#) }
}

@Test("a NUL in a text is seen at any depth", arguments: [#""\u0000""#, #"[1,{"a":["\u0000"]}]"#])
func hasNUL(text: String) throws {
    #expect(try parsed(text).hasNUL)
}

@Test("a text without a NUL has none", arguments: ["null", #"["a",{"b":"c"},1.5,true]"#])
func hasNoNUL(text: String) throws {
    #expect(try !parsed(text).hasNUL)
}

// MARK: Depth

@Test(
    "64 levels are taken",
    arguments: [
        nested(64), nested(64, #"{"a":"#, "}", "1"), nested(32, #"[{"a":"#, "}]", "null"),
        "[" + nested(63) + "," + nested(63) + "]",
    ])
func deep(text: String) throws {
    _ = try parsed(text)
}

@Test(
    "65 levels are refused",
    arguments: [
        nested(65), nested(65, #"{"a":"#, "}", "1"), nested(100_000), String(repeating: "[", count: 65),
        "[" + nested(64) + "]",
        String(repeating: #"{"a":"#, count: 200_000),
    ])
func tooDeep(text: String) throws {
    let error = #expect(throws: JSONError.self) { try parsed(text) }
    #expect(error?.description == "it is nested deeper than 64 levels")
}

@Test(
    "brackets in texts are no levels",
    arguments: [
        String(repeating: "[", count: 100), String(repeating: "{", count: 100),
        #"\""# + String(repeating: "[", count: 100),
        #"\\\""# + String(repeating: "[{", count: 100), String(repeating: "]", count: 100),
    ])
func bracketsInTexts(text: String) throws {
    _ = try parsed(nested(64, "[", "]", "\"\(text)\""))
}

@Test("brackets after a text that ends in a backslash are levels")
func bracketsAfterBackslash() throws {
    #expect(throws: JSONError.self) { try parsed(#"["\\","# + nested(64) + "]") }
}

@Test("brackets in names are no levels")
func bracketsInNames() throws {
    _ = try parsed(#"{""# + String(repeating: "[", count: 100) + #"": 1}"#)
}

@Test("closing brackets too many make no room for more levels")
func closingFirst() {
    #expect(throws: JSONError.self) { try parsed(nested(1) + "]]]]" + nested(68)) }
}

// MARK: Numbers

@Test("64 bits are read exactly", arguments: [Int.max, Int.min, 9_007_199_254_740_993])
func wholeNumbers(number: Int) throws {
    #expect(try parsed("\(number)") == .integer(number))
}

@Test(
    "a whole number beyond 64 bits is refused",
    arguments: ["9223372036854775808", "-9223372036854775809", "1" + String(repeating: "0", count: 300)])
func beyondBits(text: String) {
    #expect(throws: JSONError.self) { try parsed(text) }
}

@Test(
    "a whole number beyond 64 bits is rounded where that is asked for",
    arguments: ["9223372036854775808", "-9223372036854775809", "1" + String(repeating: "0", count: 300)])
func rounded(text: String) throws {
    #expect(try parsed(text, rounding: true) == .number(Double(text) ?? 0))
}

@Test("rounding does not touch a text whose numbers fit")
func notRounded() throws {
    #expect(try parsed("[9007199254740993]", rounding: true) == [.integer(9_007_199_254_740_993)])
}

@Test(
    "a number beyond a double's range is refused, rounding or not",
    arguments: ["1e400", "-1e400", String(repeating: "9", count: 400)])
func beyondDouble(text: String) {
    #expect(throws: JSONError.self) { try parsed(text) }
    #expect(throws: JSONError.self) { try parsed(text, rounding: true) }
}

@Test("a whole number is one in either spelling", arguments: [("5", 5), ("5.0", 5), ("5e0", 5), ("-3.0", -3)])
func wholeNumber(text: String, number: Int) throws {
    #expect(try parsed(text).wholeNumber == number)
}

@Test("what is no whole number is none", arguments: ["5.5", "1e300", #""5""#, "true", "null", "[5]", #"{"a":5}"#])
func noWholeNumber(text: String) throws {
    #expect(try parsed(text).wholeNumber == nil)
}

@Test("an error says where reading stopped")
func place() {
    let error = #expect(throws: JSONError.self) { try parsed("{\n  \"a\": x\n}") }
    #expect(error?.description.contains("line 2") == true)
}

@Test(
    "an error says what is wrong and where, and quotes nothing of the text",
    arguments: [
        (#"{"a": secret}"#, "something else is expected (line 1, column 12)"),
        (#"{"a": "b" "secret": 1}"#, "something else is expected (line 1, column 18)"),
        (#"{"a": 1, secret"#, "something else is expected (line 1, column 15)"),
        (#"["secret"#, "it ends too early (line 1, column 8)"),
        (#"["secret\uD800"]"#, "something else is expected (line 1, column 15)"),
        (#"["secret\uD800\u0041"]"#, "something else is expected (line 1, column 21)"),
        (#"["\u00secret"]"#, "something else is expected (line 1, column 7)"),
        (#"["secret\q"]"#, "something else is expected (line 1, column 10)"),
        ("[\"secret\u{1}\"]", "something else is expected (line 1, column 8)"),
        (#"[12345]678"#, "something stands behind its end (line 1, column 10)"),
        (#"{"id": 12, "#, "it ends too early (line 1, column 11)"),
        (#"[1e999]"#, "a number is too large (line 1, column 6)"),
        ("[' near ']", "something else is expected (line 1, column 2)"),
    ])
func quotesNothing(text: String, expected: String) {
    let error = #expect(throws: JSONError.self) { try parsed(text) }
    #expect(error?.description == expected)
}

@Test("an error about bytes that are no text quotes none of them")
func quotesNoBytes() {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(#"["secret"#.utf8) + [0xFF]) }
    #expect(error?.description == "it is not UTF-8 (line 1, column 8)")
}

@Test(
    "a value's kind is said in words",
    arguments: [
        (JSONValue.null, "null"), (true, "a boolean"), (1, "a number"), (.number(1.5), "a number"), ("a", "a text"),
        ([], "an array"), ([:], "an object"),
    ] as [(JSONValue, String)])
func kind(value: JSONValue, words: String) {
    #expect(value.kind == words)
}

// MARK: Writing

@Test(
    "control characters, quotes and backslashes are escaped, and nothing else",
    arguments: 0...0x7F as ClosedRange<UInt8>)
func escaped(byte: UInt8) throws {
    let short: [UInt8: String] = [
        0x08: #"\b"#, 0x09: #"\t"#, 0x0A: #"\n"#, 0x0C: #"\f"#, 0x0D: #"\r"#, 0x22: #"\""#, 0x5C: #"\\"#,
    ]
    let hex = String(byte, radix: 16)
    let expected =
        short[byte]
        ?? (byte < 0x20 ? "\\u" + String(repeating: "0", count: 4 - hex.count) + hex : String(UnicodeScalar(byte)))
    #expect(String(decoding: JSONValue.string(String(UnicodeScalar(byte))).compact, as: UTF8.self) == "\"\(expected)\"")
}

@Test(
    "texts beyond ASCII are written as they are",
    arguments: ["\u{E9}", "e\u{301}", "\u{2028}", "\u{1F600}", "\u{FFFF}", "/", "\u{85}"])
func unescaped(text: String) {
    #expect(JSONValue.string(text).compact == Array("\"\(text)\"".utf8))
}

@Test("names are escaped like texts")
func escapedName() {
    #expect(JSONValue.object(["a\"\n": 1]).compact == Array(#"{"a\"\n":1}"#.utf8))
}

@Test("what is no number is written as null", arguments: [Double.infinity, -.infinity, .nan])
func notFinite(number: Double) {
    #expect(JSONValue.number(number).compact == Array("null".utf8))
}

@Test("the compact form has no white space")
func compact() {
    let value: JSONValue = ["a": [1, 2, ["b": nil]], "c": true, "d": .number(0.5), "e": [], "f": [:]]
    #expect(
        String(decoding: value.compact, as: UTF8.self) == #"{"a":[1,2,{"b":null}],"c":true,"d":0.5,"e":[],"f":{}}"#)
}

@Test("the indented form is two spaces a level, plain arrays on one line, a line feed at the end")
func indented() {
    let value: JSONValue = [
        "id": 5, "name": "a\nb", "none": nil, "ids": [1, 2, 3], "empty": [], "nothing": [:],
        "objects": [["a": 1], [:], [1]], "nested": ["deep": ["list": [[1, 2], []]]],
    ]
    let text = #"""
        {
          "id": 5,
          "name": "a\nb",
          "none": null,
          "ids": [1, 2, 3],
          "empty": [],
          "nothing": {},
          "objects": [
            {
              "a": 1
            },
            {},
            [1]
          ],
          "nested": {
            "deep": {
              "list": [
                [1, 2],
                []
              ]
            }
          }
        }

        """#
    #expect(String(decoding: value.indented, as: UTF8.self) == text)
}

@Test(
    "a plain value is indented as itself",
    arguments: [(JSONValue.null, "null\n"), ([], "[]\n"), ([:], "{}\n"), ("a", "\"a\"\n")] as [(JSONValue, String)])
func indentedPlain(value: JSONValue, text: String) {
    #expect(String(decoding: value.indented, as: UTF8.self) == text)
}

@Test("what is written is read as the same, compact and indented", arguments: 0..<200 as Range<UInt64>)
func roundTrip(seed: UInt64) throws {
    var random = Dice(seed: seed)
    let value = random.value(depth: 5)
    #expect(try JSONValue(parsing: value.compact).compact == value.compact)
    #expect(try JSONValue(parsing: value.indented).compact == value.compact)
    #expect(try JSONValue(parsing: value.compact) == value)
}

/// Values that are the same in every run.
extension Dice {
    mutating func text(from lowest: UInt32) -> String {
        let ranges: [ClosedRange<UInt32>] = [
            lowest...0x1F, 0x20...0x7E, 0x7F...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &self) {
            let range = ranges[Int.random(in: 0..<ranges.count, using: &self)]
            if let scalar = UnicodeScalar(UInt32.random(in: range, using: &self)) { scalars.append(scalar) }
        }
        return String(scalars)
    }

    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2: return .integer(Int(bitPattern: UInt(next())) >> Int.random(in: 0..<64, using: &self))
        case 3:
            let number = Double(bitPattern: next())
            return .number(number.isFinite ? number : 0.5)
        case 4, 5: return .string(text(from: 0))
        case 6:
            var elements: [JSONValue] = []
            for _ in 0..<Int.random(in: 0...4, using: &self) { elements.append(value(depth: depth - 1)) }
            return .array(elements)
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...4, using: &self) {
                let name = text(from: 1)
                if object[name] == nil { object.append(name, value(depth: depth - 1)) }
            }
            return .object(object)
        }
    }
}
