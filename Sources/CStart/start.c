// What Swift's runtime takes from /proc, for where there is none, such as an empty chroot.
//
// Before main it looks up its own path, to find a helper that prints backtraces, and aborts when it cannot; and the
// command line reads as empty.
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);

// 101 is the first of those that a program may use, and so before all of Swift's.
__attribute__((constructor(101))) static void start(int count, char **arguments) {
    // The runtime of a static program looks for the command line before the environment, which setenv moves.
    _swift_stdlib_overrideUnsafeArgvArgc(arguments, count);
    if (access("/proc/self/exe", F_OK) == 0) {
        // What a crash prints goes into the log. With the registers it shows the memory that they point to, in which there
        // may be a secret or a token.
        setenv("SWIFT_BACKTRACE", "registers=none", 0);
        return;
    }
    setenv("SWIFT_BACKTRACE", "enable=no,swift-backtrace=/", 0);
}

// What is as large goes back to the system as soon as it is let go. glibc would raise this to 32 MiB with the first that
// is, and long answers would stay in the heaps of all threads that have made one.
__attribute__((constructor(102))) static void give_back(void) { mallopt(M_MMAP_THRESHOLD, 1 << 20); }
