internal import Campaigns
internal import JSON
public import Records

/// Writes all records of a data folder as one JSON document, which ``Import`` reads.
public struct Export {
    /// A record that is not in the document, because it is broken.
    public struct Fault: CustomStringConvertible {
        public let description: String
    }

    private let store: any TransferStore
    private let write: ([UInt8]) throws -> Void
    private var faults: [Fault] = []

    /// Writes the document piece by piece, a record a line.
    ///
    /// It takes no lock. A record is as it was when its turn came, and the kinds follow one another such that a message
    /// that comes meanwhile is not taken for one that nobody has got.
    ///
    /// - Throws: ``StoreUnavailable``, and what `write` throws.
    public static func run(_ store: any TransferStore, write: @escaping ([UInt8]) throws -> Void) throws -> [Fault] {
        var export = Export(store: store, write: write)
        try export.run()
        return export.faults
    }

    private init(store: any TransferStore, write: @escaping ([UInt8]) throws -> Void) {
        self.store = store
        self.write = write
    }

    private mutating func run() throws {
        try write(Array("{\n  \"format\": \"\(Document.format)\",\n  \"version\": \(Document.version)".utf8))
        var next = JSONObject()
        for kind in RecordKind.counted { next.append(kind.rawValue, .integer(try store.nextID(kind))) }
        try write(Array(",\n  \"\(Document.nextIDs)\": ".utf8) + JSONValue.object(next).compact)
        for (name, kind) in Document.lists {
            try write(Array(",\n  \"\(name)\": [".utf8))
            switch kind {
            case .users: try list(User.self, kind)
            case .organisations: try list(Organisation.self, kind)
            case .projects: try list(Project.self, kind)
            case .campaigns: try list(Campaign.self, kind)
            case .messages:
                // Without its delivery it would be one that nobody has got.
                try list(Message.self, kind) { [store] id in
                    do {
                        _ = try store.record(Delivery.self, .deliveries, id)
                    } catch is RecordError {
                        throw RecordError("who got it is not to be read")
                    }
                }
            case .deliveries: try list(Delivery.self, kind)
            case .mailings: try list(Mailing.self, kind)
            case .readers: try list(ReadState.self, kind)
            }
            try write(Array("]".utf8))
        }
        try write(Array("\n}\n".utf8))
    }

    private mutating func list<Kind: Record>(
        _: Kind.Type, _ kind: RecordKind, check: (Int) throws -> Void = { _ in }
    ) throws {
        var isFirst = true
        for id in try store.ids(kind) {
            do {
                guard let record = try store.record(Kind.self, kind, id) else { continue }
                try check(id)
                var text = Array((isFirst ? "\n    " : ",\n    ").utf8)
                record.json.write(to: &text)
                try write(text)
                isFirst = false
            } catch let error as RecordError {
                faults.append(Fault(description: "\(kind.rawValue)/\(id).json: \(error)"))
            }
        }
        if !isFirst { try write(Array("\n  ".utf8)) }
    }
}
