// The least that a server can do for clients that wait: one read, one wait, one write for each request, and nothing else.
//
//     idle_floor MILLISECONDS
//
// Prints its port. Every wait is equally long, so that a queue is all that it needs; waits end on multiples of 5 ms, as
// Sluice's do.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CAPACITY = 1 << 16, EVENTS = 1024, GRID = 5 };

static struct { long end; int socket; } queue[CAPACITY];
static unsigned first, last;

static long milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time.tv_sec * 1000L + time.tv_nsec / 1000000;
}

static void require(int result, const char *call) {
    if (result < 0) { perror(call); exit(1); }
}

int main(int count, char **words) {
    if (count != 2) { fprintf(stderr, "usage: idle_floor MILLISECONDS\n"); return 2; }
    const int wait = atoi(words[1]);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    require(bind(listener, (struct sockaddr *)&address, length), "bind");
    require(listen(listener, 1024), "listen");
    require(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    const int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    require(epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    char request[4096], answer[70] = {0};
    for (;;) {
        const long left = first == last ? -1 : queue[first % CAPACITY].end - milliseconds();
        const int ready = epoll_wait(poll, events, EVENTS, first == last ? -1 : left <= 0 ? 0 : (int)(left / GRID + 1) * GRID);
        for (int index = 0; index < ready; index++) {
            const int client = events[index].data.fd;
            if (client == listener) {
                const int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (accepted < 0) continue;
                const int one = 1;
                setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                struct epoll_event added = {.events = EPOLLIN, .data.fd = accepted};
                require(epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &added), "epoll_ctl");
            } else if (recv(client, request, sizeof request, 0) <= 0) {
                close(client);
            } else {
                queue[last % CAPACITY].end = milliseconds() + wait;
                queue[last++ % CAPACITY].socket = client;
            }
        }
        for (const long now = milliseconds(); first != last && queue[first % CAPACITY].end <= now; first++)
            send(queue[first % CAPACITY].socket, answer, sizeof answer, MSG_NOSIGNAL);
    }
}
