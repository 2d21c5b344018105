/* stream_fd: a stream over a connected socket. Registered once with the loop, edge-triggered for
 * both directions. Owner: caller's storage; stream_close closes the descriptor, the storage stays.
 * Threads: one worker. */
#ifndef PROXYD_IO_STREAM_FD_H
#define PROXYD_IO_STREAM_FD_H

#include <sys/epoll.h>

#include "proxyd/io/loop.h"
#include "proxyd/io/stream.h"

struct stream_fd {
    struct stream s;
    struct loop_fd lf; /* lf.fd is -1 once closed */
    struct loop *loop;
};

/* Takes take_fd on OK only. s.on_ready and s.owner are to be set by the caller before the loop
 * turns again. ERR_FULL, ERR_NOMEM. */
enum err stream_fd_open(struct stream_fd *f, struct loop *l, int take_fd) MUST_CHECK;

/* The same for a socket that the loop knows already, registered as STREAM_FD_EVENTS by `from`,
 * which gives it up. */
#define STREAM_FD_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
/* events: those `from` was told of last. */
void stream_fd_adopt(struct stream_fd *f, struct loop *l, struct loop_fd *take_from,
                     uint32_t events);

/* The socket of a stream, for splice and socket options; -1 when it is not a plain socket. */
int stream_fd_of(const struct stream *s);

#endif
