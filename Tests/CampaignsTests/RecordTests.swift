import Campaigns
import JSON
import Testing

private func read<Kind: Record>(_: Kind.Type = Kind.self, _ text: String, id: Int = 5) throws -> Kind {
    try Kind(RecordMembers(JSONValue(parsing: Array(text.utf8)), id: id, idKey: Kind.idKey))
}

private func written(_ record: some Record) -> String {
    String(decoding: record.json.indented, as: UTF8.self)
}

// MARK: What is missing

@Test("a campaign needs a name, and nothing else")
func least() throws {
    #expect(try read(Campaign.self, #"{"name": "a"}"#) == Campaign(id: 5, name: "a"))
}

@Test("a campaign's name is there and not empty", arguments: ["{}", #"{"name": null}"#, #"{"name": ""}"#])
func noName(text: String) {
    #expect(throws: RecordError("name is missing")) { try read(Campaign.self, text) }
}

@Test("an organisation, a project or a user may be empty")
func empty() throws {
    #expect(try read(Organisation.self, "{}") == Organisation(id: 5, name: nil))
    #expect(try read(Project.self, "{}") == Project(id: 5, name: nil))
    #expect(try read(User.self, "{}") == User(id: 5, username: nil))
}

@Test("a user without a role is a mapper who wants messages")
func defaults() throws {
    let user = try read(User.self, #"{"role": null, "projectsNotifications": null}"#)
    #expect(user.role == .mapper)
    #expect(user.projectsNotifications)
}

@Test("null is as good as a missing key")
func nulls() throws {
    let campaign = try read(
        Campaign.self,
        #"{"id": null, "name": "a", "logo": null, "url": null, "description": null, "organisations": null, "projects": null}"#
    )
    #expect(campaign == Campaign(id: 5, name: "a"))
}

// MARK: Ids

@Test("the id in a record is the one of its file's name, in either spelling of the number", arguments: ["5", "5.0"])
func sameID(id: String) throws {
    #expect(try read(Campaign.self, #"{"id": \#(id), "name": "a"}"#).id == 5)
}

@Test("a record with another id than its file's name is refused")
func otherID() {
    #expect(throws: RecordError("id is 6, but the file is named 5.json")) {
        try read(Campaign.self, #"{"id": 6, "name": "a"}"#)
    }
    #expect(throws: RecordError("organisationId is 6, but the file is named 5.json")) {
        try read(Organisation.self, #"{"organisationId": 6}"#)
    }
    #expect(throws: RecordError("projectId is 6, but the file is named 5.json")) {
        try read(Project.self, #"{"projectId": 6}"#)
    }
}

@Test("an id is a whole number from 1 on", arguments: ["0", "-5", "5.5", #""5""#, "true", "[5]", "{}"])
func badIDs(id: String) {
    #expect(throws: RecordError("id is not an id")) { try read(Campaign.self, #"{"id": \#(id), "name": "a"}"#) }
    #expect(throws: RecordError("author is not an id")) { try read(Project.self, #"{"author": \#(id)}"#) }
    #expect(throws: RecordError("organisation is not an id")) { try read(Project.self, #"{"organisation": \#(id)}"#) }
    #expect(throws: RecordError("managers holds something that is not an id")) {
        try read(Organisation.self, #"{"managers": [1, \#(id)]}"#)
    }
}

@Test("ids that are given twice count once, in the order of the first")
func repeats() throws {
    #expect(try read(Campaign.self, #"{"name": "a", "projects": [3, 1, 3, 2.0, 1]}"#).projects == [3, 1, 2])
}

// MARK: Wrong kinds

@Test(
    "a text that is none is refused by the key's name",
    arguments: ["name", "slug", "logo", "url"], ["1", "true", "[]", "{}"])
func noTexts(key: String, value: String) {
    let error = #expect(throws: RecordError.self) { try read(Organisation.self, #"{"\#(key)": \#(value)}"#) }
    #expect(error?.description.hasPrefix("\(key) is ") == true)
}

@Test(
    "a list that is none is refused by the key's name", arguments: ["organisations", "projects"],
    ["1", "true", #""1""#, "{}"])
func noLists(key: String, value: String) {
    let error = #expect(throws: RecordError.self) { try read(Campaign.self, #"{"name": "a", "\#(key)": \#(value)}"#) }
    #expect(error?.description.hasPrefix("\(key) is ") == true)
}

@Test("a role that is none is refused", arguments: ["admin", "BOSS", "", "ADMIN "])
func noRole(role: String) {
    #expect(throws: RecordError("role is none of ADMIN, MAPPER, READ_ONLY")) {
        try read(User.self, #"{"role": "\#(role)"}"#)
    }
}

@Test("projectsNotifications is true or false", arguments: ["1", #""true""#, "[]"])
func noFlag(value: String) {
    #expect(throws: RecordError.self) { try read(User.self, #"{"projectsNotifications": \#(value)}"#) }
}

@Test("a record is an object", arguments: ["[]", "1", "null", #""a""#, "true"])
func noObject(text: String) {
    #expect(throws: RecordError.self) { try read(Campaign.self, text) }
}

@Test("a NUL in any text of a record is refused")
func nul() {
    #expect(throws: RecordError("it has a NUL in a text")) {
        try read(Campaign.self, #"{"name": "a", "other": ["\u0000"]}"#)
    }
}

// MARK: What is unknown, and writing

@Test("a campaign is written with its keys in order, and what is unknown where it stood")
func campaignForm() throws {
    let text = #"""
        {"z": {"b": 1, "a": [1, {"c": null}]}, "projects": [4, 2], "name": "a", "Name": "b", "é": 1.5, "id": 5}
        """#
    #expect(
        written(try read(Campaign.self, text)) == #"""
            {
              "z": {
                "b": 1,
                "a": [
                  1,
                  {
                    "c": null
                  }
                ]
              },
              "id": 5,
              "name": "a",
              "Name": "b",
              "é": 1.5,
              "logo": null,
              "url": null,
              "description": null,
              "organisations": [],
              "projects": [4, 2]
            }

            """#)
}

@Test("an organisation is written with its keys in order")
func organisationForm() throws {
    #expect(
        written(
            try read(
                Organisation.self,
                #"{"x": 1, "subscriptionTier": 3, "managers": [2, 1], "slug": "s", "type": "DISCOUNTED", "name": "n"}"#)
        )
            == """
            {
              "x": 1,
              "organisationId": 5,
              "name": "n",
              "slug": "s",
              "logo": null,
              "url": null,
              "description": null,
              "type": "DISCOUNTED",
              "subscriptionTier": 3,
              "managers": [2, 1]
            }

            """)
}

@Test("a project is written with its keys in order")
func projectForm() throws {
    #expect(
        written(
            try read(
                Project.self,
                #"{"percentMapped": 7, "x": 1, "contributors": [2], "status": "DRAFT", "organisation": 3, "author": 4}"#
            ))
                == """
                {
                  "projectId": 5,
                  "name": null,
                  "shortDescription": null,
                  "status": "DRAFT",
                  "percentMapped": 7,
                  "x": 1,
                  "percentValidated": null,
                  "author": 4,
                  "organisation": 3,
                  "managers": [],
                  "contributors": [2]
                }

                """)
}

@Test("a status, a type or a number that is none is named")
func wrongWords() throws {
    #expect(throws: RecordError("status is none of DRAFT, PUBLISHED, ARCHIVED")) {
        try read(Project.self, #"{"status": "draft"}"#)
    }
    #expect(throws: RecordError("type is none of FREE, DISCOUNTED, FULL_FEE")) {
        try read(Organisation.self, #"{"type": ""}"#)
    }
    #expect(throws: RecordError("subscriptionTier is not a whole number")) {
        try read(Organisation.self, #"{"subscriptionTier": "1"}"#)
    }
    #expect(throws: RecordError("percentMapped is not a whole number")) {
        try read(Project.self, #"{"percentMapped": 1.5}"#)
    }
}

@Test("a user is written with its keys in order")
func userForm() throws {
    #expect(
        written(try read(User.self, #"{"x": 1, "projectsNotifications": false, "role": "READ_ONLY", "username": "u"}"#))
            == """
            {
              "x": 1,
              "id": 5,
              "username": "u",
              "role": "READ_ONLY",
              "pictureUrl": null,
              "emailAddress": null,
              "projectsNotifications": false
            }

            """)
}

@Test("a record that is written and read again is the same")
func roundTrip() throws {
    let campaign = Campaign(
        id: 5, name: "\u{E9}\"\\\n", logo: "", url: "/", description: "\u{1F600}", organisations: [3, 1], projects: [2],
        other: ["x": [1, nil, ["y": "z"]]])
    #expect(try read(Campaign.self, written(campaign)) == campaign)
}

@Test("a key that is not the service's own stays where it stands, wherever that is, and so does all in it")
func otherKeysStay() throws {
    func stays<Kind: Record>(_: Kind.Type, _ own: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let note = #"{"b": [1, {"z": null, "a": "\u00e9"}], "a": {}}"#
        for place in 0...own.count {
            var members = own
            members.insert(contentsOf: [#""_comment": \#(note)"#, #""_x": 1"#], at: place)
            let record = try read(Kind.self, "{\(members.joined(separator: ", "))}")
            let text = String(decoding: record.json.compact, as: UTF8.self)
            let expected = try JSONValue(parsing: Array("{\(members.joined(separator: ", "))}".utf8)).compact
            #expect(text == String(decoding: expected, as: UTF8.self), sourceLocation: sourceLocation)
        }
    }
    try stays(
        Campaign.self,
        [
            #""id": 5"#, #""name": "a""#, #""logo": null"#, #""url": null"#, #""description": null"#,
            #""organisations": [1]"#, #""projects": []"#,
        ])
    try stays(
        User.self,
        [
            #""id": 5"#, #""username": "a""#, #""role": "ADMIN""#, #""pictureUrl": null"#, #""emailAddress": null"#,
            #""projectsNotifications": true"#,
        ])
    try stays(ReadState.self, [#""id": 5"#, #""read": [[1, 4], 6]"#, #""deleted": []"#])
    try stays(Delivery.self, [#""messageId": 5"#, #""recipients": [1, 2]"#])
}

@Test("keys that another version of a record has are added where they stand there")
func otherKeysOfAnother() throws {
    var record = try read(ReadState.self, #"{"id": 5, "read": [], "deleted": [], "x": 1}"#)
    record.other.add(try read(ReadState.self, #"{"_top": 1, "id": 5, "read": [], "_mid": 2, "x": 3}"#).other)
    #expect(
        String(decoding: record.json.compact, as: UTF8.self)
            == #"{"_top":1,"id":5,"read":[],"deleted":[],"x":1,"_mid":2}"#)
}
