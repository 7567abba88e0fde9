import FastCGI
import HTTPTypes
import JSON
import Testing

@testable import CampaignAPI

private func query(_ text: String) -> Query {
    Query(Request(HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/x?" + text)))
}

@Test("of a repeated parameter the last counts, and an empty one is as absent")
func repeated() throws {
    #expect(try query("a=1&a=2").text("a") == "2")
    #expect(try query("a=1&a=").text("a") == nil)
    #expect(try query("a=1&a").text("a") == nil)
    #expect(try query("b=1").text("a") == nil)
    #expect(try query("page=").number("page") == nil)
    #expect(try query("f=&id=").flag("f") == nil)
    #expect(try query("f=&id=").id("id") == nil)
}

@Test("names and values are decoded, a plus is a space, and a combining mark after & or + changes nothing")
func decoded() throws {
    #expect(try query("%61=x%20y+z%2B").text("a") == "x y z+")
    #expect(try query("a=1&\u{301}b=2&c=3").text("c") == "3")
    #expect(try query("a=x+\u{301}y").text("a") == "x \u{301}y")
    #expect(try query("a=b=c").text("a") == "b=c")
}

@Test("what is not text is refused where it is looked at, and nowhere else", arguments: ["%ff", "%", "%2", "%zz"])
func notText(value: String) throws {
    #expect(throws: Problem.self) { try query("a=\(value)").text("a") }
    #expect(try query("a=\(value)").text("b") == nil)
}

@Test("true and false are taken in any letter case, and nothing else")
func flags() throws {
    #expect(try query("f=TRUE").flag("f") == true)
    #expect(try query("f=fAlse").flag("f") == false)
    for other in ["1", "0", "yes", "t", "true%20"] {
        #expect(throws: Problem.self) { try query("f=\(other)").flag("f") }
    }
}

@Test("a number has 1 to 15 digits and is at least 1")
func numbers() throws {
    #expect(try query("n=999999999999999").number("n") == 999_999_999_999_999)
    #expect(try query("n=000000000000007").number("n") == 7)
    for other in ["0", "-1", "%2B1", "1.0", "1e1", "x", "1000000000000000", "%201", "\u{661}", "0000000000000001"] {
        #expect(throws: Problem.self) { try query("n=\(other)").number("n") }
    }
}

@Test("an id is digits; one that no record can have is none's")
func ids() throws {
    #expect(try query("id=12").id("id") == 12)
    #expect(try query("id=99999999999999999999").id("id") == 0)
    for other in ["x", "-1", "1.0", "%2B1", "1%20"] {
        #expect(throws: Problem.self) { try query("id=\(other)").id("id") }
    }
}

@Test("a page past the end is empty, a pageSize over the most is the most, and nothing has no pages")
func pages() throws {
    let most = "999999999999999"
    let past = Page(try PageQuery(query("page=\(most)&pageSize=\(most)"), pageSize: 10, largest: 100), total: 7)
    #expect(past.range.isEmpty)
    #expect(past.json["perPage"] == 100)
    #expect(past.json["hasNext"] == false)
    #expect(past.json["prevNum"] == 999_999_999_999_998)
    let nothing = Page(try PageQuery(query("pageSize=3"), pageSize: 14), total: 0)
    #expect(nothing.json["pages"] == 0)
    #expect(nothing.json["perPage"] == 14)
    #expect(nothing.range.isEmpty)
    let last = Page(try PageQuery(query("page=2"), pageSize: 14), total: 15)
    #expect(last.range == 14..<15)
}
