/* way: see the header. */
#include "proxyd/flow/way.h"

#include "base/buf.h"
#include "proxyd/flow/context.h"
#include "proxyd/io/fd.h"
#include "proxyd/upstream/route.h"

static const struct parent_group *group_of(const struct request *r, enum fault *f)
{
    const struct work *k = r->k;
    const struct parents *all = r->hold->set->parents;
    struct str name = k->is_final && k->verdict.effects ? k->verdict.effects->upstream : STR("");
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

/* No look-up is made of what a parent dials, but a literal says where it leads. */
static enum fault judge_target(const struct request *r)
{
    const struct work *k = r->k;
    if (!k->req.url.host.is_ip)
        return FAULT_NONE;
    struct ip_port at = {k->req.url.host.ip, k->req.url.port};
    switch (guard_judge(&r->w->shared->guard, &at)) {
    case GUARD_MAY: return FAULT_NONE;
    case GUARD_OWN: return FAULT_OWN_ADDRESS;
    case GUARD_NOT_PUBLIC: return FAULT_ADDRESS;
    }
    return FAULT_ADDRESS;
}

static enum fault by_parent(struct request *r)
{
    struct work *k = r->k;
    struct parent_ask ask = {&r->conn->client.ip, r->w->n_turns++, k->tried, r->w->loop.now_ms};
    k->parent = parent_choose(k->parents, &ask);
    if (k->parent) {
        aim(k, host_str(&k->parent->host), k->parent->port, &k->parent->host);
        return FAULT_NONE;
    }
    if (!k->parents->is_direct_when_down)
        return FAULT_PARENT_DOWN;
    k->parents = NULL;
    aim(k, k->target, k->req.url.port, &k->req.url.host);
    return FAULT_NONE;
}

enum fault way_choose(struct request *r)
{
    struct work *k = r->k;
    enum fault f = FAULT_NONE;
    if (!k->has_way) {
        k->has_way = true;
        k->parents = group_of(r, &f);
        k->target = k->dial_host;
        if (k->parents && f == FAULT_NONE)
            f = judge_target(r);
    }
    return f == FAULT_NONE && k->parents ? by_parent(r) : f;
}

struct str way_key(const struct work *k)
{
    return k->parent ? str_of(k->parent->key) : k->dial_host;
}

bool way_may_keep(const struct work *k)
{
    return !k->parent || k->parent->line == PARENT_LINE_OFF;
}

bool way_failed(struct request *r, enum err e)
{
    struct work *k = r->k;
    if (!k->parent)
        return false;
    parent_went(k->parents, k->parent, e, r->w->loop.now_ms);
    k->tried |= 1u << parent_index(k->parents, k->parent);
    return true;
}

void way_connected(struct request *r)
{
    const struct work *k = r->k;
    if (k->parent)
        parent_went(k->parents, k->parent, OK, r->w->loop.now_ms);
}

/* Safe search by name: the parent is asked for that name. */
static enum err other_target(struct work *k, struct http_forward *how)
{
    char room[HOST_MAX + 8];
    struct buf b = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    if (k->req.method != HTTP_CONNECT || str_eq(k->target, k->host))
        return OK;
    buf_add(&b, k->target);
    buf_add_c(&b, ':');
    buf_add_u64(&b, k->req.url.port);
    how->authority = arena_str(&k->arena, buf_str(&b));
    return how->authority.p ? OK : ERR_NOMEM;
}

enum err way_dress(struct request *r, struct http_forward *how)
{
    struct work *k = r->k;
    if (!k->parent)
        return OK;
    atomic_fetch_add_explicit(&k->parent->health->n_taken, 1, memory_order_relaxed);
    how->is_absolute = true;
    how->authorization = k->parent->authorization;
    return other_target(k, how);
}

size_t way_line(const struct request *r, char out[PROXY_LINE_MAX])
{
    const struct work *k = r->k;
    struct ip_port ours;
    if (way_may_keep(k))
        return 0;
    if (fd_local(r->conn->fd.lf.fd, &ours) != OK)
        ours = r->w->shared->listeners[r->conn->listener].at;
    return k->parent->line == PARENT_LINE_V1 ? proxy_line_write(&r->conn->client, &ours, out)
                                             : proxy_line_write_v2(&r->conn->client, &ours, out);
}

enum fault way_judge(struct request *r)
{
    struct work *k = r->k;
    bool is_connect = k->req.method == HTTP_CONNECT;
    if (!k->parent || (k->res.status != 407 && !is_connect) ||
        (is_connect && k->res.status >= 200 && k->res.status < 300))
        return FAULT_NONE;
    k->refusal =
        (struct http_refusal){502, k->res.status == 407 ? "parent-wants-login" : "parent-refused"};
    return FAULT_PARENT_SAID;
}
