// What Swift's runtime takes from /proc, for where there is none, such as an empty chroot.
//
// Before main it looks up its own path, to find a helper that prints backtraces, and aborts when it cannot; and the
// command line reads as empty.
#include <stdlib.h>
#include <unistd.h>

void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);

// 101 is the first of those that a program may use, and so before all of Swift's.
__attribute__((constructor(101))) static void start(int count, char **arguments) {
    if (access("/proc/self/exe", F_OK) == 0) return;
    setenv("SWIFT_BACKTRACE", "enable=no,swift-backtrace=/", 0);
    _swift_stdlib_overrideUnsafeArgvArgc(arguments, count);
}
