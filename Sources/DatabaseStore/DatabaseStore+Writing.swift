internal import Campaigns
internal import PostgreSQL
public import Records

// Writing.
extension DatabaseStore {
    @discardableResult
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (any RecordWriter) throws -> Value
    ) throws -> Value {
        let deadline = Deadline(after: patience)
        var tries = 0
        while true {
            tries += 1
            do {
                let value = try SingleChange.run(in: pool, by: deadline) { connection, _ in
                    let writer = DatabaseWriter(connection)
                    do {
                        let value = try body(writer)
                        if let failure = writer.failure { throw failure }
                        return value
                    } catch {
                        throw writer.failure ?? error
                    }
                }
                // It is made, whether or not memory gets to know of it in time. Where answers are strict, each sees to that.
                if isRelaxed { try? rounds.wait(by: Deadline(after: patience)) }
                return value
            } catch let error as DatabaseError {
                // Somebody has taken the name, or removed what is to be linked, since that was looked at: it is found then.
                if error.isConflict, tries < Self.mostTries, !deadline.isOver { continue }
                throw Self.unavailable(error)
            }
        }
    }

    private static let mostTries = 5

    private static func unavailable(_ error: DatabaseError) -> StoreUnavailable {
        if case .outcomeUnknown = error {
            return StoreUnavailable(
                "It is not known whether the change was made. Look before you try again.", detail: "\(error)")
        }
        return StoreUnavailable("The database cannot be written", detail: "\(error)", isConflict: error.isConflict)
    }

    public func storeImage(_ image: [UInt8], fileExtension: String) throws(StoreUnavailable) -> String {
        let name = "\(Representation(image).digest).\(fileExtension)"
        do {
            try SingleChange.run(in: pool, by: Deadline(after: patience)) { connection, _ in
                try connection.query(
                    "INSERT INTO campaignd.logo (name, data) VALUES ($1, $2::bytea) ON CONFLICT DO NOTHING", name,
                    SQLValue.bytes(image))
                try connection.query("INSERT INTO campaignd.change (kind, id) VALUES ('l', 0)")
            }
        } catch {
            throw StoreUnavailable("The logo cannot be written", detail: "\(error)")
        }
        return name
    }
}

extension DatabaseError {
    /// Whether others have changed something since it was decided on.
    fileprivate var isConflict: Bool { sqlState == "23503" || sqlState == "23505" }
}
