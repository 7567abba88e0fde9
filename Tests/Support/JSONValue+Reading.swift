public import JSON

/// What is in a value, if it is of that kind.
extension JSONValue {
    public subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }
    public var text: String? { if case .string(let text) = self { text } else { nil } }
    public var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    public var members: [JSONObject.Member]? { if case .object(let object) = self { object.members } else { nil } }
}
