/* request: the table of states and the one function that moves a request from state to state. */
#include "proxyd/flow/request.h"

#include <stddef.h>
#include <string.h>

#include "base/must.h"
#include "proxyd/flow/admit.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/entry.h"
#include "proxyd/flow/go_on.h"
#include "proxyd/flow/hops.h"
#include "proxyd/flow/meter.h"
#include "proxyd/flow/step_block.h"
#include "proxyd/flow/step_connect.h"
#include "proxyd/flow/step_decide.h"
#include "proxyd/flow/step_fetch.h"
#include "proxyd/flow/step_head.h"
#include "proxyd/flow/step_identify.h"
#include "proxyd/flow/step_inspect.h"
#include "proxyd/flow/step_local.h"
#include "proxyd/flow/step_log.h"
#include "proxyd/flow/step_pace.h"
#include "proxyd/flow/step_parent.h"
#include "proxyd/flow/step_relay.h"
#include "proxyd/flow/step_reply.h"
#include "proxyd/flow/step_resolve.h"
#include "proxyd/flow/step_route.h"
#include "proxyd/flow/step_tunnel.h"

#define TO(s)    (1u << REQUEST_##s)
#define LIMIT(m) offsetof(struct flow_settings, m)

/* Later steps find their row here: a response cache between DECIDE and ROUTE, a scanner between
 * FETCH and RELAY. */
const struct request_row request_rows[REQUEST_N_STATES] = {
    [REQUEST_HEAD] = {"head", step_head, LIMIT(head_ms), FAULT_HEAD_LATE,
                      TO(PACE) | TO(DECIDE) | TO(LOCAL) | TO(ROUTE) | TO(PAGE) | TO(LOG) | TO(END)},
    [REQUEST_PACE] = {"pace", step_pace, LIMIT(pace_ms), FAULT_CLIENT_RATE,
                      TO(DECIDE) | TO(PAGE) | TO(LOG)},
    [REQUEST_DECIDE] = {"decide", step_decide, LIMIT(reply_ms), FAULT_MEMORY,
                        TO(IDENTIFY) | TO(RESOLVE) | TO(INSPECT) | TO(PAGE) | TO(ROUTE) |
                            TO(RELAY) | TO(LOG)},
    [REQUEST_IDENTIFY] = {"identify", step_identify, LIMIT(identity_ms), FAULT_IDENTITY_DOWN,
                          TO(PACE) | TO(DECIDE) | TO(PAGE) | TO(LOG)},
    [REQUEST_RESOLVE] = {"resolve", step_resolve, LIMIT(resolve_ms), FAULT_NAME_LATE,
                         TO(DECIDE) | TO(ROUTE) | TO(CONNECT) | TO(PAGE) | TO(LOG)},
    [REQUEST_INSPECT] = {"inspect", step_inspect, LIMIT(head_ms), FAULT_MEMORY,
                         TO(DECIDE) | TO(PAGE) | TO(LOG)},
    [REQUEST_LOCAL] = {"local", step_local, LIMIT(reply_ms), FAULT_MEMORY,
                       TO(REPLY) | TO(PAGE) | TO(LOG)},
    [REQUEST_PAGE] = {"page", step_block, LIMIT(reply_ms), FAULT_NONE, TO(REPLY) | TO(LOG)},
    [REQUEST_ROUTE] = {"route", step_route, LIMIT(connect_ms), FAULT_MEMORY,
                       TO(RESOLVE) | TO(CONNECT) | TO(FETCH) | TO(PAGE) | TO(LOG)},
    [REQUEST_CONNECT] = {"connect", step_connect, LIMIT(connect_ms), FAULT_CONNECT_LATE,
                         TO(ROUTE) | TO(PARENT) | TO(FETCH) | TO(TUNNEL) | TO(PAGE) | TO(LOG)},
    [REQUEST_PARENT] = {"parent", step_parent, LIMIT(connect_ms), FAULT_CONNECT_LATE,
                        TO(ROUTE) | TO(FETCH) | TO(TUNNEL) | TO(PAGE) | TO(LOG)},
    [REQUEST_FETCH] = {"fetch", step_fetch, LIMIT(answer_ms), FAULT_ANSWER_LATE,
                       TO(DECIDE) | TO(RELAY) | TO(TUNNEL) | TO(ROUTE) | TO(PAGE) | TO(LOG)},
    [REQUEST_RELAY] = {"relay", step_relay, LIMIT(body_ms), FAULT_NONE, TO(LOG)},
    [REQUEST_TUNNEL] = {"tunnel", step_tunnel, LIMIT(tunnel_ms), FAULT_NONE, TO(LOG)},
    [REQUEST_REPLY] = {"reply", step_reply, LIMIT(reply_ms), FAULT_NONE, TO(LOG)},
    [REQUEST_LOG] = {"log", step_log, LIMIT(reply_ms), FAULT_NONE, TO(END)},
    [REQUEST_END] = {"end", NULL, LIMIT(reply_ms), FAULT_NONE, 0},
};

static uint32_t limit_ms(const struct request *r, enum request_state s)
{
    if (!r->hold)
        return r->tunnel_ms;
    uint32_t ms;
    memcpy(&ms, (const char *)&r->hold->set->settings + request_rows[s].limit_at, sizeof ms);
    return ms;
}

void request_touch(struct request *r)
{
    r->deadline_ms = r->w->loop.now_ms + limit_ms(r, r->state);
    request_look_again(r, r->deadline_ms);
}

/* A timer that is set for earlier looks again when it fires: moving it each time would cost. */
void request_look_again(struct request *r, int64_t at_ms)
{
    if (!r->limit.is_set || r->limit.at_ms > at_ms)
        timer_set(&r->w->loop.timers, &r->limit, at_ms);
}

/* The only place that writes the state. */
static void enter(struct request *r, enum request_state next)
{
    must(request_rows[r->state].next >> next & 1u);
    r->state = next;
    request_touch(r);
}

static void stop_waiting(struct request *r)
{
    struct work *k = r->k;
    loop_undefer(&r->again);
    if (!k)
        return;
    if (k->is_resolving)
        resolve_cancel(&k->query);
    if (k->is_dialing)
        dial_stop(&k->dial);
    if (k->is_asking)
        step_identify_cancel(r);
    go_on_cancel(r);
    timer_stop(&r->w->loop.timers, &k->pace);
    timer_stop(&r->w->loop.timers, &k->parent_timer);
    k->is_resolving = k->is_dialing = k->is_asking = false;
}

void request_drop_upstream(struct request *r)
{
    struct work *k = r->k;
    if (k && k->has_exchange) {
        exchange_end(&k->x, false, NULL);
        k->has_exchange = false;
    }
    if (k && k->up) {
        pool_drop(&r->w->pool, k->up);
        k->up = NULL;
    }
    if (r->up_conn) {
        pool_drop(&r->w->pool, r->up_conn);
        r->up_conn = NULL;
    }
    pump_release(&r->down);
}

enum request_state request_refuse(struct request *r, enum fault f)
{
    if (f == FAULT_MEMORY)
        stats_add(r->w->stats, STATS_SHORT_MEMORY, 1);
    if (r->is_head_sent)
        return request_cut(r, fault_rows[f].error);
    r->k->fault = f;
    return REQUEST_PAGE;
}

enum request_state request_cut(struct request *r, const char *error)
{
    r->is_cut = true;
    r->is_keep = false;
    r->error = error;
    return REQUEST_LOG;
}

void request_yield(struct request *r)
{
    loop_defer(&r->w->loop, &r->again);
}

uint64_t request_id(struct request *r)
{
    if (r->id == 0)
        r->id = 1 + atomic_fetch_add_explicit(r->w->shared->last_id, 1, memory_order_relaxed);
    return r->id;
}

/* Bytes behind a request's body are the beginning of the next request. */
static bool keep_surplus(struct request *r)
{
    struct conn *c = r->conn;
    if (!r->up.b || iobuf_n(r->up.b) == 0)
        return true;
    if (c->in && iobuf_n(c->in) > 0)
        return false; /* two places at once: cannot be told which comes first */
    bufpool_give(&r->w->buffers, &c->in);
    c->in = r->up.b;
    r->up.b = NULL;
    return true;
}

static enum conn_end how_to_end(struct request *r)
{
    const struct work *k = r->k;
    if (r->is_cut)
        return CONN_CUT;
    if (r->is_keep && keep_surplus(r))
        return CONN_KEEP;
    /* a tunnel that ended both ways, a client that said it would close after this, or is gone */
    bool has_surplus = (r->conn->in && iobuf_n(r->conn->in) > 0) || pump_holds(&r->up);
    if (!k || (r->is_silent && !r->is_timed_out))
        return CONN_CLOSE;
    if (k->is_head_whole && k->req.is_close && k->body.is_done && !has_surplus)
        return CONN_CLOSE;
    return CONN_LINGER;
}

/* Gives everything back; the connection goes on or ends. */
static void finish(struct request *r)
{
    struct worker *w = r->w;
    struct conn *c = r->conn;
    enum conn_end end = how_to_end(r);
    stop_waiting(r);
    meter_close(r);
    admit_over(r);
    request_drop_upstream(r);
    pump_release(&r->up);
    timer_stop(&w->loop.timers, &r->limit);
    if (r->is_tunnel) {
        w->n_tunnels--;
        stats_add(w->stats, STATS_TUNNELS, (uint64_t)-1);
    }
    if (r->k) {
        hops_leave_request(r);
        work_give(w, r->k);
    }
    if (r->hold)
        policy_hold_give(&w->holder, r->hold);
    entry_slim_give(r);
    slab_give(&w->requests, r);
    w->n_requests--;
    conn_request_over(c, end);
}

void request_run(struct request *r)
{
    if (r->is_running) {
        r->is_again = true;
        return;
    }
    r->is_running = true;
    for (;;) {
        r->is_again = false;
        enum request_state next = request_rows[r->state].step(r);
        if (next == r->state) {
            if (r->is_again)
                continue;
            break;
        }
        enter(r, next);
        if (next == REQUEST_END) {
            finish(r);
            return;
        }
    }
    r->is_running = false;
}

/* Leaves a waiting state for another one from outside of its step. */
static void divert(struct request *r, enum request_state next)
{
    stop_waiting(r);
    enter(r, next);
    request_run(r);
}

/* A body that does not come is the client's lateness, not the server's. */
static enum fault late_of(const struct request *r)
{
    bool owes_body = r->state == REQUEST_FETCH && !r->k->is_sent && !r->up.lead && !r->up.n_passed;
    return owes_body ? FAULT_HEAD_LATE : request_rows[r->state].late;
}

/* The client is slower than anybody may be: who uploads is told so, a download is cut. */
static void end_slow(struct request *r)
{
    bool is_upload = r->state == REQUEST_FETCH;
    stats_add(r->w->stats, is_upload ? STATS_LIMITED_SLOW_UPLOADS : STATS_LIMITED_SLOW_DOWNLOADS,
              1);
    r->is_timed_out = true;
    r->is_keep = false;
    request_drop_upstream(r);
    if (is_upload) {
        divert(r, request_refuse(r, FAULT_SLOW_UPLOAD));
        return;
    }
    if (r->verdict == RECORD_ALLOWED)
        r->verdict = RECORD_REFUSED;
    divert(r, request_cut(r, "client_slow_download"));
}

static void on_limit(struct timer *t)
{
    struct request *r = LIST_ENTRY(t, struct request, limit);
    int64_t now_ms = r->w->loop.now_ms;
    if (slow_look_at(r) <= now_ms && !slow_judge(r)) {
        end_slow(r);
        return;
    }
    if (r->deadline_ms > now_ms) {
        int64_t slow_at_ms = slow_look_at(r);
        request_look_again(r, slow_at_ms < r->deadline_ms ? slow_at_ms : r->deadline_ms);
        return;
    }
    enum fault late = late_of(r);
    r->is_timed_out = true;
    r->is_keep = false;
    if (r->state == REQUEST_HEAD && !r->conn->in) {
        r->is_silent = true; /* not one byte came: nothing to answer */
        divert(r, REQUEST_LOG);
    } else if (late != FAULT_NONE && !r->is_head_sent) {
        request_drop_upstream(r);
        divert(r, request_refuse(r, late));
    } else {
        divert(r, request_cut(r, "connection_read_timeout"));
    }
}

void request_abort(struct request *r, const char *error)
{
    if (r->state == REQUEST_HEAD)
        r->is_silent = true;
    if (r->state == REQUEST_LOG || r->state == REQUEST_END)
        return;
    divert(r, request_cut(r, error));
}

static void on_again(struct loop_task *t)
{
    request_run(LIST_ENTRY(t, struct request, again));
}

struct request *request_new(struct conn *c)
{
    struct worker *w = c->w;
    struct request *r = slab_take(&w->requests);
    if (!r)
        return NULL;
    memset(r, 0, sizeof *r);
    r->w = w;
    r->conn = c;
    r->verdict = RECORD_ALLOWED;
    r->state = REQUEST_HEAD;
    r->up.pool = r->down.pool = &w->buffers;
    timer_init(&r->limit, on_limit);
    loop_task_init(&r->again, on_again);
    r->k = work_take(w, r);
    if (!r->k) {
        slab_give(&w->requests, r);
        return NULL;
    }
    r->hold = policy_hold_take(&w->holder);
    r->began_ms = w->loop.now_ms;
    http_head_init_request(&r->k->req, &r->hold->set->settings.head);
    w->n_requests++;
    request_touch(r);
    return r;
}
