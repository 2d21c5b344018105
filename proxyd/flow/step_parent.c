/* step_parent: CONNECT goes to a parent proxy, for a client's CONNECT and for an upgrade, which
 * proxies on the way rarely pass on. Only 2xx is a tunnel; whatever else the parent says is its own
 * affair and never shown as the server's. Nothing of the client's is sent before the tunnel stands,
 * so another member may be asked instead. The parent learns the target, our login
 * and what the listener discloses, and no other field of the client's head. */
#include "proxyd/flow/step_parent.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/disclose.h"
#include "proxyd/flow/way.h"

#define HEAD_MAX ((size_t)64 * 1024)

static void on_upstream(struct stream *s)
{
    request_run(s->owner);
}

static void add_authority(const struct work *k, struct buf *b)
{
    const struct host *h = &k->req.url.host;
    bool has_brackets = h->is_ip && !ip_is_v4(&h->ip);
    buf_add(b, has_brackets ? STR("[") : STR(""));
    buf_add(b, k->target);
    buf_add(b, has_brackets ? STR("]:") : STR(":"));
    buf_add_u64(b, k->req.url.port);
}

/* Who has passed it on before, so that a circle is found; where the listener tells it. */
static void add_via(const struct request *r, struct buf *b)
{
    size_t at = 0;
    struct str value;
    while (disclose_keeps_via(r) && headers_next(&r->k->req.h, HEADER_VIA, &at, &value)) {
        buf_add(b, STR("Via: "));
        buf_add(b, value);
        buf_add(b, STR("\r\n"));
    }
    if (!disclose_via(r).n)
        return;
    buf_add(b, r->k->req.minor == 0 ? STR("Via: 1.0 ") : STR("Via: 1.1 "));
    buf_add(b, disclose_via(r));
    buf_add(b, STR("\r\n"));
}

static void write_head(struct request *r, struct buf *b)
{
    char line[PROXY_LINE_MAX];
    const struct work *k = r->k;
    buf_add(b, str_make(line, way_line(r, line)));
    buf_add(b, STR("CONNECT "));
    add_authority(k, b);
    buf_add(b, STR(" HTTP/1.1\r\nHost: "));
    add_authority(k, b);
    buf_add(b, STR("\r\n"));
    add_via(r, b);
    disclose_client(r, b);
    if (k->parent->authorization.n) {
        buf_add(b, STR("Proxy-Authorization: "));
        buf_add(b, k->parent->authorization);
        buf_add(b, STR("\r\n"));
    }
    buf_add(b, STR("\r\n"));
}

static enum err begin(struct request *r)
{
    struct work *k = r->k;
    struct exchange_parts parts = {&r->w->pool, &r->w->buffers, k->up, &k->res, HTTP_CONNECT};
    struct buf b;
    exchange_begin(&k->x, &parts);
    k->upstream_at = k->up->at;
    k->up = NULL;
    k->has_exchange = true;
    k->x.up->fd.s.owner = r;
    k->x.up->fd.s.on_ready = on_upstream;
    k->sent_ms = r->w->loop.now_ms;
    way_wait(r, k->parents->connect_ms);
    way_count(k);
    buf_init(&b, HEAD_MAX);
    write_head(r, &b);
    k->asked = b.failed ? (struct str){0} : arena_str(&k->arena, buf_str(&b));
    buf_fini(&b);
    return k->asked.p ? OK : ERR_NOMEM;
}

static enum err send_head(struct work *k)
{
    while (k->asked.n) {
        struct iovec v = {(void *)(uintptr_t)k->asked.p, k->asked.n};
        size_t n = 0;
        enum err e = stream_writev(&k->x.up->fd.s, &v, 1, &n);
        if (e != OK)
            return e;
        k->asked = str_sub(k->asked, n, k->asked.n);
    }
    return OK;
}

/* This member will not do it; perhaps another. */
static enum request_state gone(struct request *r, enum err e)
{
    request_drop_upstream(r);
    (void)way_failed(r, e);
    return REQUEST_ROUTE;
}

/* The server is out of this member's reach, or it has too much to do (RFC 9110 15.6.3 to 15.6.5).
 */
static bool may_other(int status)
{
    return status == 502 || status == 503 || status == 504;
}

static enum request_state refused(struct request *r)
{
    struct work *k = r->k;
    k->refusal =
        (struct http_refusal){502, k->res.status == 407 ? "parent-wants-login" : "parent-refused"};
    request_drop_upstream(r);
    if (may_other(k->res.status)) {
        way_unwilling(r);
        return REQUEST_ROUTE;
    }
    return request_refuse(r, FAULT_PARENT_SAID);
}

static enum request_state bad(struct request *r)
{
    request_drop_upstream(r);
    (void)way_failed(r, ERR_INVALID);
    return request_refuse(r, FAULT_ANSWER_BAD);
}

/* An upgrade goes on inside the tunnel as if the server had been dialled. */
static enum request_state upgrade_inside(struct request *r)
{
    struct work *k = r->k;
    if (k->x.in && iobuf_n(k->x.in) > 0) {
        k->refusal = (struct http_refusal){502, "unasked-bytes"};
        return bad(r);
    }
    bufpool_give(&r->w->buffers, &k->x.in);
    k->up = k->x.up;
    k->up->n_uses = 0;
    k->x.up = NULL;
    k->has_exchange = false;
    k->is_through = true;
    return REQUEST_FETCH;
}

static enum request_state answered(struct request *r)
{
    struct work *k = r->k;
    if (k->res.status < 200 || k->res.status >= 300)
        return refused(r);
    k->upstream_ms = (uint32_t)(r->w->loop.now_ms - k->sent_ms);
    return k->req.method == HTTP_CONNECT ? REQUEST_TUNNEL : upgrade_inside(r);
}

static enum request_state read_answer(struct request *r)
{
    struct work *k = r->k;
    for (;;) {
        switch (exchange_read_head(&k->x, &k->refusal)) {
        case OK: break;
        case ERR_AGAIN: return REQUEST_PARENT;
        case ERR_INVALID: return bad(r);
        case ERR_NOMEM: request_drop_upstream(r); return request_refuse(r, FAULT_MEMORY);
        default: return gone(r, ERR_CLOSED);
        }
        if (k->res.status >= 200 || k->res.status == 101)
            return answered(r);
        exchange_next_head(&k->x);
    }
}

static enum request_state ask(struct request *r)
{
    struct work *k = r->k;
    if (k->has_exchange && k->is_parent_late)
        return gone(r, ERR_TIMEOUT);
    if (!k->has_exchange && begin(r) != OK) {
        request_drop_upstream(r);
        return request_refuse(r, FAULT_MEMORY);
    }
    enum err e = send_head(k);
    if (e == ERR_AGAIN)
        return REQUEST_PARENT;
    return e == OK ? read_answer(r) : gone(r, ERR_CLOSED);
}

enum request_state step_parent(struct request *r)
{
    enum request_state next = ask(r);
    if (next != REQUEST_PARENT)
        way_answered(r);
    return next;
}
