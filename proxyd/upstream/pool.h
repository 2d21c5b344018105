/* pool: connections to upstream servers, and the idle ones among them that are kept for the next
 * request to the same host and port. Keyed by the normalised name the client asked for, so a reused
 * connection needs no name lookup; the address it was dialled at was judged then and is remembered.
 * Lanes keep apart what must not share a connection (flow/disclose.h). Owner: a connection belongs
 * to who took it or made it, an idle one to the pool. Threads: one worker. Limit: n_max idle,
 * n_max_per_host of one key, idle_ms each. */
#ifndef PROXYD_UPSTREAM_POOL_H
#define PROXYD_UPSTREAM_POOL_H

#include "base/host.h"
#include "proxyd/io/slab.h"
#include "proxyd/io/stream_fd.h"

#define POOL_BUCKETS 1024

struct pool;

struct upstream {
    struct stream_fd fd;
    struct pool *pool;
    struct list in_bucket; /* while idle: newest first */
    struct list in_age;    /* while idle: oldest first */
    uint64_t hash;         /* of host, port and lane */
    int64_t idle_since_ms;
    struct ip_port at; /* dialled */
    uint32_t n_uses;   /* requests begun on it */
    uint16_t port;
    uint8_t host_n;
    char host[]; /* room for POOL_SHORT_HOST, or for HOST_MAX when it is longer */
};

#define POOL_SHORT_HOST 47 /* most names; an idle tunnel should not carry room for the longest */

struct pool_limits {
    unsigned n_max, n_max_per_host;
    uint32_t idle_ms;
};

struct pool {
    struct loop *loop;
    struct slab short_hosts, long_hosts;
    struct list age;
    struct timer expiry;
    struct pool_limits limits;
    unsigned n_idle;
    uint64_t n_stale; /* idle ones that the server closed */
    uint64_t seed;
    struct list buckets[POOL_BUCKETS];
};

void pool_init(struct pool *p, struct loop *l, uint64_t seed);
void pool_fini(struct pool *p); /* closes the idle ones; all others were dropped before */

/* A connection around a connected socket; takes take_fd on OK only. ERR_NOMEM, ERR_FULL. */
struct upstream_target {
    struct str host; /* normal form */
    uint16_t port;
    struct ip_port at;
    uint32_t events; /* pool_adopt: what the loop told of the connection last */
    uint64_t lane;
};
enum err pool_new(struct pool *p, int take_fd, const struct upstream_target *to,
                  struct upstream **out) MUST_CHECK;
/* The same for a connection that dial has made; takes it on OK only. ERR_NOMEM. */
enum err pool_adopt(struct pool *p, struct loop_fd *take_from, const struct upstream_target *to,
                    struct upstream **out) MUST_CHECK;

/* The idle connection used last for this key, or NULL. The caller sets s.on_ready and s.owner. */
struct upstream *pool_take(struct pool *p, struct str host, uint16_t port, uint64_t lane);
/* Keeps it for the next one, or closes it when it cannot be kept. */
void pool_put(struct pool *p, struct upstream *u, const struct pool_limits *limits);
void pool_drop(struct pool *p, struct upstream *u); /* closes and frees */
/* Closes up to n of the idle ones, the oldest first, for somebody who needs their descriptors; how
 * many. */
unsigned pool_shed(struct pool *p, unsigned n);

#endif
