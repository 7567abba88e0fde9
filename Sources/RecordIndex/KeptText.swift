/// Which texts stay in memory. The others are read from their record's file when they are asked for, so that a few hundred
/// records with texts as long as the API takes them do not fill the service's memory, now and after every start.
public enum KeptText {
    /// Bytes. Nearly all texts are shorter.
    public static let longest = 16 << 10
    /// Bytes that are kept of one kind of records before only short texts are.
    static let plenty = 64 << 20
    /// What is as short takes little more than its record does anyway.
    static let short = 2 << 10

    /// - Parameters:
    ///   - count: bytes.
    ///   - kept: how many bytes are kept already.
    public static func includes(_ count: Int, besides kept: Int) -> Bool {
        count <= (kept < plenty ? longest : short)
    }
}
