internal import Glibc
internal import Records

extension DataFolder {
    /// Keeps a picture in the folder of the logos, and returns once it is on the disk. One that is there already is not
    /// written again.
    ///
    /// - Throws: ``StoreUnavailable``; then it is not certain to last, and may be sent again.
    func storeImage(
        _ picture: [UInt8], named name: String, timeout: Duration, queue: FolderLockQueue
    ) throws(StoreUnavailable) {
        try locked(timeout: timeout, queue: queue) { () throws(StoreUnavailable) in
            try StoreUnavailable.mapError("The logo cannot be written") { () throws(SystemError) in
                try creatingIfMissing { () throws(SystemError) in try placeLogo(picture, name) }
            }
        }
    }

    /// Whoever calls holds the ``FolderLock``.
    private func placeLogo(_ picture: [UInt8], _ name: String) throws(SystemError) {
        let path = "\(logos)/\(name)"
        for attempt in 1... {
            let basis = try basis(ofLogo: picture, path)
            guard let basis else { break }
            // One name is enough: the lock says that nobody else is at it, and what a crash has left is overwritten.
            let temporary = "\(logos)/.upload.tmp"
            var placement = Placement(path, temporary: temporary, contents: picture, basis: basis)
            do throws(SystemError) {
                let file = try FolderCommit.create(temporary)
                try file.inherit(from: logos)
                try file.write(picture)
                try file.sync()
                try placement.carryOut()
                placement.tidy()
            } catch {
                if placement.undo() { unlink(temporary) }
                guard error.isConflict, attempt < 10 else { throw error }
            }
        }
        // Also of one that was there: whoever put it there may not have got this far.
        try Descriptor(logos, O_RDONLY | O_DIRECTORY).sync()
    }

    /// What stands in a logo's place; nil when it is this picture.
    private func basis(ofLogo picture: [UInt8], _ path: String) throws(SystemError) -> Basis? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw SystemError("lstat \(path)") }
            return .nothing
        }
        guard case .bytes(let bytes, _) = try RecordFile(path) else { throw SystemError("read \(path)", EIO) }
        return bytes == picture && status.st_mode & S_IFMT == S_IFREG ? nil : .file(Representation(bytes).digest)
    }
}
