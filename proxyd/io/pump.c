/* pump: read, ask the gate, write; until something must be waited for. */
#include "proxyd/io/pump.h"

#include <string.h>

#include "base/must.h"

#define FAIR_BYTES  1048576u /* moved at once before others get their turn */
#define SPLICE_FROM 32768u   /* so many bytes at once are worth a pipe */

/* Writes the lead and what the gate has passed. OK: nothing of it is left. */
static enum err write_out(struct pump *p)
{
    while (p->lead || p->n_passed > 0) {
        struct iovec v[2];
        int n_v = 0;
        size_t n = 0, n_lead = p->lead ? iobuf_n(p->lead) : 0;
        if (n_lead)
            v[n_v++] = (struct iovec){p->lead->bytes + p->lead->at, n_lead};
        if (p->n_passed > 0)
            v[n_v++] = (struct iovec){p->b->bytes + p->b->at, p->n_passed};
        if (n_v > 0) {
            if (!(p->to->ready & STREAM_WRITABLE))
                return ERR_AGAIN;
            enum err e = stream_writev(p->to, v, n_v, &n);
            if (e != OK)
                return e;
            p->n_out += n;
        }
        if (p->lead) {
            size_t part = n < n_lead ? n : n_lead;
            p->lead->at += (uint32_t)part;
            n -= part;
            if (part == n_lead)
                bufpool_give(p->pool, &p->lead);
        }
        if (n) {
            p->b->at += (uint32_t)n;
            p->n_passed -= (uint32_t)n;
        }
    }
    if (p->b && iobuf_n(p->b) == 0)
        bufpool_give(p->pool, &p->b);
    return OK;
}

/* The end of the message is in hand and the sink may take it. */
static void tell_last(const struct pump *p)
{
    size_t n = (p->lead ? iobuf_n(p->lead) : 0) + p->n_passed + (p->pipe ? p->pipe->n : 0);
    if (p->is_done && n && p->gate && p->gate->last && p->to->ready & STREAM_WRITABLE)
        p->gate->last(p->gate_ctx, n);
}

static enum err rewrite(struct pump *p, uint32_t from)
{
    size_t n_out = 0, n_used = 0, n = p->b->end - from;
    char *at = p->b->bytes + from;
    enum err e = p->gate->rewrite(p->gate_ctx, at, n, &n_out, &n_used);
    must(n_out <= n_used && n_used <= n);
    if (n_out < n_used && n_used < n)
        memmove(at + n_out, at + n_used, n - n_used);
    p->b->end -= (uint32_t)(n_used - n_out);
    p->n_passed += (uint32_t)n_out;
    if (e == OK)
        p->is_done = true;
    return e == ERR_AGAIN ? OK : e;
}

/* Lets the gate look at what has not passed yet. OK: go on; ERR_INVALID: refused. */
static enum err ask_gate(struct pump *p)
{
    if (!p->b || p->is_done)
        return OK;
    uint32_t from = p->b->at + p->n_passed;
    if (from == p->b->end)
        return OK;
    if (!p->gate) {
        p->n_passed = p->b->end - p->b->at;
        return OK;
    }
    size_t n = 0;
    if (p->gate->rewrite)
        return rewrite(p, from);
    enum err e = p->gate->take(p->gate_ctx, str_make(p->b->bytes + from, p->b->end - from), &n);
    must(n <= p->b->end - from);
    p->n_passed += (uint32_t)n;
    if (e == ERR_AGAIN)
        return OK;
    if (e == OK)
        p->is_done = true;
    return e;
}

/* Reads once into the buffer. OK, ERR_AGAIN, ERR_EOF, or broken; ERR_FULL: no room. */
static enum err read_in(struct pump *p, size_t *n)
{
    if (!(p->from->ready & STREAM_READABLE))
        return ERR_AGAIN;
    if (!p->b)
        p->b = p->is_large ? bufpool_large(p->pool) : bufpool_small(p->pool);
    if (!p->b)
        return ERR_NOMEM;
    if (p->b->end == p->b->cap)
        iobuf_pack(p->b);
    size_t room = p->b->cap - p->b->end;
    if (room == 0)
        return ERR_FULL;
    enum err e = stream_read(p->from, p->b->bytes + p->b->end, room, n);
    if (e == OK)
        p->b->end += (uint32_t)*n;
    else if (iobuf_n(p->b) == 0)
        bufpool_give(p->pool, &p->b);
    return e;
}

static enum err pour_out(struct pump *p)
{
    while (p->pipe && p->pipe->n > 0) {
        size_t n = 0;
        if (!(p->to->ready & STREAM_WRITABLE))
            return ERR_AGAIN;
        enum err e = p->to->ops->from_pipe(p->to, p->pipe->from, p->pipe->n, &n);
        if (e != OK)
            return e;
        p->pipe->n -= n;
        p->n_out += n;
    }
    pipepool_give(&p->pool->pipes, &p->pipe);
    return OK;
}

/* Bytes that may go through a pipe now and are worth it; 0: they are to be read. */
static size_t unseen(const struct pump *p, size_t share)
{
    if (p->b || share < SPLICE_FROM || !p->from->ops->to_pipe || !p->to->ops->from_pipe)
        return 0;
    if (!p->gate) /* nobody knows what is to come: as much as came before */
        return p->n_moved >= SPLICE_FROM ? share : 0;
    uint64_t n = p->gate->unseen ? p->gate->unseen(p->gate_ctx) : 0;
    return n < SPLICE_FROM ? 0 : n < share ? (size_t)n : share;
}

/* The same as read_in, but through a pipe where that can be. */
static enum err take_in(struct pump *p, size_t share, size_t *n)
{
    size_t most = unseen(p, share);
    if (most > 0 && p->from->ready & STREAM_READABLE)
        p->pipe = pipepool_take(&p->pool->pipes);
    if (!p->pipe)
        return read_in(p, n);
    enum err e = p->from->ops->to_pipe(p->from, p->pipe->to, most, n);
    p->pipe->n = *n;
    if (e != OK)
        pipepool_give(&p->pool->pipes, &p->pipe);
    else if (p->gate && p->gate->passed(p->gate_ctx, *n) == OK)
        p->is_done = true;
    return e;
}

static enum pump_word source_ended(struct pump *p)
{
    p->is_eof = true;
    bool is_part = p->b && iobuf_n(p->b) > p->n_passed;
    if (is_part || (p->gate && p->gate->eof(p->gate_ctx) != OK))
        return PUMP_CUT;
    p->is_done = true;
    return PUMP_END;
}

enum pump_word pump_run(struct pump *p)
{
    size_t moved = 0, share = p->share_bytes ? p->share_bytes : FAIR_BYTES;
    for (;;) {
        enum err g = ask_gate(p);
        tell_last(p);
        enum err e = write_out(p);
        if (e == OK)
            e = pour_out(p);
        if (e == ERR_AGAIN)
            return PUMP_WAIT_WRITE;
        if (e != OK)
            return PUMP_LOST;
        if (g != OK)
            return PUMP_BAD;
        if (p->is_done)
            return PUMP_END;
        if (moved >= share)
            return PUMP_YIELD;
        size_t n = 0;
        e = take_in(p, share - moved, &n);
        moved += n;
        if (e == OK)
            p->n_moved = (uint32_t)moved;
        if (e == ERR_AGAIN)
            return PUMP_WAIT_READ;
        if (e == ERR_NOMEM)
            return PUMP_NOMEM;
        if (e == ERR_FULL)
            return PUMP_BAD; /* the gate asks for more than a buffer holds */
        if (e == ERR_EOF)
            return source_ended(p);
        if (e != OK)
            return PUMP_CUT;
    }
}

void pump_forget(struct pump *p)
{
    bufpool_give(p->pool, &p->lead);
    pipepool_give(&p->pool->pipes, &p->pipe);
    if (p->b)
        p->b->at += p->n_passed;
    p->n_passed = 0;
    if (p->b && iobuf_n(p->b) == 0)
        bufpool_give(p->pool, &p->b);
}

void pump_release(struct pump *p)
{
    bufpool_give(p->pool, &p->lead);
    bufpool_give(p->pool, &p->b);
    pipepool_give(&p->pool->pipes, &p->pipe);
    p->n_passed = 0;
}
