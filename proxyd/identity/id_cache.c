/* id_cache: see id_cache.h. Set-associative: a digest picks one of 16 shards and a set of 8 places
 * in it. */
#include "proxyd/identity/id_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/secret.h"

enum { SHARDS = 16, WAYS = 8, SETS = ID_CACHE_ENTRIES / SHARDS / WAYS };

enum kind { EMPTY, GOOD, BAD };

struct entry {
    struct id_key key;
    enum kind kind;
    int64_t until_ms, stale_ms, fresh_ms; /* fresh_ms 0: never, or told already */
    struct identity_person *person;       /* of a good one */
};

struct shard {
    pthread_mutex_t lock;
    struct entry entry[SETS][WAYS];
};

struct id_cache {
    uint64_t secret[2], name_secret[2];
    struct shard shard[SHARDS];
};

/* --- digest: SipHash-2-4-128 (Aumasson and Bernstein) ------------------------------------------
 */

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void rounds(uint64_t v[4], int n)
{
    for (; n > 0; n--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

void id_cache_siphash(const uint64_t key[2], struct str bytes, uint64_t out[2])
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du ^ 0xee,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    size_t whole = bytes.n & ~(size_t)7;
    uint64_t last = (uint64_t)bytes.n << 56;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t m = 0;
        for (unsigned k = 0; k < 8; k++)
            m |= (uint64_t)(uint8_t)bytes.p[i + k] << (8 * k);
        v[3] ^= m;
        rounds(v, 2);
        v[0] ^= m;
    }
    for (size_t i = whole; i < bytes.n; i++)
        last |= (uint64_t)(uint8_t)bytes.p[i] << (8 * (i - whole));
    v[3] ^= last;
    rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xee;
    rounds(v, 4);
    out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    rounds(v, 4);
    out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t name_digest(const struct id_cache *c, struct str user)
{
    char lower[IDENTITY_NAME_MAX];
    uint64_t d[2];
    size_t n = user.n < sizeof lower ? user.n : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] = str_lower(user.p[i]);
    id_cache_siphash(c->name_secret, str_make(lower, n), d);
    return (uint32_t)d[0];
}

void id_cache_key(const struct id_cache *c, struct str user, struct str password,
                  struct id_key *out)
{
    char both[2 + IDENTITY_NAME_MAX + IDENTITY_PASSWORD_MAX];
    must(user.n <= IDENTITY_NAME_MAX && password.n <= IDENTITY_PASSWORD_MAX);
    memset(out, 0, sizeof *out);
    both[0] = (char)(user.n & 0xff); /* the length keeps ("ab", "c") and ("a", "bc") apart */
    both[1] = (char)(user.n >> 8);
    memcpy(both + 2, user.p, user.n);
    memcpy(both + 2 + user.n, password.p, password.n);
    size_t n = 2 + user.n + password.n;
    id_cache_siphash(c->secret, str_make(both, n), out->digest);
    secret_wipe(both, n);
    out->name = name_digest(c, user);
}

/* --- table ---------------------------------------------------------------------------------------
 */

struct id_cache *id_cache_new(void)
{
    struct id_cache *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    for (int i = 0; i < SHARDS; i++)
        must(pthread_mutex_init(&c->shard[i].lock, NULL) == 0);
    if (secret_random(c->secret, sizeof c->secret) != OK ||
        secret_random(c->name_secret, sizeof c->name_secret) != OK) {
        id_cache_free(c);
        return NULL;
    }
    return c;
}

static void clear(struct entry *e)
{
    identity_person_unref(e->person);
    memset(e, 0, sizeof *e);
}

void id_cache_free(struct id_cache *c)
{
    if (!c)
        return;
    id_cache_forget(c, STR(""));
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&c->shard[i].lock);
    secret_wipe(c, sizeof c->secret);
    free(c);
}

static struct entry *set_of(struct id_cache *c, const struct id_key *k, struct shard **shard)
{
    *shard = &c->shard[k->digest[1] % SHARDS];
    return (*shard)->entry[k->digest[1] / SHARDS % SETS];
}

static bool is_same(const struct entry *e, const struct id_key *k)
{
    return e->kind != EMPTY && e->key.digest[0] == k->digest[0] && e->key.digest[1] == k->digest[1];
}

/* What a good pair is now; that it ages is told once. */
static enum id_cache_hit judge_good(struct entry *e, int64_t now_ms)
{
    if (now_ms >= e->stale_ms)
        return ID_CACHE_MISS;
    if (now_ms >= e->until_ms)
        return ID_CACHE_STALE;
    if (e->fresh_ms == 0 || now_ms < e->fresh_ms)
        return ID_CACHE_GOOD;
    e->fresh_ms = 0;
    return ID_CACHE_AGING;
}

enum id_cache_hit id_cache_find(struct id_cache *c, const struct id_key *k, int64_t now_ms,
                                struct identity_person **person)
{
    struct shard *s;
    struct entry *set = set_of(c, k, &s);
    enum id_cache_hit hit = ID_CACHE_MISS;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < WAYS; i++) {
        struct entry *e = &set[i];
        if (!is_same(e, k))
            continue;
        if (e->kind == BAD)
            hit = now_ms < e->until_ms ? ID_CACHE_BAD : ID_CACHE_MISS;
        else
            hit = judge_good(e, now_ms);
        if (hit != ID_CACHE_BAD && hit != ID_CACHE_MISS)
            *person = identity_person_ref(e->person);
    }
    pthread_mutex_unlock(&s->lock);
    return hit;
}

/* The smaller, the sooner it gives way: empty places, then wrong pairs, then by age. */
static int64_t worth(const struct entry *e)
{
    if (e->kind == EMPTY)
        return INT64_MIN;
    return e->kind == BAD ? e->until_ms - (INT64_MAX / 2) : e->until_ms;
}

static void put(struct id_cache *c, const struct entry *fresh)
{
    struct shard *s;
    struct entry *set = set_of(c, &fresh->key, &s), *place = set;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < WAYS; i++) {
        if (is_same(&set[i], &fresh->key)) {
            place = &set[i];
            break;
        }
        if (worth(&set[i]) < worth(place))
            place = &set[i];
    }
    clear(place);
    *place = *fresh;
    pthread_mutex_unlock(&s->lock);
}

void id_cache_put_good(struct id_cache *c, const struct id_key *k, struct identity_person *person,
                       struct id_cache_until until)
{
    struct entry e = {.key = *k,
                      .kind = GOOD,
                      .until_ms = until.good_ms,
                      .stale_ms = until.stale_ms,
                      .fresh_ms = until.fresh_ms,
                      .person = identity_person_ref(person)};
    put(c, &e);
}

void id_cache_put_bad(struct id_cache *c, const struct id_key *k, int64_t until_ms)
{
    struct entry e = {.key = *k, .kind = BAD, .until_ms = until_ms};
    put(c, &e);
}

void id_cache_forget(struct id_cache *c, struct str user)
{
    uint32_t name = name_digest(c, user);
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shard[i];
        pthread_mutex_lock(&s->lock);
        for (int k = 0; k < SETS * WAYS; k++) {
            struct entry *e = &s->entry[k / WAYS][k % WAYS];
            bool is_his = user.n == 0 || e->key.name == name ||
                          (e->person && str_eq_nocase(e->person->name, user));
            if (e->kind != EMPTY && is_his)
                clear(e);
        }
        pthread_mutex_unlock(&s->lock);
    }
}

void id_cache_count(struct id_cache *c, int64_t now_ms, size_t *n_good, size_t *n_bad)
{
    *n_good = *n_bad = 0;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shard[i];
        pthread_mutex_lock(&s->lock);
        for (int k = 0; k < SETS * WAYS; k++) {
            const struct entry *e = &s->entry[k / WAYS][k % WAYS];
            *n_good += e->kind == GOOD && now_ms < e->until_ms;
            *n_bad += e->kind == BAD && now_ms < e->until_ms;
        }
        pthread_mutex_unlock(&s->lock);
    }
}
