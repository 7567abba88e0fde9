internal import CLinux
internal import Glibc

/// A connection to a PostgreSQL server, for one thread at a time, which waits for each answer.
///
/// No wait is longer than until ``deadline``. When that is over, the connection is closed: a statement is not cancelled, for
/// a COMMIT that is cancelled while it waits for another machine is reported as done.
public final class DatabaseConnection {
    private let libpq: LibPQ
    private var handle: OpaquePointer?
    private let notices = Notices()
    /// The names of the statements that the server has prepared.
    private var prepared: [SQL: String] = [:]
    /// When the wait for an answer ends.
    public var deadline: Deadline
    /// The server's timeline when the connection was made, or 0 when nobody wanted to know.
    public private(set) var timeline: UInt32 = 0
    /// Whether something has happened after which it is better replaced.
    private var isSpoilt = false

    /// Connects to the first server of the settings that lets us in and is as they demand.
    ///
    /// - Parameters:
    ///   - deadline: until when, and for the statements that follow until it is set anew.
    ///   - timelines: refuses a server that was primary before another one; nil where any will do.
    /// - Throws: ``DatabaseError/refused(_:)`` with a reason for each server.
    public init(
        _ settings: ConnectionSettings, by deadline: Deadline, timelines: HighestTimeline? = nil
    ) throws(DatabaseError) {
        libpq = settings.libpq
        self.deadline = deadline
        var reasons: [String] = []
        for place in settings.places {
            do throws(DatabaseError) {
                for address in try Self.addresses(of: place, by: deadline, libpq) {
                    if let reason = connect(to: place, address, settings, timelines) {
                        reasons.append(reason)
                    } else {
                        return
                    }
                }
            } catch {
                reasons.append(error.reason(at: place))
            }
        }
        throw .refused(reasons.joined(separator: "; "))
    }

    deinit { close() }

    /// Ends the connection; what is not committed is rolled back.
    public func close() {
        guard let handle else { return }
        self.handle = nil
        libpq.finish(handle)
    }

    // MARK: Connecting

    /// - Returns: why it did not work, or nil.
    private func connect(
        to place: ConnectionSettings.Place, _ address: String?, _ settings: ConnectionSettings,
        _ timelines: HighestTimeline?
    ) -> String? {
        do throws(DatabaseError) {
            guard !deadline.isOver else { throw .refused("there was no time left to ask it") }
            try open(place, address, settings, by: min(deadline, Deadline(after: settings.connectTimeout)))
            if let timelines { try check(timelines) }
            return nil
        } catch {
            close()
            return error.reason(at: place)
        }
    }

    private static func addresses(
        of place: ConnectionSettings.Place, by deadline: Deadline, _ libpq: LibPQ
    ) throws(DatabaseError) -> [String?] {
        guard let host = place.host, place.address == nil, !host.hasPrefix("/"), !host.hasPrefix("@") else {
            return [place.address]
        }
        var address = in6_addr()
        if inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1 { return [nil] }
        return try HostLookup.addresses(of: host, by: deadline, libpq)
    }

    private func open(
        _ place: ConnectionSettings.Place, _ address: String?, _ settings: ConnectionSettings, by end: Deadline
    ) throws(DatabaseError) {
        var options = settings.options
        options["host"] = place.host
        options["hostaddr"] = address
        options["port"] = place.port
        let texts = (Array(options.keys) + Array(options.values)).map { strdup($0) }
        defer { for text in texts { free(text) } }
        let keywords = texts.prefix(options.count).map { UnsafePointer($0) } + [nil]
        let values = texts.suffix(options.count).map { UnsafePointer($0) } + [nil]
        guard let handle = libpq.connectStartParams(keywords, values, 0) else {
            throw .refused("there is no memory for a connection")
        }
        self.handle = handle
        _ = libpq.setNoticeReceiver(
            handle,
            { context, notice in
                guard let context else { return }
                Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue().add(notice)
            }, Unmanaged.passUnretained(notices).toOpaque())
        notices.libpq = libpq
        guard libpq.status(handle) != 1 else { throw .refused(LibPQ.line(libpq.errorMessage(handle))) }
        var state = LibPQ.pollingWriting
        while state != LibPQ.pollingOK {
            guard state == LibPQ.pollingReading || state == LibPQ.pollingWriting else {
                throw .refused(LibPQ.line(libpq.errorMessage(handle)))
            }
            let events = state == LibPQ.pollingReading ? POLLIN : POLLOUT
            guard end.wait(for: events, on: libpq.socket(handle)) != nil else {
                throw .refused("it does not answer in time")
            }
            state = libpq.connectPoll(handle)
        }
        guard libpq.setnonblocking(handle, 1) == 0 else { throw .refused("there is no memory for a connection") }
    }

    private func check(_ timelines: HighestTimeline) throws(DatabaseError) {
        let rows = try execute(
            "SELECT pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)")
        guard let timeline = rows.first?.text(0).flatMap({ UInt32($0, radix: 16) }) else {
            throw .refused("it does not say its timeline")
        }
        guard timelines.see(timeline) else {
            throw .refused(
                "it was primary before another server: its timeline is \(timeline), and \(timelines.current) has been seen"
            )
        }
        self.timeline = timeline
    }

    // MARK: State

    /// Whether another statement may be sent.
    public var isOpen: Bool { handle != nil }

    /// Whether somebody else may have the connection: it is open, in no transaction, and nothing speaks against it.
    var isReusable: Bool {
        guard let handle, !isSpoilt else { return false }
        return libpq.status(handle) == LibPQ.connectionOK && libpq.transactionStatus(handle) == LibPQ.isIdle
    }

    /// Whether the server has ended the connection, as far as can be known without waiting.
    func hasEnded() -> Bool {
        guard let handle else { return true }
        guard Deadline(after: .zero).wait(for: POLLIN, on: libpq.socket(handle)) != nil else { return false }
        // It says nothing of its own accord but that a setting is another one now, or, as a notice, that it ends.
        notices.all.removeAll()
        guard libpq.consumeInput(handle) == 1 else { return true }
        _ = libpq.isBusy(handle)
        return libpq.status(handle) != LibPQ.connectionOK || !notices.all.isEmpty
    }

    // MARK: Statements

    /// Carries out a statement, or several with a semicolon between them, which stand or fall together.
    ///
    /// - Returns: what the last one has given.
    /// - Throws: ``DatabaseError``; of the first one that fails.
    @discardableResult
    public func execute(_ sql: SQL) throws(DatabaseError) -> Rows {
        try exchange { libpq.sendQuery($0, sql.text) }
    }

    /// Carries out a statement with parameters. It is prepared when it is first sent on this connection.
    ///
    /// - Parameter parameters: the values of `$1`, `$2` and so on.
    /// - Throws: ``DatabaseError``. A text with a NUL, which the server cannot hold, is refused as by the server.
    @discardableResult
    public func query(_ sql: SQL, _ parameters: any SQLParameter...) throws(DatabaseError) -> Rows {
        let values = try EncodedParameters(parameters.map(\.sqlValue))
        let name: String
        if let known = prepared[sql] {
            name = known
        } else {
            name = "s\(prepared.count)"
            try exchange { libpq.sendPrepare($0, name, sql.text, 0, nil) }
            prepared[sql] = name
        }
        return try exchange { handle in
            values.withPointers { pointers, lengths, formats in
                libpq.sendQueryPrepared(handle, name, CInt(pointers.count), pointers.baseAddress, lengths, formats, 0)
            }
        }
    }

    /// Sends something and waits for all that the server answers.
    @discardableResult
    private func exchange(_ send: (OpaquePointer) -> CInt) throws(DatabaseError) -> Rows {
        guard let handle else { throw .connectionLost("it is closed") }
        notices.all.removeAll()
        guard send(handle) == 1 else { throw lost(LibPQ.line(libpq.errorMessage(handle))) }
        while true {
            let state = libpq.flush(handle)
            if state == 0 { break }
            // What the server says while we speak has to be taken: it may be that it does not listen.
            guard state == 1 else { break }
            let ready = try wait(POLLIN | POLLOUT, handle)
            if ready & POLLIN != 0, libpq.consumeInput(handle) != 1 { break }
        }
        var last: Rows?
        var failure: DatabaseError?
        while true {
            // When the connection breaks, what the server has said before is still to be had.
            while libpq.isBusy(handle) == 1, libpq.status(handle) == LibPQ.connectionOK {
                try wait(POLLIN, handle)
                if libpq.consumeInput(handle) != 1 { break }
            }
            guard let result = libpq.getResult(handle) else { break }
            let rows = Rows(result, libpq)
            let status = libpq.resultStatus(result)
            if LibPQ.successes.contains(status) {
                last = rows
            } else if LibPQ.failures.contains(status) {
                failure = failure ?? self.failure(result, handle)
            } else {
                // It would be asked for data, or flooded with it.
                throw lost("a statement is of a kind that is not for this")
            }
        }
        if let failure {
            if case .connectionLost = failure { close() }
            throw failure
        }
        guard libpq.status(handle) == LibPQ.connectionOK, let last else {
            throw lost(LibPQ.line(libpq.errorMessage(handle)))
        }
        return last
    }

    /// - Returns: what can be done, as poll(2) has it.
    @discardableResult
    private func wait(_ events: Int32, _ handle: OpaquePointer) throws(DatabaseError) -> Int32 {
        guard let ready = deadline.wait(for: events, on: libpq.socket(handle)) else {
            close()
            throw .deadlineExceeded("the connection is closed")
        }
        return ready
    }

    private func lost(_ message: String) -> DatabaseError {
        close()
        return .connectionLost(message.isEmpty ? "the server has closed it" : message)
    }

    private func failure(_ result: OpaquePointer, _ handle: OpaquePointer) -> DatabaseError {
        func field(_ code: CInt) -> String? { libpq.resultErrorField(result, code).map { LibPQ.line($0) } }
        let message = field(LibPQ.primaryMessage) ?? LibPQ.line(libpq.errorMessage(handle))
        guard let state = field(LibPQ.sqlState), libpq.status(handle) == LibPQ.connectionOK,
            !StatementFailure.isEndOfConnection(state)
        else {
            // The message of the connection says that it ended, that of the server why.
            return .connectionLost(message)
        }
        if state == StatementFailure.readOnly || StatementFailure.stalePreparation.contains(state) { isSpoilt = true }
        return .statement(StatementFailure(sqlState: state, message: message, constraint: field(LibPQ.constraintName)))
    }
}

extension DatabaseConnection {
    /// What a transaction may do, and what it sees.
    public enum TransactionKind: Sendable {
        /// Each statement sees what was committed when it began.
        case readWrite
        /// All statements see the database as it was at one moment, and none changes it.
        case snapshot

        fileprivate var begin: SQL {
            switch self {
            case .readWrite: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
            case .snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            }
        }
    }

    /// Carries out statements as one: all of them, or, when `body` throws, none.
    ///
    /// When it returns, the transaction is committed, and on as many machines as the server is set to wait for.
    ///
    /// - Parameter body: the statements.
    /// - Throws: what `body` throws, and ``DatabaseError``: with ``DatabaseError/outcomeUnknown(_:)`` the transaction may have
    ///   been committed; with all others it was not.
    public func transaction<Value>(_ kind: TransactionKind = .readWrite, _ body: () throws -> Value) throws -> Value {
        try execute(kind.begin)
        let value: Value
        do {
            value = try body()
        } catch {
            // If this fails, the connection is closed, which comes to the same.
            if isOpen, (try? execute("ROLLBACK")) == nil { close() }
            throw error
        }
        try commit(kind)
        return value
    }

    private func commit(_ kind: TransactionKind) throws(DatabaseError) {
        let tag: String
        do {
            tag = try execute("COMMIT").commandTag
        } catch {
            close()
            switch error {
            case .connectionLost(let reason) where kind == .readWrite,
                .deadlineExceeded(let reason) where kind == .readWrite:
                throw .outcomeUnknown(reason)
            case .statement(let failure) where kind == .readWrite && failure.sqlState == StatementFailure.readOnly:
                throw .outcomeUnknown(failure.message)
            default: throw error
            }
        }
        // So the server answers COMMIT of a transaction in which a statement had failed.
        guard tag == "COMMIT" else {
            throw .statement(
                StatementFailure(
                    sqlState: "25P02", message: "a statement of the transaction had failed, and it is rolled back"))
        }
        if kind == .readWrite, wasNotReplicated { try confirmReplication() }
    }

    /// Whether the server has said of the last statement that it did not wait for other machines as it should have.
    private var wasNotReplicated: Bool {
        notices.all.contains { $0.isWarning && ["01000", "57P01"].contains($0.sqlState) }
    }

    /// Makes sure that all that this server had committed before is on as many machines as it is set to wait for.
    ///
    /// What a transaction of unknown outcome has left may be visible without being there. Positions in the log only rise, so
    /// an empty entry in it that has arrived says the same of everything before it.
    ///
    /// - Throws: ``DatabaseError/outcomeUnknown(_:)``.
    public func confirmReplication() throws(DatabaseError) {
        do {
            repeat {
                try execute("SELECT pg_catalog.pg_logical_emit_message(true, 'campaignd', '')")
            } while wasNotReplicated
        } catch {
            close()
            throw .outcomeUnknown("it is committed on one machine, and on no other for certain")
        }
    }
}

/// What the server said beside the answer to a statement.
private final class Notices {
    struct Notice {
        let isWarning: Bool
        let sqlState: String
    }

    var libpq: LibPQ?
    var all: [Notice] = []

    func add(_ notice: OpaquePointer?) {
        // A trigger could make any number.
        guard let libpq, all.count < 100 else { return }
        func field(_ code: CInt) -> String { libpq.resultErrorField(notice, code).map { String(cString: $0) } ?? "" }
        all.append(Notice(isWarning: field(LibPQ.severity) == "WARNING", sqlState: field(LibPQ.sqlState)))
    }
}

/// Values as libpq takes them.
private struct EncodedParameters {
    /// All values, each with a NUL behind it.
    private var bytes: [CChar] = []
    private var offsets: [Int?] = []
    private var lengths: [CInt] = []
    private var formats: [CInt] = []

    init(_ values: [SQLValue]) throws(DatabaseError) {
        for value in values {
            let start = bytes.count
            switch value {
            case .null: offsets.append(nil)
            case .text(let text):
                guard !text.utf8.contains(0) else {
                    throw .statement(StatementFailure(sqlState: "22021", message: "a text has a NUL"))
                }
                bytes += text.utf8.map(CChar.init(bitPattern:))
                offsets.append(start)
            case .bytes(let data):
                bytes += data.map(CChar.init(bitPattern:))
                offsets.append(start)
            }
            lengths.append(CInt(clamping: bytes.count - start))
            if case .bytes = value { formats.append(1) } else { formats.append(0) }
            bytes.append(0)
        }
    }

    func withPointers<Result>(
        _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>, UnsafePointer<CInt>?, UnsafePointer<CInt>?) -> Result
    ) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            offsets.map { offset in offset.flatMap { bytes.baseAddress?.advanced(by: $0) } }
                .withUnsafeBufferPointer { pointers in body(pointers, lengths, formats) }
        }
    }
}

extension DatabaseError {
    /// Why a server did not let us in, or was left.
    fileprivate func reason(at place: ConnectionSettings.Place) -> String {
        switch self {
        // What begins so says where by itself.
        case .refused(let message) where message.hasPrefix("connection to server"): message
        case .refused(let message), .connectionLost(let message): "\(place.description): \(message)"
        default: "\(place.description): \(description)"
        }
    }
}
