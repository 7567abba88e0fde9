extension Duration {
    /// The seconds of a time such as 90s, 30m, 12h or 7d, or nil when it is none, or longer than may be.
    static func seconds(of text: String, atMost most: Int) -> Int? {
        let units = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[String($0)] }), let count = Int(text.dropLast()), count > 0,
            count <= most / unit
        else { return nil }
        return count * unit
    }
}
