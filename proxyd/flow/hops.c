/* hops: two rows of counters, chosen by the halves of one keyed hash. */
#include "proxyd/flow/hops.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/secret.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"

#define ROW 8192

struct hops {
    uint64_t seed;
    _Atomic uint32_t n[2][ROW];
};

enum err hops_new(struct hops **out)
{
    struct hops *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    enum err e = secret_random(&h->seed, sizeof h->seed);
    if (e == OK)
        *out = h;
    else
        free(h);
    return e;
}

void hops_free(struct hops *h)
{
    free(h);
}

static _Atomic uint32_t *counter(struct hops *h, unsigned row, uint64_t key)
{
    return &h->n[row][(key >> (row * 32)) % ROW];
}

static void leave(struct hops *h, unsigned row, uint64_t key)
{
    atomic_fetch_sub_explicit(counter(h, row, key), 1, memory_order_relaxed);
}

bool hops_enter(struct hops *h, uint64_t key)
{
    uint32_t a = atomic_fetch_add_explicit(counter(h, 0, key), 1, memory_order_relaxed);
    uint32_t b = atomic_fetch_add_explicit(counter(h, 1, key), 1, memory_order_relaxed);
    if ((a < b ? a : b) < HOPS_MAX)
        return true;
    hops_leave(h, key);
    return false;
}

void hops_leave(struct hops *h, uint64_t key)
{
    leave(h, 0, key);
    leave(h, 1, key);
}

static uint64_t mix(uint64_t sum, struct str s)
{
    return XXH3_64bits_withSeed(s.p ? s.p : "", s.n, sum + s.n);
}

/* What stays the same on every pass, whatever proxies stand between. */
static uint64_t key_of(const struct request *r)
{
    static const enum header_id ids[] = {HEADER_USER_AGENT, HEADER_COOKIE, HEADER_AUTHORIZATION,
                                         HEADER_RANGE, HEADER_CONTENT_LENGTH};
    const struct work *k = r->k;
    const struct ip *client = &r->conn->client.ip;
    uint64_t sum = mix(r->w->shared->hops->seed, str_make(client->b, sizeof client->b));
    sum = mix(mix(sum, k->method), k->url);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        sum = mix(sum, headers_value(&k->req.h, ids[i]));
    return sum;
}

bool hops_enter_request(struct request *r)
{
    if (disclose_keeps_via(r))
        return true;
    r->k->hop_key = key_of(r);
    r->k->is_hop_counted = hops_enter(r->w->shared->hops, r->k->hop_key);
    return r->k->is_hop_counted;
}

void hops_leave_request(struct request *r)
{
    struct work *k = r->k;
    if (k->is_hop_counted)
        hops_leave(r->w->shared->hops, k->hop_key);
    k->is_hop_counted = false;
}
