import Foundation
import TestSupport
import Testing

/// The short version of those parts of `Tests/torture` that are short, and true however slow the machine is.
@Suite(.serialized)
struct TortureTests {
    @Test(
        "the service stands it",
        arguments: ["kill", "faults", "powercut", "histories", "wire", "http"])
    func part(_ name: String) throws {
        let outcome = try Command.run(
            Repository.root.appendingPathComponent("Tests/torture").path,
            ["--quick", "--only", name, "--binary", Repository.campaignd.path])
        #expect(outcome.status == 0, "\(outcome.text.suffix(3000))\(outcome.errors.suffix(1000))")
    }
}
