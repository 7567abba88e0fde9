/// Why nothing, or no more, can be had from where the records are to come from.
public enum SourceError: Error, Equatable {
    /// It cannot be reached.
    case unavailable(String)
    /// There is no such file, or it cannot be read.
    case noInput(String)
    /// What is there is not what is needed.
    case unsuitable(String)
}
