internal import Campaigns
internal import Glibc
internal import JSON
internal import Records

/// All records of a data folder as one JSON document: an object with a list for each kind, in which a record stands as
/// in its file, and the next free ids of those that the service makes.
struct Document {
    static let format = "campaignd"
    static let version = 1
    /// The lists, in their order.
    static let lists: [(name: String, kind: RecordKind)] = [
        ("users", .users), ("organisations", .organisations), ("projects", .projects), ("campaigns", .campaigns),
        ("messages", .messages), ("recipients", .deliveries), ("mailed", .mailings), ("readers", .readers),
    ]

    static let nextIDs = "nextIds"

    private let root: JSONObject

    /// - Throws: ``SourceError`` when this is not such a document.
    init(_ bytes: [UInt8]) throws(SourceError) {
        let json: JSONValue
        do {
            // Round each record there are a list and the document.
            json = try JSONValue(parsing: bytes, deepest: JSONValue.deepestNesting + 2)
        } catch {
            throw .unsuitable("the document is not valid JSON: \(error)")
        }
        guard case .object(let root) = json, root["format"] == .string(Self.format) else {
            throw .unsuitable("the document is not one that 'campaignd export' wrote")
        }
        guard root["version"]?.wholeNumber == Self.version else {
            throw .unsuitable("the document was written by another version of campaignd, which this one does not know")
        }
        for (name, _) in Self.lists {
            switch root[name] {
            case nil, .array: break
            case .some(let value): throw .unsuitable("the document's \(name) are \(value.kind), not an array")
            }
        }
        self.root = root
    }

    /// The records of a kind, and those that are none, with the reason.
    func records<Kind: Record>(
        _: Kind.Type, _ kind: RecordKind
    ) -> (records: [Kind], faults: [(id: String, reason: String)]) {
        var records: [Kind] = []
        var faults: [(id: String, reason: String)] = []
        guard let name = Self.lists.first(where: { $0.kind == kind })?.name, case .array(let elements) = root[name]
        else { return ([], []) }
        for (index, element) in elements.enumerated() {
            guard case .object(let object) = element, let id = object[Kind.idKey]?.wholeNumber, id >= 1 else {
                faults.append(("no. \(index + 1)", "\(Kind.idKey) is not an id"))
                continue
            }
            do {
                records.append(try Kind(RecordMembers(element, id: id, idKey: Kind.idKey)))
            } catch {
                faults.append(("\(id)", error.description))
            }
        }
        return (records, faults)
    }

    /// The next free id of a kind, where it was written.
    func nextID(_ kind: RecordKind) -> Int? {
        guard case .object(let next) = root[Self.nextIDs] else { return nil }
        return next[kind.rawValue]?.wholeNumber
    }

    /// What a document's file holds.
    ///
    /// - Parameter path: of the file, or `-` for standard input.
    /// - Throws: ``SourceError`` when it cannot be read.
    static func read(_ path: String) throws(SourceError) -> [UInt8] {
        let isInput = path == "-"
        let file = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .noInput("the document cannot be read: \(String(cString: strerror(errno)))") }
        defer { if !isInput { close(file) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 { bytes.append(contentsOf: buffer.prefix(count)) }
            guard count > 0 || errno == EINTR else {
                throw .noInput("the document cannot be read: \(String(cString: strerror(errno)))")
            }
        }
    }
}
