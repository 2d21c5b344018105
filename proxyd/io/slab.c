/* slab: a free list. */
#include "proxyd/io/slab.h"

#include <stdlib.h>

#include "base/must.h"

struct slab_free {
    struct slab_free *next;
};

void slab_init(struct slab *s, size_t object_bytes, unsigned n_keep)
{
    must(object_bytes >= sizeof(struct slab_free));
    *s = (struct slab){.object_bytes = object_bytes, .n_keep = n_keep};
}

void slab_fini(struct slab *s)
{
    must(s->n_out == 0);
    while (s->free) {
        struct slab_free *next = s->free->next;
        free(s->free);
        s->free = next;
    }
    s->n_free = 0;
}

void *slab_take(struct slab *s)
{
    struct slab_free *f = s->free;
    if (f) {
        s->free = f->next;
        s->n_free--;
        s->n_out++;
        return f;
    }
    void *p = malloc(s->object_bytes);
    if (p)
        s->n_out++;
    return p;
}

void slab_give(struct slab *s, void *p)
{
    must(s->n_out > 0);
    s->n_out--;
    if (s->n_free >= s->n_keep) {
        free(p);
        return;
    }
    struct slab_free *f = p;
    f->next = s->free;
    s->free = f;
    s->n_free++;
}
