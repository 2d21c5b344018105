/* set_url: literals and vectorscan name candidates, PCRE2 confirms. */
#include "policies/set_url.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "base/must.h"
#include "policies/pattern_scan.h"
#include "policies/set_literal.h"

struct set_url {
    size_t n;
    struct pattern_code **code;
    uint8_t *way; /* enum set_url_way */
    struct set_literal literals;
    struct pattern_scan scan;
    uint32_t *always; /* patterns that nothing sifts */
    size_t n_always;
    _Atomic uint64_t n_limited, n_sampled, ns;
};

struct set_url_scratch {
    const struct set_url *set;
    struct pattern_runner *runner;
    void *scan;
    uint32_t *seen; /* of each pattern: run for the text of this number */
    uint32_t text;
};

/* --- making -------------------------------------------------------------------------------------
 */

static enum err map_before(struct map *m, const struct set_url *before)
{
    enum err e = OK;
    map_init(m);
    for (size_t i = 0; before && i < before->n && e == OK; i++)
        e = map_put(m, pattern_code_text(before->code[i]), before->code[i], NULL);
    return e;
}

static enum err compile_one(struct set_url *s, size_t i, struct str pattern, const struct map *had,
                            const struct set_url_tell *tell)
{
    struct pattern_code *p = map_get(had, pattern);
    if (p) {
        s->code[i] = pattern_code_ref(p);
        return OK;
    }
    struct pattern_fault fault;
    enum err e = pattern_code_new(pattern, &fault, &s->code[i]);
    if (e == ERR_INVALID) {
        struct set_url_fault f = {.index = i, .offset = fault.offset};
        memcpy(f.message, fault.message, sizeof f.message);
        tell->on_fault(tell->ctx, &f);
    }
    return e;
}

static enum err compile_all(struct set_url *s, const struct str *patterns,
                            const struct set_url *before, const struct set_url_tell *tell)
{
    struct map had;
    enum err e = map_before(&had, before), worst = e;
    for (size_t i = 0; i < s->n && worst != ERR_NOMEM; i++) {
        e = compile_one(s, i, patterns[i], &had, tell);
        worst = e == OK ? worst : e;
    }
    map_fini(&had);
    return worst;
}

static enum err add_literals(struct set_url *s, uint32_t i, bool *has_any)
{
    unsigned n = 0;
    const struct pattern_literal *l = pattern_code_literals(s->code[i], &n);
    enum err e = OK;
    for (unsigned k = 0; k < n && e == OK; k++)
        e = set_literal_add(&s->literals, &l[k], i);
    *has_any = n > 0;
    return e;
}

/* Each pattern gets its way of being found. */
static enum err sift(struct set_url *s, const struct set_url *before)
{
    enum err e = OK;
    struct pattern_code **rest = calloc(s->n + 1, sizeof *rest);
    if (!rest)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < s->n && e == OK; i++) {
        bool has_literals = false;
        e = add_literals(s, i, &has_literals);
        rest[i] = has_literals ? NULL : s->code[i];
        s->way[i] = has_literals ? SET_URL_LITERAL : SET_URL_SCAN;
    }
    if (e == OK)
        e = set_literal_seal(&s->literals);
    if (e == OK)
        e = pattern_scan_init(&s->scan, rest, (uint32_t)s->n, before ? &before->scan : NULL);
    for (uint32_t i = 0; i < s->n && e == OK; i++) {
        if (!rest[i])
            continue;
        s->way[i] = SET_URL_ALWAYS;
        s->always[s->n_always++] = i;
    }
    free(rest);
    return e;
}

enum err set_url_new_like(const struct str *patterns, size_t n, const struct set_url *before,
                          const struct set_url_tell *tell, struct set_url **out)
{
    struct set_url *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->n = n;
    s->code = calloc(n + 1, sizeof(*s->code));
    s->way = calloc(n + 1, sizeof *s->way);
    s->always = calloc(n + 1, sizeof *s->always);
    enum err e = s->code && s->way && s->always ? OK : ERR_NOMEM;
    if (e == OK)
        e = compile_all(s, patterns, before, tell);
    if (e == OK)
        e = sift(s, before);
    if (before) { /* the figures of the patterns go on as well */
        struct set_url_cost had;
        set_url_cost(before, &had);
        atomic_init(&s->n_sampled, had.n_sampled);
        atomic_init(&s->ns, had.ns);
        atomic_init(&s->n_limited, set_url_n_limited(before));
    }
    if (e != OK)
        set_url_free(s);
    else
        *out = s;
    return e;
}

enum err set_url_new(const struct str *patterns, size_t n,
                     void (*on_fault)(void *ctx, const struct set_url_fault *f), void *ctx,
                     struct set_url **out)
{
    const struct set_url_tell tell = {on_fault, ctx};
    return set_url_new_like(patterns, n, NULL, &tell, out);
}

void set_url_free(struct set_url *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->code && i < s->n; i++)
        pattern_code_unref(s->code[i]);
    set_literal_fini(&s->literals);
    pattern_scan_fini(&s->scan);
    free(s->code);
    free(s->way);
    free(s->always);
    free(s);
}

struct set_url_scratch *set_url_scratch_new(const struct set_url *s)
{
    struct set_url_scratch *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->set = s;
    x->runner = pattern_runner_new();
    x->seen = calloc(s->n + 1, sizeof *x->seen);
    if (!x->runner || !x->seen || pattern_scan_scratch(&s->scan, &x->scan) != OK) {
        set_url_scratch_free(x);
        return NULL;
    }
    return x;
}

void set_url_scratch_free(struct set_url_scratch *x)
{
    if (!x)
        return;
    pattern_runner_free(x->runner);
    pattern_scan_scratch_free(x->scan);
    free(x->seen);
    free(x);
}

/* --- matching -----------------------------------------------------------------------------------
 */

struct run {
    struct set_url *set;
    struct set_url_scratch *x;
    struct str text;
    void (*on_hit)(void *ctx, uint32_t index);
    void *ctx;
    bool is_sampled, is_limited;
};

static void confirm(void *ctx, uint32_t i)
{
    struct run *r = ctx;
    if (r->x->seen[i] == r->x->text)
        return;
    r->x->seen[i] = r->x->text;
    switch (pattern_code_run(r->set->code[i], r->x->runner, r->text, r->is_sampled)) {
    case PATTERN_YES: r->on_hit(r->ctx, i); break;
    case PATTERN_LIMITED:
        r->is_limited = true;
        atomic_fetch_add_explicit(&r->set->n_limited, 1, memory_order_relaxed);
        break;
    case PATTERN_NO: break;
    }
}

static void match(struct run *r)
{
    if (++r->x->text == 0) { /* once in four billion texts */
        memset(r->x->seen, 0, r->set->n * sizeof *r->x->seen);
        r->x->text = 1;
    }
    pattern_runner_next(r->x->runner);
    set_literal_find(&r->set->literals, r->text, confirm, r);
    pattern_scan_find(&r->set->scan, r->x->scan, r->text, confirm, r);
    for (size_t i = 0; i < r->set->n_always; i++)
        confirm(r, r->set->always[i]);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void match_timed(struct run *r)
{
    uint64_t t = now_ns();
    match(r);
    atomic_fetch_add_explicit(&r->set->ns, now_ns() - t, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->set->n_sampled, 1, memory_order_relaxed);
}

bool set_url_match(const struct set_url *s, struct set_url_scratch *x, struct str text,
                   void (*on_hit)(void *ctx, uint32_t index), void *ctx)
{
    struct run r = {(struct set_url *)(uintptr_t)s,
                    x,
                    text,
                    on_hit,
                    ctx,
                    x->text % SET_URL_ONE_IN == SET_URL_ONE_IN - 1,
                    false}; /* its counters only */
    must(x->set == s);
    if (text.p == NULL)
        r.text = STR("");
    if (r.is_sampled)
        match_timed(&r);
    else
        match(&r);
    return r.is_limited;
}

/* --- figures ------------------------------------------------------------------------------------
 */

uint64_t set_url_n_limited(const struct set_url *s)
{
    return atomic_load_explicit(&s->n_limited, memory_order_relaxed);
}

size_t set_url_count(const struct set_url *s)
{
    return s->n;
}

struct pattern_code *set_url_code(const struct set_url *s, uint32_t index)
{
    return s->code[index];
}

enum set_url_way set_url_way(const struct set_url *s, uint32_t index)
{
    return (enum set_url_way)s->way[index];
}

void set_url_cost(const struct set_url *s, struct set_url_cost *out)
{
    *out = (struct set_url_cost){.n_sampled =
                                     atomic_load_explicit(&s->n_sampled, memory_order_relaxed),
                                 .ns = atomic_load_explicit(&s->ns, memory_order_relaxed)};
}

size_t set_url_from_glob(struct str glob, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < glob.n && n + 2 < room; i++) {
        char c = glob.p[i];
        bool is_word = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
                       c == ' ' || c == '/' || c == '_' || (unsigned char)c >= 0x80;
        if (c == '*')
            out[n++] = '.';
        else if (!is_word)
            out[n++] = '\\';
        out[n++] = c;
    }
    return n;
}
