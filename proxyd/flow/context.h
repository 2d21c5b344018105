/* context: the inside of a worker, for the files of this room. Everything a step may use hangs
 * here. Owner: worker.c. Threads: the worker's, but for `gauges`, `wake` and what `shared` says. */
#ifndef PROXYD_FLOW_CONTEXT_H
#define PROXYD_FLOW_CONTEXT_H

#include "proxyd/flow/conn.h"
#include "proxyd/flow/delay.h"
#include "proxyd/flow/work.h"
#include "proxyd/flow/worker.h"
#include "proxyd/io/listen.h"
#include "proxyd/log/event.h"

struct worker {
    struct worker_shared *shared;
    unsigned index;
    struct loop loop;
    struct wake wake;
    struct bufpool buffers;
    struct pool pool;
    struct resolve *resolve;
    struct policy_holder holder;
    struct journal *journal;
    struct stats *stats;
    struct buf scratch; /* for encoding records */
    struct slab conns, requests, meters, slims;
    struct work *free_work;
    unsigned n_free_work, n_work;
    struct list open; /* conn.in_open */
    unsigned n_open, n_requests, n_tunnels;
    uint32_t n_turns; /* of parents that are taken in turn */
    struct listen *listeners;
    size_t n_listeners;
    struct timer tick, drain_limit;
    struct delay delay;
    bool is_draining, is_drain_over;
    struct disclosure *disclosures; /* one per listener */
    struct str via;                 /* our pseudonym: node name and a few digits of this process */
    char via_text[WORKER_PSEUDONYM_BYTES];
    struct {
        _Atomic uint64_t n_clients, n_requests, n_tunnels, n_idle_upstreams, n_names_cached,
            n_old_policies, n_buffers, policy_version;
    } gauges;
};

static inline const struct flow_settings *worker_settings(const struct worker *w)
{
    return &w->holder.current->set->settings;
}
/* A connection has gone; a draining worker may be done. */
void worker_conn_gone(struct worker *w);

#endif
