/* worker: one thread, one loop, and everything on it: listeners, connections, requests, names,
 * upstream connections, the journal. proxyd/main makes the shared part and the workers, runs each
 * on a thread, and talks to them through the functions below.
 * Order in main: fill worker_shared; worker_new for each; threads with worker_run; worker_set on a
 * change; worker_drain; join; worker_free.
 * Threads: named at each function. */
#ifndef PROXYD_FLOW_WORKER_H
#define PROXYD_FLOW_WORKER_H

#include "base/clock.h"
#include "base/privacy.h"
#include "proxyd/flow/limits.h"
#include "proxyd/flow/policy_hold.h"
#include "proxyd/flow/probe.h"
#include "proxyd/io/guard.h"
#include "proxyd/io/resolve.h"
#include "proxyd/io/wake.h"
#include "proxyd/log/journal.h"
#include "proxyd/log/stats.h"

struct hops;
struct identity;
struct ledger;
struct recent;
struct verify;
struct worker;

enum worker_listener_kind {
    WORKER_PROXY, /* forwards; answers the local addresses in origin form too */
    WORKER_PAC,   /* [pac] listen: only the PAC file and /healthz */
};

struct worker_listener {
    struct ip_port at;
    struct str text; /* its name in policies and records */
    enum worker_listener_kind kind;
    bool has_proxy_line;    /* a PROXY protocol header comes first */
    struct privacy privacy; /* what the bootstrap file says of it */
};

/* Shared by all workers; made before the first and borrowed until the last is freed. Immutable but
 * for the atomics. */
struct worker_shared {
    const struct clock *clock;
    struct guard guard;
    struct guard parent_guard; /* parents: anywhere the administrator says, but not ourselves */
    const struct worker_listener *listeners;
    size_t n_listeners;
    uint16_t proxy_port; /* what a PAC file names when its proxies have no port of their own */
    struct resolve_config resolve;
    struct identity *identity; /* NULL: nobody can log in; a verdict that needs it gets 503 */
    struct ledger *ledger;     /* quotas, accepted pages */
    struct recent *recent;     /* refusals, for /why */
    struct verify *verify;     /* passwords of overrides */
    _Atomic uint64_t *last_id; /* of records; main starts it at the highest id stored */
    struct limits *limits;     /* what clients and users take */
    uint64_t memory_bytes;     /* of all that runs, where the settings say nothing; 0: no bound */
    int last_fd;               /* a client whose descriptor is this or more is turned away: the rest
                                  are for the servers of those who are in, and for files; 0: none */
    struct hops *hops;         /* equal requests under way: loops without Via */
    struct probe probe;        /* the request of a privacy test */
    uint8_t token_key[32];     /* random, of this start: signs the links of warning pages */
    struct worker **workers;   /* all of them, for what one must tell the others */
    unsigned n_workers;
};

/* listen_fds: one bound socket per listener (listen_socket in proxyd/io/listen.h), taken on OK
 * only. journal and stats: this worker's own, borrowed. set: a reference is taken. Any thread.
 * ERR_NOMEM, ERR_IO, ERR_INVALID (resolvers). */
struct worker_parts {
    struct worker_shared *shared;
    unsigned index;
    const int *listen_fds;
    struct journal *journal;
    struct stats *stats;
    struct flow_set *set;
};
enum err worker_new(const struct worker_parts *p, struct worker **out) MUST_CHECK;

/* The worker's thread: turns until drained. OK: nothing was left; ERR_TIMEOUT: what was still open
 * at the end of the drain time was cut. ERR_IO: the loop failed. */
enum err worker_run(struct worker *w) MUST_CHECK;
void worker_free(struct worker *w); /* after its thread is joined; NULL is fine */

/* Makes set the one for requests that begin from now on (a reference is taken); done is called on
 * the worker's thread when that is so, or with an error when memory ran out and the former one
 * stays. Any thread. ERR_NOMEM. */
enum err worker_set(struct worker *w, struct flow_set *set, void (*done)(void *ctx, enum err e),
                    void *ctx) MUST_CHECK;

/* Stop accepting, finish what runs within the settings' drain_ms, then worker_run returns. Any
 * thread. ERR_NOMEM. */
enum err worker_drain(struct worker *w) MUST_CHECK;

struct wake *worker_wake(struct worker *w); /* the mailbox; any thread */

#define WORKER_PSEUDONYM_BYTES 96
/* Our name in Via: the node, and what tells this process from another of the same name. The text
 * is out's. */
struct str worker_pseudonym(const struct worker_shared *s, struct str node,
                            char out[WORKER_PSEUDONYM_BYTES]);

/* Gauges that are not in stats; read without a lock, each right by itself. Any thread. */
struct worker_gauges {
    uint64_t n_clients, n_requests, n_tunnels, n_idle_upstreams, n_names_cached, n_old_policies;
    uint64_t n_buffers;      /* in which bytes wait */
    uint64_t policy_version; /* of the current set; 0: none */
};
void worker_gauges(const struct worker *w, struct worker_gauges *out);

#endif
