public import Campaigns
internal import Glibc

// For what copies a whole folder, into a document or out of another source.
extension Store {
    /// The ids of a kind's records by rising id, broken ones among them.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func ids(_ kind: RecordKind) throws(FolderUnavailable) -> [Int] {
        do throws(SystemError) {
            return try folder.names(in: folder.directory(kind)).compactMap { DataFolder.id(ofFile: $0) }.sorted()
        } catch {
            throw FolderUnavailable("The data folder cannot be read", error)
        }
    }

    /// The id that the next new record of a kind gets.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func nextID(_ kind: RecordKind) throws(FolderUnavailable) -> Int {
        let (afterHighest, overflow) = (try ids(kind).last ?? 0).addingReportingOverflow(1)
        do throws(SystemError) {
            return max(try IDCounter(folder, kind).read(), overflow ? 1 : afterHighest)
        } catch {
            throw FolderUnavailable("The data folder cannot be read", error)
        }
    }

    /// A record with all that its file holds, or nil when there is none.
    ///
    /// - Throws: ``RecordError`` when it is broken, ``FolderUnavailable``.
    public func record<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws -> Kind? {
        let file: RecordFile
        do throws(SystemError) {
            file = try RecordFile(folder.file(kind, id))
        } catch {
            throw FolderUnavailable("The data folder cannot be read", error)
        }
        switch file {
        case .missing: return nil
        case .unreadable(let reason, _): throw RecordError(reason)
        case .bytes(let bytes, _): return try Kind(file: bytes, id: id)
        }
    }

    /// Lets a writer decide as ``write(_:)`` does, but without the lock, and changes nothing.
    ///
    /// - Throws: ``FolderUnavailable``, and what `body` throws.
    public func rehearse<Value: Sendable>(_ body: (Transaction) throws -> Value) throws -> Value {
        try read { try body(Transaction($0, folder)) }
    }
}
