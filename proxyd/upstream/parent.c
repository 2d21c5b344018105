/* parent: the choice among members, the state of each, the sets and the book. */
#include "proxyd/upstream/parent.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/buf.h"

#define TEXTS_MAX ((size_t)1 << 20)

/* --- health ---------------------------------------------------------------------------------- */

#define GET(x)    atomic_load_explicit(&(x), memory_order_relaxed)
#define SET(x, v) atomic_store_explicit(&(x), (v), memory_order_relaxed)

static void good(struct parent_health *h, const struct parent_check *c, int64_t now_ms)
{
    if (GET(h->n_bad))
        SET(h->n_bad, 0);
    if (!GET(h->is_down))
        return;
    if (atomic_fetch_add(&h->n_good, 1) + 1 < c->up_after)
        return;
    SET(h->is_down, false);
    SET(h->since_ms, now_ms);
}

static void bad(struct parent_health *h, const struct parent_check *c, enum err e, int64_t now_ms)
{
    SET(h->n_good, 0);
    SET(h->last, (int)e);
    SET(h->retry_ms, now_ms + c->retry_ms);
    if (atomic_fetch_add(&h->n_bad, 1) + 1 < c->down_after || GET(h->is_down))
        return;
    SET(h->since_ms, now_ms);
    SET(h->is_down, true);
}

static void said(const struct parent_group *g, const struct parent_member *m, enum err e,
                 int64_t now_ms)
{
    if (e == OK)
        good(m->health, &g->check, now_ms);
    else
        bad(m->health, &g->check, e, now_ms);
}

void parent_went(const struct parent_group *g, const struct parent_member *m, enum err e,
                 int64_t now_ms)
{
    if (e != OK)
        atomic_fetch_add_explicit(&m->health->n_failed, 1, memory_order_relaxed);
    said(g, m, e, now_ms);
}

void parent_checked(const struct parent_group *g, const struct parent_member *m, enum err e,
                    int64_t now_ms)
{
    atomic_fetch_add_explicit(&m->health->n_checks, 1, memory_order_relaxed);
    if (e != OK)
        atomic_fetch_add_explicit(&m->health->n_missed, 1, memory_order_relaxed);
    said(g, m, e, now_ms);
}

/* Without checks a request after retry_ms is the trial of a member that is down. */
static bool may_try(const struct parent_group *g, const struct parent_health *h, int64_t now_ms)
{
    return !GET(h->is_down) || (g->check.interval_ms == 0 && now_ms >= GET(h->retry_ms));
}

/* Of those who would make the trial one does; the others wait for its word. */
static bool take(const struct parent_group *g, struct parent_health *h, int64_t now_ms)
{
    int64_t at = GET(h->retry_ms);
    return !GET(h->is_down) || (now_ms >= at && atomic_compare_exchange_strong(
                                                    &h->retry_ms, &at, now_ms + g->check.retry_ms));
}

/* --- the choice ------------------------------------------------------------------------------ */

static bool is_candidate(const struct parent_group *g, uint32_t i, const struct parent_ask *ask,
                         bool want_backup)
{
    const struct parent_member *m = &g->members[i];
    return !(ask->tried >> i & 1) && m->is_backup == want_backup &&
           may_try(g, m->health, ask->now_ms);
}

/* The highest of as many draws as its weight: a member that goes takes only its own clients along.
 */
static uint64_t draw(const struct parent_member *m, const struct ip *client)
{
    uint64_t key = XXH3_64bits_withSeed(m->text.p, m->text.n, 0), best = 0;
    for (uint64_t i = 0; i < m->weight; i++) {
        uint64_t x = XXH3_64bits_withSeed(client->b, sizeof client->b, key + i);
        best = x > best ? x : best;
    }
    return best;
}

static const struct parent_member *by_hash(const struct parent_group *g, uint32_t able,
                                           const struct ip *client)
{
    const struct parent_member *found = NULL;
    uint64_t best = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        uint64_t x = able >> i & 1 ? draw(&g->members[i], client) : 0;
        if (able >> i & 1 && (!found || x > best)) {
            found = &g->members[i];
            best = x;
        }
    }
    return found;
}

static const struct parent_member *by_turn(const struct parent_group *g, uint32_t able,
                                           uint32_t turn)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < g->n; i++)
        sum += able >> i & 1 ? g->members[i].weight : 0;
    uint32_t at = turn % sum;
    for (uint32_t i = 0; i < g->n; i++) {
        if (!(able >> i & 1))
            continue;
        if (at < g->members[i].weight)
            return &g->members[i];
        at -= g->members[i].weight;
    }
    return NULL;
}

static const struct parent_member *choose(const struct parent_group *g,
                                          const struct parent_ask *ask)
{
    uint32_t able = 0;
    for (int backup = 0; backup < 2 && !able; backup++)
        for (uint32_t i = 0; i < g->n && !(able && g->balance == PARENT_FIRST); i++)
            able |= (uint32_t)is_candidate(g, i, ask, backup) << i;
    if (!able)
        return NULL;
    switch (g->balance) {
    case PARENT_FIRST: return &g->members[__builtin_ctz(able)];
    case PARENT_ROUND_ROBIN: return by_turn(g, able, ask->turn);
    case PARENT_CLIENT_HASH: return by_hash(g, able, ask->client);
    }
    return NULL;
}

const struct parent_member *parent_choose(const struct parent_group *g,
                                          const struct parent_ask *ask)
{
    struct parent_ask left = *ask;
    for (;;) {
        const struct parent_member *m = choose(g, &left);
        if (!m || take(g, m->health, ask->now_ms))
            return m;
        left.tried |= 1u << parent_index(g, m);
    }
}

unsigned parent_index(const struct parent_group *g, const struct parent_member *m)
{
    return (unsigned)(m - g->members);
}

/* --- sets ------------------------------------------------------------------------------------ */

enum err parents_new(uint16_t n, struct parents **out)
{
    struct parents *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    arena_init(&p->arena, 4096, TEXTS_MAX);
    p->groups = calloc(n ? n : 1, sizeof *p->groups);
    if (!p->groups) {
        free(p);
        return ERR_NOMEM;
    }
    p->n = n;
    atomic_init(&p->n_refs, 1);
    *out = p;
    return OK;
}

struct parents *parents_ref(struct parents *p)
{
    if (p)
        atomic_fetch_add_explicit(&p->n_refs, 1, memory_order_relaxed);
    return p;
}

void parents_unref(struct parents *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_fini(&p->arena);
    free(p->groups);
    free(p);
}

/* A key no host name can be, and short. */
enum err parent_seal(struct parents *p, const struct parent_group *g, struct parent_member *m,
                     struct parent_book *book)
{
    struct buf b;
    bool has_brackets = m->host.is_ip && !ip_is_v4(&m->host.ip);
    buf_init(&b, 1024);
    buf_add(&b, g->name);
    buf_add(&b, has_brackets ? STR("/[") : STR("/"));
    buf_add(&b, host_str(&m->host));
    buf_add(&b, has_brackets ? STR("]:") : STR(":"));
    buf_add_u64(&b, m->port);
    m->text = arena_str(&p->arena, buf_str(&b));
    bool has_text = !b.failed && m->text.p;
    buf_fini(&b);
    if (!has_text)
        return ERR_NOMEM;
    snprintf(m->key, sizeof m->key, "parent/%016llx",
             (unsigned long long)XXH3_64bits(m->text.p, m->text.n));
    m->health = parent_book_entry(book, m->text);
    return m->health ? OK : ERR_NOMEM;
}

const struct parent_group *parents_named(const struct parents *p, struct str name)
{
    for (uint16_t i = 0; p && i < p->n; i++)
        if (str_eq(p->groups[i].name, name))
            return &p->groups[i];
    return NULL;
}

/* --- the book -------------------------------------------------------------------------------- */

struct entry {
    struct entry *next;
    struct parent_health health;
    char key[];
};

struct parent_book {
    pthread_mutex_t lock;
    struct entry *first;
};

struct parent_book *parent_book_new(void)
{
    struct parent_book *b = calloc(1, sizeof *b);
    if (b && pthread_mutex_init(&b->lock, NULL) != 0) {
        free(b);
        return NULL;
    }
    return b;
}

void parent_book_free(struct parent_book *b)
{
    while (b && b->first) {
        struct entry *e = b->first;
        b->first = e->next;
        free(e);
    }
    if (b)
        pthread_mutex_destroy(&b->lock);
    free(b);
}

static struct entry *add(struct parent_book *b, struct str key)
{
    struct entry *e = calloc(1, sizeof *e + key.n + 1);
    if (!e)
        return NULL;
    for (size_t i = 0; i < key.n; i++)
        e->key[i] = key.p[i];
    e->health.key = str_make(e->key, key.n);
    e->next = b->first;
    b->first = e;
    return e;
}

struct parent_health *parent_book_entry(struct parent_book *b, struct str key)
{
    pthread_mutex_lock(&b->lock);
    struct entry *e = b->first;
    while (e && !str_eq(e->health.key, key))
        e = e->next;
    if (!e)
        e = add(b, key);
    pthread_mutex_unlock(&b->lock);
    return e ? &e->health : NULL;
}
