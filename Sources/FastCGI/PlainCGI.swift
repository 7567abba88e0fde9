internal import Glibc
internal import HTTPTypes

/// Plain CGI (RFC 3875): a process for one request, which is in the environment and on standard input.
public enum PlainCGI {
    /// Whether this process was started for one request.
    ///
    /// `FCGX_IsCGI` says so too of a service that a shell has started. The arguments say nothing: a web server makes
    /// them of a query string, as anybody may send it.
    public static var isRequested: Bool {
        getenv("REQUEST_METHOD") != nil && !ListeningSocket.isListening(STDIN_FILENO)
    }

    /// Answers the request.
    ///
    /// - Parameter bodyLimit: bytes; of a longer body nothing is read.
    public static func serve(_ responder: some Responder, bodyLimit: Int) {
        let response: Response
        var isHead = false
        do throws(RequestError) {
            let head = try HTTPRequest(meta: Environment())
            isHead = head.method == .head
            let length = try head.announcedLength
            guard length <= bodyLimit else { throw .bodyTooLarge(limit: bodyLimit) }
            response = responder.respond(to: Request(head, body: try read(length)))
        } catch {
            response = responder.respond(to: error)
        }
        send(response, isHead: isHead)
    }

    /// Writes an answer to standard output.
    public static func send(_ response: Response, isHead: Bool = false) {
        let bytes = isHead ? response.head : response.head + response.body
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(STDOUT_FILENO, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }

    private static func read(_ length: Int) throws(RequestError) -> [UInt8] {
        let body = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            while count < length {
                let more = Glibc.read(STDIN_FILENO, buffer.baseAddress?.advanced(by: count), length - count)
                if more < 0, errno == EINTR { continue }
                guard more > 0 else { return }
                count += more
            }
        }
        guard body.count == length else { throw .bodyCutOff }
        return body
    }

    private struct Environment: Sequence {
        func makeIterator() -> Variables { Variables(environ) }
    }
}
