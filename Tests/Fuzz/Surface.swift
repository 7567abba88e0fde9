/// A place where bytes come in that somebody else has made.
///
/// One input is thrown at it by ``strike(_:_:)``; ``seeds`` is what a run begins with.
public enum Surface: String, CaseIterable, Sendable {
    /// The meta-variables and the body of a request, thrown at the whole API.
    case request
    /// The Authorization header, signed well and badly.
    case token
    /// A file of the data folder, read by the service and then worked with.
    case record
    /// What is kept of the campaigns for the next start.
    case cache
    /// The journal that another process has left in the data folder.
    case journal
    /// A JSON text.
    case json
    /// The Markdown of a message.
    case message

    /// Throws one input at the surface.
    ///
    /// - Throws: ``Finding``.
    public func strike(_ input: [UInt8], _ fixture: Fixture) throws {
        switch self {
        case .request: try strikeRequest(input, fixture)
        case .token: try strikeToken(input, fixture)
        case .record: try strikeRecord(input, fixture)
        case .cache: try strikeCache(input, fixture)
        case .journal: try strikeJournal(input, fixture)
        case .json: try strikeJSON(input)
        case .message: try strikeMessage(input)
        }
    }
}

/// Something that may not be.
public struct Finding: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}

func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(Finding) {
    guard holds else { throw Finding(otherwise()) }
}
