import Campaigns
import Foundation
import TestSupport
import Testing

@testable import Messages

@Suite("a message as an e-mail")
struct MailMessageTests {
    private static func mail(
        subject: String = "News", campaign: String = "Floods", sender: String = "anna", text: String = "Hello",
        recipient: Int = 7, id: Int = 3
    ) -> String {
        let message = Message(
            id: id, campaign: 1, campaignName: campaign, sender: 1, senderName: sender, senderPicture: nil,
            subject: subject, text: text, sentDate: "2026-05-06T14:08:46.123456Z", projects: [])
        return MailMessage(
            message: message, recipient: User(id: recipient, username: "bea"), address: "bea@example.org",
            settings: MailSettings(
                command: "sendmail", from: "noreply@tasks.example.org", appBaseURL: "https://tasks.example.org"),
            html: MessageHTML(appBaseURL: "https://tasks.example.org").html(message), time: 1_778_076_526
        ).text
    }

    /// Texts that try to begin a header, a part or a body of their own, and texts that are merely hard.
    private static let texts = ScriptingInputs.all + hardTexts
    private static let hardTexts = [
        "x\nBcc: evil@example.org", "x\r\nBcc: evil@example.org", "x\rBcc: evil@example.org",
        "x\r\n\r\n<script>xss()</script>", "x\n\nbody", "x\n Bcc: evil@example.org", "x\u{b}Bcc: evil@example.org",
        "x\u{c}Bcc: evil@example.org", "x\u{85}Bcc: evil@example.org", "x\u{2028}Bcc: evil@example.org",
        "x\u{2029}Bcc: evil@example.org", "x\u{1}\u{7f}\u{9f}", "x\0Bcc: evil@example.org",
        "=?utf-8?B?eA0KQmNjOiBldmlsQGV4YW1wbGUub3Jn?=", "=?utf-8?Q?x=0D=0ABcc:_evil@example.org?=",
        "=?utf-8?B?", "?=\nBcc: evil@example.org", "\"x\" <evil@example.org>", "x <evil@example.org>, y",
        "x, evil@example.org", "<evil@example.org>", "x;evil@example.org", "(comment) x", "x@y", "Grüße, 世界 👩🏽‍🚀",
        "e\u{301}\u{323}", " x  y ", "\u{202e}x", "\u{feff}x", "--campaign-message-3-7",
        "\n--campaign-message-3-7--\n",
        String(repeating: "long ", count: 2_000) + "x", String(repeating: "世", count: 2_000),
        String(repeating: "x", count: 5_000), String(repeating: "👩🏽‍🚀", count: 300),
        String(repeating: "a\r\nBcc: evil@example.org\r\n", count: 500), ".", "\n.\nQUIT\n",
    ]

    private static let headers = [
        "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "Auto-Submitted", "MIME-Version",
        "Content-Type",
    ]

    /// E-mails with a text in every place, as they are read. Made once, for reading them takes its time.
    private static let parsed = Result {
        try ParsedMail.parse(texts.map { mail(subject: $0, campaign: $0, sender: $0, text: $0) })
    }

    private static func each() throws -> Zip2Sequence<[String], [ParsedMail]> {
        let mails = try parsed.get()
        #expect(mails.count == texts.count)
        return zip(texts, mails)
    }

    /// A header is one line: control characters come out as spaces.
    private static func shown(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }

    /// Without spaces. By scalars, for a space can be one character with what follows it.
    private static func solid(_ text: String) -> [Unicode.Scalar] {
        text.unicodeScalars.filter { !$0.properties.isWhitespace }
    }

    @Test("no subject makes a header of its own")
    func subjects() throws {
        for (text, mail) in try Self.each() {
            #expect(mail.names == Self.headers, "\(text.debugDescription.prefix(200))")
            #expect(mail.to == ["bea@example.org"])
            #expect(mail.subject == Self.shown(text), "\(text.debugDescription.prefix(200))")
            #expect(mail.parts.map(\.type) == ["text/plain", "text/html"])
        }
    }

    @Test("no sender's name makes a header or an address of its own")
    func senders() throws {
        for (text, mail) in try Self.each() {
            #expect(mail.names == Self.headers, "\(text.debugDescription.prefix(200))")
            #expect(mail.to == ["bea@example.org"])
            #expect(mail.from == ["noreply@tasks.example.org"], "\(text.debugDescription.prefix(200))")
            // Python keeps the space between two encoded words of a name.
            #expect(Self.solid(mail.fromName) == Self.solid(Self.shown(text)), "\(text.debugDescription.prefix(200))")
        }
    }

    @Test("no campaign's name and no message makes a header or a part of its own")
    func bodies() throws {
        for (text, mail) in try Self.each() {
            #expect(mail.names == Self.headers, "\(text.debugDescription.prefix(200))")
            #expect(mail.parts.map(\.type) == ["text/plain", "text/html"], "\(text.debugDescription.prefix(200))")
            #expect(
                mail.parts.first?.text == """
                    Message for the \(text) campaign contributors from admin \(text):

                    \(text)

                    -- \n\
                    To get no more messages like this one, change your settings: https://tasks.example.org/settings

                    """)
        }
    }

    @Test("every line is plain ASCII, and short enough")
    func lines() throws {
        for (text, mail) in try Self.each() {
            #expect(mail.isPlain, "\(text.debugDescription.prefix(200))")
            #expect(mail.longestLine <= 998, "\(text.debugDescription.prefix(200))")
            #expect(mail.type == "multipart/alternative")
            #expect(mail.parts.allSatisfy { $0.charset == "utf-8" && $0.defects == [] })
        }
    }

    @Test("a line with encoded words has 76 characters at most (RFC 2047, 2)")
    func encodedLines() throws {
        let mails = try ParsedMail.parse(Self.hardTexts.map { Self.mail(subject: $0, sender: $0) })
        #expect(try #require(mails.map(\.longestEncodedLine).max()) <= 76)
    }

    @Test("a sender without a name is an address alone")
    func namelessSender() throws {
        let mail = try #require(try ParsedMail.parse([Self.mail(sender: "")]).first)
        #expect(mail.defects == [])
        #expect(mail.from == ["noreply@tasks.example.org"])
        #expect(mail.fromName == "")
        // RFC 2047, 2: an encoded word is never empty.
        let isEmptyWord = Self.mail(sender: "").contains("=?utf-8?B??=")
        #expect(!isEmptyWord)
    }

    @Test("the HTML part is a page with nothing dangerous in it, and the subject as its title")
    func page() throws {
        let mails = Array(try Self.parsed.get().prefix(ScriptingInputs.all.count))
        let pages = try ParsedHTML.parse(mails.map { $0.parts[1].text })
        for (input, page) in zip(ScriptingInputs.all, pages) {
            let names = page.elements.map(\.name)
            #expect(Array(names.prefix(5)) == ["html", "head", "meta", "title", "body"], "\(input.debugDescription)")
            #expect(names.count { ["html", "head", "meta", "title", "body"].contains($0) } == 5)
            #expect(page.others == ["declaration DOCTYPE html"], "\(input.debugDescription)")
        }
        // Between <body> and the rule is what the message itself has, for which there are tests.
        let bodies = mails.compactMap { mail -> String? in
            let page = mail.parts[1].text
            guard let start = page.range(of: "<body>"), let end = page.range(of: "</body>", options: .backwards) else {
                return nil
            }
            return String(page[start.upperBound..<end.lowerBound]).replacingOccurrences(of: "<hr>", with: "<hr />")
        }
        #expect(bodies.count == mails.count)
        for (input, body) in zip(ScriptingInputs.all, try ParsedHTML.parse(bodies)) {
            #expect(body.dangers == [], "\(input.debugDescription)")
        }
    }

    @Test("the headers say when, from whom, to whom, and how to get no more")
    func headers() throws {
        let mail = try #require(try ParsedMail.parse([Self.mail()]).first)
        #expect(mail.time == 1_778_076_526)
        #expect(Self.mail().contains("\nDate: Wed, 6 May 2026 14:08:46 +0000\n"))
        #expect(mail.unsubscribe == "<https://tasks.example.org/settings>")
        #expect(mail.fromName == "anna")
        #expect(mail.defects == [])
        #expect(mail.id.hasSuffix("@tasks.example.org>"))
    }

    @Test("every recipient and every message has a Message-ID of its own")
    func identifiers() throws {
        let mails = (1...12).flatMap { id in (1...12).map { Self.mail(recipient: $0, id: id) } }
        #expect(Set(try ParsedMail.parse(mails).map(\.id)).count == 144)
    }

    @Test(
        "what is no address, or could be more than one, is none",
        arguments: [
            "", "x", "@", "x@", "@x", "a@b@c", "a b@example.org", "a@example.org, b@example.org", "a@example.org\n",
            "a@example.org\r\nBcc: b@example.org", "\na@example.org", "<a@example.org>", "A <a@example.org>",
            "\"a\"@example.org",
            "a;b@example.org", "a:b@example.org", "a,b@example.org", "a(c)@example.org", "a\\@example.org",
            "-a@example.org",
            "-oQ/tmp@example.org", "a@-example.org", "a@[127.0.0.1]", "a\u{0}@example.org", "a\t@example.org",
            "ä@example.org",
            "a@exämple.org", "a\u{2028}@example.org", "a\u{85}@example.org", "=?utf-8?B?YQ==?=", "a@b\u{301}.org",
            String(repeating: "a", count: 250) + "@example.org", "|cat@example.org x", "a@example.org;ls",
        ])
    func noAddress(_ text: String) {
        #expect(!MailMessage.isAddress(text))
    }

    @Test(
        "an address is one",
        arguments: [
            "a@b", "anna.b+tm@example.org", "a_b-c@sub.example.org", "o'hara@example.org", "x=y@example.org", "1@2.org",
        ])
    func address(_ text: String) {
        #expect(MailMessage.isAddress(text))
    }
}
