#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int sluice_accept(int listener) {
  int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) {
    int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  return socket;
}

int sluice_listen_tcp(const char *host, uint16_t port, int backlog) {
  struct sockaddr_storage storage = {0};
  socklen_t length;
  struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    length = sizeof *v4;
  } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    length = sizeof *v6;
  } else {
    errno = EINVAL;
    return -1;
  }
  int listener = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return -1;
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&storage, length) || listen(listener, backlog)) {
    int error = errno;
    close(listener);
    errno = error;
    return -1;
  }
  return listener;
}

int sluice_socket_address(int socket, bool peer, char *text, size_t capacity) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  int result = peer ? getpeername(socket, (struct sockaddr *)&storage, &length)
                    : getsockname(socket, (struct sockaddr *)&storage, &length);
  if (result) return -1;
  char host[INET6_ADDRSTRLEN];
  if (storage.ss_family == AF_INET) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    if (!inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host)) return -1;
    snprintf(text, capacity, "%s:%u", host, ntohs(v4->sin_port));
    return 0;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
  if (!inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host)) return -1;
  snprintf(text, capacity, "[%s]:%u", host, ntohs(v6->sin6_port));
  return 0;
}

int sluice_unacknowledged(int socket) {
  int count = 0;
  return ioctl(socket, SIOCOUTQ, &count) == 0 ? count : 0;
}

int sluice_connect_tcp(const char *host, const char *port) {
  const char *reason = NULL;
  return sluice_connect_tcp_named(host, port, &reason);
}

int sluice_connect_tcp_named(const char *host, const char *port, const char **reason) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
  int unresolved = getaddrinfo(host, port, &hints, &list);
  if (unresolved) {
    *reason = unresolved == EAI_SYSTEM ? strerror(errno) : gai_strerror(unresolved);
    errno = EHOSTUNREACH;
    return -1;
  }
  int result = -1, error = EHOSTUNREACH;
  for (struct addrinfo *a = list; a && result < 0; a = a->ai_next) {
    result = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (result < 0) {
      error = errno;
      continue;
    }
    if (connect(result, a->ai_addr, a->ai_addrlen)) {
      error = errno;
      close(result);
      result = -1;
    }
  }
  freeaddrinfo(list);
  if (result >= 0) {
    int one = 1;
    setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  errno = error;
  *reason = strerror(error);
  return result;
}

int sluice_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

ssize_t sluice_sendfile(int socket, int file, int64_t position, size_t count) {
  off_t offset = position;
  return sendfile(socket, file, &offset, count);
}

void sluice_wait_readable(int file, int64_t nanoseconds) {
  struct pollfd poll = {.fd = file, .events = POLLIN};
  struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  ppoll(&poll, 1, &time, NULL);
}

int sluice_preallocate(int file, int64_t byteCount) { return fallocate(file, 0, 0, byteCount); }

int sluice_open(const char *path, int flags, unsigned mode) { return open(path, flags | O_CLOEXEC, mode); }

int sluice_spawn_closing(posix_spawn_file_actions_t *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int sluice_open_direct(int file) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
}

// Linux 6.1; Debian 12's headers are of that age, its glibc is not.
struct sluice_statx_tail {
  uint32_t mask;
  uint8_t before[0x98 - 4];
  uint32_t direct_memory_alignment;
  uint32_t direct_offset_alignment;
  uint8_t after[256 - 0xA0];
};
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000U
#endif

int sluice_direct_alignment(int file) {
  struct sluice_statx_tail status = {0};
  if (syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status)) return 4096;
  if (!(status.mask & STATX_DIOALIGN)) return 4096;
  return (int)status.direct_offset_alignment;
}

int sluice_lock_exclusive(int file) { return flock(file, LOCK_EX | LOCK_NB); }

void sluice_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void sluice_exact_timers(void) { prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL); }

void sluice_yield_to_others(void) { setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10); }

void sluice_limit_heaps(int count) { mallopt(M_ARENA_MAX, count); }

uint64_t sluice_raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

uint64_t sluice_address_space_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  return limit.rlim_cur;
}

int sluice_clock_state(int64_t *errorMicroseconds) {
  struct timex clock = {0};
  int state = adjtimex(&clock);
  *errorMicroseconds = clock.esterror;
  return state < 0 ? -1 : clock.status & STA_UNSYNC ? TIME_ERROR : state;
}

int64_t sluice_file_system_type(const char *path) {
  struct statfs found;
  return statfs(path, &found) == 0 ? (int64_t)(uint32_t)found.f_type : -1;
}

int sluice_notify(const char *path, const char *text) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if ((path[0] != '/' && path[0] != '@') || length >= sizeof address.sun_path) {
    errno = EINVAL;
    return -1;
  }
  memcpy(address.sun_path, path, length);
  // A name without a file begins with a null byte.
  if (path[0] == '@') address.sun_path[0] = '\0';
  int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  ssize_t sent = sendto(file, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
  int code = errno;
  close(file);
  errno = code;
  return sent < 0 ? -1 : 0;
}
