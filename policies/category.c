/* category: a shared, counted category index. */
#include "policies/category.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "policies/snapshot_layout.h"

struct category_index {
    atomic_uint n_refs;
    struct set_domain view;
    void (*release)(void *ctx);
    void *ctx;
};

enum err category_index_open(struct str bytes, void (*release)(void *ctx), void *ctx,
                             struct category_index **out)
{
    struct set_domain view;
    enum err e = set_domain_open(bytes, &view);
    if (e != OK)
        return e;
    struct category_index *x = malloc(sizeof *x);
    if (!x)
        return ERR_NOMEM;
    *x = (struct category_index){.view = view, .release = release, .ctx = ctx};
    atomic_init(&x->n_refs, 1);
    *out = x;
    return OK;
}

struct category_index *category_index_ref(struct category_index *x)
{
    atomic_fetch_add_explicit(&x->n_refs, 1, memory_order_relaxed);
    return x;
}

void category_index_unref(struct category_index *x)
{
    if (!x || atomic_fetch_sub_explicit(&x->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    if (x->release)
        x->release(x->ctx);
    free(x);
}

const struct set_domain *category_index_view(const struct category_index *x)
{
    return &x->view;
}

uint32_t category_index_n(const struct category_index *x)
{
    return set_domain_n_categories(&x->view);
}

struct str category_index_name(const struct category_index *x, uint32_t number)
{
    return set_domain_category(&x->view, number);
}

uint64_t category_index_n_keys(const struct category_index *x)
{
    return set_domain_n_keys(&x->view);
}
