import Campaigns
import JSON
import Testing

private let before = Campaign(
    id: 7, name: "Floods", logo: "/logos/a.svg", url: "https://example.org", description: "Rain",
    organisations: [1, 2],
    projects: [3], other: ["colour": "blue"])

private func changed(_ body: JSONObject) throws -> Campaign {
    try CampaignFields(body).applied(to: before)
}

// MARK: The name

@Test(
    "white space around a name is cut",
    arguments: [
        "Floods", "  Floods", "Floods  ", "\tFloods\n", "\u{3000}Floods\u{A0}", "\u{2028}Floods\u{205F}",
        "\u{85}Floods\u{B}",
    ])
func trims(name: String) throws {
    #expect(try CampaignFields(["name": .string(name)]).name == "Floods")
}

@Test(
    "what is as invisible is cut with it",
    arguments: ["\u{200B}Floods", "Floods\u{2060} ", "\u{FEFF}\u{AD}\nFloods\u{AD}"])
func trimsInvisible(name: String) throws {
    #expect(try CampaignFields(["name": .string(name)]).name == "Floods")
}

@Test(
    "a name in which nothing can be seen is refused",
    arguments: ["\u{3164}", "\u{115F}\u{1160}", "\u{FFA0}", "\u{200D}", "\u{2800}", "\u{E0041}", "\u{200E} \u{FE0F}"])
func invisibleName(name: String) {
    #expect(throws: InvalidField("name", "must have a character that can be seen")) {
        try CampaignFields(["name": .string(name)])
    }
}

@Test("white space inside a name stays")
func inside() throws {
    #expect(try CampaignFields(["name": " a  b\u{3000}c "]).name == "a  b\u{3000}c")
}

@Test("a name of white space alone is refused", arguments: ["", " ", "\u{3000}\u{A0}", "\n\t\r", "\u{2003}\u{202F}"])
func emptyName(name: String) {
    #expect(throws: InvalidField("name", "must not be empty")) { try CampaignFields(["name": .string(name)]) }
}

@Test(
    "a name may have 255 characters, counted as Unicode scalars, after the white space is cut",
    arguments: [
        String(repeating: "a", count: 255), String(repeating: "\u{1F600}", count: 255),
        " " + String(repeating: "\u{E9}", count: 255) + "\n",
    ])
func longestName(name: String) throws {
    #expect(try CampaignFields(["name": .string(name)]).name?.unicodeScalars.count == 255)
}

@Test(
    "a name of 256 characters is refused",
    arguments: [
        String(repeating: "a", count: 256), String(repeating: "e\u{301}", count: 128),
        String(repeating: "\u{1F600}", count: 256),
    ])
func tooLongName(name: String) {
    #expect(throws: InvalidField("name", "must not be longer than 255 characters")) {
        try CampaignFields(["name": .string(name)])
    }
}

@Test(
    "the spelling of a name is kept, its letter case and its form of Unicode",
    arguments: ["\u{C5}", "A\u{30A}", "\u{212B}", "fLOODS"])
func spelling(name: String) throws {
    #expect(try Array(CampaignFields(["name": .string(name)]).name?.utf8 ?? "".utf8) == Array(name.utf8))
}

@Test("a name that is no text is refused", arguments: [nil, 1, true, .number(1.5), [], [:], ["a"]] as [JSONValue])
func noText(value: JSONValue) {
    #expect(throws: InvalidField("name", "must be a text, not \(value.kind)")) { try CampaignFields(["name": value]) }
}

@Test("a name that is absent is none, and no error")
func absent() throws {
    #expect(try CampaignFields([:]).name == nil)
}

// MARK: Control characters

@Test(
    "a control character in a name, a logo or a link is refused",
    arguments: ["name", "logo", "url"],
    ["a\u{1}b", "a\nb", "a\tb", "a\u{7F}b", "a\u{85}b", "a\u{9F}b", "a\u{1B}[31mb"])
func controls(field: String, text: String) {
    #expect(throws: InvalidField(field, "must not contain control characters")) {
        var body = JSONObject()
        body.append(field, .string(text))
        return try CampaignFields(body)
    }
}

@Test("a description may have several lines")
func lines() throws {
    #expect(try changed(["description": "a\nb\tc"]).description == "a\nb\tc")
}

// MARK: Links

@Test(
    "a link to http or https, or a relative one, is taken",
    arguments: ["logo", "url"],
    [
        "http://example.org", "https://example.org/a?b=c#d", "HTTPS://EXAMPLE.ORG", "/logos/a.png", "a b.png",
        "//example.org/a",
        "./a:b", "/a:b", "?a:b", "#a:b", "1a:b", "a b:c", "\u{FC}:b", "%6aavascript:a", ":a", "",
    ])
func links(field: String, link: String) throws {
    var body = JSONObject()
    body.append(field, .string(link))
    let campaign = try changed(body)
    #expect((field == "logo" ? campaign.logo : campaign.url) == (link.isEmpty ? nil : link))
}

@Test(
    "a link that begins with a host name gets a scheme",
    arguments: ["logo", "url"],
    [
        "hotosm.org", "hotosm.org/x", "www.hotosm.org:443/x", "HOTOSM.ORG/x", "hotosm.org?x", "hotosm.org#x",
        "hotosm.org:8080", "hotosm.org:8080?x", "hotosm.org/a:b", "a-1.b2.museum/x", "m\u{FC}nchen.example/x",
        "a.b:80#x",
        "javascript.com/x", "javascript.com:80", "a.png/x", "a.png?x",
    ])
func hosts(field: String, link: String) throws {
    var body = JSONObject()
    body.append(field, .string(link))
    let campaign = try changed(body)
    #expect((field == "logo" ? campaign.logo : campaign.url) == "https://" + link)
}

@Test(
    "what only looks like a host name stays as it is",
    arguments: [
        "localhost", "localhost/x", "a", "a/b.org", "127.0.0.1/x", "a.b1/x", "-a.org/x", "a-.org/x", ".org", "a..org/x",
        "hotosm.org./x", "user@hotosm.org/x", "//hotosm.org", "/hotosm.org/x", "a_b.org/x", "a b.org/x",
        "hotosm.org\\x",
        "./hotosm.org", "?hotosm.org", "a.%6Frg",
    ])
func noHosts(link: String) throws { #expect(try changed(["url": .string(link)]).url == link) }

@Test("a logo that is only a file name stays as it is", arguments: ["a.png", "A.PNG", "my.logo.svg", "storm.jpeg"])
func fileNames(name: String) throws {
    #expect(try changed(["logo": .string(name)]).logo == name)
    #expect(try changed(["url": .string(name)]).url == "https://" + name)
}

@Test(
    "a link of another scheme is refused",
    arguments: ["logo", "url"],
    [
        "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "\u{3000}javascript:alert(1)",
        "data:text/html,a",
        "ftp://example.org", "mailto:a@example.org", "file:///etc/passwd", "vbscript:a", "httpx://a", "a+b-c.1:d",
        "a:b",
        "javascript:\u{301}alert(1)", "blob:https://example.org/a",
    ])
func otherSchemes(field: String, link: String) {
    #expect(throws: InvalidField(field, "must be a link to http or https, or a path")) {
        var body = JSONObject()
        body.append(field, .string(link))
        return try CampaignFields(body)
    }
}

// MARK: Absent, null, and of the wrong kind

@Test("what is absent stays as it is")
func nothing() throws {
    #expect(try changed([:]) == before)
}

@Test("logo, url and description that are null are cleared")
func cleared() throws {
    let campaign = try changed(["logo": nil, "url": nil, "description": nil])
    #expect(campaign.logo == nil)
    #expect(campaign.url == nil)
    #expect(campaign.description == nil)
}

@Test("an empty logo or url is null; an empty description is a text")
func emptyTexts() throws {
    let campaign = try changed(["logo": "", "url": "", "description": ""])
    #expect(campaign.logo == nil)
    #expect(campaign.url == nil)
    #expect(campaign.description == "")
}

@Test(
    "logo, url and description of another kind are refused", arguments: ["logo", "url", "description"],
    [1, true, [], [:]] as [JSONValue])
func otherKinds(field: String, value: JSONValue) {
    #expect(throws: InvalidField(field, "must be a text or null, not \(value.kind)")) {
        var body = JSONObject()
        body.append(field, value)
        return try CampaignFields(body)
    }
}

@Test("the id, the projects and what is unknown are not changed by a body")
func ignored() throws {
    #expect(try changed(["id": 99, "projects": [9], "colour": "red", "x": nil]) == before)
}

@Test("a whole campaign as GET gives it changes nothing")
func echo() throws {
    let body: JSONObject = [
        "id": 7, "name": "Floods", "logo": "/logos/a.svg", "url": "https://example.org", "description": "Rain",
        "organisations": [
            ["organisationId": 1, "name": "A", "slug": "a", "logo": nil, "url": nil],
            ["organisationId": 2, "name": "B", "slug": nil, "logo": nil, "url": nil],
        ],
    ]
    #expect(try changed(body) == before)
}

// MARK: Organisations

@Test(
    "organisations are ids, in the order given, each once, also as objects",
    arguments: [
        ([], []), ([3, 1, 2], [3, 1, 2]), ([2, 1, 2, 1, 2], [2, 1]), ([["organisationId": 4]], [4]),
        ([1, ["organisationId": 2, "name": "B"], 1], [1, 2]), ([.number(2)], [2]),
        ([["organisationId": .number(5)], 5], [5]),
    ] as [(JSONValue, [Int])])
func organisations(value: JSONValue, ids: [Int]) throws {
    #expect(try CampaignFields(["organisations": value]).organisations == ids)
}

@Test("organisations that are absent or null leave them", arguments: [[:], ["organisations": nil]] as [JSONObject])
func noOrganisations(body: JSONObject) throws {
    #expect(try changed(body).organisations == [1, 2])
}

@Test("an empty list of organisations clears them")
func emptyOrganisations() throws {
    #expect(try changed(["organisations": []]).organisations == [])
}

@Test(
    "organisations that are no ids are refused",
    arguments: [
        ["1"], [nil], [true], [.number(1.5)], [.number(1e300)], [[1]], [[:]], [["organisationId": nil]],
        [["organisationId": "1"]], [["organisationId": ["organisationId": 1]]], [["id": 1]], [1, "x"], "1", 1, true,
        [:],
        ["organisationId": 1],
    ] as [JSONValue])
func badOrganisations(value: JSONValue) {
    let error = #expect(throws: InvalidField.self) { try CampaignFields(["organisations": value]) }
    #expect(error?.field == "organisations")
}

@Test("the error of a list says which item is wrong")
func whichItem() {
    let error = #expect(throws: InvalidField.self) { try CampaignFields(["organisations": [1, 2, "x"]]) }
    #expect(error?.description.contains("item 3") == true)
}

@Test("an error's text begins with the field's name")
func errorText() {
    #expect(InvalidField("name", "must not be empty").description == "name must not be empty")
}
