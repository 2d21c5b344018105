/* stream: the contract of a byte stream in both directions, as a small function table over the next
 * one below (a socket, later TLS over a socket). Edge-triggered: `ready` says what may be tried;
 * a read or write that would block takes its bit away, and on_ready is called when one comes back.
 * Owner: whoever embeds the transport; on_ready may close the stream. Threads: one worker. */
#ifndef PROXYD_IO_STREAM_H
#define PROXYD_IO_STREAM_H

#include <sys/uio.h>

#include "base/cidr.h"
#include "base/str.h"

enum {
    STREAM_READABLE = 1, /* a read may give bytes, the end, or an error */
    STREAM_WRITABLE = 2,
    STREAM_HANGUP = 4, /* the peer has ended its side, or the connection is broken */
    STREAM_BROKEN = 8, /* both sides are over: a reset or an error */
};

struct stream;

struct stream_ops {
    /* OK: *n > 0. ERR_AGAIN. ERR_EOF: ended in order. ERR_CLOSED, ERR_TIMEOUT, ...: broken. */
    enum err (*read)(struct stream *s, void *p, size_t room, size_t *n);
    /* OK: all or a part went (*n > 0). ERR_AGAIN. Otherwise broken. */
    enum err (*writev)(struct stream *s, const struct iovec *v, int n_v, size_t *n);
    /* The same into and out of a pipe, most bytes at most, so that they need not come here
     * (splice); NULL where they must. The pipe is empty before to_pipe, and holds `most` before
     * from_pipe. */
    enum err (*to_pipe)(struct stream *s, int pipe_fd, size_t most, size_t *n);
    enum err (*from_pipe)(struct stream *s, int pipe_fd, size_t most, size_t *n);
    /* Ends our side; reading goes on. */
    void (*shut)(struct stream *s);
    /* is_abort: the peer sees a reset, never an orderly end. */
    void (*close)(struct stream *s, bool is_abort);
    enum err (*local)(const struct stream *s, struct ip_port *out); /* our end's address */
    /* Bytes written that the peer's machine has not acknowledged. */
    size_t (*unsent)(const struct stream *s);
    /* Milliseconds since bytes last came from the peer, read or not; 0 when nobody can tell. */
    uint32_t (*age_ms)(const struct stream *s);
};

struct stream {
    const struct stream_ops *ops;
    struct stream *next; /* the transport below; NULL for a socket */
    unsigned ready;      /* STREAM_ bits */
    bool is_shut;        /* our side is ended */
    void (*on_ready)(struct stream *s);
    void *owner; /* for on_ready */
};

static inline MUST_CHECK enum err stream_read(struct stream *s, void *p, size_t room, size_t *n)
{
    return s->ops->read(s, p, room, n);
}
static inline MUST_CHECK enum err stream_writev(struct stream *s, const struct iovec *v, int n_v,
                                                size_t *n)
{
    return s->ops->writev(s, v, n_v, n);
}
static inline void stream_shut(struct stream *s)
{
    if (!s->is_shut)
        s->ops->shut(s);
    s->is_shut = true;
}
static inline void stream_close(struct stream *s, bool is_abort)
{
    s->ops->close(s, is_abort);
}

#endif
