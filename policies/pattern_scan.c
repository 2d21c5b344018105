/* pattern_scan: vectorscan databases, kept by reference. */
#include "policies/pattern_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/must.h"

#ifdef HAVE_HS
#include <hs/hs.h>

#define NONE  UINT32_MAX
#define SMALL 256  /* patterns; smaller databases are joined with what is new */
#define LARGE 4096 /* patterns of a database, at most */
#define WORTH 128  /* patterns; fewer are run one by one, for no more than a scan costs */

/* Not HS_FLAG_SINGLEMATCH: see is_sound. Who is called does not mind being called again. */
#define FLAGS (HS_FLAG_CASELESS | HS_FLAG_PREFILTER | HS_FLAG_ALLOWEMPTY)

struct pattern_scan_db {
    atomic_uint n_refs;
    hs_database_t *hs;
    uint32_t n;
    struct pattern_code **code; /* one reference each */
};

static void db_unref(struct pattern_scan_db *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    hs_free_database(d->hs);
    for (uint32_t i = 0; i < d->n; i++)
        pattern_code_unref(d->code[i]);
    free(d->code);
    free(d);
}

struct making { /* a database in the making: what is given to vectorscan */
    const char **text;
    unsigned *flags, *id;
    uint32_t *number;
    struct pattern_code **code;
    unsigned n;
};

static void making_fini(struct making *m)
{
    free(m->text);
    free(m->flags);
    free(m->id);
    free(m->number);
    free(m->code);
}

static enum err making_init(struct making *m, uint32_t n)
{
    *m = (struct making){.text = calloc(n, sizeof *m->text),
                         .flags = calloc(n, sizeof *m->flags),
                         .id = calloc(n, sizeof *m->id),
                         .number = calloc(n, sizeof *m->number),
                         .code = calloc(n, sizeof *m->code)};
    if (m->text && m->flags && m->id && m->number && m->code)
        return OK;
    making_fini(m);
    return ERR_NOMEM;
}

static void making_add(struct making *m, struct pattern_code *p, uint32_t number)
{
    m->text[m->n] = pattern_code_text(p).p; /* zero-terminated by its owner */
    m->flags[m->n] = FLAGS;
    m->id[m->n] = m->n;
    m->number[m->n] = number;
    m->code[m->n++] = p;
}

static void making_drop(struct making *m, unsigned i)
{
    pattern_code_set_unscannable(m->code[i]);
    m->n--;
    m->text[i] = m->text[m->n];
    m->number[i] = m->number[m->n];
    m->code[i] = m->code[m->n];
}

/* What vectorscan cannot take even as a prefilter is left out. NULL: nothing is left. */
static hs_database_t *compile(struct making *m)
{
    while (m->n) {
        hs_database_t *db = NULL;
        hs_compile_error_t *why = NULL;
        if (hs_compile_multi(m->text, m->flags, m->id, m->n, HS_MODE_BLOCK, NULL, &db, &why) ==
            HS_SUCCESS)
            return db;
        int bad = why ? why->expression : -1;
        hs_free_compile_error(why);
        if (bad < 0) /* not one pattern's fault */
            m->n = 0;
        else
            making_drop(m, (unsigned)bad);
    }
    return NULL;
}

/* Takes over number and code of the making. */
static enum err add_database(struct pattern_scan *s, struct making *m, hs_database_t *hs)
{
    struct pattern_scan_db *d = calloc(1, sizeof *d);
    if (!d) {
        hs_free_database(hs);
        return ERR_NOMEM;
    }
    atomic_init(&d->n_refs, 1);
    *d = (struct pattern_scan_db){.n_refs = 1, .hs = hs, .n = m->n, .code = m->code};
    for (uint32_t i = 0; i < m->n; i++)
        pattern_code_ref(m->code[i]);
    s->db[s->n] = d;
    s->number[s->n++] = m->number;
    m->code = NULL;
    m->number = NULL;
    return OK;
}

static enum err make_some(struct pattern_scan *s, struct pattern_code **wanted, uint32_t n,
                          uint32_t *at)
{
    struct making m;
    uint32_t most = n < LARGE ? n : LARGE;
    if (most == 0 || making_init(&m, most) != OK)
        return most ? ERR_NOMEM : OK;
    for (; *at < n && m.n < most; ++*at)
        if (wanted[*at] && pattern_code_may_scan(wanted[*at]))
            making_add(&m, wanted[*at], *at);
    hs_database_t *hs = compile(&m);
    for (unsigned i = 0; i < m.n; i++)
        wanted[m.number[i]] = NULL;
    enum err e = hs ? add_database(s, &m, hs) : OK;
    making_fini(&m);
    return e;
}

/* --- can it be trusted here? --------------------------------------------------------------------
 */

static int on_any(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                  void *ctx)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    *(bool *)ctx = true;
    return 0;
}

/* Is the only 'c' of a text found wherever it stands? */
static bool finds_all(const hs_database_t *db, hs_scratch_t *scratch)
{
    char text[140];
    for (unsigned n = 60; n <= sizeof text; n++)
        for (unsigned at = 0; at < n; at++) {
            bool is_found = false;
            memset(text, '-', n);
            text[at] = 'c';
            if (hs_scan(db, text, n, 0, scratch, on_any, &is_found) != HS_SUCCESS || !is_found)
                return false;
        }
    return true;
}

/* A filter that misses is worse than none. Version 5.4.9 does on processors with 512-bit vectors:
 * what stands in the rest behind the last whole 64 bytes may go unseen. Takes some milliseconds. */
static bool is_sound(void)
{
    static const char *const asked[] = {"ab|c", "c[^a]|c$|ca", "[x-z]b|c|de"};
    bool is_good = true;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0] && is_good; i++) {
        hs_database_t *db = NULL;
        hs_compile_error_t *why = NULL;
        hs_scratch_t *scratch = NULL;
        is_good = hs_compile(asked[i], FLAGS, HS_MODE_BLOCK, NULL, &db, &why) == HS_SUCCESS &&
                  hs_alloc_scratch(db, &scratch) == HS_SUCCESS && finds_all(db, scratch);
        hs_free_compile_error(why);
        hs_free_scratch(scratch);
        hs_free_database(db);
    }
    return is_good;
}

/* --- taking over --------------------------------------------------------------------------------
 */

static uint32_t count_live(const struct pattern_scan_db *d, const struct map *have)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n; i++)
        n += map_get(have, pattern_code_text(d->code[i])) != NULL;
    return n;
}

static enum err take_over(struct pattern_scan *s, struct pattern_scan_db *d, const struct map *have,
                          struct pattern_code **wanted)
{
    uint32_t *number = calloc(d->n, sizeof *number);
    if (!number)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < d->n; i++) {
        uintptr_t id = (uintptr_t)map_get(have, pattern_code_text(d->code[i]));
        number[i] = id ? (uint32_t)(id - 1) : NONE;
        if (id)
            wanted[id - 1] = NULL;
    }
    atomic_fetch_add_explicit(&d->n_refs, 1, memory_order_relaxed);
    s->db[s->n] = d;
    s->number[s->n++] = number;
    return OK;
}

static enum err map_wanted(struct map *have, struct pattern_code **wanted, uint32_t n)
{
    enum err e = OK;
    for (uint32_t i = 0; i < n && e == OK; i++) {
        uintptr_t number = (uintptr_t)i + 1;
        if (wanted[i] && pattern_code_may_scan(wanted[i]))
            e = map_put(have, pattern_code_text(wanted[i]), (void *)number, NULL); // NOLINT
    }
    return e;
}

static enum err take_before(struct pattern_scan *s, struct pattern_code **wanted, uint32_t n,
                            const struct pattern_scan *before)
{
    struct map have;
    map_init(&have);
    enum err e = map_wanted(&have, wanted, n);
    size_t n_had = 0;
    for (unsigned d = 0; d < before->n; d++)
        n_had += count_live(before->db[d], &have);
    for (unsigned d = 0; d < before->n && s->n < PATTERN_SCAN_MAX / 2 && e == OK; d++) {
        uint32_t n_live = count_live(before->db[d], &have);
        bool is_small = n_live < SMALL && n_had < have.n; /* compiled with what is new */
        if (n_live && !is_small && n_live >= before->db[d]->n / 2)
            e = take_over(s, before->db[d], &have, wanted);
    }
    map_fini(&have);
    return e;
}

enum err pattern_scan_init(struct pattern_scan *s, struct pattern_code **wanted, uint32_t n,
                           const struct pattern_scan *before)
{
    *s = (struct pattern_scan){.n = 0};
    uint32_t n_wanted = 0;
    for (uint32_t i = 0; i < n; i++)
        n_wanted += wanted[i] && pattern_code_may_scan(wanted[i]);
    if (n_wanted < WORTH || !is_sound())
        return OK;
    enum err e = before ? take_before(s, wanted, n, before) : OK;
    for (uint32_t at = 0; at < n && s->n < PATTERN_SCAN_MAX && e == OK;)
        e = make_some(s, wanted, n, &at);
    if (e != OK)
        pattern_scan_fini(s);
    return e;
}

void pattern_scan_fini(struct pattern_scan *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        db_unref(s->db[i]);
        free(s->number[i]);
    }
    s->n = 0;
}

enum err pattern_scan_scratch(const struct pattern_scan *s, void **out)
{
    hs_scratch_t *scratch = NULL;
    for (unsigned i = 0; i < s->n; i++) {
        if (hs_alloc_scratch(s->db[i]->hs, &scratch) != HS_SUCCESS) {
            hs_free_scratch(scratch);
            return ERR_NOMEM;
        }
    }
    *out = scratch;
    return OK;
}

void pattern_scan_scratch_free(void *scratch)
{
    hs_free_scratch(scratch);
}

struct finding {
    const uint32_t *number;
    void (*on_found)(void *ctx, uint32_t number);
    void *ctx;
};

static int on_event(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *ctx)
{
    const struct finding *f = ctx;
    (void)from;
    (void)to;
    (void)flags;
    if (f->number[id] != NONE)
        f->on_found(f->ctx, f->number[id]);
    return 0;
}

void pattern_scan_find(const struct pattern_scan *s, void *scratch, struct str text,
                       void (*on_found)(void *ctx, uint32_t number), void *ctx)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct finding f = {s->number[i], on_found, ctx};
        hs_error_t e =
            hs_scan(s->db[i]->hs, text.p ? text.p : "", (unsigned)text.n, 0, scratch, on_event, &f);
        must(e == HS_SUCCESS);
    }
}

#else

enum err pattern_scan_init(struct pattern_scan *s, struct pattern_code **wanted, uint32_t n,
                           const struct pattern_scan *before)
{
    (void)wanted;
    (void)n;
    (void)before;
    *s = (struct pattern_scan){.n = 0};
    return OK;
}

void pattern_scan_fini(struct pattern_scan *s)
{
    (void)s;
}

enum err pattern_scan_scratch(const struct pattern_scan *s, void **out)
{
    (void)s;
    *out = NULL;
    return OK;
}

void pattern_scan_scratch_free(void *scratch)
{
    (void)scratch;
}

void pattern_scan_find(const struct pattern_scan *s, void *scratch, struct str text,
                       void (*on_found)(void *ctx, uint32_t number), void *ctx)
{
    (void)s;
    (void)scratch;
    (void)text;
    (void)on_found;
    (void)ctx;
}

#endif
