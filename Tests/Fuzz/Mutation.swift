import TestSupport

/// Makes inputs that are nearly right, for where there is no libFuzzer to find them.
public struct Mutator {
    private let seeds: [[UInt8]]
    private let words: [[UInt8]]
    private var dice: Dice

    public init(_ seeds: [[UInt8]], words: [String], seed: UInt64) {
        self.seeds = seeds
        self.words = words.map { Array($0.utf8) } + [[0], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], Array("\"".utf8)]
        dice = Dice(seed: seed)
    }

    /// The next input.
    public mutating func next() -> [UInt8] {
        var input = seeds.randomElement(using: &dice) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &dice) {
            let place = Int.random(in: 0...input.count, using: &dice)
            let end = min(input.count, place + Int.random(in: 0...12, using: &dice))
            switch Int.random(in: 0..<6, using: &dice) {
            case 0: input.removeSubrange(place..<end)
            case 1: input.insert(contentsOf: words.randomElement(using: &dice) ?? [], at: place)
            case 2: input.replaceSubrange(place..<end, with: words.randomElement(using: &dice) ?? [])
            case 3: input.insert(contentsOf: Array(input[place..<end]), at: place)
            case 4:
                let other = seeds.randomElement(using: &dice) ?? []
                let from = Int.random(in: 0...other.count, using: &dice)
                input = Array(input[..<place] + other[from...])
            default: if place < input.count { input[place] ^= 1 << UInt8.random(in: 0..<8, using: &dice) }
            }
        }
        return input
    }
}
