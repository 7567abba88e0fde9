import Foundation
import TestSupport
import Testing

/// The short version of those parts of `Tests/torture` that are short, and true however slow the machine is.
@Suite(.serialized)
struct TortureTests {
    /// Whether strace may look into a process that it has not started.
    private static let mayTrace: Bool = {
        let scope = try? String(contentsOfFile: "/proc/sys/kernel/yama/ptrace_scope", encoding: .utf8)
        return geteuid() == 0 || scope?.hasPrefix("0") ?? true
    }()

    @Test(
        "the service stands it",
        arguments: ["kill", "powercut", "histories", "wire", "http"] + (mayTrace ? ["faults"] : []))
    func part(_ name: String) throws {
        let outcome = try Command.run(
            Repository.root.appendingPathComponent("Tests/torture").path,
            ["--quick", "--only", name, "--binary", Repository.campaignd.path])
        #expect(outcome.status == 0, "\(outcome.text.suffix(3000))\(outcome.errors.suffix(1000))")
    }
}
