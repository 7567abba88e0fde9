internal import CLinux
internal import Glibc

/// The functions of libpq, PostgreSQL's client library. It is loaded when a database is to be read, and not before, so
/// that the program needs it for nothing else.
struct LibPQ {
    typealias Text = UnsafePointer<CChar>?
    typealias TextList = UnsafePointer<UnsafePointer<CChar>?>?

    let connectdbParams: @convention(c) (TextList, TextList, CInt) -> OpaquePointer?
    let conninfoParse: @convention(c) (Text, OpaquePointer?) -> OpaquePointer?
    let conninfoFree: @convention(c) (OpaquePointer?) -> Void
    let status: @convention(c) (OpaquePointer?) -> CInt
    let errorMessage: @convention(c) (OpaquePointer?) -> Text
    let finish: @convention(c) (OpaquePointer?) -> Void
    let exec: @convention(c) (OpaquePointer?, Text) -> OpaquePointer?
    let resultStatus: @convention(c) (OpaquePointer?) -> CInt
    let resultErrorField: @convention(c) (OpaquePointer?, CInt) -> Text
    let ntuples: @convention(c) (OpaquePointer?) -> CInt
    let nfields: @convention(c) (OpaquePointer?) -> CInt
    let getisnull: @convention(c) (OpaquePointer?, CInt, CInt) -> CInt
    let getvalue: @convention(c) (OpaquePointer?, CInt, CInt) -> Text
    let getlength: @convention(c) (OpaquePointer?, CInt, CInt) -> CInt
    let clear: @convention(c) (OpaquePointer?) -> Void

    // What of libpq-fe.h and postgres_ext.h is needed; part of its interface for good.
    static let connectionOK: CInt = 0
    static let commandOK: CInt = 1
    static let tuplesOK: CInt = 2
    static let primaryMessage = CInt(UInt8(ascii: "M"))
    static let sqlState = CInt(UInt8(ascii: "C"))
    /// The SQLSTATEs of a table and of a column that are not there.
    static let undefined = ["42P01", "42703"]

    /// - Throws: ``SourceError``.
    init() throws(SourceError) {
        // Without a dynamic linker in the process, dlopen would bring a second C library into it.
        guard getauxval(UInt(AT_BASE)) != 0 else {
            throw .unavailable(
                "this is a fully static program, which can load no libpq and so read no database; one that was built "
                    + "with 'swift build --static-swift-stdlib' can, and this one imports what that one exports")
        }
        guard let library = dlopen("libpq.so.5", RTLD_NOW) else {
            throw .unavailable(
                "a database is read through libpq.so.5, which cannot be loaded here; Debian's package is libpq5 "
                    + "(\(String(cString: dlerror())))")
        }
        func find<Function>(_ name: String) throws(SourceError) -> Function {
            guard let symbol = dlsym(library, name) else { throw .unavailable("libpq.so.5 has no \(name)") }
            return unsafeBitCast(symbol, to: Function.self)
        }
        connectdbParams = try find("PQconnectdbParams")
        conninfoParse = try find("PQconninfoParse")
        conninfoFree = try find("PQconninfoFree")
        status = try find("PQstatus")
        errorMessage = try find("PQerrorMessage")
        finish = try find("PQfinish")
        exec = try find("PQexec")
        resultStatus = try find("PQresultStatus")
        resultErrorField = try find("PQresultErrorField")
        ntuples = try find("PQntuples")
        nfields = try find("PQnfields")
        getisnull = try find("PQgetisnull")
        getvalue = try find("PQgetvalue")
        getlength = try find("PQgetlength")
        clear = try find("PQclear")
    }
}
