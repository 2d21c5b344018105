/* way: see the header. */
#include "proxyd/flow/way.h"

#include "base/buf.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/trial.h"
#include "proxyd/io/fd.h"
#include "proxyd/upstream/route.h"

/* The effects of the rule that lets it through. Before an answer that rules want to see: of the one
 * that will, if the answer is nothing those rules look for. */
static const struct effects *effects_of(const struct request *r)
{
    struct verdict v;
    struct facts f = r->k->facts;
    if (r->k->is_final)
        return r->k->verdict.effects;
    f.known |= FACTS_BIT(FACTS_ANSWER) | FACTS_BIT(FACTS_CONTENT);
    f.status = 0;
    f.content_type = STR("");
    policy_decide(trial_policy(r), &f, &v);
    return v.is_final ? v.effects : NULL;
}

static const struct parent_group *group_of(const struct request *r, enum fault *f)
{
    const struct work *k = r->k;
    const struct parents *all = r->hold->set->parents;
    const struct effects *x = all || k->is_final ? effects_of(r) : NULL;
    struct str name = x ? x->upstream : STR("");
    if (name.n == 0)
        return all ? all->standard : NULL;
    if (str_eq(name, STR(PARENT_DIRECT)))
        return NULL;
    const struct parent_group *g = parents_named(all, name);
    *f = g ? FAULT_NONE : FAULT_PARENT_UNKNOWN;
    return g;
}

static void aim(struct work *k, struct str host, uint16_t port, const struct host *literal)
{
    k->dial_host = host;
    k->dial_port = port;
    k->has_addresses = literal->is_ip;
    if (literal->is_ip)
        route_literal(literal, &k->answer);
}

/* Where a target leads that needs no look-up: a literal, or a name of RFC 6761 6.3. */
static bool address_of(const struct work *k, struct ip *out)
{
    struct str name = k->target;
    if (k->req.url.host.is_ip)
        *out = k->req.url.host.ip;
    else if (str_eq(name, STR("localhost")) || str_ends(name, STR(".localhost")))
        return ip_parse(STR("127.0.0.1"), out) == OK;
    return k->req.url.host.is_ip;
}

/* No look-up is made of what a parent dials. */
static enum fault judge_target(const struct request *r)
{
    const struct work *k = r->k;
    struct ip_port at = {.port = k->req.url.port};
    if (!address_of(k, &at.ip))
        return FAULT_NONE;
    switch (guard_judge(&r->w->shared->guard, &at)) {
    case GUARD_MAY: return FAULT_NONE;
    case GUARD_OWN: return FAULT_OWN_ADDRESS;
    case GUARD_NOT_PUBLIC: return FAULT_ADDRESS;
    }
    return FAULT_ADDRESS;
}

void way_aim_at_server(struct work *k)
{
    aim(k, k->target, k->req.url.port, &k->req.url.host);
    if (k->has_judged) { /* another look-up might lead where the verdict does not hold */
        k->answer = k->judged;
        k->has_addresses = true;
    }
}

/* What is told when no member is left to be asked. */
static enum fault none_left(const struct work *k, enum fault f)
{
    return k->is_parent_unwilling ? FAULT_PARENT_SAID : f;
}

/* The next member, within the time that connecting may take. */
static enum fault by_parent(struct request *r)
{
    struct work *k = r->k;
    int64_t now_ms = r->w->loop.now_ms;
    struct parent_ask ask = {&r->conn->client.ip, r->w->n_turns, k->tried, now_ms};
    k->is_through = false;
    if (!k->tried)
        ask.turn = r->w->n_turns++;
    else if (now_ms - k->way_ms >= r->hold->set->settings.connect_ms)
        return none_left(k, FAULT_CONNECT_LATE);
    k->parent = parent_choose(k->parents, &ask);
    if (k->parent) {
        aim(k, host_str(&k->parent->host), k->parent->port, &k->parent->host);
        return FAULT_NONE;
    }
    if (!k->parents->is_direct_when_down || k->is_parent_unwilling)
        return none_left(k, FAULT_PARENT_DOWN);
    k->parents = NULL;
    way_aim_at_server(k);
    return FAULT_NONE;
}

static enum fault begin(struct request *r)
{
    struct work *k = r->k;
    enum fault f = FAULT_NONE;
    k->has_way = true;
    k->parents = group_of(r, &f);
    if (!k->parents || f != FAULT_NONE)
        return f;
    k->target = k->dial_host;
    k->way_ms = r->w->loop.now_ms;
    k->has_judged = k->has_addresses;
    if (k->has_judged)
        k->judged = k->answer;
    return judge_target(r);
}

enum fault way_choose(struct request *r)
{
    const struct work *k = r->k;
    enum fault f = k->has_way ? FAULT_NONE : begin(r);
    return f == FAULT_NONE && k->parents ? by_parent(r) : f;
}

struct str way_key(const struct work *k)
{
    return k->parent ? str_of(k->parent->key) : k->dial_host;
}

bool way_is_tunnel(const struct work *k)
{
    return k->parent && (k->req.method == HTTP_CONNECT || k->req.wants_upgrade);
}

bool way_may_keep(const struct work *k)
{
    return !k->parent || (k->parent->line == PARENT_LINE_OFF && !k->is_through);
}

static void pass_over(struct work *k)
{
    k->tried |= 1u << parent_index(k->parents, k->parent);
}

bool way_failed(struct request *r, enum err e)
{
    struct work *k = r->k;
    if (!k->parent)
        return false;
    parent_went(k->parents, k->parent, e, r->w->loop.now_ms);
    pass_over(k);
    return true;
}

void way_unwilling(struct request *r)
{
    pass_over(r->k);
    r->k->is_parent_unwilling = true;
}

void way_silent(struct request *r)
{
    (void)way_failed(r, ERR_TIMEOUT);
    r->k->way_ms = r->w->loop.now_ms;
}

static void on_late(struct timer *t)
{
    struct work *k = LIST_ENTRY(t, struct work, parent_timer);
    k->is_parent_late = true;
    request_run(k->r);
}

void way_wait(struct request *r, uint32_t most_ms)
{
    struct work *k = r->k;
    k->is_parent_late = false;
    timer_init(&k->parent_timer, on_late);
    if (most_ms)
        timer_set(&r->w->loop.timers, &k->parent_timer, r->w->loop.now_ms + most_ms);
}

void way_answered(struct request *r)
{
    timer_stop(&r->w->loop.timers, &r->k->parent_timer);
    r->k->is_parent_late = false; /* the next may be the server itself */
}

void way_connected(struct request *r)
{
    const struct work *k = r->k;
    if (k->parent)
        parent_went(k->parents, k->parent, OK, r->w->loop.now_ms);
}

void way_count(const struct work *k)
{
    atomic_fetch_add_explicit(&k->parent->health->n_taken, 1, memory_order_relaxed);
}

void way_dress(const struct request *r, struct http_forward *how)
{
    const struct work *k = r->k;
    if (!k->parent || k->is_through)
        return;
    way_count(k);
    how->is_absolute = true;
    how->authorization = k->parent->authorization;
}

size_t way_line(const struct request *r, char out[PROXY_LINE_MAX])
{
    const struct work *k = r->k;
    struct ip_port ours;
    if (!k->parent || k->parent->line == PARENT_LINE_OFF || k->is_through)
        return 0;
    if (fd_local(r->conn->fd.lf.fd, &ours) != OK)
        ours = r->w->shared->listeners[r->conn->listener].at;
    const struct ip_port *from = disclose_may_name(r) ? &r->conn->client : &ours;
    return k->parent->line == PARENT_LINE_V1 ? proxy_line_write(from, &ours, out)
                                             : proxy_line_write_v2(from, &ours, out);
}

enum fault way_judge(struct request *r)
{
    struct work *k = r->k;
    if (!k->parent || k->is_through || k->res.status != 407)
        return FAULT_NONE;
    k->refusal = (struct http_refusal){502, "parent-wants-login"};
    return FAULT_PARENT_SAID;
}
