/* pump: bytes from one stream to another with back-pressure, one direction at a time. A gate looks
 * at what came and says how much of it may go on; without one everything does. A buffer is held
 * only while bytes wait. Where many bytes come that no gate wants to see they go through a pipe
 * (splice) and are never copied.
 * Owner: caller's storage; the buffers are the pool's. Threads: one worker. */
#ifndef PROXYD_IO_PUMP_H
#define PROXYD_IO_PUMP_H

#include "proxyd/io/bufpool.h"
#include "proxyd/io/stream.h"

enum pump_word {
    PUMP_WAIT_READ,  /* the source has nothing now */
    PUMP_WAIT_WRITE, /* the sink takes nothing now */
    PUMP_YIELD,      /* moved a fair share; call again at the end of the turn */
    PUMP_END,        /* the gate's message is complete, or the source ended: all is written */
    PUMP_CUT,        /* the source ended or broke in the middle of the message */
    PUMP_BAD,        /* the gate refused the bytes */
    PUMP_LOST,       /* the sink is broken */
    PUMP_NOMEM,
};

struct pump_gate {
    /* When set, in place of `take`: the n bytes at p may be changed. *n_out of them, at p, go on;
     * *n_used of what came are dealt with (*n_out <= *n_used), the others are offered again. */
    enum err (*rewrite)(void *ctx, char *p, size_t n, size_t *n_out, size_t *n_used);
    /* bytes: what waits. *n of them may go on; the others are offered again with more behind.
     * OK: the message ends behind them. ERR_AGAIN: more to come. ERR_INVALID: refused. */
    enum err (*take)(void *ctx, struct str bytes, size_t *n);
    /* May be NULL: bytes that may go on unseen (UINT64_MAX: all), and that n of them have: OK: the
     * message ends behind them. ERR_AGAIN: more to come. */
    uint64_t (*unseen)(void *ctx);
    enum err (*passed)(void *ctx, uint64_t n);
    /* The source ended in order: OK when the message is complete by that. */
    enum err (*eof)(void *ctx);
    /* May be NULL. The message's last n bytes are written next; called again when they did not all
     * go at once and the rest is tried. */
    void (*last)(void *ctx, size_t n);
};

struct pump {
    struct stream *from, *to;
    struct bufpool *pool;
    const struct pump_gate *gate; /* NULL: everything passes, the source's end is the end */
    void *gate_ctx;
    struct iobuf *lead; /* goes out first, ungated (a head); given back when written; may be NULL */
    struct iobuf *b;    /* bytes[at..at+passed) may go, the rest waits for the gate */
    struct iopipe *pipe; /* holds what goes by unseen, behind the lead and b */
    uint32_t n_passed;
    uint32_t n_moved;     /* by this run, or when it has moved nothing yet by the last */
    uint32_t share_bytes; /* moved before PUMP_YIELD; 0: a fair share */
    bool is_large;        /* use large buffers */
    bool is_done;         /* the gate has said OK, or the source ended */
    bool is_eof;          /* the source has ended */
    uint64_t n_out;       /* bytes written, the lead included */
};

/* Moves what can be moved. After PUMP_END b may hold surplus bytes behind the message's end: they
 * belong to the caller (see pump_surplus), who gives the buffer back. */
enum pump_word pump_run(struct pump *p);

/* Bytes that came behind the end of the message. */
static inline struct str pump_surplus(const struct pump *p)
{
    return p->b ? iobuf_str(p->b) : (struct str){"", 0};
}
void pump_release(struct pump *p); /* gives all buffers back */
/* The sink takes no more: what had passed is thrown away, what waits behind it stays in b. */
void pump_forget(struct pump *p);
static inline bool pump_holds(const struct pump *p)
{
    return p->lead || p->b || p->pipe;
}

#endif
