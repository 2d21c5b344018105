/* admit: which account, which bounds, and what a refusal is called. */
#include "proxyd/flow/admit.h"

#include "proxyd/flow/context.h"

/* What request.counted says. */
#define ON_CLIENT        1u
#define ON_CLIENT_TUNNEL 2u
#define ON_USER          4u
#define ON_USER_TUNNEL   8u

#define RETRY_TOTAL_S 5 /* where nobody can say when it ends */

static const struct traffic *traffic_now(const struct worker *w)
{
    return &worker_settings(w)->traffic;
}

static unsigned class_of(struct conn *c, const struct traffic *t)
{
    if (c->class_stamp != t->stamp) {
        c->class_index = (uint8_t)traffic_class_of(t, &c->client.ip);
        c->class_stamp = t->stamp;
    }
    return c->class_index;
}

static bool is_exempt(const struct traffic *t, unsigned class_index)
{
    return class_index && t->classes[class_index - 1].is_exempt;
}

const struct traffic_bounds *admit_bounds(struct conn *c, const struct traffic *t)
{
    unsigned n = class_of(c, t);
    return is_exempt(t, n) ? NULL : traffic_bounds_of(t, n);
}

static struct limits_account *take(struct worker *w, const struct traffic *t, const struct ip *ip,
                                   unsigned class_index)
{
    struct limits_key key = {.kind = LIMITS_CLIENT};
    if (class_index && t->classes[class_index - 1].is_together) {
        key.kind = LIMITS_CLASS;
        key.text = t->classes[class_index - 1].name;
    } else {
        key.net = traffic_client_of(t, ip);
    }
    return limits_take(w->shared->limits, &key, w->loop.now_ms);
}

/* --- connections ----------------------------------------------------------------------------- */

static enum err enter(struct worker *w, const struct ip *ip, struct limits_account **out)
{
    const struct traffic *t = traffic_now(w);
    unsigned n = traffic_class_of(t, ip);
    *out = take(w, t, ip, n);
    return limits_enter(*out, is_exempt(t, n) ? 0 : traffic_bounds_of(t, n)->connections);
}

enum admit_word admit_connection(struct worker *w, const struct ip *client, unsigned listener,
                                 struct limits_account **account)
{
    const struct flow_settings *s = worker_settings(w);
    struct limits *l = w->shared->limits;
    *account = NULL;
    if (limits_open(l, s->max_clients) != OK)
        return ADMIT_FULL;
    if (s->traffic.total_connections_s &&
        !limits_may_accept(l, s->traffic.total_connections_s, w->loop.now_ms)) {
        limits_close(l);
        return ADMIT_RATE;
    }
    if (w->shared->listeners[listener].has_proxy_line)
        return ADMIT_OK;
    if (enter(w, client, account) == OK)
        return ADMIT_OK;
    limits_give(l, *account, w->loop.now_ms);
    *account = NULL;
    limits_close(l);
    return ADMIT_CLIENT;
}

void admit_named(struct conn *c)
{
    c->class_stamp = 0;
    c->is_over = enter(c->w, &c->client.ip, &c->account) != OK;
    if (!c->is_over)
        return;
    limits_give(c->w->shared->limits, c->account, c->w->loop.now_ms);
    c->account = NULL;
}

/* A connection is no longer this one's. */
static void leave(struct worker *w, struct limits_account *a)
{
    if (a)
        limits_leave(a);
    limits_give(w->shared->limits, a, w->loop.now_ms);
}

void admit_gone(struct worker *w, struct limits_account *account, struct limits_account *user)
{
    leave(w, account);
    leave(w, user);
    limits_close(w->shared->limits);
}

bool admit_has_memory(const struct worker *w)
{
    uint64_t bound = worker_settings(w)->memory_bytes;
    bound = (bound ? bound : w->shared->memory_bytes) / w->shared->n_workers;
    uint64_t held = (uint64_t)w->n_work * (sizeof(struct work) + WORK_ARENA_BLOCK) +
                    (uint64_t)w->buffers.n_out_small * BUFPOOL_SMALL +
                    (uint64_t)w->buffers.n_out_large * BUFPOOL_LARGE;
    return bound == 0 || held < bound;
}

/* --- requests -------------------------------------------------------------------------------- */

struct refusal {
    enum fault fault;
    enum stats_counter counter;
};

static const struct refusal of_clients[] = {
    [LIMITS_OK] = {FAULT_NONE, STATS_COUNTERS},
    [LIMITS_RATE] = {FAULT_CLIENT_RATE, STATS_LIMITED_CLIENT_RATE},
    [LIMITS_RUNNING] = {FAULT_CLIENT_RUNNING, STATS_LIMITED_CLIENT_REQUESTS},
    [LIMITS_TUNNELS] = {FAULT_CLIENT_TUNNELS, STATS_LIMITED_CLIENT_TUNNELS},
    [LIMITS_TOTAL] = {FAULT_TOTAL, STATS_LIMITED_TOTAL_REQUESTS},
    [LIMITS_SHARE] = {FAULT_SHARE, STATS_LIMITED_CLIENT_SHARE},
};

static const struct refusal of_users[] = {
    [LIMITS_OK] = {FAULT_NONE, STATS_COUNTERS},
    [LIMITS_RATE] = {FAULT_USER_RATE, STATS_LIMITED_USER_RATE},
    [LIMITS_RUNNING] = {FAULT_USER_RUNNING, STATS_LIMITED_USER_REQUESTS},
    [LIMITS_TUNNELS] = {FAULT_USER_TUNNELS, STATS_LIMITED_USER_TUNNELS},
    [LIMITS_TOTAL] = {FAULT_TOTAL, STATS_LIMITED_TOTAL_REQUESTS},
    [LIMITS_SHARE] = {FAULT_SHARE, STATS_LIMITED_CLIENT_SHARE},
};

static const struct refusal of_delay = {FAULT_QUEUE_DELAY, STATS_LIMITED_QUEUE_DELAY};
static const struct refusal of_users_connections = {FAULT_USER_CONNECTIONS,
                                                    STATS_LIMITED_USER_CONNECTIONS};

static enum request_state refuse(struct request *r, const struct refusal *x, uint32_t wait_ms)
{
    bool is_total = x->fault == FAULT_TOTAL || x->fault == FAULT_SHARE ||
                    x->fault == FAULT_QUEUE_DELAY || x->fault == FAULT_USER_CONNECTIONS;
    stats_add(r->w->stats, x->counter, 1);
    r->k->retry_s = is_total ? RETRY_TOTAL_S : wait_ms / 1000 + 1;
    return request_refuse(r, x->fault);
}

static enum request_state go(struct request *r, uint32_t wait_ms)
{
    if (wait_ms == 0)
        return REQUEST_DECIDE;
    stats_add(r->w->stats, STATS_DELAYED, 1);
    r->k->pace_at_ms = r->w->loop.now_ms + wait_ms;
    return REQUEST_PACE;
}

static bool is_tunnel(const struct request *r)
{
    return r->k->req.method == HTTP_CONNECT || r->k->req.wants_upgrade;
}

static enum request_state judge(struct request *r, const struct traffic *t)
{
    struct conn *c = r->conn;
    struct limits_ask q = {.bounds = admit_bounds(c, t),
                           .total = t->total_running,
                           .is_tunnel = is_tunnel(r),
                           .now_ms = r->w->loop.now_ms,
                           .delay_ms = t->delay_ms};
    uint32_t wait_ms;
    enum limits_word word = limits_begin(r->w->shared->limits, c->account, &q, &wait_ms);
    if (word != LIMITS_OK)
        return refuse(r, &of_clients[word], wait_ms);
    r->counted |= (uint8_t)(q.is_tunnel ? ON_CLIENT | ON_CLIENT_TUNNEL : ON_CLIENT);
    return go(r, wait_ms);
}

/* Has it waited too long for its turn, as everybody does? */
static bool is_late(struct request *r, const struct traffic *t)
{
    const struct conn *c = r->conn;
    int64_t now_ms = r->w->loop.now_ms;
    if (!t->queue_delay_ms || !delay_wants(&r->w->delay, now_ms) || !c->is_prompt)
        return false;
    uint32_t waited_ms = c->fd.s.ops->age_ms(&c->fd.s);
    return delay_judge(&r->w->delay, waited_ms, t->queue_delay_ms, now_ms);
}

enum request_state admit_request(struct request *r)
{
    const struct traffic *t = &r->hold->set->settings.traffic;
    if (is_late(r, t))
        return refuse(r, &of_delay, 0);
    if (!(t->is_judged | r->conn->is_over))
        return REQUEST_DECIDE;
    if (r->conn->is_over) {
        stats_add(r->w->stats, STATS_LIMITED_CLIENT_CONNECTIONS, 1);
        return request_refuse(r, FAULT_CLIENT_CONNECTIONS);
    }
    return judge(r, t);
}

/* Who is on this connection now; it counts as his. ERR_LIMIT: he has as many as he may. */
static enum err know_user(struct conn *c, struct str name, uint32_t max)
{
    struct limits *l = c->w->shared->limits;
    struct limits_key key = {.kind = LIMITS_USER, .text = name};
    if (c->user && limits_is_user(l, c->user, name))
        return OK;
    leave(c->w, c->user);
    c->user = limits_take(l, &key, c->w->loop.now_ms);
    enum err e = limits_enter(c->user, max);
    if (e != OK) {
        limits_give(l, c->user, c->w->loop.now_ms);
        c->user = NULL;
    }
    return e;
}

enum request_state admit_user(struct request *r)
{
    const struct traffic *t = &r->hold->set->settings.traffic;
    const struct traffic_bounds *b = &t->user;
    if (!(b->requests_s || b->running || b->tunnels || b->bytes_s || b->connections) ||
        r->counted & ON_USER)
        return REQUEST_DECIDE;
    if (know_user(r->conn, r->k->user, b->connections) != OK)
        return refuse(r, &of_users_connections, 0);
    struct limits_ask q = {.bounds = b,
                           .is_tunnel = is_tunnel(r),
                           .now_ms = r->w->loop.now_ms,
                           .delay_ms = t->delay_ms};
    uint32_t wait_ms;
    enum limits_word word = limits_begin_user(r->conn->user, &q, &wait_ms);
    if (word != LIMITS_OK)
        return refuse(r, &of_users[word], wait_ms);
    r->counted |= (uint8_t)(q.is_tunnel ? ON_USER | ON_USER_TUNNEL : ON_USER);
    return go(r, wait_ms);
}

void admit_tunnel(struct request *r)
{
    struct conn *c = r->conn;
    if (r->counted & ON_CLIENT)
        limits_end(r->w->shared->limits, c->account);
    if (r->counted & ON_USER)
        limits_end_user(c->user);
    r->counted &= (uint8_t) ~(ON_CLIENT | ON_USER);
}

void admit_over(struct request *r)
{
    struct conn *c = r->conn;
    if (r->counted == 0)
        return;
    admit_tunnel(r);
    if (r->counted & ON_CLIENT_TUNNEL)
        limits_end_tunnel(c->account);
    if (r->counted & ON_USER_TUNNEL)
        limits_end_tunnel(c->user);
    r->counted = 0;
}
