internal import JSON

extension API {
    @Sendable static func documentation(_ call: Call) throws -> Answer {
        Answer(JSONValue.object(JSONObject()))
    }
}
