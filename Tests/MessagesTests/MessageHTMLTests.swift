import Campaigns
import Foundation
import Testing

@testable import Messages

private let base = "https://tasks.example.org"

private func message(_ text: String, campaign: String = "Floods", sender: String = "anna", id: Int = 1) -> Message {
    Message(
        id: id, campaign: 1, campaignName: campaign, sender: 1, senderName: sender, senderPicture: nil,
        subject: "s", text: text, sentDate: "2026-05-06T14:08:46.123456Z", projects: [])
}

/// A message's HTML.
private func html(_ text: String, campaign: String = "Floods", sender: String = "anna") -> String {
    MessageHTML(appBaseURL: base).html(message(text, campaign: campaign, sender: sender))
}

/// What is in a message's body, without the line that says who it is from.
private func body(_ text: String) -> String {
    let all = html(text)
    return all.range(of: "</p>\n").map { String(all[$0.upperBound...]) } ?? all
}

@Suite("the HTML of a message")
struct MessageHTMLTests {
    @Test("no scripting input gets through, wherever it stands", arguments: Place.allCases)
    func scripting(_ place: Place) throws {
        let inputs = ScriptingInputs.all
        #expect(inputs.count > 400)
        let parsed = try ParsedHTML.parse(inputs.map(place.html))
        #expect(parsed.count == inputs.count)
        for (input, parsed) in zip(inputs, parsed) {
            #expect(parsed.dangers == [], "\(input.debugDescription)")
        }
    }

    enum Place: String, CaseIterable {
        case message, campaign, sender, everywhere, twice

        func html(_ input: String) -> String {
            switch self {
            case .message: MessagesTests.html(input)
            case .campaign: MessagesTests.html("Hello", campaign: input)
            case .sender: MessagesTests.html("Hello", sender: input)
            case .everywhere: MessagesTests.html(input, campaign: input, sender: input)
            // What an input leaves open must not change what comes after it.
            case .twice: MessagesTests.html("\(input)\n\n\(input) \(input)")
            }
        }
    }

    @Test("the check itself finds what is dangerous")
    func control() throws {
        let dangerous = [
            "<script>xss()</script>", "<p onclick='xss()'>x</p>", "<a href=' java&#10;script:xss()'>x</a>",
            "<img src='data:image/svg+xml,x' />", "<!-- x -->", "<p>x", "<p title='x'>y</p>",
            "<code class='x'>y</code>",
            "<svg/>", "<style>*{}</style>", "<iframe srcdoc='x'></iframe>", "<a href='\u{1}javascript:x'>x</a>",
        ]
        for (html, parsed) in zip(dangerous, try ParsedHTML.parse(dangerous)) {
            #expect(parsed.dangers.count == 1, "\(html): \(parsed.dangers)")
        }
    }

    @Test("names come out as the text that they are, whatever is in them")
    func names() throws {
        let inputs = ScriptingInputs.all
        let parsed = try ParsedHTML.parse(inputs.map { html("Hello", campaign: $0, sender: $0) })
        for (input, parsed) in zip(inputs, parsed) {
            #expect(
                parsed.text == "Message for the \(input) campaign contributors from admin \(input):\n\nHello\n"
                    || parsed.text == "Message for the \(input) campaign contributors from admin \(input):\nHello\n",
                "\(input.debugDescription)")
            #expect(parsed.elements.map(\.name) == ["p", "a", "br", "br", "p"], "\(input.debugDescription)")
        }
    }

    @Test("the link to the sender is one segment of a path, whatever the name")
    func profile() throws {
        let inputs = ScriptingInputs.all + ["", ".", "..", "a/b", "a?b#c", "Ürsula Ⅷ", "%2e%2e"]
        for (input, parsed) in zip(inputs, try ParsedHTML.parse(inputs.map { html("Hello", sender: $0) })) {
            let href = try #require(parsed.elements.first { $0.name == "a" }?.attributes.first?.value)
            #expect(href.hasPrefix("\(base)/users/"), "\(input.debugDescription)")
            let segment = href.dropFirst("\(base)/users/".count)
            #expect(Self.percentDecoded(segment) == Array(input.utf8))
            #expect(!segment.contains { "/?#\"'<> ".contains($0) }, "\(input.debugDescription)")
        }
    }

    /// Foundation's decoding passes over a byte order mark.
    private static func percentDecoded(_ segment: Substring) -> [UInt8] {
        let pieces = segment.utf8.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
        return pieces.first.map(Array.init).map { first in
            pieces.dropFirst().reduce(into: first) { decoded, piece in
                decoded += [UInt8(String(Substring(piece.prefix(2))), radix: 16) ?? 0] + piece.dropFirst(2)
            }
        } ?? []
    }

    @Test("raw HTML comes out as text")
    func rawHTML() throws {
        let texts = [
            "<script>xss()</script>", "x <b>y</b> z", "<!-- comment -->", "<?php x ?>", "<![CDATA[x]]>",
            "<!DOCTYPE html>",
            "<div class=\"x\">y</div>", "<a href=\"https://example.org/\">z</a>", "<table><tr><td>1</table>",
            "<iframe srcdoc='&lt;b&gt;'></iframe>",
        ]
        for (text, parsed) in zip(texts, try ParsedHTML.parse(texts.map(body))) {
            #expect(parsed.elements.map(\.name) == ["p"])
            #expect(parsed.text.trimmingCharacters(in: .newlines) == text)
        }
    }

    @Test("links that do no harm stay")
    func harmless() throws {
        let links = [
            "https://example.org/a?b=c&d=e#f", "http://example.org:8080/", "HTTPS://EXAMPLE.ORG/",
            "mailto:a@example.org",
            "/projects/12", "../x", "?page=2", "#top", "//example.org/x", "x/y:z", "?q=javascript:1",
        ]
        for (link, parsed) in zip(links, try ParsedHTML.parse(links.map { body("[x](\($0)) ![y](\($0))") })) {
            #expect(parsed.elements.map(\.name) == ["p", "a", "img"])
            #expect(parsed.elements[1].attributes.map(\.value) == [link])
            #expect(parsed.elements[2].attributes.map(\.value) == [link, "y"])
        }
    }

    @Test("a link that could do harm leads nowhere, and its text stays")
    func harmful() throws {
        #expect(body("[x](javascript:xss())") == "<p><a href=\"\">x</a></p>\n")
        #expect(body("![x](data:image/png;base64,AAAA)") == "<p><img src=\"\" alt=\"x\" /></p>\n")
    }

    @Test("Markdown is rendered")
    func markdown() {
        #expect(
            body("# Dear *mappers*\n\n1. **a**\n2. `b`\n\n> c  \n> d\n\n***\n\n```sh\nls\n```\n") == """
                <h1>Dear <em>mappers</em></h1>
                <ol>
                <li><strong>a</strong></li>
                <li><code>b</code></li>
                </ol>
                <blockquote>
                <p>c<br />
                d</p>
                </blockquote>
                <hr />
                <pre><code class="language-sh">ls
                </code></pre>

                """)
    }

    @Test("a line break is a line break, as in a letter")
    func lineBreaks() {
        #expect(body("Dear all,\nthank you\n\nAnna") == "<p>Dear all,<br />\nthank you</p>\n<p>Anna</p>\n")
    }

    @Test("an address in the text is a link, without what ends the sentence")
    func bareLinks() {
        func link(_ address: String) -> String {
            let escaped = address.replacingOccurrences(of: "&", with: "&amp;")
            return "<a href=\"\(escaped)\">\(escaped)</a>"
        }
        for (text, html) in [
            ("https://example.org", link("https://example.org")),
            ("See https://example.org/a_b_c/?x=1&y=2#z.", "See \(link("https://example.org/a_b_c/?x=1&y=2#z"))."),
            ("(https://example.org/a)", "(\(link("https://example.org/a")))"),
            ("https://example.org/a_(b)!", "\(link("https://example.org/a_(b)"))!"),
            ("*https://example.org/a*", "<em>\(link("https://example.org/a"))</em>"),
            ("a https://a.org, http://b.org; c", "a \(link("https://a.org")), \(link("http://b.org")); c"),
            ("世界https://example.org/世界。", "世界https://example.org/世界。"),
            ("世界 https://example.org/x。", "世界 \(link("https://example.org/x"))。"),
            ("https://", "https://"), ("xhttps://example.org", "xhttps://example.org"),
            ("`https://example.org`", "<code>https://example.org</code>"),
            ("[https://a.org](https://b.org)", "<a href=\"https://b.org\">https://a.org</a>"),
            ("<https://a.org>", link("https://a.org")),
            (
                "javascript://example.org/%0Axss() data:text/html,x",
                "javascript://example.org/%0Axss() data:text/html,x"
            ),
        ] {
            #expect(body(text) == "<p>\(html)</p>\n")
        }
    }

    @Test("links and pictures that begin with a slash lead to the service's own address")
    func ownLinks() {
        let renderer = MessageHTML(appBaseURL: base, publicURL: "https://c.example.org")
        for (link, target) in [
            ("/projects/1?x=1", "https://c.example.org/projects/1?x=1"), ("/", "https://c.example.org/"),
            ("//example.org/x", "https://example.org/x"), ("#top", "#top"), ("x/y", "x/y"),
            ("https://example.org/", "https://example.org/"), ("javascript:x", ""),
        ] {
            let html = renderer.html(message("[x](\(link)) ![y](\(link))"))
            #expect(
                html.hasSuffix("<p><a href=\"\(target)\">x</a> <img src=\"\(target)\" alt=\"y\" /></p>\n"), "\(link)")
        }
    }

    @Test("a NUL does not cut a message off")
    func nul() {
        #expect(body("a\0b").contains("b"))
    }

    @Test(
        "a text that would make far more HTML than it is long is shown as it is, and safe",
        arguments: ["> ", ">", ">a\n\n", "> <script>xss()</script>\n"])
    func outOfProportion(_ piece: String) throws {
        let text = String(repeating: piece, count: 100_000 / piece.utf8.count) + "\n\n<img src=x onerror=xss()>"
        let shown = html(text)
        #expect(shown.utf8.count < 8 * text.utf8.count + 66_000)
        let parsed = try #require(try ParsedHTML.parse([shown]).first)
        #expect(parsed.dangers == [])
        #expect(parsed.text.contains("<img src=x onerror=xss()>"))
    }

    @Test("a short text is rendered, however much it is nested")
    func shortNested() {
        #expect(body(String(repeating: ">", count: 1000) + "x").hasPrefix("<blockquote>\n<blockquote>"))
    }

    @Test(
        "a long text for people is rendered, and one of nothing but what has to be escaped",
        arguments: ["*a* b\n", "\"", "&"])
    func longRendered(_ piece: String) {
        let shown = body(String(repeating: piece, count: 200_000 / piece.utf8.count))
        #expect(shown.hasPrefix("<p>"))
    }

    @Test("what is kept of rendered messages is bounded, and shows what the message says now")
    func cache() {
        let renderer = MessageHTML(appBaseURL: base)
        let cache = MessageHTMLCache(renderer)
        let texts = [
            "short", "*other*", String(repeating: ">", count: 200_000), String(repeating: ">", count: 200_001),
            String(repeating: "&", count: 500_000),
        ]
        for (id, text) in texts.enumerated() {
            for name in ["Floods", "Fires"] {
                for _ in 0..<2 {
                    // Under an id of its own, and under one that another text had before.
                    for message in [message(text, campaign: name, id: id), message(text, campaign: name, id: 9)] {
                        #expect(cache.html(message) == renderer.html(message))
                    }
                }
            }
        }
        for id in 10..<20 { _ = cache.html(message(texts[4], id: id)) }
        #expect(cache.keptBytes <= 16 << 20)
        let before = cache.keptBytes
        _ = cache.html(message(texts[2], id: 20))
        #expect(cache.keptBytes < before + 100)
    }

    @Test(
        "what is nested deep neither ends the process nor takes long",
        arguments: ["> ", "- ", "*", "[", "![", "`", "<", "[](", "**a *", "1. ", "<!--", "<?", "<!A "])
    func nested(_ piece: String) throws {
        let text = String(repeating: piece, count: 2_000)
        let start = ContinuousClock.now
        let length = html(text + "x").utf8.count
        #expect(length > 0)
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}
