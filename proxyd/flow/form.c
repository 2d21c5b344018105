/* form: the body into k->form, piece by piece. */
#include "proxyd/flow/form.h"

#include "proxyd/flow/context.h"

/* What has come goes through the framing; OK: the body is whole. */
static enum err take_pieces(struct request *r)
{
    struct work *k = r->k;
    while (!k->body.is_done) {
        struct http_piece piece = {0};
        enum err e = http_body_step(&k->body, iobuf_str(r->up.b), &piece, &k->refusal);
        buf_add(&k->form, piece.content);
        r->up.b->at += (uint32_t)piece.n;
        r->bytes_in += piece.n;
        if (k->form.failed)
            return ERR_LIMIT;
        if (e == OK)
            break;
        if (e != ERR_AGAIN)
            return ERR_INVALID;
        if (piece.n == 0)
            return ERR_AGAIN;
    }
    return OK;
}

static enum err read_more(struct request *r)
{
    struct stream *s = &r->conn->fd.s;
    size_t n = 0;
    if (!(s->ready & STREAM_READABLE))
        return ERR_AGAIN;
    if (!r->up.b && !(r->up.b = bufpool_small(&r->w->buffers)))
        return ERR_NOMEM;
    iobuf_pack(r->up.b);
    if (r->up.b->end == r->up.b->cap)
        return ERR_INVALID;
    enum err e = stream_read(s, r->up.b->bytes + r->up.b->end, r->up.b->cap - r->up.b->end, &n);
    r->up.b->end += (uint32_t)n;
    return e;
}

enum err form_read(struct request *r)
{
    struct work *k = r->k;
    if (k->body.framing == HTTP_BODY_LENGTH && k->body.left > FORM_MAX)
        return ERR_LIMIT;
    while (!k->body.is_done) {
        enum err e = r->up.b && iobuf_n(r->up.b) > 0 ? take_pieces(r) : ERR_AGAIN;
        if (e == ERR_AGAIN)
            e = read_more(r);
        if (e != OK)
            return e;
    }
    return OK;
}

struct str form_fields(const struct request *r)
{
    return buf_str(&r->k->form);
}
