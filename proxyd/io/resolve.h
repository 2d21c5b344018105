/* resolve: names to addresses over c-ares inside a worker's loop, with a cache of its own. Answers
 * keep their TTL (bounded), "no such name" and failures are remembered shortly, one name is asked
 * once at a time however many wait for it. IPv4 and IPv6 are asked for apart: when one is there the
 * other is waited for 50 ms, and comes into the cache when it comes (RFC 8305 3). /etc/hosts goes
 * before both. Search domains are off: a name is what the client said.
 * Owner: the resolver; a query is the caller's storage and must be cancelled before it goes.
 * Threads: one worker. Limit: RESOLVE_CACHE_MAX names, the oldest go first. */
#ifndef PROXYD_IO_RESOLVE_H
#define PROXYD_IO_RESOLVE_H

#include "base/cidr.h"
#include "base/str.h"
#include "proxyd/io/loop.h"

#define RESOLVE_ADDRESSES_MAX 16
#define RESOLVE_CACHE_MAX     16384

struct resolve_answer {
    enum err err; /* OK, ERR_NOT_FOUND (no such name or no address), ERR_TIMEOUT, ERR_UNREACHABLE */
    unsigned n;
    struct ip ip[RESOLVE_ADDRESSES_MAX];
};

struct resolve_query {
    struct list node;
    void (*on_done)(struct resolve_query *q, const struct resolve_answer *a);
};

struct resolve;

struct resolve_config {
    const struct ip_port *servers; /* n 0: /etc/resolv.conf, and /etc/hosts is read as well */
    size_t n_servers;
    unsigned timeout_ms;           /* of one try; 0: 2,000 */
    unsigned tries;                /* 0: 2 */
    unsigned min_ttl_s, max_ttl_s; /* 0: 1 and 3,600 */
};

/* ERR_NOMEM, ERR_INVALID (servers that c-ares does not take). */
enum err resolve_open(struct loop *l, const struct resolve_config *c,
                      struct resolve **out) MUST_CHECK;
void resolve_close(struct resolve *r); /* NULL is fine; nobody may wait any more */

/* host: normal form, not an address. OK: *out is filled from the cache (look at out->err).
 * ERR_AGAIN: q->on_done will be called once, from the loop. ERR_NOMEM, ERR_INVALID. */
enum err resolve_ask(struct resolve *r, struct str host, struct resolve_query *q,
                     struct resolve_answer *out) MUST_CHECK;
void resolve_cancel(struct resolve_query *q); /* on_done will not be called; harmless when done */
static inline void resolve_query_init(struct resolve_query *q,
                                      void (*on_done)(struct resolve_query *q,
                                                      const struct resolve_answer *a))
{
    list_init(&q->node);
    q->on_done = on_done;
}

struct resolve_counters {
    uint64_t n_asked, n_hits, n_failed;
    size_t n_cached;
};
void resolve_count(const struct resolve *r, struct resolve_counters *out);

#endif
