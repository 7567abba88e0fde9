import Glibc

/// A setting that is in the environment: its name, what it is for, and what it may be.
///
/// One that is empty counts as absent. One that is there is never passed over: it is understood, or the command ends.
struct Setting<Value: Sendable>: Sendable {
    let name: String
    /// What it is for, and its default, in a sentence or two.
    let help: String
    /// What it can be, so that it reads on after "it can be".
    let form: String
    let value: @Sendable (String) -> Value?

    init(_ name: String, _ help: String, _ form: String, _ value: @escaping @Sendable (String) -> Value?) {
        self.name = name
        self.help = help
        self.form = form
        self.value = value
    }

    /// - Throws: ``Failure`` when it is something else than it can be.
    func read() throws(Failure) -> Value? {
        guard let bytes = getenv(name), bytes.pointee != 0 else { return nil }
        guard let text = String(validatingCString: bytes) else { throw .configuration("\(name) is not UTF-8") }
        guard let value = value(text) else {
            throw .configuration("\(name) is \(text); it can be \(form)")
        }
        return value
    }
}
