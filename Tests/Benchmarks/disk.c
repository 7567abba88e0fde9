/*
 * What the disk allows: temporary file, fsync, rename, fsync of the folder, one file after another.
 *
 *     disk FOLDER PREFIX FILE SECONDS      FILE: what goes into each; prints how many there were a second
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check(int is_good, const char *what) {
    if (is_good) return;
    fprintf(stderr, "disk: %s: %s\n", what, strerror(errno));
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: disk FOLDER PREFIX FILE SECONDS\n");
        return 64;
    }
    const char *folder = arguments[1], *prefix = arguments[2];
    char content[65536], temporary[4096], name[4096];
    int file = open(arguments[3], O_RDONLY);
    ssize_t size = read(file, content, sizeof content);
    check(size > 0, arguments[3]);
    close(file);

    double begin = now(), end = begin + atof(arguments[4]);
    long made = 0;
    while (now() < end) {
        snprintf(temporary, sizeof temporary, "%s/.%s%ld.json.tmp", folder, prefix, made);
        snprintf(name, sizeof name, "%s/%s%ld.json", folder, prefix, made);
        file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        check(file >= 0, temporary);
        check(write(file, content, (size_t)size) == size, "write");
        check(fsync(file) == 0, "fsync");
        close(file);
        check(rename(temporary, name) == 0, "rename");
        int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        check(directory >= 0 && fsync(directory) == 0, folder);
        close(directory);
        made++;
    }
    printf("%.3f\n", (double)made / (now() - begin));
}
