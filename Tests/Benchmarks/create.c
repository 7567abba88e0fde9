/*
 * Clients that create campaigns, each on a kept HTTP connection of its own, one campaign after another.
 *
 *     create PORT TOKEN PREFIX CLIENTS SECONDS RATE
 *
 * The names are PREFIX, the client's number and a counter. RATE: campaigns a second of each client, 0 for as many as it
 * can. Prints how many were answered with 201 a second; any other answer ends it with an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int port;
static const char *token, *prefix;
static double end, rate;

struct client {
    pthread_t thread;
    int number;
    long made;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *detail) {
    fprintf(stderr, "create: %s: %s\n", what, detail);
    exit(1);
}

static int connected(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) fail("connect", strerror(errno));
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return connection;
}

/* Reads one answer, which has a Content-Length, and says whether it is a 201. */
static void read_answer(int connection) {
    char text[16384];
    size_t have = 0, whole = 0;
    do {
        ssize_t part = read(connection, text + have, sizeof text - 1 - have);
        if (part <= 0) fail("read", part == 0 ? "the connection was closed" : strerror(errno));
        have += (size_t)part;
        text[have] = 0;
        char *body = strstr(text, "\r\n\r\n");
        char *length = strcasestr(text, "\r\nContent-Length:");
        if (body && (!length || length > body)) fail("no Content-Length", text);
        if (body) whole = (size_t)(body + 4 - text) + (size_t)atol(length + 17);
    } while (whole == 0 || have < whole);
    if (strncmp(text, "HTTP/1.1 201 ", 13) != 0) fail("not created", text);
}

static void *work(void *argument) {
    struct client *client = argument;
    char body[1024], request[4096];
    int connection = connected();
    double next = now();
    while (now() < end) {
        int size = snprintf(body, sizeof body,
            "{\"name\": \"%s%d-%06ld\", \"logo\": \"/logos/villages.svg\", \"url\": \"https://villages.example.org/about\", "
            "\"description\": \"Thousands of villages are on no map at all. Volunteers trace their houses and paths from "
            "satellite pictures, and people who live there add the names.\", \"organisations\": [1]}",
            prefix, client->number, client->made);
        int length = snprintf(request, sizeof request,
            "POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token %s\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", token, size, body);
        if (write(connection, request, (size_t)length) != length) fail("write", strerror(errno));
        read_answer(connection);
        client->made++;
        if (rate > 0) {
            next += 1 / rate;
            double wait = next - now();
            if (wait > 0) nanosleep(&(struct timespec){(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)}, NULL);
        }
    }
    close(connection);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 7) {
        fprintf(stderr, "usage: create PORT TOKEN PREFIX CLIENTS SECONDS RATE\n");
        return 64;
    }
    port = atoi(arguments[1]);
    token = arguments[2];
    prefix = arguments[3];
    int clients = atoi(arguments[4]);
    rate = atof(arguments[6]);
    struct client *all = calloc((size_t)clients, sizeof *all);
    double begin = now();
    end = begin + atof(arguments[5]);
    long made = 0;
    for (int number = 0; number < clients; number++) {
        all[number].number = number;
        if (pthread_create(&all[number].thread, NULL, work, &all[number]) != 0) fail("pthread_create", "no thread");
    }
    for (int number = 0; number < clients; number++) {
        pthread_join(all[number].thread, NULL);
        made += all[number].made;
    }
    printf("%.3f\n", (double)made / (now() - begin));
}
