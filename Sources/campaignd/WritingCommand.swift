import Campaigns
import FolderStore
import Records

/// Does what a command that writes a record does: makes the folder where it is missing, and says what went wrong.
func write<Value: Sendable>(
    _ data: DataOption, _ body: @escaping @Sendable (any TransferWriter) throws -> Value
) throws -> Value {
    try Settings.folder(data.path).create()
    return try data.store().transfer(isRehearsal: false, body)
}

extension TransferWriter {
    /// The id that a new record gets.
    ///
    /// - Parameter wanted: what the command line says.
    func id(_ wanted: Int?, _ what: String, _ kind: RecordKind) throws -> Int {
        guard let wanted else { return try nextID(kind) }
        guard wanted >= 1 else { throw Failure.refused("ids start at 1") }
        // Also where it is broken: that is for a person to mend, not to be written over.
        guard try !isTaken(kind, wanted) else { throw Failure.refused("there is \(what) \(wanted) already") }
        return wanted
    }

    /// The id of a user who is named on the command line.
    func userID(_ text: String) throws -> Int {
        try UserReference(text).id(among: allUsers())
    }
}

/// A name as the command line may give one.
func checkedName(_ text: String) throws(Failure) -> String {
    do {
        return try Name.checked(text)
    } catch {
        throw .refused(error.description)
    }
}
