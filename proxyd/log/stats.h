/* stats: the always-on counters of one worker, written by it alone and read by anybody: relaxed
 * atomics, one cache line apart from other workers' (allocate with stats_new). Reading while
 * counting gives each counter right, not one instant of all of them. */
#ifndef PROXYD_LOG_STATS_H
#define PROXYD_LOG_STATS_H

#include <stdatomic.h>

#include "base/record.h"

enum stats_counter {
    STATS_CONNECTIONS, /* accepted */
    STATS_OPEN,        /* open now: may go down */
    STATS_TUNNELS,     /* open now */
    STATS_REQUESTS,    /* recorded */
    STATS_ALLOWED,     /* STATS_ALLOWED + enum record_verdict, in its order */
    STATS_BLOCKED,
    STATS_WARNED,
    STATS_DENIED_AUTH,
    STATS_REFUSED,
    STATS_ERROR,
    STATS_BYTES_IN,
    STATS_BYTES_OUT,
    STATS_DIALS, /* connections to upstreams begun */
    STATS_DIAL_FAILURES,
    STATS_UPSTREAM_REUSED,
    STATS_RECORDS_LOST,        /* the journal was full and the settings say go on */
    STATS_LIMITED_CONNECTIONS, /* turned away for a bound, by which: connections of all */
    STATS_LIMITED_CONNECTION_RATE,
    STATS_LIMITED_TOTAL_REQUESTS,
    STATS_LIMITED_CLIENT_SHARE,
    STATS_LIMITED_CLIENT_CONNECTIONS,
    STATS_LIMITED_CLIENT_RATE,
    STATS_LIMITED_CLIENT_REQUESTS,
    STATS_LIMITED_CLIENT_TUNNELS,
    STATS_LIMITED_USER_RATE,
    STATS_LIMITED_USER_REQUESTS,
    STATS_LIMITED_USER_TUNNELS,
    STATS_DELAYED, /* requests that waited for their turn */
    STATS_LIMITED_USER_CONNECTIONS,
    STATS_LIMITED_QUEUE_DELAY,    /* shed: requests waited too long before they were looked at */
    STATS_LIMITED_SLOW_UPLOADS,   /* ended: the client kept its server waiting */
    STATS_LIMITED_SLOW_DOWNLOADS, /* the same by not taking what it had asked for */
    STATS_LIMITED_MEMORY,         /* turned away: what runs holds as much memory as it may */
    STATS_SHORT_DESCRIPTORS,      /* times there was none for a connection */
    STATS_SHORT_MEMORY,           /* times there was none for a connection or request */
    STATS_COUNTERS,
};

struct stats {
    _Alignas(64) _Atomic uint64_t n[STATS_COUNTERS];
};

struct stats *stats_new(unsigned n);          /* n zeroed ones; NULL when out of memory; free() */
const char *stats_name(enum stats_counter c); /* "connections" ... */

static inline void stats_add(struct stats *s, enum stats_counter c, uint64_t v)
{
    /* One writer: a load and a store are cheaper than a locked add. */
    uint64_t was = atomic_load_explicit(&s->n[c], memory_order_relaxed);
    atomic_store_explicit(&s->n[c], was + v, memory_order_relaxed);
}

static inline uint64_t stats_get(const struct stats *s, enum stats_counter c)
{
    return atomic_load_explicit(&s->n[c], memory_order_relaxed);
}

/* Requests, verdict and bytes of one record. */
void stats_record(struct stats *s, const struct record *r);
/* Sums of n workers into out[STATS_COUNTERS]. */
void stats_sum(const struct stats *workers, unsigned n, uint64_t out[STATS_COUNTERS]);

#endif
