internal import Glibc

/// What a statement has given: rows, each with the columns that were asked for.
public final class Rows: RandomAccessCollection {
    private let libpq: LibPQ
    fileprivate let result: OpaquePointer
    public let count: Int
    private let width: CInt

    /// - Parameter result: released with this.
    init(_ result: OpaquePointer, _ libpq: LibPQ) {
        self.libpq = libpq
        self.result = result
        count = Int(libpq.ntuples(result))
        width = libpq.nfields(result)
    }

    deinit { libpq.clear(result) }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(index: Int) -> Row {
        precondition(indices.contains(index))
        return Row(rows: self, index: CInt(index))
    }

    /// How many rows the statement has inserted, changed, removed or given.
    public var affected: Int {
        libpq.cmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }

    /// What was done, such as `COMMIT`.
    var commandTag: String { libpq.cmdStatus(result).map { String(cString: $0) } ?? "" }

    /// The bytes of a value, which are good as long as this is; nil for NULL and where there is no such column.
    fileprivate func bytes(_ row: CInt, _ column: Int) -> UnsafeRawBufferPointer? {
        guard column >= 0, column < width else { return nil }
        let column = CInt(column)
        guard libpq.getisnull(result, row, column) == 0, let start = libpq.getvalue(result, row, column) else {
            return nil
        }
        return UnsafeRawBufferPointer(start: start, count: Int(libpq.getlength(result, row, column)))
    }
}

/// A row of what a statement has given. Its columns are counted from 0; each value is nil for NULL, and where it is not of
/// the kind that is asked for.
public struct Row {
    fileprivate let rows: Rows
    fileprivate let index: CInt

    public func text(_ column: Int) -> String? {
        rows.bytes(index, column).map { String(decoding: $0, as: UTF8.self) }
    }

    public func number(_ column: Int) -> Int? {
        rows.bytes(index, column).flatMap { Self.number($0[...]) }
    }

    public func flag(_ column: Int) -> Bool? {
        rows.bytes(index, column).map { $0.first == UInt8(ascii: "t") }
    }

    /// The numbers of an array of integers; those that are NULL are left out.
    public func numbers(_ column: Int) -> [Int]? {
        guard let bytes = rows.bytes(index, column), bytes.first == UInt8(ascii: "{") else { return nil }
        return bytes.dropFirst().dropLast().split(separator: UInt8(ascii: ",")).compactMap(Self.number)
    }

    /// The content of a `bytea`, which comes as `\x` and two digits for each byte.
    public func data(_ column: Int) -> [UInt8]? {
        guard let bytes = rows.bytes(index, column), bytes.count % 2 == 0, bytes.prefix(2).elementsEqual("\\x".utf8)
        else { return nil }
        var data: [UInt8] = []
        data.reserveCapacity(bytes.count / 2)
        var high: UInt8?
        for byte in bytes.dropFirst(2) {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            if let first = high {
                data.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        return data
    }

    /// A whole number in decimal digits.
    private static func number(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        let isNegative = bytes.first == UInt8(ascii: "-")
        let digits = isNegative ? bytes.dropFirst() : bytes
        guard !digits.isEmpty else { return nil }
        var number = 0
        for byte in digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            let (tenfold, overflows) = number.multipliedReportingOverflow(by: 10)
            let (sum, isTooLarge) = tenfold.subtractingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflows, !isTooLarge else { return nil }
            number = sum
        }
        // It was counted downwards, for there is one more below nothing than above.
        return isNegative ? number : number == .min ? nil : -number
    }
}
