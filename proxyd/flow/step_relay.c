/* step_relay: the answer's head and body go to the client, the rest of the request's body to the
 * server. An answer that is cut is cut for the client too: it never looks complete. */
#include "proxyd/flow/step_relay.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/entry.h"
#include "proxyd/flow/lead.h"
#include "proxyd/flow/meter.h"
#include "proxyd/flow/way.h"

static enum err take_body(void *ctx, struct str bytes, size_t *n)
{
    struct request *r = ctx;
    return http_body_take(&r->k->x.body, bytes, n, &r->k->refusal);
}

static enum err end_body(void *ctx)
{
    struct request *r = ctx;
    return http_body_eof(&r->k->x.body);
}

static uint64_t unseen_body(void *ctx)
{
    const struct request *r = ctx;
    return http_body_opaque(&r->k->x.body);
}

static enum err passed_body(void *ctx, uint64_t n)
{
    struct request *r = ctx;
    http_body_skip(&r->k->x.body, n);
    return r->k->x.body.is_done ? OK : ERR_AGAIN;
}

/* For HTTP/1.0 clients: the content without its chunks, moved together in place. */
static enum err dechunk(void *ctx, char *p, size_t n, size_t *n_out, size_t *n_used)
{
    struct request *r = ctx;
    *n_out = *n_used = 0;
    for (;;) {
        struct http_piece piece = {0};
        enum err e = http_body_step(&r->k->x.body, str_make(p + *n_used, n - *n_used), &piece,
                                    &r->k->refusal);
        if (piece.content.n)
            __builtin_memmove(p + *n_out, piece.content.p, piece.content.n);
        *n_out += piece.content.n;
        *n_used += piece.n;
        if (e != ERR_AGAIN || piece.n == 0)
            return e;
    }
}

static void before_last(void *ctx, size_t n)
{
    entry_offer(ctx, n);
}

static const struct pump_gate plain_gate = {.take = take_body,
                                            .unseen = unseen_body,
                                            .passed = passed_body,
                                            .eof = end_body,
                                            .last = before_last};
static const struct pump_gate dechunk_gate = {
    .rewrite = dechunk, .eof = end_body, .last = before_last};

#define DATE_LINE "Date: ddd, 00 mmm 0000 00:00:00 GMT\r\n"

static enum err write_head(struct request *r)
{
    struct work *k = r->k;
    char date[] = DATE_LINE;
    struct http_forward how = {.via = disclose_via(r),
                               .is_close = !r->is_keep,
                               .is_dechunked = k->req.minor == 0 && k->res.is_chunked,
                               .to_http10 = k->req.minor == 0};
    struct buf b;
    if (!headers_has(&k->res.h, HEADER_DATE) &&
        disclose_may_date(r)) { /* RFC 9110 6.6.1: then when it came */
        http_date_format(r->w->loop.wall_ms / 1000, date + sizeof "Date: " - 1);
        how.extra = str_make(date, sizeof date - 1);
    }
    enum err e =
        lead_open(&r->down, k->res.n_bytes + HTTP_WRITE_EXTRA + r->w->via.n + how.extra.n, &b);
    if (e != OK)
        return e;
    e = http_write_response(&k->res, &how, &b);
    lead_close(&r->down, &b);
    return e;
}

static enum err begin(struct request *r)
{
    struct work *k = r->k;
    const struct http_body *body = &k->x.body;
    bool is_dechunked = k->req.minor == 0 && body->framing == HTTP_BODY_CHUNKED;
    if (body->framing == HTTP_BODY_CLOSE || is_dechunked || r->w->is_draining)
        r->is_keep = false;
    enum err e = write_head(r);
    if (e != OK)
        return e;
    r->down.from = &k->x.up->fd.s;
    r->down.to = &r->conn->fd.s;
    r->down.gate = is_dechunked ? &dechunk_gate : &plain_gate;
    r->down.gate_ctx = r;
    r->down.b = k->x.in;
    k->x.in = NULL;
    r->down.is_done = body->is_done;
    r->down.is_large = true;
    r->status = k->res.status;
    r->is_head_sent = true;
    k->is_relaying = true;
    k->slow = (struct slow){0}; /* from here on it is about the answer */
    return OK;
}

/* The request's body still runs while the answer comes. */
static enum request_state send_rest(struct request *r)
{
    struct work *k = r->k;
    if (k->is_sent)
        return REQUEST_RELAY;
    switch (pump_run(&r->up)) {
    case PUMP_WAIT_READ:
    case PUMP_WAIT_WRITE: break;
    case PUMP_YIELD: request_yield(r); break;
    case PUMP_END: k->is_sent = true; break;
    case PUMP_LOST: /* the server does not want it; its answer stands */
    case PUMP_NOMEM:
        k->is_sent = true;
        pump_forget(&r->up);
        break;
    case PUMP_CUT:
    case PUMP_BAD: return request_cut(r, "http_request_error");
    }
    return REQUEST_RELAY;
}

/* A body where none is expected: a server that does not look for one takes it for the next request,
 * and answers it to whoever comes next on this connection (RFC 9110 9.3.1). */
static bool is_risky(const struct work *k)
{
    enum http_method m = k->req.method;
    return k->body.framing != HTTP_BODY_NONE &&
           (m == HTTP_GET || m == HTTP_HEAD || m == HTTP_DELETE);
}

static enum request_state complete(struct request *r)
{
    struct work *k = r->k;
    const struct flow_settings *s = &r->hold->set->settings;
    struct pool_limits limits = {s->max_pool, s->max_pool_per_host, s->pool_ms};
    bool is_whole = k->is_sent && k->body.is_done && !is_risky(k);
    k->x.in = r->down.b; /* surplus, if any: then the connection is not kept */
    r->down.b = NULL;
    exchange_end(&k->x, is_whole && way_may_keep(k), &limits);
    k->has_exchange = false;
    r->is_keep = r->is_keep && k->body.is_done;
    return REQUEST_LOG;
}

enum request_state step_relay(struct request *r)
{
    if (!r->k->is_relaying && begin(r) != OK) {
        request_drop_upstream(r);
        return request_cut(r, "proxy_internal_error");
    }
    if (r->meter && !meter_may_move(r)) {
        slow_note(r, false);
        return REQUEST_RELAY;
    }
    uint64_t before = r->down.n_out + r->up.n_out;
    enum request_state next = send_rest(r);
    if (next != REQUEST_RELAY)
        return next;
    enum pump_word word = pump_run(&r->down);
    if (word != PUMP_END)
        entry_undo(r);
    slow_note(r, word == PUMP_WAIT_WRITE);
    if (r->down.n_out + r->up.n_out != before)
        request_touch(r);
    if (r->meter && !meter_count(r) && word != PUMP_END)
        return meter_end(r);
    switch (word) {
    case PUMP_WAIT_READ:
    case PUMP_WAIT_WRITE: return REQUEST_RELAY;
    case PUMP_YIELD: request_yield(r); return REQUEST_RELAY;
    case PUMP_END: return complete(r);
    case PUMP_CUT: return request_cut(r, "http_response_incomplete");
    case PUMP_BAD: return request_cut(r, "http_protocol_error");
    case PUMP_LOST: return request_cut(r, "client_closed");
    case PUMP_NOMEM: return request_cut(r, "proxy_internal_error");
    }
    return REQUEST_RELAY;
}
