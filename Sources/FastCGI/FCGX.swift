internal import CFCGI
internal import Glibc
internal import Synchronization

/// libfcgi's own initialisation, which a process needs once.
enum FCGX {
    private static let isInitialized = Mutex(false)

    static func initialize() {
        isInitialized.withLock { isInitialized in
            guard !isInitialized else { return }
            isInitialized = true
            FCGX_Init()
            // It installs handlers of its own for these; the process decides about the first two, and a peer that has
            // gone away is an error of one write.
            signal(SIGTERM, SIG_DFL)
            signal(SIGUSR1, SIG_DFL)
            signal(SIGPIPE, SIG_IGN)
        }
    }
}
