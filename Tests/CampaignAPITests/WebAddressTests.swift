import CampaignAPI
import Testing

@Test(
    "one spelling of an address",
    arguments: [
        ("https://campaigns.example.org", "https://campaigns.example.org", ""),
        ("HTTPS://Campaigns.Example.ORG/", "https://campaigns.example.org", ""),
        ("https://example.org:443//", "https://example.org", ""), ("http://example.org:80", "http://example.org", ""),
        ("http://example.org:443", "http://example.org:443", ""), ("https://[::1]:8443/", "https://[::1]:8443", ""),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443", ""), ("http://[0:0:0::1]", "http://[::1]", ""),
        ("https://example.org:", "https://example.org", ""),
        ("https://example.org/maps/A%20b/", "https://example.org", "/maps/A%20b"),
    ])
func spelling(_ text: String, _ origin: String, _ path: String) throws {
    let address = try #require(WebAddress(text))
    #expect(address.origin == origin)
    #expect(address.path == path)
    #expect(address.text == origin + path)
}

@Test(
    "what is not an address of the web",
    arguments: [
        "", "https", "https:", "https://", "https:///x", "example.org", "//example.org", "ftp://example.org",
        "https:example.org",
        "https://a b", "https://user@example.org", "https://example.org:0", "https://example.org:65536",
        "https://example.org:8o", "https://example.org?x", "https://example.org#x", "https://example.org/x?y",
        "https://example.org/\n", "https://münchen.example", "https://example.org/ü", "https://[::1", "https://[]",
        "https://:443", "https://a..b", "https://1.2.3", "https://[::g]",
        "javascript:alert(1)", "https://example.org/\"", "https://a,https://b", "null",
    ])
func noAddress(_ text: String) {
    #expect(WebAddress(text) == nil)
}
