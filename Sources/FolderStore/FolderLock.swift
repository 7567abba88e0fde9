internal import Campaigns
internal import Glibc
internal import Records
internal import Threads

/// The exclusive flock that a writer holds on the data folder, released when it goes out of scope.
struct FolderLock: ~Copyable {
    private let file: Descriptor

    /// Waits until the lock is free.
    ///
    /// - Parameters:
    ///   - timeout: how long at most.
    ///   - queue: the process's place among those that wait.
    /// - Throws: ``StoreUnavailable`` when it is unavailable, or its file cannot be opened.
    init(
        _ folder: DataFolder, timeout: Duration, queue: FolderLockQueue = FolderLockQueue()
    ) throws(StoreUnavailable) {
        let deadline = ContinuousClock.now + timeout
        do throws(SystemError) {
            while true {
                var file = try Self.open(folder)
                if flock(file.number, LOCK_EX | LOCK_NB) != 0 {
                    guard errno == EWOULDBLOCK else { throw SystemError("flock \(folder.lock)") }
                    guard let turn = queue.wait(&file, until: deadline) else { break }
                    guard case .taken(let number) = turn else { continue }
                    file = Descriptor(adopting: number, folder.lock)
                }
                // Somebody may have removed the file meanwhile, and others lock a new one.
                let held = FileIdentity(try file.status())
                if FileIdentity(folder.lock) == held {
                    self.file = file
                    return
                }
            }
        } catch {
            throw StoreUnavailable("The data folder cannot be locked", error)
        }
        throw .locked
    }

    /// Gives the lock back.
    consuming func release() {}

    private static func open(_ folder: DataFolder) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor(folder.lock, O_RDWR | O_NOFOLLOW)
        } catch {
            guard error.code == ENOENT else { throw error }
            try? folder.create()
        }
        let made = try Descriptor(folder.lock, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        try made.inherit(from: folder.directory(.campaigns))
        return made
    }
}

extension DataFolder {
    /// Does something while the lock is held.
    ///
    /// - Parameters: as ``FolderLock`` has them.
    /// - Throws: ``StoreUnavailable``, also when the lock is unavailable.
    func locked<Value>(
        timeout: Duration = .seconds(5), queue: FolderLockQueue = FolderLockQueue(),
        _ body: () throws(StoreUnavailable) -> Value
    ) throws(StoreUnavailable) -> Value {
        let lock = try FolderLock(self, timeout: timeout, queue: queue)
        let result = Result { () throws(StoreUnavailable) in try body() }
        lock.release()
        return try result.get()
    }
}

/// The place of a process among those that wait for the lock.
///
/// flock(2) knows no time limit, and asking again and again is unfair to whoever asks less often. So one thread stands
/// in the kernel's queue. When the time of the writer that wanted the lock is up it goes on standing there, for the next
/// one; when nobody wants the lock any more, it gives it back as soon as it has it.
final class FolderLockQueue: Sendable {
    enum Turn {
        /// A descriptor that holds the lock.
        case taken(Int32)
        /// The lock came, and another thread of this process has it: ask again.
        case missed
    }

    private struct State {
        var isStanding = false
        var wanted = 0
        /// A descriptor that holds the lock.
        var taken: Int32?

        /// nil: there is nothing yet.
        mutating func turn() -> Turn? {
            defer { taken = nil }
            return taken.map { .taken($0) } ?? (isStanding ? nil : .missed)
        }
    }

    private let state = Monitor(State())

    /// - Parameter file: opened, and locked by somebody else; taken from the caller when a thread has to stand in with it.
    /// - Returns: nil when the time is up.
    func wait(_ file: inout Descriptor, until deadline: ContinuousClock.Instant) -> Turn? {
        let stands = state.update { state in
            state.wanted += 1
            defer { state.isStanding = true }
            return state.isStanding
        }
        if !stands { stand(file.release()) }
        let turn = state.wait(timeout: max(.zero, deadline - .now)) { $0.turn() }
        return state.update { state in
            state.wanted -= 1
            // It may have come when the time was just up.
            return turn ?? state.taken.flatMap { _ in state.turn() }
        }
    }

    private func stand(_ number: Int32) {
        do {
            try Thread("flock") { [state] in
                var result = flock(number, LOCK_EX)
                while result != 0, errno == EINTR { result = flock(number, LOCK_EX) }
                let isWanted = state.update { state in
                    state.isStanding = false
                    guard result == 0, state.wanted > 0, state.taken == nil else { return false }
                    state.taken = number
                    return true
                }
                if !isWanted { close(number) }
            }.detach()
        } catch {
            close(number)
            // Who waits asks again at once.
            usleep(10_000)
            state.update { $0.isStanding = false }
        }
    }
}
