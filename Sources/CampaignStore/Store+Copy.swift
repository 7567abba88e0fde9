public import Campaigns
internal import Glibc

// For what copies a whole folder, into a document or out of another source.
extension Store {
    /// The ids of a kind's records by rising id, broken ones among them.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func ids(_ kind: RecordKind) throws(FolderUnavailable) -> [Int] {
        try FolderUnavailable.saying("The data folder cannot be read") { () throws(SystemError) in
            try folder.names(in: folder.directory(kind)).compactMap { DataFolder.id(ofFile: $0) }.sorted()
        }
    }

    /// The id that the next new record of a kind gets.
    ///
    /// - Throws: ``FolderUnavailable``.
    public func nextID(_ kind: RecordKind) throws(FolderUnavailable) -> Int {
        let (afterHighest, overflow) = (try ids(kind).last ?? 0).addingReportingOverflow(1)
        return try FolderUnavailable.saying("The data folder cannot be read") { () throws(SystemError) in
            max(try IDCounter(folder, kind).read(), overflow ? 1 : afterHighest)
        }
    }

    /// A record with all that its file holds, or nil when there is none.
    ///
    /// - Throws: ``RecordError`` when it is broken, ``FolderUnavailable``.
    public func record<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws -> Kind? {
        let file = try FolderUnavailable.saying("The data folder cannot be read") { () throws(SystemError) in
            try RecordFile(folder.file(kind, id))
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
