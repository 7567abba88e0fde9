import Testing

@testable import CampaignAPI

@Test("an entity-tag is written in quotes")
func quotes() {
    #expect(EntityTag("abc").description == #""abc""#)
}

@Test(
    "a condition that names the tag, or any, is met",
    arguments: [
        #""abc""#, "*", #" "abc""#, #""x","abc""#, #""x", "abc""#, #""abc","x""#, "\"x\" ,\t\"abc\", \"y\"",
        #"W/"abc""#,
        #"W/"x", W/"abc""#, #",,"abc""#, #""","abc""#, #""a,b","abc""#, " *",
    ])
func isIn(condition: String) {
    #expect(EntityTag("abc").isIn(condition))
}

@Test(
    "a condition that does not name the tag is not met",
    arguments: [
        "", " ", ",", "abc", #""abc"#, #"abc""#, #""ab""#, #""abcd""#, #""ABC""#, #""x""#, #""x,"abc"#, #"w/"abc""#,
        #"W/abc"#,
        #"'abc'"#, #""x"abc"#, "**", #""*""#, #""a, abc, b""#, "\"abc", "\"",
    ])
func isNotIn(condition: String) {
    #expect(!EntityTag("abc").isIn(condition))
}
