internal import Glibc

/// The environment of a request: an array of `NAME=VALUE`, ended by nil.
struct Variables: Sequence, IteratorProtocol {
    private var place: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

    init(_ first: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) {
        place = first
    }

    mutating func next() -> (name: String, value: String)? {
        while let variable = place?.pointee {
            place = place?.successor()
            guard let equals = strchr(variable, Int32(UInt8(ascii: "="))) else { continue }
            let name = UnsafeRawBufferPointer(start: variable, count: equals - variable)
            return (String(decoding: name, as: UTF8.self), String(cString: equals + 1))
        }
        return nil
    }
}
