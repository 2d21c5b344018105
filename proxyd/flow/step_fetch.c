/* step_fetch: the request goes out on an upstream connection, its body behind it, until the head of
 * the final answer is there. 1xx are passed on as they come. A kept connection that turns out dead
 * is replaced once, when asking again is harmless. A parent proxy gets the absolute form. */
#include "proxyd/flow/step_fetch.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/dress.h"
#include "proxyd/flow/lead.h"
#include "proxyd/flow/meter.h"
#include "proxyd/flow/way.h"

/* Bytes that wait on a kept connection in the very turn in which the request is written were there
 * before it: events of a turn are fetched at its beginning. They answer nothing of ours. */
static bool is_answer_to_nothing(const struct request *r, const struct stream *s)
{
    const struct work *k = r->k;
    return k->x.is_reused && !k->x.is_any_byte && k->sent_turn == r->w->loop.n_turns &&
           (s->ready & STREAM_READABLE);
}

static void on_upstream(struct stream *s)
{
    struct request *r = s->owner;
    if (r->state == REQUEST_FETCH && is_answer_to_nothing(r, s))
        r->k->is_stale = true;
    request_run(r);
}

static enum err take_body(void *ctx, struct str bytes, size_t *n)
{
    struct request *r = ctx;
    return http_body_take(&r->k->body, bytes, n, &r->k->refusal);
}

static enum err end_body(void *ctx)
{
    struct request *r = ctx;
    return http_body_eof(&r->k->body);
}

static uint64_t unseen_body(void *ctx)
{
    const struct request *r = ctx;
    return http_body_opaque(&r->k->body);
}

static enum err passed_body(void *ctx, uint64_t n)
{
    struct request *r = ctx;
    http_body_skip(&r->k->body, n);
    return r->k->body.is_done ? OK : ERR_AGAIN;
}

static const struct pump_gate request_gate = {
    .take = take_body, .unseen = unseen_body, .passed = passed_body, .eof = end_body};

static enum err write_head(struct request *r)
{
    struct work *k = r->k;
    struct http_forward how = {.is_upgrade = k->req.wants_upgrade};
    char line[PROXY_LINE_MAX];
    size_t n_line = way_line(r, line);
    struct buf b;
    if (!k->req.expects_continue) /* of HTTP/1.0: to be ignored (RFC 9110 10.1.1) */
        how.drop |= HEADER_BIT(HEADER_EXPECT);
    way_dress(r, &how);
    enum err e = dress_request(r, &how);
    k->body.written = how.drop_names; /* nobody overrules a rule from behind the body either */
    k->body.n_written = how.n_drop_names;
    if (e == OK)
        e = disclose_request(r, &how);
    k->body.veil = how.veil;
    if (e == OK)
        e = lead_open(&r->up,
                      k->req.n_bytes + HTTP_WRITE_EXTRA + r->w->via.n + how.extra.n +
                          how.path_query.n + how.authorization.n + n_line,
                      &b);
    if (e != OK)
        return e;
    if (n_line)
        buf_add(&b, str_make(line, n_line));
    e = http_write_request(&k->req, &how, &b);
    lead_close(&r->up, &b);
    r->up_lead += b.n;
    return e;
}

static bool may_ask_again(const struct work *k)
{
    return (k->x.is_reused || k->parent) && k->body.framing == HTTP_BODY_NONE &&
           http_method_is_idempotent(k->req.method);
}

static enum err begin(struct request *r)
{
    struct work *k = r->k;
    struct exchange_parts parts = {&r->w->pool, &r->w->buffers, k->up, &k->res, k->req.method};
    exchange_begin(&k->x, &parts);
    k->upstream_at = k->up->at;
    k->up = NULL;
    k->has_exchange = true;
    k->x.up->fd.s.owner = r;
    k->x.up->fd.s.on_ready = on_upstream;
    r->up.from = &r->conn->fd.s;
    r->up.to = &k->x.up->fd.s;
    r->up.gate = &request_gate;
    r->up.gate_ctx = r;
    r->up.is_done = k->body.is_done;
    r->up.is_large = true;
    r->down.to = &r->conn->fd.s;
    k->sent_ms = r->w->loop.now_ms;
    k->sent_turn = r->w->loop.n_turns;
    k->is_stale = false;
    if (k->parent && !k->is_through && may_ask_again(k))
        way_wait(r, k->parents->answer_ms);
    return write_head(r);
}

/* A kept connection turned out useless: asked again on a new one where that is harmless. */
static enum request_state ask_again_or(struct request *r, enum fault f)
{
    struct work *k = r->k;
    bool is_again = may_ask_again(k);
    bool is_new = !k->x.is_reused;
    pump_release(&r->up);
    request_drop_upstream(r);
    if (is_new && !k->is_through) /* else it is the server that has closed */
        (void)way_failed(r, ERR_CLOSED);
    if (!is_again)
        return request_refuse(r, f);
    k->is_fresh_only = true;
    k->is_sent = false;
    return REQUEST_ROUTE;
}

/* The body is waited for, and by nobody's fault but the client's: it may want a 100 first. */
static bool owes_body(const struct request *r, enum pump_word word)
{
    return word == PUMP_WAIT_READ && (!r->k->req.expects_continue || r->up.n_out > r->up_lead);
}

/* Moves the request on. FETCH: go on; else what comes instead. */
static enum request_state send_request(struct request *r)
{
    struct work *k = r->k;
    if (k->is_sent)
        return REQUEST_FETCH;
    bool is_measured = r->meter && k->body.framing != HTTP_BODY_NONE;
    if (is_measured && !meter_may_move(r)) {
        slow_note(r, false);
        return REQUEST_FETCH;
    }
    uint64_t before = r->up.n_out;
    enum pump_word word = pump_run(&r->up);
    slow_note(r, owes_body(r, word));
    if (r->up.n_out != before)
        request_touch(r);
    if (is_measured && !meter_count(r) && word != PUMP_END) {
        request_drop_upstream(r);
        return meter_end(r);
    }
    switch (word) {
    case PUMP_WAIT_READ:
    case PUMP_WAIT_WRITE: break;
    case PUMP_YIELD: request_yield(r); break;
    case PUMP_END: k->is_sent = true; break;
    case PUMP_LOST: /* it may have answered before it closed */
        k->is_sent = true;
        r->is_keep = r->is_keep && k->body.is_done;
        pump_forget(&r->up);
        break;
    case PUMP_CUT: return request_cut(r, "client_closed");
    case PUMP_BAD: request_drop_upstream(r); return request_refuse(r, FAULT_BODY);
    case PUMP_NOMEM: request_drop_upstream(r); return request_refuse(r, FAULT_MEMORY);
    }
    return REQUEST_FETCH;
}

/* A 1xx: to the client, if it knows them. */
static enum err pass_interim(struct request *r)
{
    struct work *k = r->k;
    if (k->req.minor == 0)
        return OK;
    struct http_forward how = {.via = disclose_via(r)};
    struct buf b;
    enum err e = lead_open(&r->down, k->res.n_bytes + HTTP_WRITE_EXTRA + r->w->via.n, &b);
    if (e != OK)
        return e;
    e = http_write_response(&k->res, &how, &b);
    lead_close(&r->down, &b);
    return e;
}

/* What the policy and the record want of the answer; copied, for the buffer moves on. */
static enum err take_answer(struct request *r)
{
    struct work *k = r->k;
    struct str type = headers_value(&k->res.h, HEADER_CONTENT_TYPE);
    size_t semicolon = str_find(type, ';');
    type = str_trim(str_sub(type, 0, semicolon == STR_NPOS ? type.n : semicolon));
    if (type.n) {
        char *p = arena_alloc(&k->arena, type.n);
        if (!p)
            return ERR_NOMEM;
        for (size_t i = 0; i < type.n; i++)
            p[i] = str_lower(type.p[i]);
        k->content_type = str_make(p, type.n);
    }
    k->has_answer = true;
    k->upstream_ms = (uint32_t)(r->w->loop.now_ms - k->sent_ms);
    k->facts.status = k->res.status;
    k->facts.content_type = k->content_type;
    k->facts.size_bytes = k->res.has_length ? k->res.length : UINT64_MAX;
    k->facts.known |= FACTS_BIT(FACTS_ANSWER);
    return OK;
}

static enum request_state bad_answer(struct request *r, const char *reason)
{
    r->k->refusal = (struct http_refusal){502, reason};
    request_drop_upstream(r);
    return request_refuse(r, FAULT_ANSWER_BAD);
}

/* The protocol that was asked for, and no other (RFC 9110 7.8), after the whole request. */
static bool is_switch(const struct work *k)
{
    return k->req.wants_upgrade && k->is_sent && k->res.wants_upgrade &&
           str_eq_nocase(headers_value(&k->res.h, HEADER_UPGRADE),
                         headers_value(&k->req.h, HEADER_UPGRADE));
}

static enum request_state answered(struct request *r)
{
    struct work *k = r->k;
    enum fault f = way_judge(r);
    if (f != FAULT_NONE) {
        request_drop_upstream(r);
        return request_refuse(r, f);
    }
    if (k->res.status == 101)
        return is_switch(k) ? REQUEST_TUNNEL : bad_answer(r, "unexpected-101");
    if (k->res.status == 407) /* a login at a proxy is ours to ask for, and the client would take
                                 it as such */
        return bad_answer(r, "unexpected-407");
    if (take_answer(r) != OK) {
        request_drop_upstream(r);
        return request_refuse(r, FAULT_MEMORY);
    }
    return k->is_judging_answer ? REQUEST_DECIDE : REQUEST_RELAY;
}

/* Interim heads that wait for the client go out now, so that nobody waits for anybody. */
static bool flush_interim(struct request *r)
{
    if (!r->down.lead)
        return true;
    r->down.is_done = true;
    enum pump_word word = pump_run(&r->down);
    r->down.is_done = false;
    return word != PUMP_LOST;
}

static enum request_state read_answer(struct request *r)
{
    struct work *k = r->k;
    for (;;) {
        enum err e = exchange_read_head(&k->x, &k->refusal);
        if (k->is_stale && k->x.is_any_byte) {
            k->refusal = (struct http_refusal){502, "answer-before-request"};
            return ask_again_or(r, FAULT_ANSWER_BAD);
        }
        k->is_stale = false;
        switch (e) {
        case OK: break;
        case ERR_AGAIN: return REQUEST_FETCH;
        case ERR_EOF: return ask_again_or(r, FAULT_ANSWER_CUT);
        case ERR_INVALID: request_drop_upstream(r); return request_refuse(r, FAULT_ANSWER_BAD);
        case ERR_NOMEM: request_drop_upstream(r); return request_refuse(r, FAULT_MEMORY);
        default: request_drop_upstream(r); return request_refuse(r, FAULT_ANSWER_CUT);
        }
        if (k->res.status >= 200 || k->res.status == 101)
            return answered(r);
        if (pass_interim(r) != OK || !flush_interim(r))
            return request_cut(r, "client_closed");
        exchange_next_head(&k->x);
    }
}

/* The parent has said nothing in its time; perhaps another one does. */
static enum request_state ask_another(struct request *r)
{
    pump_release(&r->up);
    request_drop_upstream(r);
    way_silent(r);
    r->k->is_sent = false;
    return REQUEST_ROUTE;
}

static enum request_state fetch(struct request *r)
{
    struct work *k = r->k;
    if (k->has_exchange && k->is_parent_late && !k->x.is_any_byte)
        return ask_another(r);
    if (!k->has_exchange && begin(r) != OK) {
        pump_release(&r->up);
        request_drop_upstream(r);
        return request_refuse(r, FAULT_MEMORY);
    }
    enum request_state next = send_request(r);
    if (next != REQUEST_FETCH)
        return next;
    if (!flush_interim(r))
        return request_cut(r, "client_closed");
    return read_answer(r);
}

enum request_state step_fetch(struct request *r)
{
    enum request_state next = fetch(r);
    if (next != REQUEST_FETCH)
        way_answered(r);
    return next;
}
