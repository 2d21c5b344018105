/* step_route: to the server or to a parent proxy (way.h); a kept connection when there is one, else
 * the way to a new one. */
#include "proxyd/flow/step_route.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/way.h"

/* When the policy has judged addresses, a kept connection must go to one of them. */
static bool is_judged(const struct work *k, const struct upstream *u)
{
    if (k->parent || !(k->facts.known & FACTS_BIT(FACTS_ADDRESS)))
        return true;
    for (unsigned i = 0; i < k->answer.n; i++)
        if (ip_eq(&k->answer.ip[i], &u->at.ip))
            return true;
    return false;
}

#define FRESH_MS 2000

/* A request that must not be sent twice goes only on a connection used a moment ago: if the server
 * closes it under our hands, nobody can tell whether the request was carried out. */
static bool is_fresh(const struct request *r, const struct upstream *u)
{
    return http_method_is_idempotent(r->k->req.method) ||
           r->w->loop.now_ms - u->idle_since_ms <= FRESH_MS;
}

enum request_state step_route(struct request *r)
{
    struct work *k = r->k;
    enum fault f = way_choose(r);
    if (f != FAULT_NONE)
        return request_refuse(r, f);
    if (k->req.method != HTTP_CONNECT && !k->is_fresh_only && !k->req.wants_upgrade &&
        way_may_keep(k)) {
        struct upstream *u = pool_take(&r->w->pool, way_key(k), k->dial_port, disclose_lane(r));
        if (u && is_judged(k, u) && is_fresh(r, u)) {
            k->up = u;
            stats_add(r->w->stats, STATS_UPSTREAM_REUSED, 1);
            return REQUEST_FETCH;
        }
        if (u)
            pool_drop(&r->w->pool, u);
    }
    return k->has_addresses ? REQUEST_CONNECT : REQUEST_RESOLVE;
}
