/* pac_model: see pac_model.h. */
#include "pac/pac_model.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/must.h"
#include "base/url.h"

#define MODEL_CEILING (64u << 20)

struct pac_store {
    struct pac_model model;
    struct arena arena;
    atomic_uint refs;
};

struct pac_model *pac_model_new(void)
{
    struct pac_store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    arena_init(&s->arena, 16384, MODEL_CEILING);
    atomic_init(&s->refs, 1);
    s->model.store = s;
    return &s->model;
}

struct arena *pac_model_arena(struct pac_model *m)
{
    return &m->store->arena;
}

struct pac_model *pac_model_ref(struct pac_model *m)
{
    atomic_fetch_add_explicit(&m->store->refs, 1, memory_order_relaxed);
    return m;
}

void pac_model_unref(struct pac_model *m)
{
    if (!m)
        return;
    struct pac_store *s = m->store;
    unsigned before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before > 1)
        return;
    arena_fini(&s->arena);
    free(s);
}

size_t pac_model_profile_for(const struct pac_model *m, const struct ip *client)
{
    size_t best = 0;
    int best_bits = -2;
    for (size_t i = 0; i < m->n_profiles; i++) {
        const struct pac_profile *p = &m->profiles[i];
        if (p->n_networks == 0 && best_bits < -1) {
            best = i;
            best_bits = -1;
        }
        for (size_t k = 0; k < p->n_networks; k++) {
            if (cidr_has(&p->networks[k], client) && p->networks[k].bits > best_bits) {
                best = i;
                best_bits = p->networks[k].bits;
            }
        }
    }
    return best;
}

enum err pac_model_profile_named(const struct pac_model *m, struct str name, size_t *out)
{
    for (size_t i = 0; i < m->n_profiles; i++) {
        if (str_eq(m->profiles[i].name, name)) {
            *out = i;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

bool pac_model_url_ok(struct str url)
{
    static const char odd[] = "\"'<>\\^`{|}#";
    for (size_t i = 0; i < url.n; i++) {
        char c = url.p[i];
        if (c <= 0x20 || c >= 0x7f || str_find(str_of(odd), c) != STR_NPOS)
            return false;
    }
    struct url u;
    return url.n <= 1024 && url_parse(url, &u) == OK;
}
