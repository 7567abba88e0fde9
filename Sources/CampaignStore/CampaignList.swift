internal import Crypto
internal import JSON

/// The text of a list of campaigns. It grows at its end without being made, or hashed, anew.
struct CampaignList {
    private var text = Array(#"{"campaigns":["#.utf8)
    private var hash = SHA256()
    /// How much of the text the hash has seen.
    private var hashed = 0
    private var made: Representation?

    /// - Parameter count: how many campaigns it will have, about.
    init(reserving count: Int) {
        text.reserveCapacity(count * 64)
    }

    mutating func append(_ id: Int, _ name: String) {
        text.append(utf8: text.last == UInt8(ascii: "[") ? #"{"id":"# : #",{"id":"#)
        text.append(utf8: String(id))
        text.append(utf8: #","name":"#)
        text.append(jsonString: name)
        text.append(UInt8(ascii: "}"))
        made = nil
    }

    mutating func representation() -> Representation {
        if let made { return made }
        text.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[hashed...])) }
        hashed = text.count
        let end = Array("]}".utf8)
        var whole = hash
        whole.update(data: end)
        let representation = Representation(text + end, whole.finalize())
        made = representation
        return representation
    }
}
