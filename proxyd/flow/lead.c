/* lead: heads are written straight into the buffer they are sent from. */
#include "proxyd/flow/lead.h"

#include <string.h>

enum err lead_open(struct pump *p, size_t need, struct buf *out)
{
    if (p->lead && p->lead->cap - p->lead->end < need) {
        struct iobuf *old = p->lead, *fresh = bufpool_large_always(p->pool);
        if (!fresh)
            return ERR_NOMEM;
        memcpy(fresh->bytes, old->bytes + old->at, iobuf_n(old));
        fresh->end = (uint32_t)iobuf_n(old);
        bufpool_give(p->pool, &p->lead);
        p->lead = fresh;
    } else if (!p->lead) {
        p->lead = need <= BUFPOOL_SMALL ? bufpool_small(p->pool) : bufpool_large_always(p->pool);
        if (!p->lead)
            return ERR_NOMEM;
    }
    if (p->lead->cap - p->lead->end < need)
        return ERR_LIMIT;
    *out = (struct buf){
        .p = p->lead->bytes, .n = p->lead->end, .cap = p->lead->cap, .ceiling_bytes = p->lead->cap};
    return OK;
}

void lead_close(struct pump *p, const struct buf *b)
{
    p->lead->end = (uint32_t)b->n;
}

enum err lead_add(struct pump *p, struct str text)
{
    struct buf b;
    enum err e = lead_open(p, text.n, &b);
    if (e != OK)
        return e;
    buf_add(&b, text);
    lead_close(p, &b);
    return OK;
}
