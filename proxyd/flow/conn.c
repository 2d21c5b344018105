/* conn: accept, rest, next request, end. */
#include "proxyd/flow/conn.h"

#include <string.h>

#include "proxyd/flow/admit.h"
#include "proxyd/flow/busy.h"
#include "proxyd/flow/context.h"
#include "proxyd/io/fd.h"
#include "proxyd/wire/proxy_line.h"

#define LINGER_MS    2000
#define LINGER_BYTES (1u << 20) /* read away at most before the connection is cut */

static void go_on(struct conn *c);

void conn_close(struct conn *c, bool is_abort)
{
    struct worker *w = c->w;
    timer_stop(&w->loop.timers, &c->limit);
    loop_undefer(&c->next);
    bufpool_give(&w->buffers, &c->in);
    stream_close(&c->fd.s, is_abort);
    list_remove(&c->in_open);
    admit_gone(w, c->account, c->user);
    identity_memo_drop(&c->who);
    slab_give(&w->conns, c);
    w->n_open--;
    stats_add(w->stats, STATS_OPEN, (uint64_t)-1);
    worker_conn_gone(w);
}

enum err conn_read(struct conn *c)
{
    struct stream *s = &c->fd.s;
    size_t n = 0;
    if (!(s->ready & STREAM_READABLE))
        return ERR_AGAIN;
    if (!c->in)
        c->in = bufpool_small(&c->w->buffers);
    if (!c->in)
        return ERR_NOMEM;
    if (c->in->end == c->in->cap && c->in->at > 0)
        iobuf_pack(c->in);
    if (c->in->end == c->in->cap) {
        if (c->in->cap >= BUFPOOL_LARGE)
            return ERR_LIMIT;
        struct iobuf *large = bufpool_large_always(&c->w->buffers);
        if (!large)
            return ERR_NOMEM;
        memcpy(large->bytes, c->in->bytes, c->in->end);
        large->end = c->in->end;
        bufpool_give(&c->w->buffers, &c->in);
        c->in = large;
    }
    enum err e = stream_read(s, c->in->bytes + c->in->end, c->in->cap - c->in->end, &n);
    if (e == OK)
        c->in->end += (uint32_t)n;
    else if (iobuf_n(c->in) == 0)
        bufpool_give(&c->w->buffers, &c->in);
    return e;
}

/* Reads away what still comes, so that our last answer is not lost to a reset. */
static void linger(struct conn *c)
{
    char bytes[4096];
    size_t n = 0;
    enum err e = OK;
    while (e == OK && (c->fd.s.ready & STREAM_READABLE) && c->n_lingered < LINGER_BYTES) {
        e = stream_read(&c->fd.s, bytes, sizeof bytes, &n);
        c->n_lingered += e == OK ? (uint32_t)n : 0;
    }
    if ((e != OK && e != ERR_AGAIN) || c->n_lingered >= LINGER_BYTES)
        conn_close(c, false);
}

static void rest(struct conn *c)
{
    const struct flow_settings *s = worker_settings(c->w);
    if (c->in && iobuf_n(c->in) == 0)
        bufpool_give(&c->w->buffers, &c->in);
    uint32_t ms = c->n_requests ? s->idle_ms : s->head_ms;
    c->rest_until_ms = c->w->loop.now_ms + ms;
    if (!c->limit.is_set || c->limit.at_ms > c->rest_until_ms)
        timer_set(&c->w->loop.timers, &c->limit, c->rest_until_ms);
}

static void on_limit(struct timer *t)
{
    struct conn *c = LIST_ENTRY(t, struct conn, limit);
    if (c->r) {
        return; /* the request has its own limits; rest() sets this one again */
    }
    if (c->rest_until_ms > c->w->loop.now_ms)
        timer_set(&c->w->loop.timers, &c->limit, c->rest_until_ms);
    else
        conn_close(c, false);
}

void conn_drain(struct conn *c, uint32_t first_ms)
{
    if (c->n_requests > 0) {
        conn_close(c, false);
        return;
    }
    int64_t until = c->w->loop.now_ms + first_ms;
    if (c->rest_until_ms > until) {
        c->rest_until_ms = until;
        timer_set(&c->w->loop.timers, &c->limit, until);
    }
}

/* The PROXY protocol header. True: it is dealt with; false: wait or closed. */
static bool take_proxy_line(struct conn *c)
{
    struct proxy_line line;
    for (;;) {
        enum err e =
            c->in && iobuf_n(c->in) > 0 ? proxy_line_parse(iobuf_str(c->in), &line) : ERR_AGAIN;
        if (e == OK)
            break;
        if (e == ERR_AGAIN)
            e = conn_read(c);
        if (e == OK)
            continue;
        if (e != ERR_AGAIN)
            conn_close(c, true);
        return false;
    }
    c->in->at += (uint32_t)line.n_bytes;
    if (!line.is_local)
        c->client = line.src;
    c->is_proxy_line_due = false;
    admit_named(c);
    return true;
}

/* At rest and something has come (or may have). */
static void go_on(struct conn *c)
{
    if (c->is_proxy_line_due && !take_proxy_line(c))
        return;
    bool is_waiting = c->in && iobuf_n(c->in) > 0;
    if (!is_waiting && !(c->fd.s.ready & STREAM_READABLE))
        return;
    if (!admit_has_memory(c->w)) {
        busy_answer(c->w, c->fd.lf.fd, &c->client, ADMIT_MEMORY);
        conn_close(c, false);
        return;
    }
    c->r = request_new(c);
    if (!c->r) {
        stats_add(c->w->stats, STATS_SHORT_MEMORY, 1);
        conn_close(c, true);
        return;
    }
    c->n_requests++;
    request_run(c->r);
}

static void on_ready(struct stream *s)
{
    struct conn *c = s->owner;
    if (c->is_lingering) {
        linger(c);
    } else if (!c->r) {
        c->is_prompt = true;
        go_on(c);
    } else if ((s->ready & STREAM_BROKEN) && !c->r->is_tunnel) {
        request_abort(c->r, "client_closed");
    } else {
        request_run(c->r);
    }
}

static void on_next(struct loop_task *t)
{
    struct conn *c = LIST_ENTRY(t, struct conn, next);
    c->is_prompt = false; /* it came while the last one ran: what it waited for was that */
    if (!c->r && !c->is_lingering)
        go_on(c);
}

void conn_request_over(struct conn *c, enum conn_end end)
{
    c->r = NULL;
    if (end == CONN_CUT || end == CONN_CLOSE || c->fd.s.ready & STREAM_BROKEN) {
        conn_close(c, end == CONN_CUT);
        return;
    }
    if (end == CONN_KEEP && !c->w->is_draining) {
        rest(c);
        if (c->in || c->fd.s.ready & STREAM_READABLE)
            loop_defer(&c->w->loop, &c->next);
        return;
    }
    bufpool_give(&c->w->buffers, &c->in);
    stream_shut(&c->fd.s);
    c->is_lingering = true;
    c->rest_until_ms = c->w->loop.now_ms + LINGER_MS;
    timer_set(&c->w->loop.timers, &c->limit, c->rest_until_ms);
    if (c->fd.s.ready & (STREAM_READABLE | STREAM_HANGUP))
        linger(c);
}

void conn_open(struct worker *w, int take_fd, const struct ip_port *client, unsigned listener,
               struct limits_account *take_account)
{
    struct conn *c = slab_take(&w->conns);
    if (!c || stream_fd_open(&c->fd, &w->loop, take_fd) != OK) {
        stats_add(w->stats, STATS_SHORT_MEMORY, 1);
        if (c)
            slab_give(&w->conns, c);
        fd_close(&take_fd);
        admit_gone(w, take_account, NULL);
        return;
    }
    c->fd.s.on_ready = on_ready;
    c->fd.s.owner = c;
    c->fd.s.ready = STREAM_WRITABLE;
    c->w = w;
    c->in = NULL;
    c->r = NULL;
    c->client = *client;
    c->account = take_account;
    c->user = NULL;
    c->who = (struct identity_memo){0};
    c->class_stamp = 0;
    c->is_over = c->is_prompt = false;
    c->n_requests = 0;
    c->n_lingered = 0;
    c->listener = (uint16_t)listener;
    c->is_lingering = false;
    c->is_proxy_line_due = w->shared->listeners[listener].has_proxy_line;
    loop_task_init(&c->next, on_next);
    timer_init(&c->limit, on_limit);
    list_init(&c->in_open);
    list_push_back(&w->open, &c->in_open);
    w->n_open++;
    stats_add(w->stats, STATS_OPEN, 1);
    rest(c);
}
