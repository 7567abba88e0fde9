internal import Campaigns
internal import Glibc
internal import JSON
internal import RecordIndex

/// Who got a message. A long list stays in its file, and is searched there: in memory, those of all messages would be without
/// a bound.
struct RecipientList: Recipients {
    /// By rising id; nil: in the file alone.
    private(set) var kept: [Int]?
    /// nil: the file is not as the service writes it, so that nobody can tell where in it an id would stand.
    let filed: Filed?

    /// A list in a file that is as the service writes it.
    struct Filed: Sendable {
        fileprivate let path: String
        fileprivate let state: FileState
        /// Where the ids stand, in bytes.
        fileprivate let place: Range<Int>
        fileprivate let count: Int
    }

    /// - Parameters:
    ///   - bytes: what the file holds.
    ///   - path: of the file.
    /// - Throws: ``RecordError``.
    init(file bytes: [UInt8], id: Int, path: String, state: FileState) throws(RecordError) {
        guard let (place, count) = Self.scan(bytes, id) else {
            guard bytes.count <= RecordFile.largest else { throw RecordError("it is larger than 16 MiB") }
            kept = try Delivery(file: bytes, id: id).recipients
            filed = nil
            return
        }
        kept = count * Self.idSize <= KeptText.longest ? Self.ids(bytes[place]) : nil
        filed = Filed(path: path, state: state, place: place, count: count)
    }

    private static let idSize = MemoryLayout<Int>.size

    var count: Int { kept?.count ?? filed?.count ?? 0 }

    /// Bytes in memory.
    var keptBytes: Int { (kept?.count ?? 0) * Self.idSize }

    /// Leaves the list in its file alone, where that is enough.
    mutating func forget() {
        if filed != nil { kept = nil }
    }

    /// Whether a user is in the list; nil when only the file tells.
    func contains(_ user: Int) -> Bool? { kept?.containsSorted(user) }

    // MARK: The file

    /// A delivery as its record holds it: the same as its `json.indented`, without a value for each id in between.
    static func record(ofMessage id: Int, recipients: [Int]) -> [UInt8] {
        var text = opening(id)
        text.reserveCapacity(text.count + recipients.count * 10)
        for (place, id) in recipients.enumerated() {
            if place > 0 { text.append(utf8: ", ") }
            text.append(utf8: String(id))
        }
        text += closing
        return text
    }

    private static func opening(_ id: Int) -> [UInt8] {
        Array("{\n  \"messageId\": \(id),\n  \"recipients\": [".utf8)
    }
    private static let closing = Array("]\n}\n".utf8)

    /// All ids of a list, from the bytes of its file.
    ///
    /// - Throws: ``RecordError``.
    static func all(file bytes: [UInt8], id: Int) throws(RecordError) -> [Int] {
        if let (place, _) = scan(bytes, id) { return ids(bytes[place]) }
        return try Delivery(file: bytes, id: id).recipients
    }

    /// Where the ids stand, and how many, when the bytes are a record as the service writes it; nil when they are another.
    private static func scan(_ bytes: [UInt8], _ id: Int) -> (place: Range<Int>, count: Int)? {
        let opening = opening(id)
        guard bytes.count >= opening.count + closing.count, bytes.starts(with: opening),
            bytes.suffix(closing.count).elementsEqual(closing)
        else { return nil }
        let place = opening.count..<bytes.count - closing.count
        let count = bytes.withUnsafeBytes { Self.count(UnsafeRawBufferPointer(rebasing: $0[place])) }
        return count.map { (place, $0) }
    }

    /// How many ids a text has, or nil when it is not rising ids with a comma and a space between.
    private static func count(_ text: UnsafeRawBufferPointer) -> Int? {
        var count = 0
        var last = 0
        var number = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if isDigit(byte) {
                let (tens, tooLarge) = number.multipliedReportingOverflow(by: 10)
                let (sum, overflow) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
                // Nor does any begin with 0: then it would not be larger than 0 with its first digit.
                guard !tooLarge, !overflow, sum > 0 else { return nil }
                number = sum
                index += 1
                guard index == text.count else { continue }
            } else {
                guard byte == UInt8(ascii: ","), index + 2 < text.count, text[index + 1] == UInt8(ascii: " ") else {
                    return nil
                }
                index += 2
            }
            guard number > last else { return nil }
            last = number
            number = 0
            count += 1
        }
        return count
    }

    fileprivate static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    fileprivate static func ids(_ text: ArraySlice<UInt8>) -> [Int] {
        var ids: [Int] = []
        var number = 0
        for byte in text {
            if isDigit(byte) {
                number = number &* 10 &+ Int(byte - UInt8(ascii: "0"))
            } else if number > 0 {
                ids.append(number)
                number = 0
            }
        }
        if number > 0 { ids.append(number) }
        return ids
    }

    /// Bytes that are read at once. An id, and what is between two, has at most 21.
    fileprivate static let window = 4096

}

extension RecipientList.Filed {
    /// Looks an id up in the file, by halving the part of it in which it may stand. It reads.
    ///
    /// - Throws: ``SystemError`` when the file cannot be read, or is another one by now.
    func contains(_ user: Int) throws(SystemError) -> Bool {
        let file = try Descriptor(path, O_RDONLY | O_NONBLOCK)
        guard FileState(try file.status()) == state else { throw SystemError("read \(path)", ESTALE) }
        var part = place
        while part.count > RecipientList.window {
            let middle = part.lowerBound + part.count / 2
            // The first id that begins here: the one before it may have been cut.
            let bytes = try file.read(at: middle, count: 64)
            guard let space = bytes.firstIndex(of: UInt8(ascii: " ")) else { throw SystemError("read \(path)", EIO) }
            let digits = bytes[(space + 1)...].prefix { RecipientList.isDigit($0) }
            guard let found = RecipientList.ids(digits).first else { throw SystemError("read \(path)", EIO) }
            if found == user { return true }
            if found < user {
                part = middle + space + 1..<part.upperBound
            } else {
                part = part.lowerBound..<middle + space
            }
        }
        return RecipientList.ids(try file.read(at: part.lowerBound, count: part.count)[...]).containsSorted(user)
    }
}
