/* step_resolve: the addresses of the host, from the worker's cache or the name servers. Wanted by
 * the policy (back to DECIDE) or for connecting (on to CONNECT). */
#include "proxyd/flow/step_resolve.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/way.h"
#include "proxyd/upstream/route.h"

static void on_done(struct resolve_query *q, const struct resolve_answer *a)
{
    struct work *k = LIST_ENTRY(q, struct work, query);
    k->answer = *a;
    k->is_resolving = false;
    k->has_addresses = true;
    request_run(k->r);
}

static enum request_state failed(struct request *r, enum err e)
{
    if (!r->k->has_answer && way_failed(r, e))
        return REQUEST_ROUTE;
    if (e == ERR_NOT_FOUND)
        return request_refuse(r, FAULT_NAME_UNKNOWN);
    return request_refuse(r, e == ERR_TIMEOUT ? FAULT_NAME_LATE : FAULT_NAME_FAILED);
}

static enum request_state done(struct request *r)
{
    struct work *k = r->k;
    if (k->answer.err != OK)
        return failed(r, k->answer.err);
    if (k->verdict.is_final || k->verdict.needs != FACTS_ADDRESS)
        return REQUEST_CONNECT;
    /* what may not be dialled is not worth judging */
    enum guard_word why = GUARD_MAY;
    if (route_allowed(&r->w->shared->guard, k->req.url.port, &k->answer, &why) != OK)
        return request_refuse(r, why == GUARD_OWN ? FAULT_OWN_ADDRESS : FAULT_ADDRESS);
    k->facts.server = k->answer.ip[0];
    k->facts.known |= FACTS_BIT(FACTS_ADDRESS);
    return REQUEST_DECIDE;
}

enum request_state step_resolve(struct request *r)
{
    struct work *k = r->k;
    if (k->has_addresses)
        return done(r);
    if (k->is_resolving)
        return REQUEST_RESOLVE;
    resolve_query_init(&k->query, on_done);
    enum err e = resolve_ask(r->w->resolve, k->dial_host, &k->query, &k->answer);
    if (e == ERR_AGAIN) {
        k->is_resolving = true;
        return REQUEST_RESOLVE;
    }
    if (e != OK)
        return failed(r, e);
    k->has_addresses = true;
    return done(r);
}
