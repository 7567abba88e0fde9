internal import Glibc

extension DataFolder {
    /// Keeps a picture in the folder of the logos, and returns once it is on the disk. One that is there already is not
    /// written again.
    ///
    /// - Throws: ``FolderUnavailable``; then it is not certain to last, and may be sent again.
    func keepLogo(
        _ picture: [UInt8], named name: String, timeout: Duration, queue: FolderLockQueue
    ) throws(FolderUnavailable) {
        try locked(timeout: timeout, queue: queue) { () throws(FolderUnavailable) in
            try FolderUnavailable.saying("The logo cannot be written") { () throws(SystemError) in
                try making { () throws(SystemError) in try placeLogo(picture, name) }
            }
        }
    }

    /// Whoever calls holds the ``FolderLock``.
    private func placeLogo(_ picture: [UInt8], _ name: String) throws(SystemError) {
        let path = "\(logos)/\(name)"
        if !isThere(picture, path) {
            // One name is enough: the lock says that nobody else is at it, and what a crash has left is overwritten.
            let temporary = "\(logos)/.upload.tmp"
            unlink(temporary)
            do throws(SystemError) {
                let file = try Descriptor(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                try file.inherit(from: logos)
                try file.write(picture)
                try file.sync()
                guard rename(temporary, path) == 0 else { throw SystemError("rename \(path)") }
            } catch {
                unlink(temporary)
                throw error
            }
        }
        // Also of one that was there: whoever put it there may not have got this far.
        try Descriptor(logos, O_RDONLY | O_DIRECTORY).sync()
    }

    private func isThere(_ picture: [UInt8], _ path: String) -> Bool {
        guard let file = try? Descriptor(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
            let bytes = try? file.read(size: picture.count, atMost: picture.count + 1)
        else { return false }
        return bytes == picture
    }
}
