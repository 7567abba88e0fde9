public import Campaigns
internal import Glibc
public import Records

// For what copies a whole folder, into a document or out of another source.
extension FolderStore: TransferStore {
    public func ids(_ kind: RecordKind) throws(StoreUnavailable) -> [Int] {
        try StoreUnavailable.mapError("The data folder cannot be read") { () throws(SystemError) in
            try folder.names(in: folder.directory(kind)).compactMap { DataFolder.id(ofFile: $0) }.sorted()
        }
    }

    public func nextID(_ kind: RecordKind) throws(StoreUnavailable) -> Int {
        let (afterHighest, overflow) = (try ids(kind).last ?? 0).addingReportingOverflow(1)
        return try StoreUnavailable.mapError("The data folder cannot be read") { () throws(SystemError) in
            max(try IDCounter(folder, kind).read(), overflow ? 1 : afterHighest)
        }
    }

    public func record<Kind: Record>(_: Kind.Type, _ kind: RecordKind, _ id: Int) throws -> Kind? {
        let file = try StoreUnavailable.mapError("The data folder cannot be read") { () throws(SystemError) in
            try RecordFile(folder.file(kind, id))
        }
        switch file {
        case .missing: return nil
        case .unreadable(let reason, _): throw RecordError(reason)
        case .bytes(let bytes, _): return try Kind(file: bytes, id: id)
        }
    }
}
