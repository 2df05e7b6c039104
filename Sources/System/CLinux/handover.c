#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

// A path in a directory may be longer than an address of a socket: the directory's descriptor stands for it.
static int address_in(const char *directory, const char *name, struct sockaddr_un *address) {
  int folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  address->sun_family = AF_UNIX;
  int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof address->sun_path) {
    close(folder);
    errno = ENAMETOOLONG;
    return -1;
  }
  return folder;
}

static int fail(int first, int second) {
  int code = errno;
  if (first >= 0) close(first);
  if (second >= 0) close(second);
  errno = code;
  return -1;
}

int sluice_bind_mailbox(const char *directory, const char *name) {
  struct sockaddr_un address = {0};
  int folder = address_in(directory, name, &address);
  if (folder < 0) return -1;
  if (unlink(address.sun_path) && errno != ENOENT) return fail(folder, -1);
  int mailbox = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (mailbox < 0) return fail(folder, -1);
  // The mode that the file is made with: only who may be this user writes to it.
  if (fchmod(mailbox, 0600) || bind(mailbox, (struct sockaddr *)&address, sizeof address)) return fail(folder, mailbox);
  close(folder);
  return mailbox;
}

static ssize_t send_to(
    int channel, struct sockaddr_un *address, const char *text, const int *sockets, size_t count) {
  struct iovec bytes = {.iov_base = (void *)text, .iov_len = strlen(text)};
  union {
    char room[CMSG_SPACE(sizeof(int) * SLUICE_SOCKETS_MAX)];
    struct cmsghdr header;
  } control = {0};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
  if (address) {
    message.msg_name = address;
    message.msg_namelen = sizeof *address;
  }
  if (count > SLUICE_SOCKETS_MAX) {
    errno = EINVAL;
    return -1;
  }
  if (count > 0) {
    message.msg_control = control.room;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), sockets, sizeof(int) * count);
  }
  ssize_t sent;
  do sent = sendmsg(channel, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

int sluice_ask_mailbox(const char *directory, const char *name, const char *text) {
  struct sockaddr_un address = {0};
  int ends[2];
  int folder = address_in(directory, name, &address);
  if (folder < 0) return -1;
  int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sender < 0) return fail(folder, -1);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) return fail(folder, sender);
  ssize_t sent = send_to(sender, &address, text, &ends[1], 1);
  int code = errno;
  close(folder);
  close(sender);
  close(ends[1]);
  if (sent < 0) {
    close(ends[0]);
    errno = code;
    return -1;
  }
  return ends[0];
}

int sluice_send_sockets(int channel, const char *text, const int *sockets, size_t count) {
  return send_to(channel, NULL, text, sockets, count) < 0 ? -1 : 0;
}

ssize_t sluice_receive_sockets(int channel, char *text, size_t capacity, int *sockets, size_t *count) {
  *count = 0;
  struct iovec bytes = {.iov_base = text, .iov_len = capacity};
  union {
    char room[CMSG_SPACE(sizeof(int) * SLUICE_SOCKETS_MAX)];
    struct cmsghdr header;
  } control = {0};
  struct msghdr message = {
      .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  ssize_t received;
  do received = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -1;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t more = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (more > SLUICE_SOCKETS_MAX - *count) more = SLUICE_SOCKETS_MAX - *count;
    memcpy(sockets + *count, CMSG_DATA(header), sizeof(int) * more);
    *count += more;
  }
  return received;
}

int sluice_wait_at_most(int socket, int64_t seconds) {
  struct timeval time = {.tv_sec = seconds};
  return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

int sluice_peer_process(int socket) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) ? -1 : peer.pid;
}

bool sluice_adopt_listener(int socket) {
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) || !value) return false;
  if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &value, &length) || (value != AF_INET && value != AF_INET6)) return false;
  if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &value, &length) || value != SOCK_STREAM) return false;
  int flags = fcntl(socket, F_GETFL);
  return flags >= 0 && fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(socket, F_SETFD, FD_CLOEXEC) == 0;
}
