/* slab: objects of one size, kept on a free list by one worker, so that a request costs no general
 * allocation. Memory goes back to the heap above a number of free ones.
 * Owner: the slab; every object is given back before slab_fini. Threads: one worker. */
#ifndef PROXYD_IO_SLAB_H
#define PROXYD_IO_SLAB_H

#include <stddef.h>

struct slab_free;

struct slab {
    struct slab_free *free;
    size_t object_bytes;
    unsigned n_free, n_out, n_keep;
};

void slab_init(struct slab *s, size_t object_bytes, unsigned n_keep);
void slab_fini(struct slab *s);
/* Not cleared; NULL when out of memory. */
void *slab_take(struct slab *s);
void slab_give(struct slab *s, void *p);

#endif
