import Foundation
import Fuzz
import TestSupport
import Testing

@Suite("inputs that are nearly right")
struct FuzzTests {
    @Test("none makes the service fail, whatever it is thrown at", arguments: Surface.allCases)
    func mutations(_ surface: Surface) throws {
        let folder = try TemporaryFolder()
        let fixture = try Fixture(in: folder.path)
        let seeds = try surface.seeds(fixture)
        #expect(!seeds.isEmpty)
        for seed in Set(seeds) { try Self.strike(surface, seed, fixture) }
        // Others in every run; the seed that failed is in the message.
        let seed = UInt64.random(in: 0...UInt64(UInt32.max))
        var mutator = Mutator(seeds, words: surface.words, seed: seed)
        let count =
            switch surface {
            case .cache: 50
            case .record, .journal: 300
            default: 1500
            }
        for _ in 0..<count { try Self.strike(surface, mutator.next(), fixture) }
    }

    private static func strike(_ surface: Surface, _ input: [UInt8], _ fixture: Fixture) throws {
        do {
            try surface.strike(input, fixture)
        } catch {
            Issue.record("\(error)\n\(Data(input).base64EncodedString())")
            throw error
        }
    }
}
