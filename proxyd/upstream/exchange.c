/* exchange: heads of the answer, and what becomes of the connection. */
#include "proxyd/upstream/exchange.h"

void exchange_begin(struct exchange *x, const struct exchange_parts *p)
{
    x->pool = p->pool;
    x->buffers = p->buffers;
    x->up = p->take_up;
    x->in = NULL;
    x->head = p->head;
    x->method = p->method;
    x->is_reused = p->take_up->n_uses > 0;
    x->is_any_byte = false;
    x->n_interim = 0;
    x->n_in = 0;
    p->take_up->n_uses++;
    http_head_init_response(x->head, NULL);
}

/* Room behind what has come; a head that outgrows a small buffer moves to a large one. */
static enum err make_room(struct exchange *x)
{
    if (!x->in) {
        x->in = bufpool_large(x->buffers); /* the answer may be long; one read then */
        return x->in ? OK : ERR_NOMEM;
    }
    if (x->in->end < x->in->cap)
        return OK;
    if (x->in->at > 0) {
        iobuf_pack(x->in);
        return OK;
    }
    if (x->in->cap >= BUFPOOL_LARGE)
        return ERR_LIMIT;
    struct iobuf *large = bufpool_large_always(x->buffers);
    if (!large)
        return ERR_NOMEM;
    size_t n = iobuf_n(x->in);
    __builtin_memcpy(large->bytes, x->in->bytes + x->in->at, n);
    large->end = (uint32_t)n;
    bufpool_give(x->buffers, &x->in);
    x->in = large;
    return OK;
}

static enum err read_more(struct exchange *x)
{
    struct stream *s = &x->up->fd.s;
    size_t n = 0;
    if (!(s->ready & STREAM_READABLE))
        return ERR_AGAIN;
    enum err e = make_room(x);
    if (e != OK)
        return e;
    e = stream_read(s, x->in->bytes + x->in->end, x->in->cap - x->in->end, &n);
    if (e == OK) {
        x->in->end += (uint32_t)n;
        x->n_in += n;
        x->is_any_byte = true;
    } else if (iobuf_n(x->in) == 0) {
        bufpool_give(x->buffers, &x->in);
    }
    return e;
}

static enum err head_done(struct exchange *x, struct http_refusal *why)
{
    struct http_body body;
    x->in->at += x->head->n_bytes;
    enum err e = http_body_of_response(x->head, x->method, &body, why);
    if (e != OK) /* a 1xx has no body, and may not claim one either */
        return e;
    if (x->head->status >= 200 || x->head->status == 101) {
        x->body = body;
        return OK;
    }
    if (++x->n_interim <= EXCHANGE_INTERIM_MAX)
        return OK;
    *why = (struct http_refusal){502, "too-many-interim"};
    return ERR_INVALID;
}

enum err exchange_read_head(struct exchange *x, struct http_refusal *why)
{
    for (;;) {
        if (x->in && iobuf_n(x->in) > 0) {
            enum err e = http_head_parse(x->head, iobuf_str(x->in), why);
            if (e == OK)
                return head_done(x, why);
            if (e != ERR_AGAIN)
                return e;
        }
        enum err e = read_more(x);
        if (e == ERR_EOF || (e != OK && e != ERR_AGAIN && e != ERR_NOMEM && e != ERR_LIMIT))
            return x->is_any_byte ? ERR_CLOSED : ERR_EOF;
        if (e == ERR_LIMIT) {
            *why = (struct http_refusal){502, "head-too-large"};
            return ERR_INVALID;
        }
        if (e != OK)
            return e;
    }
}

void exchange_next_head(struct exchange *x)
{
    if (x->in && iobuf_n(x->in) == 0)
        bufpool_give(x->buffers, &x->in);
    http_head_init_response(x->head, NULL);
}

void exchange_end(struct exchange *x, bool may_keep, const struct pool_limits *limits)
{
    if (!x->up)
        return;
    bool is_surplus = x->in && iobuf_n(x->in) > 0;
    bool is_kept = may_keep && !is_surplus && !x->head->is_close && x->body.is_done &&
                   x->body.framing != HTTP_BODY_CLOSE && x->body.framing != HTTP_BODY_TUNNEL;
    bufpool_give(x->buffers, &x->in);
    if (is_kept)
        pool_put(x->pool, x->up, limits);
    else
        pool_drop(x->pool, x->up);
    x->up = NULL;
}
