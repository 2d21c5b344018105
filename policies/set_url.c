/* set_url: vectorscan names candidates, PCRE2 confirms. */
#include "policies/set_url.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_HS
#include <hs/hs.h>
#endif

#include "base/must.h"

#define SHARD     16384 /* patterns in one database: a scan costs the same for 100 and 10,000 */
#define JIT_START (32u * 1024)
#define JIT_MOST  (512u * 1024)

struct set_url {
    size_t n;
    pcre2_code **code;
    uint32_t *alone; /* patterns that are run without a prefilter */
    size_t n_alone;
    void **shard; /* hs_database_t */
    size_t n_shards;
    _Atomic uint64_t n_limited;
};

struct set_url_scratch {
    const struct set_url *set;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    void *hs; /* hs_scratch_t */
};

static bool compile_one(struct set_url *s, const struct str *patterns, size_t i,
                        struct set_url_fault *f)
{
    int code;
    PCRE2_SIZE at = 0;
    if (patterns[i].n > SET_URL_PATTERN_MAX) {
        *f = (struct set_url_fault){.index = i, .offset = SET_URL_PATTERN_MAX};
        snprintf(f->message, sizeof f->message, "longer than %d bytes", SET_URL_PATTERN_MAX);
        return false;
    }
    s->code[i] =
        pcre2_compile((PCRE2_SPTR)patterns[i].p, patterns[i].n,
                      PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code, &at, NULL);
    if (s->code[i]) {
        (void)pcre2_jit_compile(s->code[i], PCRE2_JIT_COMPLETE); /* else it is interpreted */
        return true;
    }
    *f = (struct set_url_fault){.index = i, .offset = at};
    PCRE2_UCHAR text[sizeof f->message];
    pcre2_get_error_message(code, text, sizeof text);
    memcpy(f->message, text, sizeof text);
    f->message[sizeof f->message - 1] = '\0';
    return false;
}

static void run_alone(struct set_url *s, uint32_t i)
{
    s->alone[s->n_alone++] = i;
}

#ifdef HAVE_HS
struct shard { /* one database in the making */
    char **text;
    unsigned *flags, *id;
    unsigned n;
};

static bool shard_init(struct shard *h, size_t n)
{
    *h = (struct shard){.text = calloc(n + 1, sizeof *h->text),
                        .flags = calloc(n + 1, sizeof *h->flags),
                        .id = calloc(n + 1, sizeof *h->id)};
    return h->text && h->flags && h->id;
}

static void shard_clear(struct shard *h)
{
    for (unsigned i = 0; i < h->n; i++)
        free(h->text[i]);
    h->n = 0;
}

static void shard_fini(struct shard *h)
{
    if (h->text)
        shard_clear(h);
    free(h->text);
    free(h->flags);
    free(h->id);
}

static bool shard_add(struct shard *h, struct str pattern, uint32_t id)
{
    h->text[h->n] = str_dup(pattern);
    if (!h->text[h->n])
        return false;
    h->flags[h->n] =
        HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH | HS_FLAG_PREFILTER | HS_FLAG_ALLOWEMPTY;
    h->id[h->n++] = id;
    return true;
}

/* Takes pattern i out, to be run alone. */
static void shard_drop(struct set_url *s, struct shard *h, unsigned i)
{
    run_alone(s, h->id[i]);
    free(h->text[i]);
    h->n--;
    h->text[i] = h->text[h->n];
    h->id[i] = h->id[h->n];
}

/* One database of what was added; what vectorscan cannot take is run alone. Empties the shard. */
static void shard_make(struct set_url *s, struct shard *h)
{
    while (h->n) {
        hs_database_t *db = NULL;
        hs_compile_error_t *why = NULL;
        if (hs_compile_multi((const char *const *)h->text, h->flags, h->id, h->n, HS_MODE_BLOCK,
                             NULL, &db, &why) == HS_SUCCESS) {
            s->shard[s->n_shards++] = db;
            break;
        }
        int bad = why ? why->expression : -1;
        hs_free_compile_error(why);
        if (bad >= 0)
            shard_drop(s, h, (unsigned)bad);
        else /* not one pattern's fault: none of them gets a prefilter */
            while (h->n)
                shard_drop(s, h, h->n - 1);
    }
    shard_clear(h);
}

static enum err make_shards(struct set_url *s, const struct str *patterns)
{
    struct shard h;
    bool is_good = shard_init(&h, s->n < SHARD ? s->n : SHARD);
    for (size_t i = 0; i < s->n && is_good; i++) {
        if (memchr(patterns[i].p, '\0', patterns[i].n)) {
            run_alone(s, (uint32_t)i);
            continue;
        }
        if (h.n == SHARD)
            shard_make(s, &h);
        is_good = shard_add(&h, patterns[i], (uint32_t)i);
    }
    if (is_good)
        shard_make(s, &h);
    shard_fini(&h);
    return is_good ? OK : ERR_NOMEM;
}
#else
static enum err make_shards(struct set_url *s, const struct str *patterns)
{
    (void)patterns;
    for (size_t i = 0; i < s->n; i++)
        run_alone(s, (uint32_t)i);
    return OK;
}
#endif

enum err set_url_new(const struct str *patterns, size_t n,
                     void (*on_fault)(void *ctx, const struct set_url_fault *f), void *ctx,
                     struct set_url **out)
{
    struct set_url *s = calloc(1, sizeof *s);
    bool is_good = true;
    if (!s)
        return ERR_NOMEM;
    s->n = n;
    s->code = calloc(n + 1, sizeof(*s->code));
    s->alone = calloc(n + 1, sizeof *s->alone);
    s->shard = calloc(n / SHARD + 1, sizeof *s->shard);
    if (!s->code || !s->alone || !s->shard) {
        set_url_free(s);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        struct set_url_fault f;
        if (!compile_one(s, patterns, i, &f)) {
            on_fault(ctx, &f);
            is_good = false;
        }
    }
    enum err e = is_good ? make_shards(s, patterns) : ERR_INVALID;
    if (e != OK)
        set_url_free(s);
    else
        *out = s;
    return e;
}

void set_url_free(struct set_url *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->code && i < s->n; i++)
        pcre2_code_free(s->code[i]);
#ifdef HAVE_HS
    for (size_t i = 0; i < s->n_shards; i++)
        hs_free_database(s->shard[i]);
#endif
    free(s->code);
    free(s->alone);
    free(s->shard);
    free(s);
}

#ifdef HAVE_HS
static bool add_hs_scratch(struct set_url_scratch *x)
{
    hs_scratch_t *scratch = NULL;
    for (size_t i = 0; i < x->set->n_shards; i++) {
        if (hs_alloc_scratch(x->set->shard[i], &scratch) != HS_SUCCESS) {
            hs_free_scratch(scratch);
            return false;
        }
    }
    x->hs = scratch;
    return true;
}
#else
static bool add_hs_scratch(struct set_url_scratch *x)
{
    (void)x;
    return true;
}
#endif

struct set_url_scratch *set_url_scratch_new(const struct set_url *s)
{
    struct set_url_scratch *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->set = s;
    x->match = pcre2_match_data_create(1, NULL);
    x->context = pcre2_match_context_create(NULL);
    x->stack = pcre2_jit_stack_create(JIT_START, JIT_MOST, NULL);
    if (!x->match || !x->context || !x->stack || !add_hs_scratch(x)) {
        set_url_scratch_free(x);
        return NULL;
    }
    pcre2_set_match_limit(x->context, SET_URL_MATCH_LIMIT);
    pcre2_set_depth_limit(x->context, SET_URL_MATCH_LIMIT / 10);
    pcre2_jit_stack_assign(x->context, NULL, x->stack);
    return x;
}

void set_url_scratch_free(struct set_url_scratch *x)
{
    if (!x)
        return;
    pcre2_match_data_free(x->match);
    pcre2_match_context_free(x->context);
    pcre2_jit_stack_free(x->stack);
#ifdef HAVE_HS
    hs_free_scratch(x->hs);
#endif
    free(x);
}

struct run {
    struct set_url *set;
    struct set_url_scratch *x;
    struct str text;
    void (*on_hit)(void *ctx, uint32_t index);
    void *ctx;
};

static void confirm(struct run *r, uint32_t i)
{
    int rc = pcre2_match(r->set->code[i], (PCRE2_SPTR)r->text.p, r->text.n, 0, 0, r->x->match,
                         r->x->context);
    if (rc >= 0)
        r->on_hit(r->ctx, i);
    else if (rc != PCRE2_ERROR_NOMATCH)
        atomic_fetch_add_explicit(&r->set->n_limited, 1, memory_order_relaxed);
}

#ifdef HAVE_HS
static int on_candidate(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                        void *ctx)
{
    (void)from;
    (void)to;
    (void)flags;
    confirm(ctx, id);
    return 0;
}

static void scan_shards(struct run *r)
{
    for (size_t i = 0; i < r->set->n_shards; i++) {
        hs_error_t e =
            hs_scan(r->set->shard[i], r->text.p, (unsigned)r->text.n, 0, r->x->hs, on_candidate, r);
        must(e == HS_SUCCESS);
    }
}
#else
static void scan_shards(struct run *r)
{
    (void)r;
}
#endif

void set_url_match(const struct set_url *s, struct set_url_scratch *x, struct str text,
                   void (*on_hit)(void *ctx, uint32_t index), void *ctx)
{
    struct run r = {(struct set_url *)(uintptr_t)s, x, text, on_hit, ctx}; /* its counter only */
    must(x->set == s);
    if (text.p == NULL)
        r.text = STR("");
    scan_shards(&r);
    for (size_t i = 0; i < s->n_alone; i++)
        confirm(&r, s->alone[i]);
}

uint64_t set_url_n_limited(const struct set_url *s)
{
    return atomic_load_explicit(&s->n_limited, memory_order_relaxed);
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
