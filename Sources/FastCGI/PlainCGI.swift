internal import Glibc
internal import HTTPTypes
internal import Threads

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
    public static func serve(_ responder: some Responder) {
        var response: Response
        var isHead = false
        let id = RequestID(
            own: getenv(RequestID.variable).map { String(cString: $0) },
            header: getenv(RequestID.headerVariable).map { String(cString: $0) })
        do throws(RequestError) {
            let head = try HTTPRequest(meta: Environment())
            isHead = head.method == .head
            let endpoint = responder.endpoint(for: head)
            response = endpoint.respond(
                to: Request(head, body: try readBody(of: head, limit: endpoint.bodyLimit), id: id, isForwarded: true))
        } catch {
            response = responder.respond(to: error)
        }
        response = response.naming(id)
        send(response, isHead: isHead)
    }

    /// Writes an answer to standard output.
    public static func send(_ response: Response, isHead: Bool = false) {
        _ = writeAll(isHead ? response.head : response.head + response.body, to: STDOUT_FILENO)
    }

    private static func readBody(of head: HTTPRequest, limit: Int) throws(RequestError) -> [UInt8] {
        guard let length = try head.announcedLength else {
            guard mayHaveBody(head) else { return [] }
            // The web server hands over what was in the chunks, and nobody has counted it.
            let (body, isWhole) = read(limit + 1)
            guard body.count <= limit else {
                discard(patience)
                throw .bodyTooLarge(limit: limit)
            }
            guard isWhole else { throw .bodyCutOff }
            return body
        }
        guard length <= limit else {
            discard(min(length, patience))
            throw .bodyTooLarge(limit: limit)
        }
        let body = read(length).bytes
        guard body.count == length else { throw .bodyCutOff }
        return body
    }

    /// Whether a request of which no length is known can have a body: where the method has none, and the web server says of
    /// none, standard input may be one that never ends.
    private static func mayHaveBody(_ head: HTTPRequest) -> Bool {
        let fields = head.headerFields
        return fields[.contentLength] != nil || fields[.transferEncoding] != nil
            || ![.get, .head, .options].contains(head.method)
    }

    /// A body that is longer than this is not waited for.
    private static let patience = 64 << 20

    /// Reads what is not wanted. Apache's mod_cgid would not see an answer before what it has not got rid of.
    private static func discard(_ length: Int) {
        var rest = length
        while rest > 0 {
            let piece = read(min(rest, 65_536)).bytes.count
            guard piece > 0 else { return }
            rest -= piece
        }
    }

    /// Reads standard input to its end, or as many bytes as are wanted.
    ///
    /// - Returns: also whether there was no error.
    private static func read(_ length: Int) -> (bytes: [UInt8], isWhole: Bool) {
        var isWhole = true
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            while count < length {
                let more = Glibc.read(STDIN_FILENO, buffer.baseAddress?.advanced(by: count), length - count)
                if more < 0, errno == EINTR { continue }
                // Nothing comes from a standard input that is closed.
                isWhole = more >= 0 || errno == EBADF
                guard more > 0 else { return }
                count += more
            }
        }
        return (bytes, isWhole)
    }

    private struct Environment: Sequence {
        func makeIterator() -> Variables { Variables(environ) }
    }
}
