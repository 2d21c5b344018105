/* pipepool: a worker's pipes, through which bytes go from one socket to another without being
 * copied into the process (splice). Like the buffers of bufpool they are given out only while bytes
 * wait in them; they are made when first needed, few are kept, and when there are none (the limit,
 * descriptors) bytes are copied instead. Owner: the pool; every pipe taken must be given back.
 * Threads: one worker. */
#ifndef PROXYD_IO_PIPEPOOL_H
#define PROXYD_IO_PIPEPOOL_H

#include <stddef.h>

struct iopipe {
    struct iopipe *next; /* in the free list */
    int from, to;        /* bytes are read from `from`, written to `to` */
    size_t n;            /* bytes that wait in it */
};

struct pipepool {
    struct iopipe *free;
    unsigned n_free, n_out;
    unsigned n_most; /* out at once at most; 0: there are none */
    size_t n_taken;  /* so far */
};

void pipepool_init(struct pipepool *p, unsigned n_most);
void pipepool_fini(struct pipepool *p);
/* An empty one; NULL when there is none to be had. */
struct iopipe *pipepool_take(struct pipepool *p);
/* Sets *pipe to NULL; harmless on NULL. What still waits in it is thrown away. */
void pipepool_give(struct pipepool *p, struct iopipe **pipe);

#endif
