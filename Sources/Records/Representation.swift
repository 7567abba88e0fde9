public import Crypto

/// A JSON text that is ready to be sent, and a name for exactly these bytes.
public struct Representation: Sendable, Equatable {
    public let bytes: [UInt8]
    /// 32 hexadecimal digits of the bytes' SHA-256: the same in every process and after every start.
    public let digest: String

    public init(_ bytes: [UInt8]) {
        self.init(bytes, SHA256.hash(data: bytes))
    }

    /// - Parameter hash: of the bytes.
    public init(_ bytes: [UInt8], _ hash: SHA256.Digest) {
        self.bytes = bytes
        digest = String(hexadecimal: Array(hash).prefix(16))
    }
}

extension String {
    fileprivate init(hexadecimal bytes: some Collection<UInt8>) {
        let digits = Array("0123456789abcdef".utf8)
        self.init(unsafeUninitializedCapacity: bytes.count * 2) { text in
            for (index, byte) in bytes.enumerated() {
                text[index * 2] = digits[Int(byte >> 4)]
                text[index * 2 + 1] = digits[Int(byte & 15)]
            }
            return bytes.count * 2
        }
    }
}
