/// Addresses in a text that people would expect to be links.
enum BareLink {
    /// Every `http://` or `https://` with what follows, up to white space or a character that cannot be in an address. What
    /// ends a sentence, and a bracket that was opened before, is no part of it.
    static func all(in text: String) -> [Substring] {
        let scalars = text.unicodeScalars
        var found: [Substring] = []
        var search = scalars.startIndex
        while let colon = scalars[search...].firstIndex(of: ":") {
            search = scalars.index(after: colon)
            guard scalars[search...].starts(with: "//".unicodeScalars),
                let start = schemeStart(scalars, before: colon, notBefore: found.last?.endIndex)
            else { continue }
            let host = scalars.index(search, offsetBy: 2)
            var end = scalars[host...].firstIndex { !isPart($0) } ?? scalars.endIndex
            search = end
            end = withoutPunctuation(scalars, host, end)
            guard end > host, isOfWord(scalars[host]) || scalars[host] == "[" else { continue }
            found.append(text[start..<end])
        }
        return found
    }

    /// Where a scheme begins that ends at a colon, or nil when it is none of the web's.
    private static func schemeStart(
        _ scalars: String.UnicodeScalarView, before colon: String.Index, notBefore limit: String.Index?
    ) -> String.Index? {
        let before = scalars[..<colon].suffix(6)
        for scheme in ["https", "http"] where String(before.suffix(scheme.count)).lowercased() == scheme {
            let start = before.suffix(scheme.count).startIndex
            if let limit, start < limit { return nil }
            guard start > scalars.startIndex else { return start }
            // In the middle of a word it is another scheme.
            let last = scalars[scalars.index(before: start)]
            return isOfWord(last) || "+-.".unicodeScalars.contains(last) ? nil : start
        }
        return nil
    }

    private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private static func isPart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "<", ">", "\"", "`", "\\", "^", "{", "}", "|", "\u{FFFD}": false
        default:
            scalar.value > 0x20 && scalar.value != 0x7F && !scalar.properties.isWhitespace
                && ![.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
        }
    }

    private static func withoutPunctuation(
        _ scalars: String.UnicodeScalarView, _ start: String.Index, _ end: String.Index
    ) -> String.Index {
        var end = end
        var closing = scalars[start..<end].count { $0 == ")" }
        let opening = scalars[start..<end].count { $0 == "(" }
        while end > start {
            let place = scalars.index(before: end)
            let last = scalars[place]
            if last == ")" {
                guard closing > opening else { return end }
                closing -= 1
            } else if !endsSentence(last) {
                return end
            }
            end = place
        }
        return end
    }

    private static func endsSentence(_ scalar: Unicode.Scalar) -> Bool {
        if "?!.,:;*_~'".unicodeScalars.contains(scalar) { return true }
        return !scalar.isASCII
            && [.finalPunctuation, .initialPunctuation, .otherPunctuation, .closePunctuation, .openPunctuation]
                .contains(scalar.properties.generalCategory)
    }
}
