/* pool: buckets by hash of host and port; one list by age for expiry and eviction. */
#include "proxyd/upstream/pool.h"

#include <string.h>
#include <xxhash.h>

#include "base/must.h"

#define KEEP_FREE 1024

static uint64_t hash_of(const struct pool *p, struct str host, uint16_t port, uint64_t lane)
{
    return XXH3_64bits_withSeed(host.p, host.n, p->seed + port + lane);
}

static struct slab *slab_for(struct pool *p, size_t host_n)
{
    return host_n > POOL_SHORT_HOST ? &p->long_hosts : &p->short_hosts;
}

static void arm(struct pool *p)
{
    if (list_empty(&p->age) || p->expiry.is_set)
        return;
    const struct upstream *oldest = LIST_ENTRY(p->age.next, struct upstream, in_age);
    timer_set(&p->loop->timers, &p->expiry, oldest->idle_since_ms + p->limits.idle_ms);
}

static void take_out(struct pool *p, struct upstream *u)
{
    list_remove(&u->in_bucket);
    list_remove(&u->in_age);
    p->n_idle--;
}

static void on_expiry(struct timer *t)
{
    struct pool *p = LIST_ENTRY(t, struct pool, expiry);
    while (!list_empty(&p->age)) {
        struct upstream *u = LIST_ENTRY(p->age.next, struct upstream, in_age);
        if (u->idle_since_ms + p->limits.idle_ms > p->loop->now_ms)
            break;
        take_out(p, u);
        pool_drop(p, u);
    }
    arm(p);
}

void pool_init(struct pool *p, struct loop *l, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->loop = l;
    p->seed = seed;
    slab_init(&p->short_hosts, sizeof(struct upstream) + POOL_SHORT_HOST, KEEP_FREE);
    slab_init(&p->long_hosts, sizeof(struct upstream) + HOST_MAX, KEEP_FREE);
    list_init(&p->age);
    timer_init(&p->expiry, on_expiry);
    for (int i = 0; i < POOL_BUCKETS; i++)
        list_init(&p->buckets[i]);
}

void pool_fini(struct pool *p)
{
    timer_stop(&p->loop->timers, &p->expiry);
    while (!list_empty(&p->age)) {
        struct upstream *u = LIST_ENTRY(p->age.next, struct upstream, in_age);
        take_out(p, u);
        pool_drop(p, u);
    }
    slab_fini(&p->short_hosts);
    slab_fini(&p->long_hosts);
}

static void on_unexpected(struct stream *s)
{
    /* bytes, an end or an error on a connection nobody asked anything on */
    struct upstream *u = s->owner;
    if (!(s->ready & (STREAM_READABLE | STREAM_HANGUP)))
        return;
    struct pool *p = u->pool;
    take_out(p, u);
    p->n_stale++;
    pool_drop(p, u);
}

static void set_up(struct pool *p, struct upstream *u, const struct upstream_target *to)
{
    must(to->host.n <= HOST_MAX);
    u->fd.s.ready |= STREAM_WRITABLE; /* it has just connected */
    u->fd.s.on_ready = on_unexpected;
    u->fd.s.owner = u;
    u->pool = p;
    list_init(&u->in_bucket);
    list_init(&u->in_age);
    u->hash = hash_of(p, to->host, to->port, to->lane);
    u->at = to->at;
    u->n_uses = 0;
    u->port = to->port;
    u->host_n = (uint8_t)to->host.n;
    if (to->host.n)
        memcpy(u->host, to->host.p, to->host.n);
}

enum err pool_new(struct pool *p, int take_fd, const struct upstream_target *to,
                  struct upstream **out)
{
    struct upstream *u = slab_take(slab_for(p, to->host.n));
    if (!u)
        return ERR_NOMEM;
    enum err e = stream_fd_open(&u->fd, p->loop, take_fd);
    if (e != OK) {
        slab_give(slab_for(p, to->host.n), u);
        return e;
    }
    set_up(p, u, to);
    *out = u;
    return OK;
}

enum err pool_adopt(struct pool *p, struct loop_fd *take_from, const struct upstream_target *to,
                    struct upstream **out)
{
    struct upstream *u = slab_take(slab_for(p, to->host.n));
    if (!u)
        return ERR_NOMEM;
    stream_fd_adopt(&u->fd, p->loop, take_from, to->events);
    set_up(p, u, to);
    *out = u;
    return OK;
}

struct upstream *pool_take(struct pool *p, struct str host, uint16_t port, uint64_t lane)
{
    uint64_t hash = hash_of(p, host, port, lane);
    struct list *bucket = &p->buckets[hash % POOL_BUCKETS];
    for (struct list *n = bucket->next; n != bucket; n = n->next) {
        struct upstream *u = LIST_ENTRY(n, struct upstream, in_bucket);
        if (u->hash == hash && u->port == port && str_eq(str_make(u->host, u->host_n), host)) {
            take_out(p, u);
            return u;
        }
    }
    return NULL;
}

/* Has the server said nothing more? A short read has told so already; else one more look. */
static bool is_quiet(struct upstream *u)
{
    char byte;
    size_t n;
    if (u->fd.s.ready & STREAM_HANGUP || u->fd.s.is_shut)
        return false;
    if (!(u->fd.s.ready & STREAM_READABLE))
        return true;
    return stream_read(&u->fd.s, &byte, 1, &n) == ERR_AGAIN;
}

static unsigned n_of_host(const struct pool *p, const struct upstream *like, unsigned enough)
{
    unsigned n = 0;
    const struct list *bucket = &p->buckets[like->hash % POOL_BUCKETS];
    for (const struct list *x = bucket->next; x != bucket && n < enough; x = x->next)
        n += ((const struct upstream *)(const void *)((const char *)x -
                                                      offsetof(struct upstream, in_bucket)))
                 ->hash == like->hash;
    return n;
}

void pool_put(struct pool *p, struct upstream *u, const struct pool_limits *limits)
{
    p->limits = *limits;
    if (limits->n_max == 0 || !is_quiet(u) ||
        n_of_host(p, u, limits->n_max_per_host) >= limits->n_max_per_host) {
        pool_drop(p, u);
        return;
    }
    while (p->n_idle >= limits->n_max) {
        struct upstream *oldest = LIST_ENTRY(p->age.next, struct upstream, in_age);
        take_out(p, oldest);
        pool_drop(p, oldest);
    }
    u->fd.s.on_ready = on_unexpected;
    u->fd.s.owner = u;
    u->idle_since_ms = p->loop->now_ms;
    list_push_front(&p->buckets[u->hash % POOL_BUCKETS], &u->in_bucket);
    list_push_back(&p->age, &u->in_age);
    p->n_idle++;
    arm(p);
}

void pool_drop(struct pool *p, struct upstream *u)
{
    stream_close(&u->fd.s, false);
    slab_give(slab_for(p, u->host_n), u);
}

unsigned pool_shed(struct pool *p, unsigned n)
{
    unsigned done = 0;
    for (; done < n && !list_empty(&p->age); done++) {
        struct upstream *oldest = LIST_ENTRY(p->age.next, struct upstream, in_age);
        take_out(p, oldest);
        pool_drop(p, oldest);
    }
    return done;
}
