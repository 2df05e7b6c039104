// What Glibc's Swift overlay lacks: GNU extensions and Linux calls, as plain C declarations.
#pragma once
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/// accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC and TCP_NODELAY set; -1 and errno when it fails.
int sluice_accept(int listener);
/// A non-blocking listening TCP socket bound to a numeric address; -1 and errno when it fails.
int sluice_listen_tcp(const char *host, uint16_t port, int backlog);
/// The local (or, with `peer`, the remote) address of a socket as `host:port` or `[host]:port`.
int sluice_socket_address(int socket, bool peer, char *text, size_t capacity);
/// SIOCOUTQ: the bytes of a TCP socket's output that the peer has not acknowledged; 0 when nobody can tell.
int sluice_unacknowledged(int socket);
/// A blocking TCP connection to a numeric address or host name; -1 and errno when it fails.
int sluice_connect_tcp(const char *host, const char *port);
/// The same, with the reason of a failure in words: what the resolver says of a name that it does not know.
int sluice_connect_tcp_named(const char *host, const char *port, const char **reason);
/// A non-blocking eventfd(2) at zero; -1 and errno when it fails.
int sluice_eventfd(void);
/// sendfile(2) from a position of `file`, which keeps its own; bytes sent, or -1 and errno. The kernel raises SIGPIPE on a
/// socket whose peer is gone: the process ignores that.
ssize_t sluice_sendfile(int socket, int file, int64_t position, size_t count);
/// ppoll(2) of one descriptor for reading, at most for so many nanoseconds.
void sluice_wait_readable(int file, int64_t nanoseconds);
/// fallocate(2), mode 0.
int sluice_preallocate(int file, int64_t byteCount);
/// open(2) with O_CLOEXEC; the flags are Linux's.
int sluice_open(const char *path, int flags, unsigned mode);
/// A second descriptor of an open file with O_DIRECT; -1 and errno when the file system has no such thing.
int sluice_open_direct(int file);
/// The alignment that O_DIRECT needs of positions and lengths in `file` (statx(2), STATX_DIOALIGN); 4096 where the kernel does not say.
int sluice_direct_alignment(int file);
/// posix_spawn_file_actions_addclosefrom_np(3): the child has no descriptor from `first` on.
int sluice_spawn_closing(posix_spawn_file_actions_t *actions, int first);
/// An exclusive, non-blocking flock(2).
int sluice_lock_exclusive(int file);
/// Names the calling thread (at most 15 bytes).
void sluice_name_thread(const char *name);
/// Lets the calling thread's timed waits end within a microsecond of their time; Linux allows itself fifty otherwise.
void sluice_exact_timers(void);
/// Lets other threads of the machine run first: the calling thread is niced by 10.
void sluice_yield_to_others(void);
/// Lets glibc's malloc keep at most `count` heaps (mallopt(3), M_ARENA_MAX); before threads start.
void sluice_limit_heaps(int count);
/// Bytes of address space that the process may have (RLIMIT_AS); UINT64_MAX for any.
uint64_t sluice_address_space_limit(void);
/// Sets the soft limit of open files to the hard limit, and returns it.
uint64_t sluice_raise_file_limit(void);
/// What the kernel says of its clock (adjtimex(2)): TIME_ERROR (5) when nothing keeps it right, -1 when it does not say; and how far it may be off.
int sluice_clock_state(int64_t *errorMicroseconds);
/// The magic number of the file system that has `path` (statfs(2)); -1 and errno when it fails.
int64_t sluice_file_system_type(const char *path);
/// The commit that the program was built of, as the build found it; "unknown" where it could not.
const char *sluice_commit(void);
/// Tells whoever runs the process as a service something (sd_notify(3)), at a path or, behind @, a name without a file; -1 and errno when it fails.
int sluice_notify(const char *socket, const char *text);

/// How many sockets one message between processes carries at most.
#define SLUICE_SOCKETS_MAX 16
/// A non-blocking datagram socket at a name in a directory, for this user only; what was there before is removed. -1 and errno when it fails.
int sluice_bind_mailbox(const char *directory, const char *name);
/// Sends a text to the mailbox at a name in a directory, with one end of a new SOCK_SEQPACKET pair for the answer; the other end, or -1 and errno.
int sluice_ask_mailbox(const char *directory, const char *name, const char *text);
/// Sends a text with sockets (SCM_RIGHTS); -1 and errno when it fails.
int sluice_send_sockets(int channel, const char *text, const int *sockets, size_t count);
/// Receives a text with at most SLUICE_SOCKETS_MAX sockets, which are closed by exec; its bytes, 0 at the end, or -1 and errno.
ssize_t sluice_receive_sockets(int channel, char *text, size_t capacity, int *sockets, size_t *count);
/// Lets receiving from a socket end after so many seconds (SO_RCVTIMEO), with EAGAIN; -1 and errno when it fails.
int sluice_wait_at_most(int socket, int64_t seconds);
/// The process that made the other end of a Unix socket; -1 and errno when it fails.
int sluice_peer_process(int socket);
/// Whether a socket of another process's making listens for TCP; it blocks no longer, and is closed by exec.
bool sluice_adopt_listener(int socket);
