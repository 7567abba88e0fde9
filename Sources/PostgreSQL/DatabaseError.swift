/// Why a database did not do what it was asked for.
///
/// No message has the connection string or a password in it. What the server says may quote values of a statement.
public enum DatabaseError: Error, Equatable {
    /// libpq cannot be loaded.
    case noLibrary(String)
    /// The text is not a connection string.
    case invalidConnectionString(String)
    /// No server of the connection string let us in. Nothing has been sent to any.
    case refused(String)
    /// The connection is gone, or is of no use any more, and is closed. What was not committed is rolled back; a single
    /// statement outside of a transaction may have been carried out.
    case connectionLost(String)
    /// The time was up before the answer came. The connection is closed, and for the rest it is as with
    /// ``connectionLost(_:)``: the server may still be at it for a while.
    case deadlineExceeded(String)
    /// The server has refused a statement, and the transaction around it with it. The connection can be used further.
    case statement(StatementFailure)
    /// COMMIT was sent, and whether it was carried out, on more than one machine where that is demanded, is not known.
    case outcomeUnknown(String)

    /// The SQLSTATE of a statement that was refused.
    public var sqlState: String? {
        if case .statement(let failure) = self { failure.sqlState } else { nil }
    }

    /// Whether the whole transaction was rolled back for certain, and may work when it is tried again, perhaps on another
    /// connection.
    public var mayBeTriedAgain: Bool {
        switch self {
        case .connectionLost, .refused: true
        case .statement(let failure): StatementFailure.passing.contains(failure.sqlState)
        case .noLibrary, .invalidConnectionString, .deadlineExceeded, .outcomeUnknown: false
        }
    }

    /// Whether other connections to the same server are to be mistrusted as well.
    var concernsServer: Bool {
        switch self {
        case .connectionLost, .deadlineExceeded, .outcomeUnknown: true
        case .statement(let failure): failure.sqlState == StatementFailure.readOnly
        case .noLibrary, .invalidConnectionString, .refused: false
        }
    }
}

extension DatabaseError: CustomStringConvertible {
    /// One line.
    public var description: String {
        switch self {
        case .noLibrary(let message), .invalidConnectionString(let message): message
        case .refused(let message): "the database cannot be reached: \(message)"
        case .connectionLost(let message): "the connection to the database is lost: \(message)"
        case .deadlineExceeded(let message): "the database does not answer in time: \(message)"
        case .statement(let failure): "the database refuses: \(failure.message)"
        case .outcomeUnknown(let message): "it is not known whether the change was made: \(message)"
        }
    }
}

/// What a server says of a statement that it refuses.
public struct StatementFailure: Sendable, Equatable {
    /// Five characters (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    public let sqlState: String
    /// In the server's language.
    public let message: String
    /// The constraint that was in the way, where it was one.
    public let constraint: String?

    public init(sqlState: String, message: String, constraint: String? = nil) {
        self.sqlState = sqlState
        self.message = message
        self.constraint = constraint
    }

    /// The transaction cannot write: the server is a standby, or has become one.
    static let readOnly = "25006"
    /// Serialization failure, deadlock, a lock that was not free in time, a statement that took too long; a server that is
    /// none to write on; a prepared statement that is no longer good.
    static let passing = ["40001", "40P01", "55P03", "57014", readOnly] + stalePreparation
    /// A table has changed under a prepared statement, or the statement is unknown or known already: there is somebody
    /// between us and the server who hands the connection on.
    static let stalePreparation = ["0A000", "26000", "42P05"]
    /// The server ends or begins, or ends this connection.
    static func isEndOfConnection(_ sqlState: String) -> Bool {
        sqlState.hasPrefix("08") || ["57P01", "57P02", "57P03", "57P05", "25P03"].contains(sqlState)
    }
}
