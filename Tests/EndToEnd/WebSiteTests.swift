import Foundation
import TestSupport
import Testing

@Test("plain HTTP on the port of TLS is answered in JSON: by the README's server with 400, by nginx/serve with 308")
func plainHTTP() throws {
    let site = try WebSite(data: try TemporaryFolder())
    let folder = try TemporaryFolder()
    let service = try LiveService(data: folder.url, environment: ["TM_SECRET": Daemon.secret])
    for (url, status) in [(site.url, 400), (service.url, 308)] {
        let answered = try Asked("GET", "/api/v2/campaigns/").send(to: url.replacing("https:", with: "http:"))
        #expect(answered.status == status)
        #expect(answered.header("Content-Type") == "application/json")
        #expect(try answered.json["SubCode"] as? String == "UseHTTPS")
        #expect((answered.header("Location") == "\(service.url)/api/v2/campaigns/") == (status == 308))
    }
}
