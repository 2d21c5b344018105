/* step_connect: a new connection to one of the addresses. */
#include "proxyd/flow/step_connect.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/way.h"

#define SHED 8 /* idle connections given up at once when descriptors run out */

static void on_done(struct dial *d, enum err e)
{
    struct work *k = LIST_ENTRY(d, struct work, dial);
    k->is_dialing = false;
    k->is_dialed = true;
    k->dial_err = e;
    request_run(k->r);
}

static enum request_state failed(struct request *r)
{
    const struct work *k = r->k;
    stats_add(r->w->stats, STATS_DIAL_FAILURES, 1);
    if (k->dial_err != ERR_FULL && way_failed(r, k->dial_err))
        return REQUEST_ROUTE;
    switch (k->dial_err) {
    case ERR_DENIED:
        if (k->dial.refused == GUARD_MAY)
            return request_refuse(r, FAULT_CONNECT_FAILED);
        return request_refuse(r, k->dial.refused == GUARD_OWN ? FAULT_OWN_ADDRESS : FAULT_ADDRESS);
    case ERR_REFUSED: return request_refuse(r, FAULT_CONNECT_REFUSED);
    case ERR_TIMEOUT: return request_refuse(r, FAULT_CONNECT_LATE);
    case ERR_FULL:
        stats_add(r->w->stats, STATS_SHORT_DESCRIPTORS, 1);
        return request_refuse(r, FAULT_BUSY);
    default: return request_refuse(r, FAULT_CONNECT_FAILED);
    }
}

static enum request_state connected(struct request *r)
{
    struct work *k = r->k;
    struct upstream_target to = {way_key(k), k->dial_port, k->dial.winner, k->dial.won_events,
                                 disclose_lane(r)};
    if (pool_adopt(&r->w->pool, &k->dial.won->lf, &to, &k->up) != OK) {
        dial_give_up(&k->dial);
        return request_refuse(r, FAULT_MEMORY);
    }
    way_connected(r);
    if (way_is_tunnel(k))
        return REQUEST_PARENT;
    return k->req.method == HTTP_CONNECT ? REQUEST_TUNNEL : REQUEST_FETCH;
}

enum request_state step_connect(struct request *r)
{
    struct work *k = r->k;
    if (k->is_dialing)
        return REQUEST_CONNECT;
    if (!k->is_dialed) {
        k->dial.loop = &r->w->loop;
        k->dial.guard = k->is_probe ? &k->probe_guard
                        : k->parent ? &r->w->shared->parent_guard
                                    : &r->w->shared->guard;
        k->dial.port = k->dial_port;
        k->dial.limit_ms = k->parent ? k->parents->connect_ms : 0;
        k->dial.on_done = on_done;
        stats_add(r->w->stats, STATS_DIALS, 1);
        k->dial_err = dial_start(&k->dial, &k->answer);
        if (k->dial_err == ERR_FULL && pool_shed(&r->w->pool, SHED)) /* no descriptor was left */
            k->dial_err = dial_start(&k->dial, &k->answer);
        if (k->dial_err == ERR_AGAIN) {
            k->is_dialing = true;
            return REQUEST_CONNECT;
        }
    }
    k->is_dialed = false;
    return k->dial_err == OK ? connected(r) : failed(r);
}
