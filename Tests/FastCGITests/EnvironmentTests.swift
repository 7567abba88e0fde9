import FastCGI
import HTTPTypes
import Testing

private func request(_ variables: [(String, String)]) throws(RequestError) -> HTTPRequest {
    try HTTPRequest(meta: [("REQUEST_METHOD", "GET")] + variables)
}

private func field(_ name: String, _ variables: [(String, String)]) throws -> String? {
    try request(variables).headerFields[#require(HTTPField.Name(name))]
}

// MARK: The method

@Test("a request without a method is refused")
func noMethod() {
    #expect(throws: RequestError.badVariable("REQUEST_METHOD")) {
        try HTTPRequest(meta: ["REQUEST_URI": "/"].map { ($0.key, $0.value) })
    }
}

@Test("a request without any variable is refused")
func noVariables() {
    #expect(throws: RequestError.badVariable("REQUEST_METHOD")) { try HTTPRequest(meta: []) }
}

@Test(
    "a method is a token, whatever it means",
    arguments: [
        "GET", "get", "PROPFIND", "BREW", "M-SEARCH", "!#$%&'*+-.^_`|~09", String(repeating: "A", count: 100_000),
    ])
func methods(method: String) throws {
    #expect(try HTTPRequest(meta: [("REQUEST_METHOD", method)]).method.rawValue == method)
}

@Test(
    "a method that is no token is refused",
    arguments: [
        "", " ", "GET ", " GET", "GE T", "GET\r\n", "GET\n", "G\u{0}T", "G\u{C9}T", "GET/", "GET:", "\"GET\"", "(GET)",
    ])
func badMethods(method: String) {
    #expect(throws: RequestError.badVariable("REQUEST_METHOD")) { try HTTPRequest(meta: [("REQUEST_METHOD", method)]) }
}

@Test("of a repeated variable the last counts")
func repeatedVariable() throws {
    #expect(try request([("REQUEST_METHOD", "PUT")]).method == .put)
    #expect(try request([("REQUEST_URI", "/a"), ("REQUEST_URI", "/b")]).path == "/b")
    #expect(try field("X-A", [("HTTP_X_A", "1"), ("HTTP_X_A", "2")]) == "2")
}

// MARK: The target

@Test(
    "the target is the REQUEST_URI, as it was sent",
    arguments: [
        "/", "/a/b/", "/a?b=c&d", "//a//b", "/%00/%2F", "/a?", "*", "/../..", "/\u{E9}", "http://example.org/a",
        "/" + String(repeating: "a", count: 1 << 20),
    ])
func targets(target: String) throws {
    #expect(try request([("REQUEST_URI", target)]).path == target)
}

@Test(
    "without a REQUEST_URI the target is put together",
    arguments: [
        ([], "/"), ([("SCRIPT_NAME", "/api")], "/api"), ([("PATH_INFO", "/a")], "/a"),
        ([("SCRIPT_NAME", "/api"), ("PATH_INFO", "/a/b")], "/api/a/b"),
        ([("PATH_INFO", "/a"), ("QUERY_STRING", "b=c")], "/a?b=c"),
        ([("PATH_INFO", "/a"), ("QUERY_STRING", "")], "/a"),
    ] as [([(String, String)], String)])
func composed(variables: [(String, String)], target: String) throws {
    #expect(try request(variables).path == target)
}

@Test("REQUEST_URI comes before what else says the target")
func uriFirst() throws {
    #expect(try request([("REQUEST_URI", "/a?b"), ("PATH_INFO", "/c"), ("QUERY_STRING", "d")]).path == "/a?b")
}

@Test("an empty REQUEST_URI is the root")
func emptyTarget() throws {
    #expect(try request([("REQUEST_URI", "")]).path == "/")
}

@Test("no line break gets into a target", arguments: ["/a\r\nX: y", "/a\nb", "/a\u{0}b"])
func brokenTarget(target: String) throws {
    let path = try request([("REQUEST_URI", target)]).path ?? ""
    #expect(!path.utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 })
}

@Test("HTTPS says the scheme", arguments: [("on", "https"), ("1", "https"), ("off", "http"), ("", "http")])
func scheme(value: String, scheme: String) throws {
    #expect(try request([("HTTPS", value)]).scheme == scheme)
}

@Test("without HTTPS the scheme is http, and without a host there is none")
func plain() throws {
    let request = try request([])
    #expect(request.scheme == "http")
    #expect(request.authority == nil)
}

@Test("the Host header is the authority")
func authority() throws {
    #expect(try request([("HTTP_HOST", "example.org:8443")]).authority == "example.org:8443")
}

// MARK: Header fields

@Test(
    "HTTP_ variables are header fields",
    arguments: [
        ("HTTP_AUTHORIZATION", "Authorization"), ("HTTP_IF_MATCH", "If-Match"), ("HTTP_IF_NONE_MATCH", "If-None-Match"),
        ("HTTP_ORIGIN", "Origin"), ("HTTP_ACCEPT_LANGUAGE", "Accept-Language"), ("HTTP_X_1_A", "X-1-A"),
        ("HTTP_x_b", "X-B"),
        ("CONTENT_TYPE", "Content-Type"), ("CONTENT_LENGTH", "Content-Length"),
    ])
func headers(variable: String, name: String) throws {
    #expect(try field(name, [(variable, "12")]) == "12")
}

@Test("an empty CONTENT_TYPE or CONTENT_LENGTH is an absent one", arguments: ["Content-Type", "Content-Length"])
func emptyContent(name: String) throws {
    #expect(try field(name, [("CONTENT_TYPE", ""), ("CONTENT_LENGTH", "")]) == nil)
}

@Test("a header that is empty is there")
func emptyHeader() throws {
    #expect(try field("Origin", [("HTTP_ORIGIN", "")]) == "")
}

@Test(
    "other variables are no header fields",
    arguments: [
        "PATH", "REMOTE_USER", "SERVER_NAME", "HTTP", "HTTPX_A", "XHTTP_A", "http_a", "HTTPS", "", "TM_SECRET",
        "REDIRECT_HTTP_AUTHORIZATION",
    ])
func otherVariables(name: String) throws {
    #expect(try request([(name, "a")]).headerFields.isEmpty)
}

@Test(
    "a variable whose name makes no header name is passed over",
    arguments: [
        "HTTP_", "HTTP_A B", "HTTP_A:B", "HTTP_A\r\nB", "HTTP_\u{C9}", "HTTP_A\u{0}", "HTTP_(A)", "HTTP_A=B",
        "HTTP_:PATH",
    ])
func badNames(name: String) throws {
    #expect(try request([(name, "a")]).headerFields.isEmpty)
}

@Test(
    "no line break and no NUL gets into a header's value",
    arguments: ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\u{0}b", "\r\n", "a\r\n"])
func brokenValues(value: String) throws {
    let field = try field("Origin", [("HTTP_ORIGIN", value)]) ?? ""
    #expect(!field.utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 })
}

@Test("text beyond ASCII in a header's value stays")
func beyondASCII() throws {
    #expect(try field("X-Name", [("HTTP_X_NAME", "Zo\u{EB} \u{1F600}")]) == "Zo\u{EB} \u{1F600}")
}

@Test("a value of a megabyte stays whole")
func hugeValue() throws {
    let value = String(repeating: "a", count: 1 << 20)
    #expect(try field("Authorization", [("HTTP_AUTHORIZATION", value)]) == value)
}

@Test("thousands of headers are taken")
func manyHeaders() throws {
    let request = try request((0..<2000).map { ("HTTP_X_\($0)", "\($0)") })
    #expect(request.headerFields.count == 2000)
    #expect(request.headerFields[try #require(HTTPField.Name("X-1999"))] == "1999")
}

@Test("the body's length is CONTENT_LENGTH, whatever a header says that CGI gives another name")
func contentLengthOnly() throws {
    #expect(try field("Content-Length", [("CONTENT_LENGTH", "5"), ("HTTP_CONTENT_LENGTH", "9")]) == "5")
    #expect(try field("Content-Length", [("HTTP_CONTENT_LENGTH", "9"), ("CONTENT_LENGTH", "5")]) == "5")
    #expect(try field("Content-Type", [("CONTENT_TYPE", "a/b"), ("HTTP_CONTENT_TYPE", "c/d")]) == "a/b")
}
