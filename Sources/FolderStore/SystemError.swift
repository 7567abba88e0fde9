internal import Glibc
internal import Records

/// A system call that failed.
struct SystemError: Error, CustomStringConvertible {
    /// The call and what it was for, for the log alone: it may hold a path.
    let operation: String
    /// As errno(3) has it.
    let code: Int32
    /// Whether it is no failure: somebody else has changed the file meanwhile, so what was decided on is no longer there.
    private(set) var isConflict = false

    /// Takes errno as the call just made has left it.
    init(_ operation: String) {
        self.init(operation, errno)
    }

    init(_ operation: String, _ code: Int32) {
        self.operation = operation
        self.code = code
    }

    init(conflict path: String) {
        self.init("\(path) was changed by somebody else", EBUSY)
        isConflict = true
    }

    /// The system's words for the code, which hold no path.
    var reason: String { String(cString: strerror(code)) }

    var description: String { "\(operation): \(reason)" }

    /// Whether the process lacks something for the moment, so that nothing can be said of the file itself.
    var isShortage: Bool { [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(code) }

    /// What keeps a file from being read.
    var fault: ReadFault {
        if [ELOOP, EISDIR, ENXIO, ENODEV, ENAMETOOLONG].contains(code) { return .file }
        return [EACCES, EPERM].contains(code) ? .permission : .disk
    }
}

/// What keeps a file from being read.
enum ReadFault {
    /// What is there is no file that could hold a record.
    case file
    /// It may not be read.
    case permission
    /// The disk or the system fails, or another process keeps the file to itself (a lease).
    case disk

    /// Whether it is the file, and not the disk or the system.
    var isOfFile: Bool { self != .disk }
    /// Whether the file may hold a record that is only not given back now.
    var mayPass: Bool { self != .file }
}

extension StoreUnavailable {
    /// The lock was not available in time.
    static let locked = StoreUnavailable("The data folder is locked by another process")

    init(_ what: String, _ error: SystemError) {
        self.init("\(what): \(error.reason)", detail: error.description, isConflict: error.isConflict)
    }

    /// Does something, and says what cannot be done when a system call of it fails.
    static func mapError<Value>(
        _ what: String, _ body: () throws(SystemError) -> Value
    ) throws(StoreUnavailable) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw StoreUnavailable(what, error)
        }
    }
}
