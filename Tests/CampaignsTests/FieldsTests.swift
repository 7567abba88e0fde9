import Campaigns
import JSON
import Testing

@Test("white space around a name is cut")
func trims() throws {
    #expect(try CampaignFields(["name": "  Floods\u{3000}"]).name == "Floods")
}
