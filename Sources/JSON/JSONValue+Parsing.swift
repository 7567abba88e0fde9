internal import CJansson

/// Why a text is not valid JSON that is accepted here.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    public let description: String
}

extension JSONValue {
    /// Levels of arrays and objects that a text may have, the outermost counted.
    public static let deepestNesting = 64

    /// Reads a JSON text (RFC 8259) with jansson.
    ///
    /// A byte order mark is skipped, and of a repeated name the last value counts. Refused are invalid UTF-8, lone
    /// surrogates, NUL in a name, numbers beyond a double's range, and nesting deeper than ``deepestNesting``.
    ///
    /// - Parameter rounding: whether whole numbers beyond 64 bits are taken as doubles, and then all others too; otherwise they are refused.
    /// - Parameter deepest: levels that it may have.
    /// - Throws: ``JSONError``, with the place where reading stopped.
    public init(
        parsing text: UnsafeRawBufferPointer, rounding: Bool = false, deepest: Int = deepestNesting
    ) throws(JSONError) {
        var text = text
        if text.starts(with: [0xEF, 0xBB, 0xBF]) {
            text = UnsafeRawBufferPointer(rebasing: text.dropFirst(3))
        }
        guard Self.nesting(of: text) <= deepest else {
            throw JSONError(description: "it is nested deeper than \(deepest) levels")
        }
        // jansson takes it for the end of the text.
        guard !text.contains(0) else { throw JSONError(description: "it has a NUL") }
        guard let start = text.baseAddress, !text.isEmpty else {
            throw JSONError(description: "it is empty")
        }
        var error = json_error_t()
        let bytes = start.assumingMemoryBound(to: CChar.self)
        let flags = JSON_DECODE_ANY | JSON_ALLOW_NUL
        var root = json_loadb(bytes, text.count, size_t(flags), &error)
        if root == nil, rounding, json_error_code(&error) == json_error_numeric_overflow {
            root = json_loadb(bytes, text.count, size_t(flags | JSON_DECODE_INT_AS_REAL), &error)
        }
        guard let root else {
            throw JSONError(
                description: "\(Self.words(for: json_error_code(&error))) (line \(error.line), column \(error.column))")
        }
        defer { json_decref(root) }
        self.init(root)
    }

    /// Reads a JSON text from bytes.
    public init(
        parsing bytes: [UInt8], rounding: Bool = false, deepest: Int = deepestNesting
    ) throws(JSONError) {
        let result = bytes.withUnsafeBytes { text in
            Result<JSONValue, JSONError> { () throws(JSONError) in
                try JSONValue(parsing: text, rounding: rounding, deepest: deepest)
            }
        }
        self = try result.get()
    }

    /// What is wrong. jansson's own words quote the text: the heartbeat tells everybody why a record is broken, and what is in
    /// it is nobody's business.
    private static func words(for code: json_error_kind) -> String {
        switch code {
        case json_error_premature_end_of_input: "it ends too early"
        case json_error_end_of_input_expected: "something stands behind its end"
        case json_error_invalid_utf8: "it is not UTF-8"
        case json_error_null_character, json_error_null_byte_in_key: "it has a NUL"
        case json_error_numeric_overflow: "a number is too large"
        case json_error_stack_overflow: "it is nested too deep"
        case json_error_out_of_memory: "there is no memory to read it"
        default: "something else is expected"
        }
    }

    /// The deepest level of brackets outside of texts. jansson goes down by recursion to a level of its own, so this
    /// is asked before it sees anything.
    private static func nesting(of text: UnsafeRawBufferPointer) -> Int {
        var depth = 0
        var deepest = 0
        var inText = false
        var escaped = false
        for byte in text {
            if inText {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inText = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }

    /// Copies a value of jansson's, whose depth has been bounded.
    private init(_ value: UnsafeMutablePointer<json_t>) {
        switch value.pointee.type {
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        case JSON_INTEGER: self = .integer(Int(json_integer_value(value)))
        case JSON_REAL: self = .number(json_real_value(value))
        case JSON_STRING: self = .string(Self.text(json_string_value(value), json_string_length(value)))
        case JSON_ARRAY:
            let count = json_array_size(value)
            var elements: [JSONValue] = []
            elements.reserveCapacity(count)
            for index in 0..<count {
                if let element = json_array_get(value, index) { elements.append(JSONValue(element)) }
            }
            self = .array(elements)
        case JSON_OBJECT:
            var object = JSONObject()
            var iterator = json_object_iter(value)
            while let member = iterator {
                if let element = json_object_iter_value(member) {
                    object.append(
                        Self.text(json_object_iter_key(member), json_object_iter_key_len(member)), JSONValue(element))
                }
                iterator = json_object_iter_next(value, member)
            }
            self = .object(object)
        default: self = .null
        }
    }

    private static func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
}
