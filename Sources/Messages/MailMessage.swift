internal import Campaigns
internal import FoundationEssentials

/// A message as an e-mail (RFC 5322 and MIME), with a text and an HTML part.
struct MailMessage {
    let message: Message
    let recipient: User
    /// The recipient's address, which ``isAddress(_:)`` has let pass.
    let address: String
    let settings: MailSettings
    let html: String
    /// Seconds since 1970 in UTC.
    let time: Int

    /// What goes to sendmail's standard input.
    var text: String {
        let name = message.senderName
        let boundary = "campaign-message-\(message.id)-\(recipient.id)"
        let from = settings.from
        let domain = from.split(separator: "@").last.map(String.init) ?? "localhost"
        let plain = """
            Message for the \(message.campaignName) campaign contributors from admin \(name):

            \(message.text)

            -- \n\
            To get no more messages like this one, \(settings.way): \(settings.unsubscribe)

            """
        let page = """
            <!DOCTYPE html>
            <html><head><meta charset="utf-8"><title>\(message.subject.escapedForHTML)</title></head><body>
            \(html)
            <hr><p>To get no more messages like this one, \
            <a href="\(settings.unsubscribe.escapedForHTML)">\(settings.way)</a>.</p>
            </body></html>

            """
        return """
            From:\(name.isEmpty ? "" : " \(Self.encoded(name))\n") <\(from)>
            To: <\(address)>
            Subject: \(Self.encoded(message.subject))
            Date: \(UTC.text(time, "%a, %-d %b %Y %H:%M:%S +0000"))
            Message-ID: <campaign-message-\(message.id)-\(recipient.id)@\(domain)>
            List-Unsubscribe: <\(settings.unsubscribe)>
            Auto-Submitted: auto-generated
            MIME-Version: 1.0
            Content-Type: multipart/alternative; boundary="\(boundary)"

            --\(boundary)
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: base64

            \(Self.base64(plain))
            --\(boundary)
            Content-Type: text/html; charset=utf-8
            Content-Transfer-Encoding: base64

            \(Self.base64(page))
            --\(boundary)--

            """
    }

    /// Whether a text can stand in a header as an address: one `@`, and nothing that means anything to a mailer.
    static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                !part.isEmpty && part.first != "-"
                    && part.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"):
                            true
                        default: "!#$%&'*+-/=?^_`{|}~.".utf8.contains(byte)
                        }
                    }
            } && text.utf8.count <= 254
    }

    /// Bytes of an encoded word: they make 64 characters, which leaves room for "Subject: " in a line of 76.
    private static let longestWord = 39

    /// A header's text as encoded words (RFC 2047), folded: whatever is in it, no line of it begins a header.
    private static func encoded(_ text: String) -> String {
        var words: [[UInt8]] = [[]]
        for character in text {
            // What one sees as a character stays together where it fits into a word.
            let pieces = character.utf8.count <= longestWord ? [character.unicodeScalars[...]] : character.scalarSlices
            for piece in pieces {
                let visible = piece.map { $0.properties.generalCategory == .control ? " " : $0 }
                let bytes = Array(String(String.UnicodeScalarView(visible)).utf8)
                if (words.last?.count ?? 0) + bytes.count > longestWord { words.append([]) }
                words[words.count - 1] += bytes
            }
        }
        return words.map { "=?utf-8?B?\(Data($0).base64EncodedString())?=" }.joined(separator: "\n ")
    }

    private static func base64(_ text: String) -> String {
        Data(text.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    }
}

extension MailSettings {
    /// Where somebody goes who wants no more messages: the settings of the Tasking Manager's web client, or those of this
    /// service's page, or, where neither is named, whoever sends.
    fileprivate var unsubscribe: String {
        settingsPage ?? "mailto:\(from.mailtoEncoded)?subject=unsubscribe"
    }
    private var settingsPage: String? {
        appBaseURL.map { "\($0)/settings" } ?? publicURL.map { "\($0)/#/settings" }
    }
    /// What to do there.
    fileprivate var way: String { settingsPage == nil ? "write to us" : "change your settings" }
}

extension String {
    /// As an address of a mailto link (RFC 6068, 2).
    fileprivate var mailtoEncoded: String {
        split(separator: "@").map { String($0).percentEncoded }.joined(separator: "@")
    }
}

extension Character {
    fileprivate var scalarSlices: [Substring.UnicodeScalarView] {
        unicodeScalars.indices.map { unicodeScalars[$0...$0] }
    }
}
