internal import Campaigns
internal import FoundationEssentials
internal import HTTPTypes
internal import JSON
internal import Records

extension API {
    /// Bytes of a picture.
    private static let imageLimit = 1 << 20
    /// Bytes of the body around one: Base64 makes 4 of 3.
    static let imageBodyLimit = 3 << 19

    @Sendable static func uploadImage(_ call: Call) throws -> Answer {
        let body = try call.object()
        // The file is named by its content. The original asks for a name, so it has to be there.
        guard try text("filename", body) != nil else {
            throw Problem(.badRequest, "MissingFilename", "Missing filename parameter")
        }
        guard let mime = try text("mime", body) else {
            throw Problem(.badRequest, "MissingMime", "Missing mime parameter")
        }
        guard let format = ImageFormat.allCases.first(where: { $0.mediaType == mime }) else {
            throw Problem(
                .badRequest, "UnsupportedFile",
                "Mimetype is not allowed. The supported formats are: png, jpeg, webp and gif.")
        }
        guard let encoded = try text("data", body) else { throw Problem.invalid("data is required") }
        guard let data = Data(base64Encoded: encoded) else { throw Problem.invalid("data must be Base64") }
        guard data.count <= imageLimit else { throw Problem.payloadTooLarge("The picture", limit: imageLimit) }
        let picture = Array(data)
        guard ImageFormat(of: picture) == format else {
            throw Problem(.badRequest, "UnsupportedFile", "data is not a valid \(mime)")
        }
        let name = try call.store.storeImage(picture, fileExtension: format.fileExtension)
        call.changed("picture-stored")
        return Answer(.created, ["url": .string("\(call.api.configuration.publicURL ?? "")/logos/\(name)")])
    }

    /// A member that is a text; nil when it is missing or null.
    private static func text(_ name: String, _ body: JSONObject) throws(Problem) -> String? {
        switch body[name] {
        case .string(let text): text
        case .null, nil: nil
        case .some(let value): throw .invalid("\(name) must be a text, not \(value.kind)")
        }
    }
}
