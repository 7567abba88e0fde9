/*
 * A web server's part in plain CGI, and no more: starts a program, reads its answer to the end, waits for it, and does
 * so again. The program gets the environment of this one; standard input is empty.
 *
 *     spawn PROGRAM SECONDS      prints how many there were a second, the CPU seconds of one, and the bytes of the last
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check(int is_good, const char *what) {
    if (is_good) return;
    fprintf(stderr, "spawn: %s: %s\n", what, strerror(errno));
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: spawn PROGRAM SECONDS\n");
        return 64;
    }
    char *program[] = {arguments[1], NULL};
    char answer[65536];
    double begin = now(), end = begin + atof(arguments[2]);
    long runs = 0;
    size_t length = 0;
    while (now() < end) {
        int ends[2], status;
        pid_t child;
        posix_spawn_file_actions_t actions;
        check(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        errno = posix_spawn(&child, program[0], &actions, NULL, program, environ);
        check(errno == 0, program[0]);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[1]);
        ssize_t part;
        length = 0;
        while ((part = read(ends[0], answer + length, sizeof answer - length)) > 0) length += (size_t)part;
        close(ends[0]);
        check(waitpid(child, &status, 0) == child, "waitpid");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "spawn: %s ended with status %d\n", program[0], status);
            return 1;
        }
        runs++;
    }
    double seconds = now() - begin;
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("%.3f %.9f %zu\n", (double)runs / seconds, cpu / (double)runs, length);
}
