import FastCGI
import HTTPTypes
import Testing

@Test("a request without a method is refused")
func noMethod() {
    #expect(throws: RequestError.badVariable("REQUEST_METHOD")) {
        try HTTPRequest(meta: ["REQUEST_URI": "/"].map { ($0.key, $0.value) })
    }
}
