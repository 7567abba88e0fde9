internal import CFCGI
internal import Glibc
internal import HTTPTypes
internal import Threads

extension Connection {
    /// The request, when it is such a one.
    var plainGet: (request: PlainGet, id: RequestID)? {
        var isGet = false
        var target: String?
        var ifNoneMatch: String?
        var acceptEncoding: String?
        var isAuthorized = false
        var ownID: String?
        var headerID: String?
        var next = request.pointee.envp
        while let variable = next?.pointee {
            next = next?.successor()
            switch UInt8(bitPattern: variable.pointee) {
            case UInt8(ascii: "R"):
                if strncmp(variable, "REQUEST_URI=", 12) == 0 {
                    target = String(cString: variable + 12)
                } else if strncmp(variable, "REQUEST_METHOD=", 15) == 0 {
                    isGet = strcmp(variable + 15, "GET") == 0
                } else if strncmp(variable, "REQUEST_ID=", 11) == 0 {
                    ownID = String(cString: variable + 11)
                }
            // Not the origin, nor whatever else there may be one day.
            case UInt8(ascii: "H") where strncmp(variable, "HTTP_", 5) == 0:
                if strncmp(variable, "HTTP_IF_NONE_MATCH=", 19) == 0 {
                    ifNoneMatch = String(cString: variable + 19)
                } else if strncmp(variable, "HTTP_ACCEPT_ENCODING=", 21) == 0 {
                    acceptEncoding = String(cString: variable + 21)
                } else if strncmp(variable, "HTTP_AUTHORIZATION=", 19) == 0 {
                    isAuthorized = true
                } else if strncmp(variable, "HTTP_X_REQUEST_ID=", 18) == 0 {
                    headerID = String(cString: variable + 18)
                } else if strncmp(variable, "HTTP_HOST=", 10) != 0 {
                    return nil
                }
            case UInt8(ascii: "C") where strncmp(variable, "CONTENT_LENGTH=", 15) == 0: return nil
            default: break
            }
        }
        guard isGet, let target else { return nil }
        return (
            PlainGet(
                target, ifNoneMatch: ifNoneMatch, acceptEncoding: acceptEncoding, isAuthorized: isAuthorized),
            RequestID(own: ownID, header: headerID)
        )
    }

    /// What the request that has been received is called.
    var requestID: RequestID {
        RequestID(own: variable(RequestID.variable), header: variable(RequestID.headerVariable))
    }

    /// A meta-variable of the request that has been received.
    func variable(_ name: String) -> String? {
        Variables(request.pointee.envp).first { $0.name == name }?.value
    }

    /// Reads the request that has been received.
    ///
    /// - Parameters:
    ///   - known: what the request is for, where that has been looked up already.
    ///   - responder: looks it up otherwise.
    func read(
        _ known: (any Endpoint)?, _ responder: any Responder
    ) -> Result<(request: Request, endpoint: any Endpoint), RequestError> {
        let received = Uptime.now()
        return Result { () throws(RequestError) in
            let head = try HTTPRequest(meta: Variables(request.pointee.envp))
            let endpoint = known ?? responder.endpoint(for: head)
            let limit = endpoint.bodyLimit
            let body: [UInt8]
            if let length = try head.announcedLength {
                guard length <= limit else { throw .bodyTooLarge(limit: limit) }
                body = try readBody(length)
            } else {
                body = try readToEnd(limit: limit)
            }
            var variables: [String: String] = [:]
            for name in responder.variables { variables[name] = variable(name) }
            let request = Request(
                head, body: body, variables: variables, id: requestID, isForwarded: variable("REMOTE_ADDR") != nil,
                received: received)
            return (request, endpoint)
        }
    }

    private func readToEnd(limit: Int) throws(RequestError) -> [UInt8] {
        var body: [UInt8] = []
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.recordBuffer) { buffer in
            while body.count <= limit {
                let count = Int(FCGX_GetStr(buffer.baseAddress, Int32(buffer.count), request.pointee.in))
                guard count > 0 else { return }
                body.append(contentsOf: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            }
        }
        guard body.count <= limit else { throw .bodyTooLarge(limit: limit) }
        // The connection may have ended before the record that ends the body.
        guard FCGX_GetError(request.pointee.in) == 0 else { throw .bodyCutOff }
        return body
    }

    private func readBody(_ length: Int) throws(RequestError) -> [UInt8] {
        guard length > 0 else { return [] }
        let body = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) { room in
                count = max(0, Int(FCGX_GetStr(room.baseAddress, Int32(clamping: length), request.pointee.in)))
            }
        }
        guard body.count == length else { throw .bodyCutOff }
        return body
    }
}
