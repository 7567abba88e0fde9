internal import CLinux
internal import Glibc

/// The functions of libpq, PostgreSQL's client library. It is loaded when a database is used, and not before, so that the
/// program needs it for nothing else.
struct LibPQ: @unchecked Sendable {
    // Unchecked: these are functions of a library that is never unloaded. libpq may be used by several threads as long as no
    // two of them use one connection (PQisthreadsafe), and a `DatabaseConnection` is one thread's.
    typealias Text = UnsafePointer<CChar>?
    typealias TextList = UnsafePointer<UnsafePointer<CChar>?>?
    typealias Handle = OpaquePointer?
    typealias NoticeReceiver = @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> Void

    let connectStartParams: @convention(c) (TextList, TextList, CInt) -> Handle
    let connectPoll: @convention(c) (Handle) -> CInt
    let conninfoParse: @convention(c) (Text, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> UnsafeRawPointer?
    let conninfoFree: @convention(c) (UnsafeRawPointer?) -> Void
    let freemem: @convention(c) (UnsafeMutableRawPointer?) -> Void
    let status: @convention(c) (Handle) -> CInt
    let transactionStatus: @convention(c) (Handle) -> CInt
    let socket: @convention(c) (Handle) -> CInt
    let setnonblocking: @convention(c) (Handle, CInt) -> CInt
    let setNoticeReceiver: @convention(c) (Handle, NoticeReceiver?, UnsafeMutableRawPointer?) -> NoticeReceiver?
    let errorMessage: @convention(c) (Handle) -> Text
    let finish: @convention(c) (Handle) -> Void
    let sendQuery: @convention(c) (Handle, Text) -> CInt
    let sendPrepare: @convention(c) (Handle, Text, Text, CInt, UnsafePointer<UInt32>?) -> CInt
    let sendQueryPrepared:
        @convention(c) (
            Handle, Text, CInt, TextList, UnsafePointer<CInt>?, UnsafePointer<CInt>?, CInt
        ) -> CInt
    let flush: @convention(c) (Handle) -> CInt
    let consumeInput: @convention(c) (Handle) -> CInt
    let isBusy: @convention(c) (Handle) -> CInt
    let getResult: @convention(c) (Handle) -> OpaquePointer?
    let resultStatus: @convention(c) (OpaquePointer?) -> CInt
    let resultErrorField: @convention(c) (OpaquePointer?, CInt) -> Text
    let cmdStatus: @convention(c) (OpaquePointer?) -> Text
    let cmdTuples: @convention(c) (OpaquePointer?) -> Text
    let ntuples: @convention(c) (OpaquePointer?) -> CInt
    let nfields: @convention(c) (OpaquePointer?) -> CInt
    let getisnull: @convention(c) (OpaquePointer?, CInt, CInt) -> CInt
    let getvalue: @convention(c) (OpaquePointer?, CInt, CInt) -> Text
    let getlength: @convention(c) (OpaquePointer?, CInt, CInt) -> CInt
    let clear: @convention(c) (OpaquePointer?) -> Void
    // Of the C library, likewise: a static program that is linked with them would have to be warned of.
    let getaddrinfo:
        @convention(c) (
            Text, Text, UnsafePointer<addrinfo>?, UnsafeMutablePointer<UnsafeMutablePointer<addrinfo>?>?
        ) -> CInt
    let freeaddrinfo: @convention(c) (UnsafeMutablePointer<addrinfo>?) -> Void

    // What of libpq-fe.h and postgres_ext.h is needed; part of its interface for good.
    static let connectionOK: CInt = 0
    static let isIdle: CInt = 0
    static let (pollingFailed, pollingReading, pollingWriting, pollingOK): (CInt, CInt, CInt, CInt) = (0, 1, 2, 3)
    static let successes: [CInt] = [0, 1, 2]
    static let failures: [CInt] = [5, 6, 7]
    static let severity = CInt(UInt8(ascii: "V"))
    static let sqlState = CInt(UInt8(ascii: "C"))
    static let primaryMessage = CInt(UInt8(ascii: "M"))
    static let constraintName = CInt(UInt8(ascii: "n"))

    private static let loaded = Result { () throws(DatabaseError) in try LibPQ() }

    /// The library, loaded when it is first asked for.
    ///
    /// - Throws: ``DatabaseError/noLibrary(_:)``.
    static func load() throws(DatabaseError) -> LibPQ { try loaded.get() }

    private init() throws(DatabaseError) {
        // Without a dynamic linker in the process, dlopen would bring a second C library into it.
        guard getauxval(UInt(AT_BASE)) != 0 else {
            throw .noLibrary(
                "this is a fully static program, which cannot load libpq and so cannot use a database; one that was built "
                    + "with 'swift build --static-swift-stdlib' can")
        }
        guard let library = dlopen("libpq.so.5", RTLD_NOW) else {
            throw .noLibrary(
                "a database is used through libpq.so.5, which cannot be loaded here; Debian's package is libpq5 "
                    + "(\(String(cString: dlerror())))")
        }
        func find<Function>(_ name: String, in library: UnsafeMutableRawPointer? = library) throws(DatabaseError)
            -> Function
        {
            guard let symbol = dlsym(library, name) else {
                throw .noLibrary("libpq.so.5 is too old: it has no \(name)")
            }
            return unsafeBitCast(symbol, to: Function.self)
        }
        connectStartParams = try find("PQconnectStartParams")
        connectPoll = try find("PQconnectPoll")
        conninfoParse = try find("PQconninfoParse")
        conninfoFree = try find("PQconninfoFree")
        freemem = try find("PQfreemem")
        status = try find("PQstatus")
        transactionStatus = try find("PQtransactionStatus")
        socket = try find("PQsocket")
        setnonblocking = try find("PQsetnonblocking")
        setNoticeReceiver = try find("PQsetNoticeReceiver")
        errorMessage = try find("PQerrorMessage")
        finish = try find("PQfinish")
        sendQuery = try find("PQsendQuery")
        sendPrepare = try find("PQsendPrepare")
        sendQueryPrepared = try find("PQsendQueryPrepared")
        flush = try find("PQflush")
        consumeInput = try find("PQconsumeInput")
        isBusy = try find("PQisBusy")
        getResult = try find("PQgetResult")
        resultStatus = try find("PQresultStatus")
        resultErrorField = try find("PQresultErrorField")
        cmdStatus = try find("PQcmdStatus")
        cmdTuples = try find("PQcmdTuples")
        ntuples = try find("PQntuples")
        nfields = try find("PQnfields")
        getisnull = try find("PQgetisnull")
        getvalue = try find("PQgetvalue")
        getlength = try find("PQgetlength")
        clear = try find("PQclear")
        getaddrinfo = try find("getaddrinfo", in: nil)
        freeaddrinfo = try find("freeaddrinfo", in: nil)
    }

    /// A message of libpq or of the server as one line.
    static func line(_ text: Text) -> String {
        guard let text else { return "" }
        return String(cString: text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
