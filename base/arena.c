/* arena: bump allocation in blocks. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *older;
    size_t cap;
    size_t used;
    _Alignas(16) char bytes[];
};

void arena_init(struct arena *a, size_t block_bytes, size_t ceiling_bytes)
{
    *a = (struct arena){.block_bytes = block_bytes, .ceiling_bytes = ceiling_bytes};
}

static void free_until(struct arena *a, const struct arena_block *keep)
{
    while (a->head && a->head != keep) {
        struct arena_block *older = a->head->older;
        a->total_bytes -= a->head->cap;
        free(a->head);
        a->head = older;
    }
}

void arena_fini(struct arena *a)
{
    free_until(a, NULL);
}

void arena_reset(struct arena *a)
{
    struct arena_block *first = a->head;
    while (first && first->older)
        first = first->older;
    free_until(a, first);
    if (first)
        first->used = 0;
}

static struct arena_block *grow(struct arena *a, size_t n)
{
    size_t cap = n > a->block_bytes ? n : a->block_bytes;
    if (cap > a->ceiling_bytes || a->total_bytes > a->ceiling_bytes - cap)
        return NULL;
    struct arena_block *b = malloc(sizeof *b + cap);
    if (!b)
        return NULL;
    b->older = a->head;
    b->cap = cap;
    b->used = 0;
    a->head = b;
    a->total_bytes += cap;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - 15)
        return NULL;
    size_t rounded = n ? (n + 15) & ~(size_t)15 : 16;
    struct arena_block *b = a->head;
    if (!b || b->cap - b->used < rounded)
        b = grow(a, rounded);
    if (!b)
        return NULL;
    void *p = b->bytes + b->used;
    b->used += rounded;
    return memset(p, 0, rounded);
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;
    if (!p)
        return (struct str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}
