public import JSON

/// What a client says of a campaign, for a new one or as a change of one, each field checked.
public struct CampaignFields: Sendable {
    /// nil: the field was absent and stays as it is.
    public var name: String?
    /// nil: absent. `.some(nil)`: cleared.
    public var logo: String??
    public var url: String??
    public var description: String??
    /// Ids, each once, in the order given; nil: absent or null.
    public var organisations: [Int]?

    /// Reads the fields of a request's body; keys that are none of them are ignored.
    ///
    /// - Throws: ``InvalidField``, for the first field that is wrong.
    public init(_ body: JSONObject) throws(InvalidField) {
        switch body["name"] {
        case nil: name = nil
        case .string(let text): name = try Name.checked(text)
        case .some(let value): throw InvalidField("name", "must be a text, not \(value.kind)")
        }
        logo = try Self.checkedLink(body, .logo)
        url = try Self.checkedLink(body, .url)
        description = try Self.text(body, "description")
        organisations = try Self.ids(body, "organisations")
    }

    /// The campaign that these fields make of another.
    public func applied(to campaign: Campaign) -> Campaign {
        var changed = campaign
        if let name { changed.name = name }
        if let logo { changed.logo = logo }
        if let url { changed.url = url }
        if let description { changed.description = description }
        if let organisations { changed.organisations = organisations }
        return changed
    }

    private static func checkedLink(_ body: JSONObject, _ field: Link) throws(InvalidField) -> String?? {
        guard case .some(.some(let text)) = try text(body, field.rawValue) else {
            return try text(body, field.rawValue)
        }
        return .some(try field.checked(text))
    }

    private static func text(_ body: JSONObject, _ field: String) throws(InvalidField) -> String?? {
        switch body[field] {
        case nil: nil
        case .null: .some(nil)
        case .string(let text): text
        case .some(let value): throw InvalidField(field, "must be a text or null, not \(value.kind)")
        }
    }

    private static func ids(_ body: JSONObject, _ field: String) throws(InvalidField) -> [Int]? {
        switch body[field] {
        case nil, .null: return nil
        case .array(let items):
            var ids: [Int] = []
            for (index, item) in items.enumerated() {
                var value = item
                if case .object(let object) = item { value = object["organisationId"] ?? .null }
                guard let id = value.wholeNumber else {
                    throw InvalidField(
                        field, "must hold ids of organisations; item \(index + 1) is \(item.kind) without one")
                }
                ids.append(id)
            }
            return ids.withoutRepeats()
        case .some(let value): throw InvalidField(field, "must be an array of ids or null, not \(value.kind)")
        }
    }
}

/// A field of a request's body that is missing or wrong.
public struct InvalidField: Error, Equatable, CustomStringConvertible {
    public let field: String
    /// What is wrong with it, so that it reads on after the field's name.
    public let problem: String

    public init(_ field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }

    public var description: String { "\(field) \(problem)" }
}
