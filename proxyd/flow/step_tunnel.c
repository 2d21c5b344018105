/* step_tunnel: bytes both ways after CONNECT or 101, each direction ending by itself. Everything
 * but the two pumps and the encoded record is given back first, so an idle tunnel is small. */
#include "proxyd/flow/step_tunnel.h"

#include "proxyd/flow/admit.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/entry.h"
#include "proxyd/flow/hops.h"
#include "proxyd/flow/lead.h"
#include "proxyd/flow/meter.h"

static void on_upstream(struct stream *s)
{
    request_run(s->owner);
}

static enum err answer_head(struct request *r)
{
    struct work *k = r->k;
    if (k->req.method == HTTP_CONNECT) {
        r->status = 200;
        return lead_add(&r->down, STR(HTTP_ESTABLISHED));
    }
    struct http_forward how = {.via = disclose_via(r), .is_upgrade = true};
    struct buf b;
    enum err e = lead_open(&r->down, k->res.n_bytes + HTTP_WRITE_EXTRA + r->w->via.n, &b);
    if (e != OK)
        return e;
    r->status = 101;
    e = http_write_response(&k->res, &how, &b);
    lead_close(&r->down, &b);
    return e;
}

/* Bytes that came too early, on either side, are the first to go. */
static void take_surplus(struct request *r)
{
    struct work *k = r->k;
    struct conn *c = r->conn;
    if (k->has_exchange) {
        r->up_conn = k->x.up;
        r->down.b = k->x.in;
        k->x.in = NULL;
        k->x.up = NULL;
        k->has_exchange = false;
    } else {
        r->up_conn = k->up;
        k->up = NULL;
    }
    if (c->in && iobuf_n(c->in) > 0)
        r->up.b = c->in;
    else
        bufpool_give(&r->w->buffers, &c->in);
    c->in = NULL;
}

static void aim(struct pump *p, struct stream *from, struct stream *to)
{
    p->from = from;
    p->to = to;
    p->gate = NULL;
    p->is_done = p->is_eof = false;
    p->is_large = true;
}

static enum err begin(struct request *r)
{
    if (r->k->up)
        r->k->upstream_at = r->k->up->at;
    enum err e = answer_head(r);
    if (e == OK)
        e = entry_slim(r); /* copies what the record needs of the head */
    if (e != OK)
        return e;
    pump_release(&r->up);
    take_surplus(r);
    r->up_conn->fd.s.owner = r;
    r->up_conn->fd.s.on_ready = on_upstream;
    aim(&r->up, &r->conn->fd.s, &r->up_conn->fd.s);
    aim(&r->down, &r->up_conn->fd.s, &r->conn->fd.s);
    if (r->up.n_out > r->up_lead) /* the body of a request for another protocol */
        r->bytes_in += r->up.n_out - r->up_lead;
    r->up.n_out = r->up_lead = 0;
    r->is_tunnel = r->is_head_sent = true;
    r->is_keep = false;
    r->tunnel_ms = r->hold->set->settings.tunnel_ms;
    hops_leave_request(r);
    work_give(r->w, r->k);
    r->k = NULL;
    policy_hold_give(&r->w->holder, r->hold);
    r->hold = NULL;
    admit_tunnel(r);
    r->w->n_tunnels++;
    stats_add(r->w->stats, STATS_TUNNELS, 1);
    return OK;
}

static bool is_over(const struct pump *p)
{
    return p->is_done && !pump_holds(p);
}

/* The server has closed and all it sent is delivered: the tunnel is over (RFC 9110 9.3.6), unless
 * the client is in the middle of sending, which would answer our closing with a reset. A client
 * that closes first only ends its direction: its answer may still be on the way. */
static bool is_over_by_server(const struct request *r)
{
    return is_over(&r->down) && r->down.is_eof && !pump_holds(&r->up) &&
           !(r->conn->fd.s.ready & STREAM_READABLE);
}

/* One direction. False: the tunnel is broken. */
static bool move(struct request *r, struct pump *p, const struct pump *other)
{
    if (is_over(p))
        return true;
    switch (pump_run(p)) {
    case PUMP_WAIT_READ:
    case PUMP_WAIT_WRITE: return true;
    case PUMP_YIELD: request_yield(r); return true;
    case PUMP_END:
        if (!is_over(other) && !is_over_by_server(r)) /* else closing tells the same */
            stream_shut(p->to);
        return true;
    case PUMP_CUT:
    case PUMP_BAD:
    case PUMP_LOST:
    case PUMP_NOMEM: return false;
    }
    return false;
}

static enum request_state over(struct request *r, bool is_broken)
{
    r->is_cut = is_broken;
    return REQUEST_LOG;
}

enum request_state step_tunnel(struct request *r)
{
    if (!r->is_tunnel && begin(r) != OK)
        return request_cut(r, "proxy_internal_error");
    if (r->meter && !meter_may_move(r))
        return REQUEST_TUNNEL;
    uint64_t before = r->up.n_out + r->down.n_out;
    bool is_whole = move(r, &r->up, &r->down) && move(r, &r->down, &r->up);
    if (r->up.n_out + r->down.n_out != before)
        request_touch(r);
    if (r->meter && !meter_count(r))
        return meter_end(r);
    if (!is_whole)
        return over(r, true);
    if (is_over(&r->down) && (is_over(&r->up) || is_over_by_server(r)))
        return over(r, false);
    return REQUEST_TUNNEL;
}
