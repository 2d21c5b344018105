/* bufpool: a worker's buffers, given out only while bytes wait in them. Last in, first out, so that
 * a busy worker keeps using the same few warm ones and ten thousand idle connections hold none.
 * Two sizes: small for heads, large for moving bodies and for long heads; when many large ones are
 * out (slow receivers), asking for a large one gives a small one. The pipes are the kernel's part
 * of it. Owner: the pool; iobuf taken must be given back. Threads: one worker. */
#ifndef PROXYD_IO_BUFPOOL_H
#define PROXYD_IO_BUFPOOL_H

#include "base/str.h"
#include "proxyd/io/pipepool.h"

#define BUFPOOL_SMALL 16384u
#define BUFPOOL_LARGE 262144u

struct iobuf {
    struct iobuf *next; /* in the free list */
    uint32_t cap;
    uint32_t at, end; /* the bytes that wait: bytes[at..end) */
    char bytes[];
};

struct bufpool {
    struct iobuf *small, *large; /* free ones */
    unsigned n_free_small, n_free_large;
    unsigned n_out_small, n_out_large;
    unsigned large_budget; /* large ones out at most */
    struct pipepool pipes;
};

/* large_budget: large buffers out at once; a quarter as many pipes. */
void bufpool_init(struct bufpool *p, unsigned large_budget);
void bufpool_fini(struct bufpool *p);

/* An empty buffer; NULL when out of memory. */
struct iobuf *bufpool_small(struct bufpool *p);
struct iobuf *bufpool_large(struct bufpool *p); /* or a small one, see above */
/* A large one whatever the budget says; for heads that outgrow a small one. */
struct iobuf *bufpool_large_always(struct bufpool *p);
void bufpool_give(struct bufpool *p, struct iobuf **b); /* sets *b to NULL; harmless on NULL */

static inline size_t iobuf_n(const struct iobuf *b)
{
    return (size_t)b->end - b->at;
}
static inline struct str iobuf_str(const struct iobuf *b)
{
    return (struct str){b->bytes + b->at, (size_t)b->end - b->at};
}
/* Moves the waiting bytes to the front, so that all room is behind them. */
void iobuf_pack(struct iobuf *b);

#endif
