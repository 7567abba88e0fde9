import Foundation
import TestSupport
import Testing

/// What a TLS client gets from the server that nginx/serve runs. A whole scan is a part of Tests/torture.
struct TLSTests {
    @Test("TLS 1.2 and 1.3 with forward secrecy and AEAD are offered, and nothing older or weaker")
    func protocols() throws {
        let folder = try TemporaryFolder()
        let service = try LiveService(data: folder.url, environment: ["TM_SECRET": Daemon.secret])
        for (options, isOffered) in [
            (["-tls1_3"], true), (["-tls1_2"], true), (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], true),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], true),
            // Security level 0 so that it is the server that refuses.
            (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], false), (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], false),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"], false),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"], false),
            (["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"], false), (["-tls1_2", "-cipher", "kDHE:@SECLEVEL=0"], false),
            (["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"], false), (["-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"], false),
        ] {
            let outcome = try Command.run(
                "openssl",
                ["s_client", "-connect", service.url.replacing("https://localhost", with: "127.0.0.1")] + options
                    + ["-servername", "localhost", "-CAfile", service.certificate, "-verify_return_error"],
                environment: ["OPENSSL_CONF": "/dev/null"])
            #expect((outcome.status == 0) == isOffered, "\(options): \(outcome.text.prefix(2000)) \(outcome.errors)")
            // It is the server that says so.
            #expect(isOffered || outcome.errors.contains("alert"), "\(options): \(outcome.errors)")
        }
    }

    @Test("no session ticket is given, so that no key of theirs can be stolen")
    func tickets() throws {
        let folder = try TemporaryFolder()
        let service = try LiveService(data: folder.url, environment: ["TM_SECRET": Daemon.secret])
        let outcome = try Command.run(
            "openssl",
            [
                "s_client", "-connect", service.url.replacing("https://localhost", with: "127.0.0.1"), "-tls1_2",
                "-servername", "localhost",
            ])
        #expect(outcome.text.contains("Cipher is ECDHE"))
        #expect(!outcome.text.contains("TLS session ticket:"))
    }
}
