internal import CLinux
internal import Glibc

/// A POSIX thread. libfcgi and the disk block, so the threads that wait for them are real ones, not Swift's cooperative pool.
public struct Thread: Sendable {
    private let handle: pthread_t

    /// Starts a thread. It inherits the signal mask of the one that calls.
    ///
    /// - Parameters:
    ///   - name: shown by `ps -L` and debuggers; Linux keeps 15 bytes of it.
    ///   - body: what it does.
    /// - Throws: ``ThreadError`` when the system has no thread left to give.
    @discardableResult
    public init(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        let start = Unmanaged.passRetained(Start(body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        // Enough for a JSON text 64 levels deep; only what is touched takes memory.
        pthread_attr_setstacksize(&attributes, 1 << 20)
        var handle = pthread_t()
        let error = pthread_create(
            &handle, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard error == 0 else {
            start.release()
            throw ThreadError(errno: error)
        }
        pthread_setname_np(handle, String(name.prefix(15)))
        self.handle = handle
    }

    /// Waits until the thread has ended; once for a thread, and never after ``detach()``.
    public func join() {
        pthread_join(handle, nil)
    }

    /// Lets the thread clean up after itself when it ends.
    public func detach() {
        pthread_detach(handle)
    }
}

/// The system could not start a thread.
public struct ThreadError: Error {
    /// As pthread_create(3) gives it.
    public let errno: Int32
}

private final class Start: Sendable {
    let body: @Sendable () -> Void
    init(body: @escaping @Sendable () -> Void) { self.body = body }
}
