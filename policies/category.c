/* category: the two indexes as one, and the expressions of the big one. */
#include "policies/category.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/map.h"
#include "policies/category_layout.h"

#define LARGE_PAGE ((size_t)2 << 20)

const struct category_index *category_main(const struct category_index *x)
{
    return x->local.base ? x->under : x;
}

/* --- opening and closing ------------------------------------------------------------------------
 */

/* A copy of the filter in large pages: with small ones, most of a look-up is the walk to the page.
 * Without memory for it the one in the file serves. */
static void copy_filter(struct category_index *x)
{
    struct str filter = set_domain_filter(&x->main);
    if (filter.n < LARGE_PAGE)
        return;
    x->copy_bytes = (filter.n + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    x->copy = aligned_alloc(LARGE_PAGE, x->copy_bytes);
    if (!x->copy)
        return;
    (void)madvise(x->copy, x->copy_bytes, MADV_HUGEPAGE);
    memcpy(x->copy, filter.p, filter.n);
    x->main.filter = x->copy;
}

struct refused {
    bool *is_bad;
};

static void on_fault(void *ctx, const struct set_url_fault *f)
{
    struct refused *r = ctx;
    r->is_bad[f->index] = true;
}

/* Those that compile; which they are is in x->expression. */
static enum err compile_sound(struct category_index *x, const struct set_url *before, bool *is_bad)
{
    uint32_t n = set_domain_n_expressions(&x->main), kept = 0;
    struct set_url_tell tell = {on_fault, &(struct refused){is_bad}};
    struct str *text = calloc((size_t)n + 1, sizeof *text);
    if (!text)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t category;
        struct str s = set_domain_expression(&x->main, i, &category);
        if (is_bad[i])
            continue;
        x->expression[kept] = i;
        text[kept++] = s;
    }
    enum err e = kept ? set_url_new_like(text, kept, before, &tell, &x->patterns) : OK;
    free(text);
    return e;
}

static enum err compile_expressions(struct category_index *x, const struct category_index *before)
{
    uint32_t n = set_domain_n_expressions(&x->main);
    const struct category_index *old = before ? category_main(before) : NULL;
    const struct set_url *like = old ? old->patterns : NULL;
    if (n == 0)
        return OK;
    bool *is_bad = calloc(n, sizeof *is_bad);
    x->expression = calloc(n, sizeof *x->expression);
    x->has_expressions = calloc(set_domain_n_categories(&x->main), sizeof *x->has_expressions);
    enum err e = is_bad && x->expression && x->has_expressions ? OK : ERR_NOMEM;
    if (e == OK)
        e = compile_sound(x, like, is_bad);
    if (e == ERR_INVALID) /* the faulty ones are known now, by their place among all */
        e = compile_sound(x, like, is_bad);
    free(is_bad);
    for (uint32_t i = 0; e == OK && x->patterns && i < set_url_count(x->patterns); i++) {
        uint16_t category;
        (void)set_domain_expression(&x->main, x->expression[i], &category);
        x->has_expressions[category] = true;
    }
    return e;
}

enum err category_index_open(struct str bytes, void (*release)(void *ctx), void *ctx,
                             struct category_index **out)
{
    return category_index_open_like(&(struct category_file){bytes, release, ctx}, NULL, out);
}

enum err category_index_open_like(const struct category_file *f,
                                  const struct category_index *before, struct category_index **out)
{
    struct set_domain view;
    enum err e = set_domain_open(f->bytes, &view);
    if (e != OK)
        return e;
    struct category_index *x = calloc(1, sizeof *x);
    if (!x)
        return ERR_NOMEM;
    atomic_init(&x->n_refs, 1);
    x->main = view;
    x->n = set_domain_n_categories(&view);
    e = compile_expressions(x, before);
    if (e != OK) {
        category_index_unref(x);
        return e;
    }
    copy_filter(x);
    x->file = *f;
    *out = x;
    return OK;
}

/* Numbers of the covered index first, then those of categories that only the small one has. */
static enum err number_categories(struct category_index *x)
{
    struct map by_name;
    uint32_t n = set_domain_n_categories(&x->local), under = x->under ? x->under->n : 0;
    enum err e = OK;
    x->number = calloc((size_t)n + 1, sizeof *x->number);
    x->extra = calloc((size_t)n + 1, sizeof *x->extra);
    if (!x->number || !x->extra)
        return ERR_NOMEM;
    map_init(&by_name);
    for (uintptr_t c = 0; c < under && e == OK; c++)
        e = map_put(&by_name, category_index_name(x->under, (uint32_t)c), (void *)(c + 1),
                    NULL); // NOLINT: a number kept in place of a pointer
    x->n = under;
    for (uint32_t c = 0; c < n && e == OK; c++) {
        uintptr_t known = (uintptr_t)map_get(&by_name, set_domain_category(&x->local, c));
        if (known) {
            x->number[c] = (uint16_t)(known - 1);
            continue;
        }
        e = x->n > UINT16_MAX ? ERR_LIMIT : OK;
        x->extra[x->n - under] = (uint16_t)c;
        x->number[c] = (uint16_t)x->n++;
    }
    map_fini(&by_name);
    return e;
}

enum err category_index_cover(struct category_index *under, const struct category_file *local,
                              struct category_index **out)
{
    struct set_domain view;
    enum err e = set_domain_open(local->bytes, &view);
    if (e != OK)
        return e;
    struct category_index *x = calloc(1, sizeof *x);
    if (!x)
        return ERR_NOMEM;
    atomic_init(&x->n_refs, 1);
    x->local = view;
    x->under = under ? category_index_ref(under) : NULL;
    e = number_categories(x);
    if (e != OK) {
        category_index_unref(x);
        return e;
    }
    x->file = *local;
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
    if (x->file.release)
        x->file.release(x->file.ctx);
    category_index_unref(x->under);
    set_url_free(x->patterns);
    free(x->expression);
    free(x->has_expressions);
    free(x->number);
    free(x->extra);
    free(x->copy);
    free(x);
}

/* --- figures ------------------------------------------------------------------------------------
 */

uint32_t category_index_n(const struct category_index *x)
{
    return x->n;
}

struct str category_index_name(const struct category_index *x, uint32_t number)
{
    if (!x->local.base)
        return set_domain_category(&x->main, number);
    uint32_t under = x->under ? x->under->n : 0;
    return number < under ? category_index_name(x->under, number)
                          : set_domain_category(&x->local, x->extra[number - under]);
}

uint64_t category_index_n_keys(const struct category_index *x)
{
    if (!x->local.base)
        return set_domain_n_keys(&x->main);
    return set_domain_n_keys(&x->local) + (x->under ? category_index_n_keys(x->under) : 0);
}

bool category_index_has_expressions(const struct category_index *x, uint32_t number)
{
    const struct category_index *m = category_main(x);
    return m && m->has_expressions && number < m->n && m->has_expressions[number];
}

/* --- asking -------------------------------------------------------------------------------------
 */

struct category_scratch *category_scratch_new(const struct category_index *x, enum err *e)
{
    const struct category_index *m = x ? category_main(x) : NULL;
    *e = OK;
    if (!m || !m->patterns)
        return NULL;
    struct set_url_scratch *s = set_url_scratch_new(m->patterns);
    *e = s ? OK : ERR_NOMEM;
    return (struct category_scratch *)s;
}

void category_scratch_free(struct category_scratch *s)
{
    set_url_scratch_free((struct set_url_scratch *)s);
}

void category_prefetch(const struct category_index *x, struct str host, bool is_ip)
{
    const struct category_index *m = category_main(x);
    if (m)
        set_domain_prefetch(&m->main, host, is_ip);
}

void category_host(const struct category_index *x, const struct category_ask *ask,
                   struct set_domain_hits *out)
{
    struct set_domain_ask a = {.host = ask->host, .is_ip = ask->is_ip};
    const struct category_index *m = category_main(x);
    out->n = out->n_taken_away = 0;
    out->has_urls = false;
    if (x->local.base) {
        a.number = x->number;
        set_domain_add_host(&x->local, &a, out);
        a.number = NULL;
    }
    if (m)
        set_domain_add_host(&m->main, &a, out);
}

struct finding {
    const struct category_index *main;
    struct set_domain_hits *out;
};

static bool holds(const uint16_t *v, unsigned n, uint16_t c)
{
    for (unsigned i = 0; i < n; i++)
        if (v[i] == c)
            return true;
    return false;
}

static void on_expression(void *ctx, uint32_t index)
{
    struct finding *f = ctx;
    struct set_domain_hits *h = f->out;
    uint16_t category;
    (void)set_domain_expression(&f->main->main, f->main->expression[index], &category);
    if (h->n < SET_DOMAIN_HITS && !holds(h->category, h->n, category) &&
        !holds(h->taken_away, h->n_taken_away, category))
        h->category[h->n++] = category;
}

uint64_t category_n_limited(const struct category_index *x)
{
    const struct category_index *m = x ? category_main(x) : NULL;
    return m && m->patterns ? set_url_n_limited(m->patterns) : 0;
}

bool category_url(const struct category_index *x, struct category_scratch *s,
                  const struct category_ask *ask, struct set_domain_hits *out)
{
    struct set_domain_ask a = {
        .host = ask->host, .is_ip = ask->is_ip, .port = ask->port, .path = ask->path};
    const struct category_index *m = category_main(x);
    if (x->local.base) {
        a.number = x->number;
        set_domain_add_url(&x->local, &a, out);
        a.number = NULL;
    }
    if (!m)
        return false;
    set_domain_add_url(&m->main, &a, out);
    return s && m->patterns &&
           set_url_match(m->patterns, (struct set_url_scratch *)s, ask->url, on_expression,
                         &(struct finding){m, out});
}
