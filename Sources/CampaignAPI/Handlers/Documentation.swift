internal import JSON
internal import Records

extension API {
    @Sendable static func documentation(_ call: Call) throws -> Answer {
        Answer(try openAPI.get())
    }

    /// `openapi.json`, which is part of the program, with the version put in.
    private static let openAPI = Result {
        let text = String(decoding: PackageResources.openapi_json, as: UTF8.self)
        return Representation(try JSONValue(parsing: Array(text.replacing("$VERSION", with: version).utf8)).compact)
    }
}
