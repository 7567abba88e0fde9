/*
 * The ceiling: what a FastCGI responder costs that does nothing but answer the same bytes to everything.
 *
 * libfcgi, with an accept of its own and epoll, so that kept connections do not hold a thread each.
 *
 *     ceiling SOCKET THREADS FILE      FILE: the whole answer, from "Status:" to the end of the body
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int epoll, listening;
static char *answer;
static int size;

static void fail(const char *what) {
    fprintf(stderr, "ceiling: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(int operation, int descriptor, unsigned events, void *pointer) {
    struct epoll_event event = {.events = events, .data.ptr = pointer};
    if (epoll_ctl(epoll, operation, descriptor, &event) != 0) fail("epoll_ctl");
}

static void accept_all(void) {
    int descriptor;
    while ((descriptor = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct timeval timeout = {.tv_sec = 10};
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        FCGX_Request *request = malloc(sizeof *request);
        if (!request) fail("malloc");
        /* Listening socket -1: FCGX_Accept_r can never block in accept. */
        FCGX_InitRequest(request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
        request->ipcFd = descriptor;
        request->keepConnection = 1;
        watch(EPOLL_CTL_ADD, descriptor, EPOLLIN | EPOLLONESHOT, request);
    }
}

static void serve(FCGX_Request *request) {
    char rest[8192];
    if (FCGX_Accept_r(request) >= 0) {
        FCGX_PutStr(answer, size, request->out);
        while (FCGX_GetStr(rest, sizeof rest, request->in) == sizeof rest) {}
        FCGX_Finish_r(request);
    }
    if (request->ipcFd >= 0) {
        watch(EPOLL_CTL_MOD, request->ipcFd, EPOLLIN | EPOLLONESHOT, request);
    } else {
        FCGX_Free(request, 1);
        free(request);
    }
}

static void *work(void *unused) {
    struct epoll_event event;
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) < 1) continue;
        if (event.data.ptr) serve(event.data.ptr);
        else accept_all();
    }
    return unused;
}

static void read_answer(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file || fseek(file, 0, SEEK_END) != 0) fail(path);
    size = (int)ftell(file);
    rewind(file);
    answer = malloc((size_t)size + 1);
    if (!answer || fread(answer, 1, (size_t)size, file) != (size_t)size) fail(path);
    fclose(file);
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: ceiling SOCKET THREADS FILE\n");
        return 64;
    }
    read_answer(arguments[3]);

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(arguments[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "ceiling: %s is too long for a socket\n", arguments[1]);
        return 64;
    }
    strcpy(address.sun_path, arguments[1]);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, sizeof address) != 0 || listen(listening, 1024) != 0)
        fail(arguments[1]);

    FCGX_Init();
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(EPOLL_CTL_ADD, listening, EPOLLIN | EPOLLEXCLUSIVE, NULL);
    for (int thread = 1; thread < atoi(arguments[2]); thread++) {
        pthread_t handle;
        if (pthread_create(&handle, NULL, work, NULL) != 0) fail("pthread_create");
    }
    work(NULL);
}
