internal import Glibc

/// A PostgreSQL database that is only read, all of it as it was at one moment.
final class Database {
    private let libpq: LibPQ
    private let connection: OpaquePointer

    /// - Parameter source: a connection string (https://www.postgresql.org/docs/current/libpq-connect.html, 34.1.1).
    ///   Neither it nor the password in it gets into an error.
    /// - Throws: ``SourceError``.
    init(_ source: String) throws(SourceError) {
        let source = try Self.connectionString(source)
        libpq = try LibPQ()
        // libpq's own words for a string that it cannot read would show the string.
        guard let options = libpq.conninfoParse(source, nil) else {
            throw .unavailable(
                "the connection string cannot be understood; it has the form postgresql://USER@HOST/DATABASE, with "
                    + "special characters as %XX, or host=HOST user=USER dbname=DATABASE")
        }
        libpq.conninfoFree(options)
        // What stands behind `dbname`, the string, goes before what stands in front of it.
        let settings = [
            ("connect_timeout", "15"), ("fallback_application_name", "campaignd"), ("dbname", source),
            ("client_encoding", "UTF8"),
        ]
        let texts = (settings.map(\.0) + settings.map(\.1)).map { strdup($0) }
        defer { for text in texts { free(text) } }
        let keywords = texts.prefix(settings.count).map { UnsafePointer($0) } + [nil]
        let values = texts.suffix(settings.count).map { UnsafePointer($0) } + [nil]
        guard let connection = libpq.connectdbParams(keywords, values, 1) else {
            throw .unavailable("there is no memory for a connection")
        }
        self.connection = connection
        guard libpq.status(connection) == LibPQ.connectionOK else {
            throw .unavailable("the database cannot be reached: \(Self.line(libpq.errorMessage(connection)))")
        }
        try run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        // All rows are wanted, not the first few soon.
        try run("SET LOCAL cursor_tuple_fraction = 1")
        try run("SET LOCAL work_mem = '64MB'")
        try run("SET LOCAL statement_timeout = 0")
        try run("SET LOCAL idle_in_transaction_session_timeout = 0")
    }

    deinit { libpq.finish(connection) }

    /// Whether a text has the form of a connection string, be it one that means another database.
    static func isConnectionString(_ text: String) -> Bool {
        scheme(of: text) != nil || (text.contains("=") && access(text, F_OK) != 0)
    }

    /// A connection string as libpq takes it, from one that a Tasking Manager's own settings may hold: `postgres://`, or
    /// SQLAlchemy's form with a driver, `postgresql+asyncpg://`, for which `ssl` is what libpq calls `sslmode`.
    private static func connectionString(_ source: String) throws(SourceError) -> String {
        guard let scheme = scheme(of: source) else { return source }
        let kind = scheme.prefix { $0 != "+" }.lowercased()
        guard ["postgresql", "postgres"].contains(kind) else {
            throw .unsuitable("a Tasking Manager's database is a PostgreSQL, whose address begins with postgresql://")
        }
        let rest = source.dropFirst(scheme.count)
        guard scheme.contains("+"), let query = rest.firstIndex(of: "?") else { return "postgresql" + rest }
        let parameters = rest[rest.index(after: query)...].split(separator: "&").map { parameter in
            let value = parameter.hasPrefix("ssl=") ? parameter.dropFirst("ssl=".count) : nil
            return value.map { "sslmode=\($0.lowercased() == "true" ? "require" : $0)" } ?? String(parameter)
        }
        return "postgresql" + rest[...query] + parameters.joined(separator: "&")
    }

    /// What stands before `://`, where it can be a scheme (RFC 3986, 3.1).
    private static func scheme(of text: String) -> Substring? {
        guard let end = text.firstRange(of: "://")?.lowerBound, let first = text.first, first.isLetter,
            text[..<end].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        else { return nil }
        return text[..<end]
    }

    /// Hands on the rows of a query, so many at a time.
    ///
    /// - Throws: ``SourceError``, and what `body` throws.
    func rows(_ query: String, atATime count: Int, _ body: ([Row]) throws -> Void) throws {
        try run("DECLARE source NO SCROLL CURSOR FOR \(query)")
        while true {
            let rows = try run("FETCH \(count) FROM source")
            if rows.isEmpty { break }
            try body(rows)
        }
        try run("CLOSE source")
    }

    /// A query whose answer is one number.
    ///
    /// - Throws: ``SourceError``.
    func number(_ query: String) throws(SourceError) -> Int {
        try run(query).first?.number(0) ?? 0
    }

    @discardableResult
    private func run(_ command: String) throws(SourceError) -> [Row] {
        let result = libpq.exec(connection, command)
        defer { libpq.clear(result) }
        guard [LibPQ.commandOK, LibPQ.tuplesOK].contains(libpq.resultStatus(result)) else {
            if let reason = libpq.resultErrorField(result, LibPQ.primaryMessage) {
                let code = libpq.resultErrorField(result, LibPQ.sqlState).map { String(cString: $0) } ?? ""
                throw LibPQ.undefined.contains(code)
                    ? .unsuitable("the database is no Tasking Manager's of version 4 or newer: \(Self.line(reason))")
                    : .unavailable("the database refuses: \(Self.line(reason))")
            }
            throw .unavailable("the connection to the database is lost: \(Self.line(libpq.errorMessage(connection)))")
        }
        return (0..<libpq.ntuples(result)).map { row in
            Row(
                values: (0..<libpq.nfields(result)).map { column in
                    guard libpq.getisnull(result, row, column) == 0, let start = libpq.getvalue(result, row, column)
                    else { return nil }
                    let bytes = UnsafeRawBufferPointer(start: start, count: Int(libpq.getlength(result, row, column)))
                    return String(decoding: bytes, as: UTF8.self)
                })
        }
    }

    private static func line(_ text: LibPQ.Text) -> String {
        guard let text else { return "" }
        return String(cString: text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

/// A row of a query's answer.
struct Row {
    fileprivate let values: [String?]

    /// The text of a column, counted from 0; nil for NULL.
    func text(_ column: Int) -> String? {
        values.indices.contains(column) ? values[column] : nil
    }

    func number(_ column: Int) -> Int? { text(column).flatMap { Int($0) } }

    func flag(_ column: Int) -> Bool? { text(column).map { $0 == "t" } }

    /// Numbers that stand between commas; those that can be no id are left away.
    func ids(_ column: Int) -> [Int] {
        text(column)?.split(separator: ",").compactMap { Int($0) }.filter { $0 >= 1 } ?? []
    }
}
