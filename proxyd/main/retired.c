/* retired: a short array, looked through once a second. */
#include "proxyd/main/retired.h"

#include <malloc.h>
#include <stdlib.h>

void retired_add(struct retired *r, struct flow_set *take_set)
{
    if (!take_set)
        return;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        struct flow_set **v = realloc(r->v, cap * sizeof(*v));
        if (!v) {
            flow_set_unref(take_set);
            return;
        }
        r->v = v;
        r->cap = cap;
    }
    r->v[r->n++] = take_set;
}

void retired_sweep(struct retired *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (flow_set_is_alone(r->v[i]))
            flow_set_unref(r->v[i]);
        else
            r->v[kept++] = r->v[i];
    }
    bool has_freed = kept < r->n;
    r->n = kept;
    if (has_freed && kept == 0)
        (void)malloc_trim(0); /* twice the policy was there: give the room back */
}

void retired_fini(struct retired *r)
{
    for (size_t i = 0; i < r->n; i++)
        flow_set_unref(r->v[i]);
    free(r->v);
    *r = (struct retired){0};
}
