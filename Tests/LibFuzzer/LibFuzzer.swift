import Foundation
import Fuzz

/// libFuzzer's own main, which is told what to call.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// `fuzz SURFACE FOLDER seeds` writes the seeds to `FOLDER/seeds` and a dictionary to `FOLDER/words`; any other
/// third argument and those after it are libFuzzer's.
@main
struct LibFuzzer {
    // Unsafe in name only: set once, before libFuzzer calls back on the same thread.
    nonisolated(unsafe) private static var target: (surface: Surface, fixture: Fixture)?

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 3, let surface = Surface(rawValue: arguments[1]) else {
            print(
                "Usage: fuzz \(Surface.allCases.map(\.rawValue).joined(separator: "|")) FOLDER seeds|LIBFUZZER-OPTION …"
            )
            exit(64)
        }
        let folder = URL(fileURLWithPath: arguments[2])
        let fixture = try Fixture(in: folder.path)
        if arguments[3] == "seeds" { return try write(surface, fixture, to: folder) }
        target = (surface, fixture)
        // libFuzzer reads the arguments that begin with a dash, and folders.
        var texts = ([arguments[0]] + arguments[3...]).map { strdup($0) } + [nil]
        var count = CInt(texts.count - 1)
        let status = texts.withUnsafeMutableBufferPointer { buffer in
            guard var base = buffer.baseAddress else { return CInt(70) }
            return runDriver(&count, &base) { LibFuzzer.strike(UnsafeBufferPointer(start: $0, count: $1)) }
        }
        exit(status)
    }

    private static func strike(_ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
        guard let target else { return 0 }
        do {
            try target.surface.strike(Array(bytes), target.fixture)
        } catch {
            // libFuzzer keeps the input of a process that dies.
            fatalError("FINDING \(error)")
        }
        return 0
    }

    private static func write(_ surface: Surface, _ fixture: Fixture, to folder: URL) throws {
        let seeds = folder.appendingPathComponent("seeds")
        try FileManager.default.createDirectory(at: seeds, withIntermediateDirectories: true)
        for (number, seed) in try surface.seeds(fixture).enumerated() {
            try Data(seed).write(to: seeds.appendingPathComponent("\(number)"))
        }
        let words = surface.words.map { word in
            "\"" + word.utf8.map { "\\x" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "\""
        }
        try Data(words.joined(separator: "\n").utf8).write(to: folder.appendingPathComponent("words"))
    }
}
