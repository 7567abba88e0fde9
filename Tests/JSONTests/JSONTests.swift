import JSON
import Testing

@Test("of a repeated name the last value counts")
func repeatedName() throws {
    #expect(try JSONValue(parsing: Array(#"{"a": 1, "a": 2}"#.utf8)) == ["a": 2])
}
