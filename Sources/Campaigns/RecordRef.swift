/// Which record.
public struct RecordRef: Hashable, Sendable {
    public let kind: RecordKind
    public let id: Int

    public init(_ kind: RecordKind, _ id: Int) {
        self.kind = kind
        self.id = id
    }

    /// Its file below a data folder.
    public var place: String { "\(kind.rawValue)/\(id).json" }
}
