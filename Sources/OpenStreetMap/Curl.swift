internal import Glibc
internal import Threads

/// An HTTP request that the program `curl` makes. What it is to do stands on its standard input: so neither a secret nor a
/// token is in the list of processes, or in a file.
struct Curl {
    struct Answer {
        let status: Int
        let body: [UInt8]
    }

    /// Bytes that an answer may have.
    static let largestAnswer = 1 << 20

    let url: String
    var headers: [(name: String, value: String)] = []
    /// The body of a POST, form-encoded; nil: it is a GET.
    var form: String?

    /// Makes the request. No redirect is followed, no proxy and no file of settings is looked for, and a certificate has to
    /// be one that the system trusts.
    ///
    /// - Throws: ``ProgramError``.
    func run(until deadline: ContinuousClock.Instant) throws(ProgramError) -> Answer {
        let left = deadline - ContinuousClock.now
        guard left > .zero else { throw .late }
        // The first argument keeps curl from reading .curlrc.
        let output = try Program.run(
            ["curl", "-q", "--config", "-"], input: Array(configuration(left).utf8),
            outputLimit: Self.largestAnswer + 4, until: deadline)
        // What write-out adds.
        guard output.count >= 4, let status = Int(String(decoding: output.suffix(3), as: UTF8.self)) else {
            throw .failed(status: 0)
        }
        return Answer(status: status, body: output.dropLast(4))
    }

    private func configuration(_ time: Duration) -> String {
        var lines = [
            "url = \(Self.quoted(url))", "silent", "globoff", "noproxy = \"*\"", "tlsv1.2", "proto = \"=http,https\"",
            "max-filesize = \(Self.largestAnswer)", "max-time = \(time / .seconds(1))", "user-agent = \"campaignd\"",
            #"write-out = "\n%{http_code}""#,
        ]
        for (name, value) in headers { lines.append("header = \(Self.quoted("\(name): \(value)"))") }
        if let form { lines.append("data = \(Self.quoted(form))") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// As curl(1) has it under --config. Line breaks cannot occur: what is quoted is an address, Base64, a token that was
    /// looked at, or form-encoded.
    private static func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
