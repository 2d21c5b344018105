/* worker: putting one together, running it, telling it things, taking it down. */
#include "proxyd/flow/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/secret.h"
#include "proxyd/flow/busy.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/entry.h"
#include "proxyd/flow/meter.h"
#include "proxyd/io/fd.h"

#define TICK_MS      1000
#define LARGE_BUDGET 256 /* 64 MiB of large buffers that wait on slow receivers */
#define KEEP_FREE    1024
#define FIRST_MS     1000 /* a drain waits so long for the first request of a connection */
#define SHED         16   /* idle upstream connections given up at once when descriptors run out */

static void publish_gauges(struct worker *w)
{
    const struct flow_set *set = w->holder.current->set;
    struct resolve_counters names;
    resolve_count(w->resolve, &names);
#define PUBLISH(gauge, v) atomic_store_explicit(&w->gauges.gauge, (v), memory_order_relaxed)
    PUBLISH(n_clients, w->n_open);
    PUBLISH(n_requests, w->n_requests);
    PUBLISH(n_tunnels, w->n_tunnels);
    PUBLISH(n_idle_upstreams, w->pool.n_idle);
    PUBLISH(n_names_cached, names.n_cached);
    PUBLISH(n_old_policies, w->holder.n_live - 1);
    PUBLISH(n_buffers, w->buffers.n_out_small + w->buffers.n_out_large + w->buffers.pipes.n_out);
    PUBLISH(policy_version, set->policy ? snapshot_version(set->policy) : 0);
#undef PUBLISH
}

static void on_tick(struct timer *t)
{
    struct worker *w = LIST_ENTRY(t, struct worker, tick);
    publish_gauges(w);
    timer_set(&w->loop.timers, &w->tick, w->loop.now_ms + TICK_MS);
}

/* The kernel gives the lowest number that is free: a high one tells how full the table is. Idle
 * connections to servers go before a client does. */
static bool is_table_full(struct worker *w, int fd)
{
    return w->shared->last_fd && fd >= w->shared->last_fd && pool_shed(&w->pool, SHED) == 0;
}

static void on_short(struct listen *l)
{
    struct worker *w = l->owner;
    stats_add(w->stats, STATS_SHORT_DESCRIPTORS, 1);
    pool_shed(&w->pool, SHED);
}

static void on_accept(struct listen *l, int fd, const struct ip_port *client)
{
    struct worker *w = l->owner;
    struct limits_account *account = NULL;
    stats_add(w->stats, STATS_CONNECTIONS, 1);
    enum admit_word word = is_table_full(w, fd)
                               ? ADMIT_DESCRIPTORS
                               : admit_connection(w, &client->ip, (unsigned)l->index, &account);
    if (word == ADMIT_OK)
        conn_open(w, fd, client, (unsigned)l->index, account);
    else
        busy_turn_away(w, fd, client, word);
}

static void close_listeners(struct worker *w)
{
    for (size_t i = 0; w->listeners && i < w->n_listeners; i++)
        listen_close(&w->listeners[i]);
}

static enum err open_listeners(struct worker *w, const int *fds)
{
    size_t n = w->shared->n_listeners;
    w->listeners = calloc(n ? n : 1, sizeof *w->listeners);
    if (!w->listeners)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        w->listeners[i].lf.fd = -1;
    w->n_listeners = n;
    for (size_t i = 0; i < n; i++) {
        struct listen *l = &w->listeners[i];
        l->on_accept = on_accept;
        l->on_short = on_short;
        l->owner = w;
        l->index = i;
        enum err e = listen_open(l, &w->loop, fds[i]);
        if (e != OK) { /* the sockets stay the caller's */
            while (i-- > 0) {
                loop_remove(&w->loop, &w->listeners[i].lf);
                w->listeners[i].lf.fd = -1;
            }
            return e;
        }
    }
    return OK;
}

struct str worker_pseudonym(const struct worker_shared *s, struct str node,
                            char out[WORKER_PSEUDONYM_BYTES])
{
    const uint8_t *k = s->token_key;
    node = str_sub(node, 0, 64);
    int n = snprintf(out, WORKER_PSEUDONYM_BYTES, "%.*s-%02x%02x%02x", STR_ARG(node), k[29], k[30],
                     k[31]);
    return str_make(out, (size_t)n);
}

static void name_via(struct worker *w)
{
    w->via = worker_pseudonym(w->shared, worker_settings(w)->node, w->via_text);
}

static void init_plain_parts(struct worker *w, const struct worker_parts *p)
{
    w->shared = p->shared;
    w->index = p->index;
    w->journal = p->journal;
    w->stats = p->stats;
    list_init(&w->open);
    bufpool_init(&w->buffers, LARGE_BUDGET);
    slab_init(&w->conns, sizeof(struct conn), KEEP_FREE);
    slab_init(&w->requests, sizeof(struct request), KEEP_FREE);
    slab_init(&w->slims, ENTRY_SLIM_BYTES, KEEP_FREE);
    meter_init(w);
    event_scratch_init(&w->scratch);
    timer_init(&w->tick, on_tick);
}

static enum err open_parts(struct worker *w, const struct worker_parts *p)
{
    uint64_t seed = 0;
    enum err e = secret_random(&seed, sizeof seed);
    if (e == OK)
        e = loop_open(&w->loop, p->shared->clock);
    if (e != OK)
        return e;
    pool_init(&w->pool, &w->loop, seed);
    e = policy_holder_swap(&w->holder, flow_set_ref(p->set));
    if (e != OK) {
        flow_set_unref(p->set);
        return e;
    }
    name_via(w);
    e = disclose_resolve(w);
    if (e != OK)
        return e;
    e = wake_open(&w->wake, &w->loop, w);
    if (e == OK)
        e = resolve_open(&w->loop, &p->shared->resolve, &w->resolve);
    return e == OK ? open_listeners(w, p->listen_fds) : e;
}

enum err worker_new(const struct worker_parts *p, struct worker **out)
{
    struct worker *w = aligned_alloc(64, (sizeof *w + 63) / 64 * 64);
    if (!w)
        return ERR_NOMEM;
    memset(w, 0, sizeof *w);
    init_plain_parts(w, p);
    enum err e = open_parts(w, p);
    if (e != OK) {
        worker_free(w);
        return e;
    }
    publish_gauges(w);
    timer_set(&w->loop.timers, &w->tick, w->loop.now_ms + TICK_MS);
    *out = w;
    return OK;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    must(w->n_open == 0 && w->n_requests == 0);
    close_listeners(w);
    free(w->listeners);
    free(w->disclosures);
    wake_close(&w->wake);
    if (w->loop.batch) {
        resolve_close(w->resolve);
        pool_fini(&w->pool);
        timer_stop(&w->loop.timers, &w->tick);
    }
    policy_holder_fini(&w->holder);
    work_free_all(w);
    slab_fini(&w->conns);
    slab_fini(&w->requests);
    slab_fini(&w->meters);
    slab_fini(&w->slims);
    bufpool_fini(&w->buffers);
    buf_fini(&w->scratch);
    loop_close(&w->loop);
    free(w);
}

static void cut_all(struct worker *w)
{
    w->is_drain_over = true;
    while (!list_empty(&w->open)) {
        struct conn *c = LIST_ENTRY(w->open.next, struct conn, in_open);
        if (c->r) {
            request_abort(c->r, "connection_terminated");
            /* gone, or lingering, which the next round ends */
        } else {
            conn_close(c, true);
        }
    }
}

enum err worker_run(struct worker *w)
{
    enum err e = loop_run(&w->loop);
    bool was_cut = !list_empty(&w->open);
    close_listeners(w);
    cut_all(w);
    publish_gauges(w);
    if (e != OK)
        return e;
    return was_cut ? ERR_TIMEOUT : OK;
}

void worker_conn_gone(struct worker *w)
{
    if (w->is_draining && w->n_open == 0)
        loop_stop(&w->loop);
}

/* --- messages
 * ------------------------------------------------------------------------------------*/

struct set_message {
    struct wake_message m;
    struct flow_set *set;
    void (*done)(void *ctx, enum err e);
    void *ctx;
};

static void on_set(struct wake_message *m, void *owner)
{
    struct set_message *s = LIST_ENTRY(m, struct set_message, m);
    struct worker *w = owner;
    enum err e = policy_holder_swap(&w->holder, s->set);
    if (e != OK)
        flow_set_unref(s->set);
    name_via(w);
    if (disclose_resolve(w) != OK)
        must(false); /* allocates at the first call only */
    publish_gauges(w);
    if (s->done)
        s->done(s->ctx, e);
    free(s);
}

enum err worker_set(struct worker *w, struct flow_set *set, void (*done)(void *ctx, enum err e),
                    void *ctx)
{
    struct set_message *s = malloc(sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct set_message){.m.run = on_set, .set = flow_set_ref(set), .done = done, .ctx = ctx};
    wake_post(&w->wake, &s->m);
    return OK;
}

static void on_drain_limit(struct timer *t)
{
    struct worker *w = LIST_ENTRY(t, struct worker, drain_limit);
    loop_stop(&w->loop);
}

static void on_drain(struct wake_message *m, void *owner)
{
    struct worker *w = owner;
    free(m);
    if (w->is_draining)
        return;
    w->is_draining = true;
    close_listeners(w);
    timer_init(&w->drain_limit, on_drain_limit);
    timer_set(&w->loop.timers, &w->drain_limit, w->loop.now_ms + worker_settings(w)->drain_ms);
    struct list *n = w->open.next;
    while (n != &w->open) {
        struct conn *c = LIST_ENTRY(n, struct conn, in_open);
        n = n->next;
        if (!c->r && !c->is_lingering && !(c->fd.s.ready & STREAM_READABLE))
            conn_drain(c, FIRST_MS);
    }
    if (w->n_open == 0)
        loop_stop(&w->loop);
}

enum err worker_drain(struct worker *w)
{
    struct wake_message *m = malloc(sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->run = on_drain;
    wake_post(&w->wake, m);
    return OK;
}

struct wake *worker_wake(struct worker *w)
{
    return &w->wake;
}

void worker_gauges(const struct worker *w, struct worker_gauges *out)
{
#define READ(gauge) atomic_load_explicit(&w->gauges.gauge, memory_order_relaxed)
    *out = (struct worker_gauges){
        READ(n_clients),      READ(n_requests),     READ(n_tunnels), READ(n_idle_upstreams),
        READ(n_names_cached), READ(n_old_policies), READ(n_buffers), READ(policy_version)};
#undef READ
}
