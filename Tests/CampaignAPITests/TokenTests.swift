import CampaignAPI
import Testing

@Test("the token of the contract's vector is user 1's")
func vector() {
    let tokens = SessionTokens(secret: "oracle-secret")
    let token = "TVEuYXdTckR3Lk5kMjRGbVZodkM3c3JyemxPMTZNZUFBNjRSSQ=="
    #expect(tokens.user(of: token, now: 1_795_468_050) == 1)
}
