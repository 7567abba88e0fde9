/// Which record.
struct RecordRef: Hashable, Sendable {
    let kind: RecordKind
    let id: Int

    init(_ kind: RecordKind, _ id: Int) {
        self.kind = kind
        self.id = id
    }

    /// Below the data folder.
    var place: String { "\(kind.rawValue)/\(id).json" }
}
