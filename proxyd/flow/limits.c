/* limits: a total, and a small open-addressed table of addresses in each of sixteen shards. */
#include "proxyd/flow/limits.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/secret.h"

struct slot {
    struct ip ip;
    uint32_t n; /* 0: free */
};

struct limits_shard {
    _Alignas(64) pthread_mutex_t lock;
    unsigned n_used;
    struct slot slots[LIMITS_SLOTS];
};

enum err limits_init(struct limits *l)
{
    memset(l, 0, sizeof *l);
    enum err e = secret_random(&l->seed, sizeof l->seed);
    if (e != OK)
        return e;
    l->shards = aligned_alloc(64, LIMITS_SHARDS * sizeof *l->shards);
    if (!l->shards)
        return ERR_NOMEM;
    memset(l->shards, 0, LIMITS_SHARDS * sizeof *l->shards);
    for (int i = 0; i < LIMITS_SHARDS; i++)
        pthread_mutex_init(&l->shards[i].lock, NULL);
    return OK;
}

void limits_fini(struct limits *l)
{
    for (int i = 0; l->shards && i < LIMITS_SHARDS; i++)
        pthread_mutex_destroy(&l->shards[i].lock);
    free(l->shards);
    l->shards = NULL;
}

static uint64_t hash_of(const struct limits *l, const struct ip *ip)
{
    return XXH3_64bits_withSeed(ip->b, sizeof ip->b, l->seed);
}

/* The slot of the address, or the free one where it would stand; NULL when the table is full. */
static struct slot *find(struct limits_shard *s, uint64_t hash, const struct ip *ip)
{
    for (unsigned i = 0; i < LIMITS_SLOTS; i++) {
        struct slot *x = &s->slots[(hash + i) % LIMITS_SLOTS];
        if (x->n == 0 || ip_eq(&x->ip, ip))
            return x;
    }
    return NULL;
}

enum err limits_enter(struct limits *l, const struct ip *client, unsigned max_clients,
                      unsigned max_per_client)
{
    if (atomic_fetch_add_explicit(&l->n_clients, 1, memory_order_relaxed) >= max_clients) {
        atomic_fetch_sub_explicit(&l->n_clients, 1, memory_order_relaxed);
        return ERR_BUSY;
    }
    uint64_t hash = hash_of(l, client);
    struct limits_shard *s = &l->shards[hash >> 60];
    enum err e = OK;
    pthread_mutex_lock(&s->lock);
    struct slot *x = s->n_used < LIMITS_SLOTS * 3 / 4 ? find(s, hash, client) : NULL;
    if (x && max_per_client && x->n >= max_per_client) {
        e = ERR_LIMIT;
    } else if (x) {
        s->n_used += x->n == 0;
        x->ip = *client;
        x->n++;
    }
    pthread_mutex_unlock(&s->lock);
    if (e != OK)
        atomic_fetch_sub_explicit(&l->n_clients, 1, memory_order_relaxed);
    return e;
}

/* Closes the gap that a freed slot leaves, so that later ones are still found. */
static void close_gap(const struct limits *l, struct limits_shard *s, size_t hole)
{
    for (size_t i = (hole + 1) % LIMITS_SLOTS; s->slots[i].n; i = (i + 1) % LIMITS_SLOTS) {
        size_t home = hash_of(l, &s->slots[i].ip) % LIMITS_SLOTS;
        if ((i - home) % LIMITS_SLOTS >= (i - hole) % LIMITS_SLOTS) {
            s->slots[hole] = s->slots[i];
            s->slots[i].n = 0;
            hole = i;
        }
    }
}

void limits_leave(struct limits *l, const struct ip *client)
{
    uint64_t hash = hash_of(l, client);
    struct limits_shard *s = &l->shards[hash >> 60];
    pthread_mutex_lock(&s->lock);
    struct slot *x = find(s, hash, client);
    if (x && x->n > 0 && --x->n == 0) {
        s->n_used--;
        close_gap(l, s, (size_t)(x - s->slots));
    }
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub_explicit(&l->n_clients, 1, memory_order_relaxed);
}
