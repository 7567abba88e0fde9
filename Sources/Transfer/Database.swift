internal import PostgreSQL

/// A PostgreSQL database that is only read, all of it as it was at one moment.
final class Database {
    private let connection: DatabaseConnection

    /// How long a query may take to its first rows, and the next ones after some of them.
    private static let patience = Duration.seconds(3600)

    /// - Parameter source: a connection string. Neither it nor the password in it gets into an error.
    /// - Throws: ``SourceError``.
    init(_ source: String) throws(SourceError) {
        connection = try SourceError.mapping { () throws(DatabaseError) in
            let settings = try ConnectionSettings(source, for: .reading)
            let connection = try DatabaseConnection(settings, by: Deadline(after: .seconds(60)))
            try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            // All rows are wanted, not the first few soon.
            try connection.execute("SET LOCAL cursor_tuple_fraction = 1")
            try connection.execute("SET LOCAL work_mem = '64MB'")
            try connection.execute("SET LOCAL statement_timeout = 0")
            try connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            return connection
        }
    }

    /// Hands on the rows of a query, so many at a time.
    ///
    /// - Throws: ``SourceError``, and what `body` throws.
    func rows(_ query: String, atATime count: Int, _ body: (Rows) throws -> Void) throws {
        _ = try run(SQL(composed: "DECLARE source NO SCROLL CURSOR FOR \(query)"))
        while true {
            let rows = try run(SQL(composed: "FETCH \(count) FROM source"))
            if rows.isEmpty { break }
            try body(rows)
        }
        _ = try run("CLOSE source")
    }

    /// A query whose answer is one number.
    ///
    /// - Throws: ``SourceError``.
    func number(_ query: SQL) throws(SourceError) -> Int {
        try run(query).first?.number(0) ?? 0
    }

    private func run(_ command: SQL) throws(SourceError) -> Rows {
        connection.deadline = Deadline(after: Self.patience)
        return try SourceError.mapping { () throws(DatabaseError) in try connection.execute(command) }
    }
}

extension SourceError {
    /// The SQLSTATEs of a table and of a column that are not there.
    private static let undefined = ["42P01", "42703"]

    fileprivate static func mapping<Value>(
        _ body: () throws(DatabaseError) -> Value
    ) throws(SourceError) -> Value {
        do {
            return try body()
        } catch .statement(let failure) where undefined.contains(failure.sqlState) {
            throw .unsuitable("the database is not that of a Tasking Manager of version 4 or newer: \(failure.message)")
        } catch .noLibrary(let message) {
            throw .unavailable("\(message), and this one imports what that one exports")
        } catch .invalidConnectionString(let message) {
            throw message.contains("PostgreSQL,") ? .unsuitable(message) : .unavailable(message)
        } catch {
            throw .unavailable(error.description)
        }
    }
}

extension Row {
    /// Numbers that stand between commas; those that can be no id are left away.
    func ids(_ column: Int) -> [Int] {
        text(column)?.split(separator: ",").compactMap { Int($0) }.filter { $0 >= 1 } ?? []
    }
}
