// What Linux has and Swift's Glibc module leaves out.
#include <malloc.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// Glibc declares these for _GNU_SOURCE alone.
struct sockaddr;
int accept4(int socket, struct sockaddr *address, unsigned int *length, int flags);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);
int syncfs(int file);
// RENAME_EXCHANGE, a macro that Swift cannot read: the two files change places.
static const unsigned int exchange_names = 1 << 1;
// RENAME_NOREPLACE, likewise: a name that another file has is not taken from it.
static const unsigned int do_not_replace = 1 << 0;
int renameat2(int folder, const char *from, int other_folder, const char *to, unsigned int flags);
int pthread_setname_np(unsigned long thread, const char *name);
