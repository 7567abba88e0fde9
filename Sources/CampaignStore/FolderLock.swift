internal import Glibc
internal import Threads

/// The exclusive flock that a writer holds on the data folder, released when it goes out of scope.
struct FolderLock: ~Copyable {
    private let file: Descriptor

    /// Waits until the lock is free.
    ///
    /// - Parameter timeout: how long at the most.
    /// - Throws: ``FolderUnavailable`` when it is not to be had, or its file not to be opened.
    init(_ folder: DataFolder, timeout: Duration) throws(FolderUnavailable) {
        let deadline = ContinuousClock.now + timeout
        do throws(SystemError) {
            while true {
                var file = try Self.open(folder)
                if flock(file.number, LOCK_EX | LOCK_NB) != 0 {
                    guard errno == EWOULDBLOCK else { throw SystemError("flock \(folder.lock)") }
                    guard Self.wait(for: &file, until: deadline) else { break }
                }
                // Somebody may have removed the file meanwhile, and others lock a new one.
                var named = stat()
                let held = try file.status()
                if stat(folder.lock, &named) == 0, named.st_ino == held.st_ino, named.st_dev == held.st_dev {
                    self.file = file
                    return
                }
            }
        } catch {
            throw FolderUnavailable("The data folder cannot be locked", error)
        }
        throw FolderUnavailable("The data folder is locked by another process")
    }

    /// Gives the lock back.
    consuming func release() {}

    private static func open(_ folder: DataFolder) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor(folder.lock, O_RDWR)
        } catch {
            guard error.code == ENOENT else { throw error }
            try? folder.create()
        }
        let made = try Descriptor(folder.lock, O_RDWR | O_CREAT, mode: 0o600)
        try made.inherit(from: folder.directory(.campaigns))
        return made
    }

    private enum Waiting {
        case waiting, taken, failed, givenUp
    }

    /// flock(2) knows no time limit, and asking again and again is unfair to whoever asks less often. So a thread
    /// stands in the kernel's queue; when the time is up it is left there, and gives the lock back as soon as it has it.
    private static func wait(for file: inout Descriptor, until deadline: ContinuousClock.Instant) -> Bool {
        let state = Monitor(Waiting.waiting)
        let number = file.number
        do {
            try Thread("flock") {
                var result = flock(number, LOCK_EX)
                while result != 0, errno == EINTR { result = flock(number, LOCK_EX) }
                let isWanted = state.update { state in
                    guard state == .waiting else { return false }
                    state = result == 0 ? .taken : .failed
                    return true
                }
                if !isWanted { close(number) }
            }.detach()
        } catch {
            return false
        }
        let timeout = max(.zero, deadline - .now)
        if let taken = state.wait(timeout: timeout, { $0 == .waiting ? nil : $0 == .taken }) { return taken }
        return state.update { state in
            guard state == .waiting else { return state == .taken }
            state = .givenUp
            _ = file.release()
            return false
        }
    }
}
