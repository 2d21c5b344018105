/* limits: what clients and users take of the proxy just now, counted in accounts that all workers
 * share, and the word whether one more connection or request may begin.
 *
 * An account is taken when a connection opens (a user's: at the first request of that user on it)
 * and held until it closes; requests count on it with atomics only. Taking one that is in the table
 * needs no lock either; making one is done under the lock of its shard.
 * Accounts nobody holds stay until their place is needed: first those that owe nothing any more,
 * then the one unused for longest, which is counted as forgotten. Where all places an account could
 * stand in are held, it shares one with all others of its shard to which this happens, under the
 * same bounds: a full table makes the proxy stricter, never more open; that is counted as crowded.
 *
 * Fair shares: of total_running the last eighth is for clients that run less than their share,
 * which is the total divided by one more than the clients that run anything. So one client alone
 * gets seven eighths, and who runs nothing finds a place until the total itself is reached.
 *
 * Counts are of one process: during an upgrade the old and the new one judge by their own.
 *
 * Owner: limits_new, limits_free. Threads: any number. Time is passed in, monotonic. */
#ifndef PROXYD_FLOW_LIMITS_H
#define PROXYD_FLOW_LIMITS_H

#include <stdatomic.h>

#include "base/traffic.h"

#define LIMITS_SHARDS 64
#define LIMITS_SLOTS  1024 /* accounts of a shard */
#define LIMITS_TEXT   40   /* bytes kept of a name, for people to read */

enum limits_kind { LIMITS_CLIENT, LIMITS_CLASS, LIMITS_USER, LIMITS_CROWD };

struct limits;

struct limits_account {
    _Alignas(64) _Atomic uint32_t n_running; /* a cache line of what requests count on */
    _Atomic uint32_t n_connections, n_tunnels;
    _Atomic uint32_t n_refused, n_delayed;
    _Atomic uint32_t n_holders; /* UINT32_MAX: being made into another one's */
    _Atomic int64_t next_ns;    /* the bucket of requests */
    _Atomic int64_t next_us;    /* the bucket of bytes: speed.h */
    _Atomic uint64_t recent;    /* requests of this and the last LIMITS_WINDOW_S */
    _Atomic uint64_t used_ms;   /* when it was last taken or given */
    /* who it is: written under the lock when it is made */
    uint64_t hash;
    enum limits_kind kind;
    uint8_t text_n;
    struct cidr net; /* of a client */
    char text[LIMITS_TEXT];
};

struct limits_key {
    enum limits_kind kind;
    struct cidr net; /* LIMITS_CLIENT */
    struct str text; /* the others: the name */
};

/* ERR_NOMEM, ERR_IO (no randomness). */
enum err limits_new(struct limits **out) MUST_CHECK;
void limits_free(struct limits *l); /* NULL is fine */

/* Holds the account; never NULL. */
struct limits_account *limits_take(struct limits *l, const struct limits_key *k, int64_t now_ms);
void limits_give(struct limits *l, struct limits_account *a, int64_t now_ms); /* NULL is fine */
/* Is it this user's? Cheaper than giving and taking. */
bool limits_is_user(const struct limits *l, const struct limits_account *a, struct str name);

/* --- connections ------------------------------------------------------------------------------ */

/* One more connection of the process. ERR_BUSY: max are open; nothing is counted then. */
enum err limits_open(struct limits *l, unsigned max) MUST_CHECK;
void limits_close(struct limits *l);
/* One more of a rate of new connections. False: not now. */
bool limits_may_accept(struct limits *l, uint32_t per_s, int64_t now_ms);
/* One more of this account. ERR_LIMIT: max (0: no bound) are open; nothing is counted then. */
enum err limits_enter(struct limits_account *a, unsigned max) MUST_CHECK;
void limits_leave(struct limits_account *a);

/* --- requests --------------------------------------------------------------------------------- */

enum limits_word {
    LIMITS_OK,
    LIMITS_RATE,    /* too many a second */
    LIMITS_RUNNING, /* too many at once */
    LIMITS_TUNNELS,
    LIMITS_TOTAL, /* everybody together runs too many */
    LIMITS_SHARE, /* nearly, and this client has its share */
};

struct limits_ask {
    const struct traffic_bounds *bounds; /* NULL: exempt from all but the total */
    uint32_t total;                      /* 0: no bound */
    bool is_tunnel;
    int64_t now_ms;
    uint32_t delay_ms; /* it may wait so long for its turn */
};

/* A request of this client may begin in *wait_ms. Else it is refused and *wait_ms says when asking
 * again is worth while; nothing is counted then. */
enum limits_word limits_begin(struct limits *l, struct limits_account *a,
                              const struct limits_ask *q, uint32_t *wait_ms);
/* The same for a user: no total. */
enum limits_word limits_begin_user(struct limits_account *a, const struct limits_ask *q,
                                   uint32_t *wait_ms);
/* What was begun has ended; of a tunnel: it stands from here on. */
void limits_end(struct limits *l, struct limits_account *a);
void limits_end_user(struct limits_account *a);
void limits_end_tunnel(struct limits_account *a); /* of either */

_Atomic int64_t *limits_bytes(struct limits *l); /* the bucket of everybody's bytes: speed.h */

/* --- for people ------------------------------------------------------------------------------- */

#define LIMITS_WINDOW_S 10

/* Requests a second, over the last LIMITS_WINDOW_S or a little more. */
double limits_rate(const struct limits_account *a, int64_t now_ms);

/* Calls see for every account that is held or was used within since_ms, under its shard's lock. */
void limits_each(struct limits *l, int64_t now_ms, int64_t since_ms,
                 void (*see)(void *ctx, const struct limits_account *a), void *ctx);

struct limits_info {
    uint64_t n_connections, n_running;
    uint64_t n_active; /* clients that run something */
    uint64_t n_slots, n_held;
    uint64_t n_forgotten, n_crowded; /* since the start */
};
void limits_info(struct limits *l, struct limits_info *out);

#endif
