// The least that a server can do with batches that are to be kept: take each request of a connection, check its CRC-32C,
// write it to a file, and answer; nothing else.
//
//     append_floor FILE BYTES_OF_A_REQUEST
//
// Prints its port. Serves one connection after the other. The file begins anew after 1 GiB.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nmmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void require(long result, const char *call) {
    if (result < 0) { perror(call); exit(1); }
}

static uint32_t checksum(const char *bytes, size_t count) {
    uint64_t value = 0xffffffff;
    for (; count >= 8; count -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        value = _mm_crc32_u64(value, word);
    }
    while (count--) value = _mm_crc32_u8((uint32_t)value, (uint8_t)*bytes++);
    return (uint32_t)value ^ 0xffffffff;
}

int main(int count, char **words) {
    if (count != 3) { fprintf(stderr, "usage: append_floor FILE BYTES\n"); return 2; }
    const size_t size = (size_t)atol(words[2]);
    char *request = malloc(size), *kept = malloc(size);
    const int file = open(words[1], O_CREAT | O_TRUNC | O_WRONLY, 0600);
    require(file, "open");
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    require(bind(listener, (struct sockaddr *)&address, length), "bind");
    require(listen(listener, 16), "listen");
    require(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    uint32_t seen = 0;
    size_t written = 0;
    for (;;) {
        const int client = accept(listener, NULL, NULL);
        require(client, "accept");
        const int one = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        for (;;) {
            size_t have = 0;
            while (have < size) {
                const ssize_t got = recv(client, request + have, size - have, 0);
                if (got <= 0) break;
                have += (size_t)got;
            }
            if (have < size) break;
            memcpy(kept, request, size);
            seen ^= checksum(kept, size);
            require(write(file, kept, size), "write");
            written += size;
            if (written > 1L << 30) {
                require(ftruncate(file, 0), "ftruncate");
                require(lseek(file, 0, SEEK_SET), "lseek");
                written = 0;
            }
            // As long as an answer to Produce; the checksum keeps the compiler from leaving it out.
            char answer[64] = {0};
            memcpy(answer + 4, &seen, sizeof seen);
            answer[3] = 60;
            if (send(client, answer, sizeof answer, MSG_NOSIGNAL) < 0) break;
        }
        close(client);
    }
}
