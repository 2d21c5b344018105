/* exchange: one request's turn on an upstream connection: its answer's heads (1xx first, then the
 * final one), the framing of the body, and the end, when the connection is kept or closed. Bytes
 * are judged as strictly as a client's.
 * Owner: caller's storage; exchange_end gives connection and buffer back. Borrows: the head's views
 * point into `in` until the body is moved on. Threads: one worker. */
#ifndef PROXYD_UPSTREAM_EXCHANGE_H
#define PROXYD_UPSTREAM_EXCHANGE_H

#include "proxyd/io/bufpool.h"
#include "proxyd/upstream/pool.h"
#include "proxyd/wire/http_body.h"

struct exchange {
    struct pool *pool;
    struct bufpool *buffers;
    struct upstream *up;
    struct iobuf *in; /* bytes of the answer that wait; NULL when none */
    struct http_head *head;
    struct http_body body; /* after the final head */
    enum http_method method;
    bool is_reused;     /* the connection has served before */
    bool is_any_byte;   /* something of an answer has come */
    uint16_t n_interim; /* 1xx heads seen */
    uint64_t n_in;      /* bytes read while reading heads */
};

#define EXCHANGE_INTERIM_MAX 32

/* up is taken. head: caller's storage for the answer's head. */
struct exchange_parts {
    struct pool *pool;
    struct bufpool *buffers;
    struct upstream *take_up;
    struct http_head *head;
    enum http_method method;
};
void exchange_begin(struct exchange *x, const struct exchange_parts *p);

/* Reads on until a head is complete. OK: x->head; x->in stands behind it; for a final one x->body
 * is its framing. ERR_AGAIN. ERR_EOF: the server closed before any byte: a stale connection when
 * is_reused. ERR_CLOSED: cut within the head. ERR_INVALID: *why. ERR_NOMEM. */
enum err exchange_read_head(struct exchange *x, struct http_refusal *why) MUST_CHECK;

/* After a 1xx has been dealt with (not 101): ready for the next head. */
void exchange_next_head(struct exchange *x);

/* The connection goes back to the pool when may_keep and the answer allows it; else it is closed.
 * Harmless when there is none. */
void exchange_end(struct exchange *x, bool may_keep, const struct pool_limits *limits);

#endif
