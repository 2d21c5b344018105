/* stream_fd: a stream over a connected socket. Registered once with the loop, edge-triggered for
 * both directions. Owner: caller's storage; stream_close closes the descriptor, the storage stays.
 * Threads: one worker. */
#ifndef PROXYD_IO_STREAM_FD_H
#define PROXYD_IO_STREAM_FD_H

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

/* The socket of a stream, for splice and socket options; -1 when it is not a plain socket. */
int stream_fd_of(const struct stream *s);

#endif
