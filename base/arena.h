/* arena: memory that is freed all at once; a request owns one. Nothing inside is freed alone.
 * Owner: caller's storage; arena_fini frees every block. arena_reset keeps the first block, so that
 * a connection that serves many requests does not go to the general heap again. Limit:
 * ceiling_bytes over all blocks. Threads: one at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *head; /* newest block */
    size_t block_bytes;
    size_t total_bytes;
    size_t ceiling_bytes;
};

void arena_init(struct arena *a, size_t block_bytes, size_t ceiling_bytes);
void arena_fini(struct arena *a);
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type; NULL when over the ceiling or out of memory. */
void *arena_alloc(struct arena *a, size_t n);
/* Copies; p is NULL (with n 0) on failure, never NULL otherwise. The copy ends in a zero byte. */
struct str arena_str(struct arena *a, struct str s);

#endif
