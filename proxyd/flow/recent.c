/* recent: a small array for each shard of addresses, searched from end to end. */
#include "proxyd/flow/recent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/secret.h"

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct recent_entry e[RECENT_SLOTS];
};

struct recent {
    uint64_t seed;
    struct shard shards[RECENT_SHARDS];
};

struct recent *recent_new(void)
{
    struct recent *x = aligned_alloc(64, (sizeof *x + 63) / 64 * 64);
    if (!x)
        return NULL;
    memset(x, 0, sizeof *x);
    if (secret_random(&x->seed, sizeof x->seed) != OK) {
        free(x);
        return NULL;
    }
    for (size_t i = 0; i < RECENT_SHARDS; i++)
        pthread_mutex_init(&x->shards[i].lock, NULL);
    return x;
}

void recent_free(struct recent *x)
{
    for (size_t i = 0; x && i < RECENT_SHARDS; i++)
        pthread_mutex_destroy(&x->shards[i].lock);
    free(x);
}

static struct shard *shard_of(struct recent *x, const struct ip *client)
{
    return &x->shards[XXH3_64bits_withSeed(client->b, sizeof client->b, x->seed) % RECENT_SHARDS];
}

static bool is_same(const struct recent_entry *e, const struct recent_fact *f)
{
    return e->at_ms && ip_eq(&e->client, &f->client) &&
           str_eq(str_make(e->host, e->host_n), f->host) &&
           str_eq(str_make(e->rule, e->rule_n), f->rule) &&
           str_eq(str_make(e->who, e->who_n), f->who);
}

/* The same refusal again, else the oldest of this address when it has its share, else the oldest.
 */
static struct recent_entry *place_for(struct shard *s, const struct recent_fact *f)
{
    struct recent_entry *oldest = &s->e[0], *own = NULL;
    unsigned n_own = 0;
    for (size_t i = 0; i < RECENT_SLOTS; i++) {
        struct recent_entry *e = &s->e[i];
        if (is_same(e, f))
            return e;
        if (e->at_ms < oldest->at_ms)
            oldest = e;
        if (e->at_ms == 0 || !ip_eq(&e->client, &f->client))
            continue;
        n_own++;
        if (!own || e->at_ms < own->at_ms)
            own = e;
    }
    return n_own >= RECENT_EACH ? own : oldest;
}

void recent_put(struct recent *x, const struct recent_fact *f)
{
    if (f->who.n >= RECENT_WHO || f->host.n >= RECENT_HOST || f->rule.n >= RECENT_RULE)
        return;
    struct shard *s = shard_of(x, &f->client);
    pthread_mutex_lock(&s->lock);
    struct recent_entry *e = place_for(s, f);
    uint32_t n = is_same(e, f) ? e->n : 0;
    *e = (struct recent_entry){.at_ms = f->at_ms,
                               .id = f->id,
                               .client = f->client,
                               .n = n + 1,
                               .port = f->port,
                               .is_tunnel = f->is_tunnel,
                               .who_n = (uint8_t)f->who.n,
                               .host_n = (uint8_t)f->host.n,
                               .rule_n = (uint8_t)f->rule.n};
    memcpy(e->who, f->who.p ? f->who.p : "", f->who.n);
    memcpy(e->host, f->host.p ? f->host.p : "", f->host.n);
    memcpy(e->rule, f->rule.p ? f->rule.p : "", f->rule.n);
    pthread_mutex_unlock(&s->lock);
}

static int newer_first(const void *a, const void *b)
{
    const struct recent_entry *x = a, *y = b;
    return (x->at_ms < y->at_ms) - (x->at_ms > y->at_ms);
}

unsigned recent_of(struct recent *x, const struct ip *client, struct recent_entry out[RECENT_EACH])
{
    struct shard *s = shard_of(x, client);
    unsigned n = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < RECENT_SLOTS && n < RECENT_EACH; i++)
        if (s->e[i].at_ms && ip_eq(&s->e[i].client, client))
            out[n++] = s->e[i];
    pthread_mutex_unlock(&s->lock);
    qsort(out, n, sizeof *out, newer_first);
    return n;
}
