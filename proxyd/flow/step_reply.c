/* step_reply: our own answer goes out; then what is left of the request's body is read away, within
 * bounds, so that the connection can be kept (a 407 must not cost the client its connection). */
#include "proxyd/flow/step_reply.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/entry.h"

/* Nothing of the request is left to be read away behind the answer. */
static bool is_last(const struct request *r)
{
    return r->k->body.is_done || !r->k->is_head_whole;
}

/* OK: all is written. */
static enum err write_out(struct request *r)
{
    struct work *k = r->k;
    bool has_body = !(k->is_head_whole && k->req.method == HTTP_HEAD) && r->status != 304;
    for (;;) {
        struct iovec v[2];
        int n_v = 0;
        size_t n = 0, n_lead = r->down.lead ? iobuf_n(r->down.lead) : 0;
        size_t n_body = has_body ? k->reply.n - (size_t)k->reply_at : 0;
        if (n_lead)
            v[n_v++] = (struct iovec){r->down.lead->bytes + r->down.lead->at, n_lead};
        if (n_body)
            v[n_v++] = (struct iovec){k->reply.p + k->reply_at, n_body};
        if (n_v == 0)
            return OK;
        if (!(r->down.to->ready & STREAM_WRITABLE))
            return ERR_AGAIN;
        if (is_last(r))
            entry_offer(r, n_lead + n_body);
        enum err e = stream_writev(r->down.to, v, n_v, &n);
        if (e != OK || n < n_lead + n_body)
            entry_undo(r);
        if (e != OK)
            return e;
        r->is_head_sent = true;
        r->bytes_out += n;
        size_t part = n < n_lead ? n : n_lead;
        if (r->down.lead)
            r->down.lead->at += (uint32_t)part;
        k->reply_at += n - part;
        if (n_lead && part == n_lead)
            bufpool_give(&r->w->buffers, &r->down.lead);
    }
}

/* Reads the body away. OK: done; ERR_AGAIN: more to come; else the connection cannot be kept. */
static enum err drain(struct request *r)
{
    struct work *k = r->k;
    struct stream *s = &r->conn->fd.s;
    struct bufpool *pool = &r->w->buffers;
    while (!k->body.is_done) {
        size_t n = 0;
        if (r->up.b && iobuf_n(r->up.b) > 0) {
            enum err e = http_body_take(&k->body, iobuf_str(r->up.b), &n, &k->refusal);
            r->up.b->at += (uint32_t)n;
            k->n_drained += n;
            r->bytes_in += n;
            if (e == OK)
                break;
            if (e != ERR_AGAIN || k->n_drained > r->hold->set->settings.drain_body_bytes)
                return ERR_LIMIT;
        }
        if (!(s->ready & STREAM_READABLE))
            return ERR_AGAIN;
        if (!r->up.b && !(r->up.b = bufpool_small(pool)))
            return ERR_NOMEM;
        iobuf_pack(r->up.b);
        if (r->up.b->end == r->up.b->cap)
            return ERR_LIMIT;
        enum err e = stream_read(s, r->up.b->bytes + r->up.b->end, r->up.b->cap - r->up.b->end, &n);
        if (e != OK)
            return e;
        r->up.b->end += (uint32_t)n;
    }
    return OK;
}

/* Is it worth waiting for the body? */
static bool may_drain(const struct request *r)
{
    const struct work *k = r->k;
    if (!r->is_keep || !k->is_head_whole)
        return false;
    if (k->req.expects_continue && !k->body.is_done && !r->up.b)
        return false; /* it may come or not: nobody can tell */
    return k->body.framing != HTTP_BODY_LENGTH ||
           k->body.left <= r->hold->set->settings.drain_body_bytes;
}

enum request_state step_reply(struct request *r)
{
    enum err e = write_out(r);
    if (e == ERR_AGAIN)
        return REQUEST_REPLY;
    if (e != OK)
        return request_cut(r, "client_closed");
    if (is_last(r))
        return REQUEST_LOG;
    e = may_drain(r) ? drain(r) : ERR_LIMIT;
    if (e == ERR_AGAIN)
        return REQUEST_REPLY;
    if (e != OK)
        r->is_keep = false;
    return REQUEST_LOG;
}
