/* limits: a table of accounts in shards of one lock each, and the counting on an account. */
#include "proxyd/flow/limits.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "base/must.h"
#include "base/secret.h"

#define WINDOW     32u /* places in which an account may stand */
#define RECENT_MS  (UINT64_C(1000) * LIMITS_WINDOW_S)
#define RESERVE    8u /* the part of the total that is for the modest */
#define ONE_ACTIVE (UINT64_C(1) << 32)
#define CLAIMED    UINT32_MAX /* holders of an account that is being made */
#define TRIES      4

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    _Atomic uint32_t n_held;
    uint64_t n_forgotten, n_crowded; /* under the lock */
    struct limits_account crowd;
    _Atomic uint64_t tags[LIMITS_SLOTS]; /* hashes, apart from what they name; 0: never used */
    struct limits_account slots[LIMITS_SLOTS];
};

struct limits {
    _Alignas(64) _Atomic uint32_t n_connections;
    _Atomic int64_t accept_ns;             /* the bucket of new connections */
    _Alignas(64) _Atomic uint64_t load;    /* requests that run, and above clients that run any */
    _Alignas(64) _Atomic int64_t bytes_us; /* the bucket of all bytes */
    _Alignas(64) uint64_t seed;            /* never written again */
    struct shard shards[LIMITS_SHARDS];
};

enum err limits_new(struct limits **out)
{
    /* pages that no client comes to are never touched */
    struct limits *l =
        mmap(NULL, sizeof *l, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (l == MAP_FAILED)
        return ERR_NOMEM;
    enum err e = secret_random(&l->seed, sizeof l->seed);
    if (e != OK) {
        munmap(l, sizeof *l);
        return e;
    }
    for (int i = 0; i < LIMITS_SHARDS; i++) {
        pthread_mutex_init(&l->shards[i].lock, NULL);
        l->shards[i].crowd.kind = LIMITS_CROWD;
    }
    *out = l;
    return OK;
}

void limits_free(struct limits *l)
{
    for (int i = 0; l && i < LIMITS_SHARDS; i++)
        pthread_mutex_destroy(&l->shards[i].lock);
    if (l)
        munmap(l, sizeof *l);
}

/* --- the table ------------------------------------------------------------------------------- */

static uint64_t hash_text(const struct limits *l, enum limits_kind kind, struct str text)
{
    return XXH3_64bits_withSeed(text.p, text.n, l->seed + (uint64_t)kind) | 1;
}

static uint64_t hash_of(const struct limits *l, const struct limits_key *k)
{
    if (k->kind != LIMITS_CLIENT)
        return hash_text(l, k->kind, k->text);
    uint8_t bytes[17];
    memcpy(bytes, k->net.ip.b, 16);
    bytes[16] = k->net.bits;
    return XXH3_64bits_withSeed(bytes, sizeof bytes, l->seed) | 1;
}

static struct shard *shard_of(struct limits *l, uint64_t hash)
{
    return &l->shards[hash >> 58];
}

static bool owes(const struct limits_account *a, int64_t now_ms)
{
    return atomic_load_explicit(&a->next_ns, memory_order_relaxed) > now_ms * 1000000 ||
           atomic_load_explicit(&a->next_us, memory_order_relaxed) > now_ms * 1000;
}

static bool is_longer_unused(const struct limits_account *a, const struct limits_account *b)
{
    return atomic_load_explicit(&a->used_ms, memory_order_relaxed) <
           atomic_load_explicit(&b->used_ms, memory_order_relaxed);
}

/* Nobody can take it while CLAIMED, and it is found only when its tag stands. */
static void make(struct limits_account *a, const struct limits_key *k, uint64_t hash)
{
    size_t n = k->text.n < LIMITS_TEXT ? k->text.n : LIMITS_TEXT;
    while (n > 0 && n < k->text.n && ((unsigned char)k->text.p[n] & 0xc0) == 0x80)
        n--; /* not through a character */
    a->n_running = a->n_connections = a->n_tunnels = a->n_refused = a->n_delayed = 0;
    a->next_ns = a->next_us = 0;
    a->recent = a->used_ms = 0;
    a->hash = hash;
    a->kind = k->kind;
    a->net = k->net;
    a->text_n = (uint8_t)n;
    if (k->kind != LIMITS_CLIENT && n)
        memcpy(a->text, k->text.p, n);
}

/* One more holder, unless it is being made into another one's. */
static bool hold(struct shard *sh, struct limits_account *a)
{
    uint32_t was = atomic_load_explicit(&a->n_holders, memory_order_relaxed);
    do {
        if (was == CLAIMED)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&a->n_holders, &was, was + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    if (was == 0)
        atomic_fetch_add_explicit(&sh->n_held, 1, memory_order_relaxed);
    return true;
}

static void let_go(struct shard *sh, struct limits_account *a)
{
    uint32_t was = atomic_fetch_sub_explicit(&a->n_holders, 1, memory_order_release);
    must(was > 0 && was != CLAIMED);
    if (was == 1)
        atomic_fetch_sub_explicit(&sh->n_held, 1, memory_order_relaxed);
}

/* Held, if it stands in the table; NULL: it does not, or is on its way. What is held is not made
 * into another one's, so a tag that is still right then stays so. */
static struct limits_account *find(struct shard *sh, uint64_t hash)
{
    for (uint32_t i = 0; i < WINDOW; i++) {
        uint32_t at = (uint32_t)((hash + i) % LIMITS_SLOTS);
        uint64_t tag = atomic_load_explicit(&sh->tags[at], memory_order_acquire);
        if (tag == 0)
            return NULL;
        if (tag != hash || !hold(sh, &sh->slots[at]))
            continue;
        if (atomic_load_explicit(&sh->tags[at], memory_order_acquire) == hash)
            return &sh->slots[at];
        let_go(sh, &sh->slots[at]);
    }
    return NULL;
}

/* Takes an account nobody holds out of use. False: somebody has just come. */
static bool claim(struct limits_account *a)
{
    uint32_t none = 0;
    return atomic_compare_exchange_strong_explicit(&a->n_holders, &none, CLAIMED,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* The account's place, made if need be, and held; NULL: all places are held. Under the lock. */
static struct limits_account *place(struct shard *sh, const struct limits_key *k, uint64_t hash,
                                    int64_t now_ms)
{
    struct limits_account *paid = NULL, *oldest = NULL;
    for (uint32_t i = 0; i < WINDOW; i++) {
        uint32_t at = (uint32_t)((hash + i) % LIMITS_SLOTS);
        struct limits_account *a = &sh->slots[at];
        if (sh->tags[at] == 0) { /* nothing stands behind a place that was never used */
            paid = paid ? paid : a;
            break;
        }
        if (a->n_holders > 0)
            continue;
        if (!paid && !owes(a, now_ms))
            paid = a;
        if (!oldest || is_longer_unused(a, oldest))
            oldest = a;
    }
    struct limits_account *room = paid ? paid : oldest;
    if (!room || !claim(room))
        return NULL;
    sh->n_forgotten += !paid;
    make(room, k, hash);
    atomic_store_explicit(&sh->tags[room - sh->slots], hash, memory_order_release);
    atomic_store_explicit(&room->n_holders, 1, memory_order_release);
    atomic_fetch_add_explicit(&sh->n_held, 1, memory_order_relaxed);
    return room;
}

/* Only who holds the lock makes accounts, so what is not found under it is not there. */
static struct limits_account *find_or_make(struct shard *sh, const struct limits_key *k,
                                           uint64_t hash, int64_t now_ms)
{
    pthread_mutex_lock(&sh->lock);
    struct limits_account *a = find(sh, hash);
    for (int i = 0; !a && i < TRIES; i++) /* a place may be taken by somebody under our hands */
        a = place(sh, k, hash, now_ms);
    if (!a) {
        a = &sh->crowd;
        must(hold(sh, a));
        sh->n_crowded++;
    }
    pthread_mutex_unlock(&sh->lock);
    return a;
}

struct limits_account *limits_take(struct limits *l, const struct limits_key *k, int64_t now_ms)
{
    uint64_t hash = hash_of(l, k);
    struct shard *sh = shard_of(l, hash);
    struct limits_account *a = find(sh, hash);
    if (!a)
        a = find_or_make(sh, k, hash, now_ms);
    atomic_store_explicit(&a->used_ms, (uint64_t)now_ms, memory_order_relaxed);
    return a;
}

void limits_give(struct limits *l, struct limits_account *a, int64_t now_ms)
{
    if (!a)
        return;
    /* of a crowd the hash may be changing, its shard never */
    struct shard *sh = &l->shards[((char *)a - (char *)l->shards) / (ptrdiff_t)sizeof *sh];
    atomic_store_explicit(&a->used_ms, (uint64_t)now_ms, memory_order_relaxed);
    let_go(sh, a);
}

bool limits_is_user(const struct limits *l, const struct limits_account *a, struct str name)
{
    return a->kind == LIMITS_USER && a->hash == hash_text(l, LIMITS_USER, name);
}

/* --- counting -------------------------------------------------------------------------------- */

#define RELAXED memory_order_relaxed

static uint32_t add(_Atomic uint32_t *n)
{
    return atomic_fetch_add_explicit(n, 1, RELAXED);
}

static void take_off(_Atomic uint32_t *n)
{
    must(atomic_fetch_sub_explicit(n, 1, RELAXED) > 0);
}

/* A generic cell rate: *next is when everything begun so far will have been paid for. 0: begun, in
 * wait_ns; else nothing was taken, and the answer is the time until it would be. */
struct cell {
    int64_t price_ns, burst_ns, now_ns, max_wait_ns;
};

static bool begin_cell(_Atomic int64_t *next, const struct cell *c, int64_t *wait_ns)
{
    int64_t was = atomic_load_explicit(next, RELAXED), base;
    do {
        base = was > c->now_ns ? was : c->now_ns;
        *wait_ns = base - c->now_ns - c->burst_ns;
        if (*wait_ns > c->max_wait_ns)
            return false;
    } while (
        !atomic_compare_exchange_weak_explicit(next, &was, base + c->price_ns, RELAXED, RELAXED));
    if (*wait_ns < 0)
        *wait_ns = 0;
    return true;
}

enum err limits_open(struct limits *l, unsigned max)
{
    if (add(&l->n_connections) < max)
        return OK;
    take_off(&l->n_connections);
    return ERR_BUSY;
}

void limits_close(struct limits *l)
{
    take_off(&l->n_connections);
}

/* A second's worth may come at once. */
bool limits_may_accept(struct limits *l, uint32_t per_s, int64_t now_ms)
{
    int64_t wait_ns, price_ns = 1000000000 / (int64_t)per_s;
    struct cell c = {price_ns, 1000000000 - price_ns, now_ms * 1000000, 0};
    return begin_cell(&l->accept_ns, &c, &wait_ns);
}

enum err limits_enter(struct limits_account *a, unsigned max)
{
    if (add(&a->n_connections) < max || max == 0)
        return OK;
    take_off(&a->n_connections);
    add(&a->n_refused);
    return ERR_LIMIT;
}

void limits_leave(struct limits_account *a)
{
    take_off(&a->n_connections);
}

static uint64_t window_of(int64_t now_ms)
{
    return (uint64_t)now_ms / RECENT_MS & 0xffffff;
}

/* recent: 24 bits of the window's number, 20 of its count, 20 of the count before. Two workers at
 * once may lose one: it is shown to people, nothing is judged by it. */
static void note_recent(struct limits_account *a, int64_t now_ms)
{
    uint64_t was = atomic_load_explicit(&a->recent, RELAXED), now = window_of(now_ms);
    uint64_t n = was >> 20 & 0xfffff, before = was & 0xfffff, at = was >> 40;
    if (at != now) {
        before = at + 1 == now ? n : 0;
        n = 0;
    }
    n += n < 0xfffff;
    atomic_store_explicit(&a->recent, now << 40 | n << 20 | before, RELAXED);
}

double limits_rate(const struct limits_account *a, int64_t now_ms)
{
    uint64_t was = atomic_load_explicit(&a->recent, RELAXED), now = window_of(now_ms);
    double n = (double)(was >> 20 & 0xfffff), before = (double)(was & 0xfffff);
    double part = (double)((uint64_t)now_ms % RECENT_MS) / RECENT_MS;
    if (was >> 40 == now)
        return (n + before * (1 - part)) / LIMITS_WINDOW_S;
    return (was >> 40) + 1 == now ? n * (1 - part) / LIMITS_WINDOW_S : 0;
}

static uint32_t to_wait_ms(int64_t wait_ns)
{
    int64_t ms = (wait_ns + 999999) / 1000000;
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* Tunnels and rate; what runs is counted by the caller. */
static enum limits_word begin_own(struct limits_account *a, const struct limits_ask *q,
                                  uint32_t *wait_ms)
{
    const struct traffic_bounds *b = q->bounds;
    int64_t wait_ns = 0;
    if (q->is_tunnel && add(&a->n_tunnels) >= b->tunnels && b->tunnels) {
        take_off(&a->n_tunnels);
        return LIMITS_TUNNELS;
    }
    if (b->requests_s) {
        int64_t price_ns = 1000000000 / (int64_t)b->requests_s;
        struct cell c = {price_ns, price_ns * ((int64_t)b->burst - 1), q->now_ms * 1000000,
                         (int64_t)q->delay_ms * 1000000};
        if (!begin_cell(&a->next_ns, &c, &wait_ns)) {
            if (q->is_tunnel)
                take_off(&a->n_tunnels);
            *wait_ms = to_wait_ms(wait_ns);
            return LIMITS_RATE;
        }
        *wait_ms = to_wait_ms(wait_ns);
    }
    note_recent(a, q->now_ms);
    return LIMITS_OK;
}

static enum limits_word tell(struct limits_account *a, enum limits_word word, uint32_t wait_ms)
{
    if (word != LIMITS_OK)
        add(&a->n_refused);
    else if (wait_ms)
        add(&a->n_delayed);
    return word;
}

static enum limits_word judge(const struct limits_ask *q, uint32_t was, uint64_t load)
{
    uint64_t n = load & (ONE_ACTIVE - 1), n_active = load >> 32;
    if (q->total && n > q->total)
        return LIMITS_TOTAL;
    if (q->bounds && q->bounds->running && was >= q->bounds->running)
        return LIMITS_RUNNING;
    if (q->total && q->bounds && n > q->total - q->total / RESERVE &&
        was >= q->total / (n_active + 1) && was > 0)
        return LIMITS_SHARE;
    return LIMITS_OK;
}

static const struct traffic_bounds exempt = {0};

enum limits_word limits_begin(struct limits *l, struct limits_account *a,
                              const struct limits_ask *q, uint32_t *wait_ms)
{
    uint32_t was = add(&a->n_running);
    uint64_t one = was == 0 ? ONE_ACTIVE + 1 : 1;
    struct limits_ask own = *q;
    *wait_ms = 0;
    enum limits_word word = judge(q, was, atomic_fetch_add_explicit(&l->load, one, RELAXED) + one);
    own.bounds = q->bounds ? q->bounds : &exempt;
    if (word == LIMITS_OK)
        word = begin_own(a, &own, wait_ms);
    if (word != LIMITS_OK)
        limits_end(l, a);
    return tell(a, word, *wait_ms);
}

enum limits_word limits_begin_user(struct limits_account *a, const struct limits_ask *q,
                                   uint32_t *wait_ms)
{
    uint32_t was = add(&a->n_running);
    *wait_ms = 0;
    enum limits_word word =
        q->bounds->running && was >= q->bounds->running ? LIMITS_RUNNING : begin_own(a, q, wait_ms);
    if (word != LIMITS_OK)
        limits_end_user(a);
    return tell(a, word, *wait_ms);
}

void limits_end(struct limits *l, struct limits_account *a)
{
    uint32_t was = atomic_fetch_sub_explicit(&a->n_running, 1, RELAXED);
    must(was > 0);
    atomic_fetch_sub_explicit(&l->load, was == 1 ? ONE_ACTIVE + 1 : 1, RELAXED);
}

void limits_end_user(struct limits_account *a)
{
    take_off(&a->n_running);
}

void limits_end_tunnel(struct limits_account *a)
{
    take_off(&a->n_tunnels);
}

_Atomic int64_t *limits_bytes(struct limits *l)
{
    return &l->bytes_us;
}

/* --- for people ------------------------------------------------------------------------------ */

void limits_each(struct limits *l, int64_t now_ms, int64_t since_ms,
                 void (*see)(void *ctx, const struct limits_account *a), void *ctx)
{
    for (size_t i = 0; i < LIMITS_SHARDS; i++) {
        struct shard *sh = &l->shards[i];
        pthread_mutex_lock(&sh->lock);
        if (sh->crowd.n_holders)
            see(ctx, &sh->crowd);
        for (size_t k = 0; k < LIMITS_SLOTS; k++) {
            const struct limits_account *a = &sh->slots[k];
            if (sh->tags[k] == 0)
                continue;
            int64_t used = (int64_t)atomic_load_explicit(&a->used_ms, RELAXED);
            if (a->n_holders || now_ms - used <= since_ms)
                see(ctx, a);
        }
        pthread_mutex_unlock(&sh->lock);
    }
}

void limits_info(struct limits *l, struct limits_info *out)
{
    uint64_t load = atomic_load_explicit(&l->load, RELAXED);
    *out = (struct limits_info){.n_connections = atomic_load_explicit(&l->n_connections, RELAXED),
                                .n_running = load & (ONE_ACTIVE - 1),
                                .n_active = load >> 32,
                                .n_slots = (uint64_t)LIMITS_SHARDS * LIMITS_SLOTS};
    for (size_t i = 0; i < LIMITS_SHARDS; i++) {
        struct shard *sh = &l->shards[i];
        pthread_mutex_lock(&sh->lock);
        out->n_held += sh->n_held;
        out->n_forgotten += sh->n_forgotten;
        out->n_crowded += sh->n_crowded;
        pthread_mutex_unlock(&sh->lock);
    }
}
