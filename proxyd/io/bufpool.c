/* bufpool: two free lists. */
#include "proxyd/io/bufpool.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

#define KEEP_SMALL 256 /* free ones kept; more go back to the heap */
#define KEEP_LARGE 16

void bufpool_init(struct bufpool *p, unsigned large_budget)
{
    *p = (struct bufpool){.large_budget = large_budget};
    pipepool_init(&p->pipes, large_budget / 4);
}

static void free_all(struct iobuf *b)
{
    while (b) {
        struct iobuf *next = b->next;
        free(b);
        b = next;
    }
}

void bufpool_fini(struct bufpool *p)
{
    must(p->n_out_small == 0 && p->n_out_large == 0);
    free_all(p->small);
    free_all(p->large);
    pipepool_fini(&p->pipes);
    *p = (struct bufpool){.large_budget = p->large_budget};
}

static struct iobuf *take(struct iobuf **list, unsigned *n_free, unsigned *n_out, uint32_t cap)
{
    struct iobuf *b = *list;
    if (b) {
        *list = b->next;
        --*n_free;
    } else {
        b = malloc(sizeof *b + cap);
        if (!b)
            return NULL;
        b->cap = cap;
    }
    ++*n_out;
    b->next = NULL;
    b->at = b->end = 0;
    return b;
}

struct iobuf *bufpool_small(struct bufpool *p)
{
    return take(&p->small, &p->n_free_small, &p->n_out_small, BUFPOOL_SMALL);
}

struct iobuf *bufpool_large_always(struct bufpool *p)
{
    return take(&p->large, &p->n_free_large, &p->n_out_large, BUFPOOL_LARGE);
}

struct iobuf *bufpool_large(struct bufpool *p)
{
    return p->n_out_large < p->large_budget ? bufpool_large_always(p) : bufpool_small(p);
}

void bufpool_give(struct bufpool *p, struct iobuf **at)
{
    struct iobuf *b = *at;
    if (!b)
        return;
    *at = NULL;
    bool is_large = b->cap == BUFPOOL_LARGE;
    struct iobuf **list = is_large ? &p->large : &p->small;
    unsigned *n_free = is_large ? &p->n_free_large : &p->n_free_small;
    --*(is_large ? &p->n_out_large : &p->n_out_small);
    if (*n_free >= (is_large ? KEEP_LARGE : KEEP_SMALL)) {
        free(b);
        return;
    }
    b->next = *list;
    *list = b;
    ++*n_free;
}

void iobuf_pack(struct iobuf *b)
{
    if (b->at == 0)
        return;
    if (b->end > b->at)
        memmove(b->bytes, b->bytes + b->at, (size_t)b->end - b->at);
    b->end -= b->at;
    b->at = 0;
}
