/// The rules of a name, wherever it comes from.
public enum Name {
    /// Characters that one may have at most, counted as Unicode scalars, as PostgreSQL and Python count.
    public static let longest = 255

    /// A name without what is cut at its ends.
    ///
    /// - Parameter field: what the error says that it is of.
    /// - Throws: ``InvalidField``.
    public static func checked(_ text: String, _ field: String = "name") throws(InvalidField) -> String {
        let name = text.trimmedName()
        try name.refuseControls(field)
        guard !name.isEmpty else { throw InvalidField(field, "must not be empty") }
        guard name.hasVisibleCharacter else { throw InvalidField(field, "must have a character that can be seen") }
        guard name.unicodeScalars.count <= longest else {
            throw InvalidField(field, "must not be longer than \(longest) characters")
        }
        return name
    }
}

extension String {
    /// Without the Unicode white space around it.
    public func trimmed() -> String { cutAtEnds { $0.properties.isWhitespace } }

    /// Without the white space around it and what is as invisible there. Two names are the same when these are (to Swift,
    /// whose texts are equal when they are canonically equivalent).
    public func trimmedName() -> String {
        cutAtEnds { $0.properties.isWhitespace || ["\u{AD}", "\u{200B}", "\u{2060}", "\u{FEFF}"].contains($0) }
    }

    /// Whether there is something in it besides white space, default-ignorable characters, fillers and the like.
    public var hasVisibleCharacter: Bool { unicodeScalars.contains { $0.isVisible } }

    func refuseControls(_ field: String) throws(InvalidField) {
        guard !unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw InvalidField(field, "must not contain control characters")
        }
    }

    private func cutAtEnds(_ isCut: (Unicode.Scalar) -> Bool) -> String {
        let scalars = unicodeScalars
        // Nearly every text, and cheap: a table of many thousand names asks.
        if let first = scalars.first, let last = scalars.last, first.isPlain, last.isPlain { return self }
        guard let first = scalars.firstIndex(where: { !isCut($0) }), let last = scalars.lastIndex(where: { !isCut($0) })
        else { return "" }
        return String(scalars[first...last])
    }
}

extension Unicode.Scalar {
    fileprivate var isPlain: Bool { ("!"..."~").contains(self) }

    fileprivate var isVisible: Bool {
        if isPlain { return true }
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .spaceSeparator: return false
        default:
            // The fillers of Hangul and the blank of Braille. Unicode counts the former as default-ignorable already.
            return !properties.isWhitespace && !properties.isDefaultIgnorableCodePoint
                && !["\u{115F}", "\u{1160}", "\u{3164}", "\u{FFA0}", "\u{2800}"].contains(self)
        }
    }
}
