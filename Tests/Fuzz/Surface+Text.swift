import Campaigns
import Foundation
import JSON
import Messages

extension Surface {
    /// What is read as JSON is written so that it reads as the same.
    func strikeJSON(_ input: [UInt8]) throws {
        for rounding in [false, true] {
            guard let value = try? JSONValue(parsing: input, rounding: rounding) else { continue }
            for written in [value.compact, value.indented] {
                guard let again = try? JSONValue(parsing: written, rounding: rounding) else {
                    throw Finding("what was written does not read: \(String(decoding: written, as: UTF8.self))")
                }
                try expect(
                    again.compact == value.compact, "\(String(decoding: written, as: UTF8.self)) reads as another")
            }
            let known = try? JSONSerialization.jsonObject(with: Data(value.compact), options: .fragmentsAllowed)
            try expect(known != nil, "Foundation does not read \(String(decoding: value.compact, as: UTF8.self))")
            _ = value.hasNUL
            _ = value.wholeNumber
        }
    }

    /// Of a message's Markdown come these tags alone, and no link that runs a script.
    func strikeMessage(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self).replacing("\0", with: "")
        let html = MessageHTML(appBaseURL: "https://tasks.example.org").html(
            Message(
                id: 1, campaign: 1, campaignName: text, sender: 1, senderName: text, senderPicture: nil, subject: text,
                text: text, sentDate: "", projects: []))
        let bytes = Array(html.utf8)
        var place = 0
        while let start = bytes[place...].firstIndex(of: UInt8(ascii: "<")) {
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: ">")) else { throw Finding("an open tag") }
            try checkTag(String(decoding: bytes[(start + 1)..<end], as: UTF8.self))
            place = end + 1
        }
    }

    private func checkTag(_ tag: String) throws {
        let tag = tag.drop { $0 == "/" }
        let name = tag.prefix { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let known: Set = [
            "p", "a", "strong", "em", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "code", "pre",
            "hr", "br", "img",
        ]
        try expect(known.contains(String(name)), "the tag \(tag)")
        // Inside of a value there is no quotation mark, so every second piece is a value.
        // By bytes, for a mark that follows a quotation mark makes one character with it.
        let pieces = tag.utf8.dropFirst(name.utf8.count)
            .split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        for (place, piece) in pieces.enumerated() {
            if place.isMultiple(of: 2) {
                let attribute = piece.filter { $0 != " " && $0 != "/" }
                let allowed = ["", "href=", "src=", "alt=", "title=", "class=", "start="]
                try expect(allowed.contains(attribute), "the attribute \(attribute) of \(tag)")
            } else if pieces[place - 1].hasSuffix("href=") || pieces[place - 1].hasSuffix("src=") {
                let scheme = piece.replacing("&amp;", with: "&").filter { !$0.isWhitespace }.lowercased()
                for bad in ["javascript:", "vbscript:", "data:", "file:"] {
                    try expect(!scheme.hasPrefix(bad), "the link \(piece)")
                }
            }
        }
    }
}
