/// A store cannot be used as asked, at least not now: the service's 503.
public struct StoreUnavailable: Error, Equatable, CustomStringConvertible {
    /// What is wrong, in words that show no path.
    public let description: String
    /// What the log should know.
    public let detail: String
    /// Whether somebody else has changed meanwhile what was decided on, so that it is worth deciding anew.
    public let isConflict: Bool

    public init(_ description: String, detail: String? = nil, isConflict: Bool = false) {
        self.description = description
        self.detail = detail ?? description
        self.isConflict = isConflict
    }
}

/// Thrown by a read that may not wait: something has to be fetched first.
public struct WouldWait: Error {
    public init() {}
}
