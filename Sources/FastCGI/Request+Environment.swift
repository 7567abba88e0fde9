public import HTTPTypes

extension HTTPRequest {
    /// Makes a request of the meta-variables that the web server hands over (RFC 3875, 4.1).
    ///
    /// The target is REQUEST_URI, as the client sent it, where the server gives it (nginx, Apache and lighttpd do), else
    /// SCRIPT_NAME, PATH_INFO and QUERY_STRING. HTTP_* and CONTENT_TYPE become header fields; names and values that no
    /// header field may have are left out.
    ///
    /// - Parameter variables: name and value; of a repeated name the last counts.
    /// - Throws: ``RequestError/badVariable(_:)``.
    public init(meta variables: some Sequence<(name: String, value: String)>) throws(RequestError) {
        var method: String?
        var target: String?
        var script = ""
        var info = ""
        var query = ""
        var host: String?
        var isHTTPS = false
        var fields = HTTPFields()
        for (name, value) in variables {
            switch name {
            case "REQUEST_METHOD": method = value
            case "REQUEST_URI": target = value
            case "SCRIPT_NAME": script = value
            case "PATH_INFO": info = value
            case "QUERY_STRING": query = value
            case "HTTPS": isHTTPS = !value.isEmpty && value != "off"
            case "HTTP_HOST": host = value
            case "CONTENT_TYPE" where !value.isEmpty: fields[.contentType] = value
            case "CONTENT_LENGTH" where !value.isEmpty: fields[.contentLength] = value
            default:
                // The body's type and length have variables of their own, which the web server answers for.
                guard name.utf8.starts(with: "HTTP_".utf8), !name.utf8.starts(with: "HTTP_CONTENT_".utf8),
                    let field = HTTPField.Name(variable: name)
                else { continue }
                fields[field] = value
            }
        }
        guard let method = method.flatMap(HTTPRequest.Method.init(rawValue:)) else {
            throw .badVariable("REQUEST_METHOD")
        }
        let path = target ?? (script + info + (query.isEmpty ? "" : "?\(query)"))
        self.init(
            method: method, scheme: isHTTPS ? "https" : "http", authority: host, path: path.isEmpty ? "/" : path,
            headerFields: fields)
    }

    /// The length that the web server announces for the body (RFC 3875, 4.1.2).
    ///
    /// Nil when it names none, as for a body that comes in chunks; some say -1 then.
    ///
    /// - Throws: ``RequestError/badVariable(_:)`` when it is no number, or one too large for any body.
    var announcedLength: Int? {
        get throws(RequestError) {
            guard let value = headerFields[.contentLength], value != "-1" else { return nil }
            guard value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let length = Int(value)
            else { throw .badVariable("CONTENT_LENGTH") }
            return length
        }
    }
}

extension HTTPField.Name {
    /// The field that a meta-variable stands for: HTTP_IF_MATCH is If-Match (RFC 3875, 4.1.18).
    fileprivate init?(variable: String) {
        switch variable {
        case "HTTP_AUTHORIZATION": self = .authorization
        case "HTTP_IF_MATCH": self = .ifMatch
        case "HTTP_IF_NONE_MATCH": self = .ifNoneMatch
        case "HTTP_ORIGIN": self = .origin
        default:
            let name = variable.utf8.dropFirst(5).map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
            self.init(String(decoding: name, as: UTF8.self))
        }
    }
}
