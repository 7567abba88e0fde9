internal import Glibc
public import Logging

extension DataFolder {
    /// Something in the folder that others than its owner can look into.
    struct Opening: Sendable, CustomStringConvertible {
        /// Below the data folder; `.` is the folder itself.
        let name: String
        let mode: mode_t
        /// The mode with which it would be closed.
        let closed: mode_t

        var description: String {
            let octal = String(mode & 0o777, radix: 8)
            return "\(mode & 0o007 & ~closed == 0 ? "its group" : "everybody") can look into it (0\(octal))"
        }
    }

    /// Closes to others what is open to them, of all but the logos: records of people, and whatever else lies here, such as a
    /// `.git` with all that they have ever been.
    ///
    /// What comes by FTP, from `git init` or an archive has the modes of whoever made it. Whoever should read along is in a
    /// group that may write, too: that is left as it is.
    public func closeToOthers(_ logger: Logger) {
        for opening in openings() {
            if chmod("\(path)/\(opening.name)", opening.closed & 0o7777) == 0 {
                logger.notice(
                    "closed to others", metadata: ["path": "\(path)/\(opening.name)", "reason": "\(opening)"])
            } else {
                logger.warning("open to others", metadata: ["path": "\(path)/\(opening.name)", "reason": "\(opening)"])
            }
        }
    }

    /// What is open to others and should not be.
    func openings() -> [Opening] {
        var own = stat()
        guard stat(path, &own) == 0, let names = try? names(in: path) else { return [] }
        // Where nobody passes, nothing else is open. The web server passes through to the logos.
        let inside = own.st_mode & 0o011 == 0 ? [] : names.sorted()
        return (["."] + inside).compactMap { name in
            var status = stat()
            // Not what a link leads to that is somebody else's: whose folder this is may not decide about that.
            guard name != "logos", stat("\(path)/\(name)", &status) == 0, status.st_uid == own.st_uid else {
                return nil
            }
            let passage: mode_t = name == "." ? 0o011 : 0
            var closed = status.st_mode & ~(0o007 & ~passage)
            if status.st_mode & 0o020 == 0 { closed &= ~(0o070 & ~passage) }
            guard closed != status.st_mode else { return nil }
            return Opening(name: name, mode: status.st_mode, closed: closed)
        }
    }
}
