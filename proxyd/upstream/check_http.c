/* check_http: write, read until a head is whole, judge, close. */
#include "proxyd/upstream/check_http.h"

#include <string.h>

#include "proxyd/wire/proxy_line.h"

#define V2_LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" /* a connection of the proxy's own */

static void add_line(struct buf *b, enum parent_line line)
{
    if (line == PARENT_LINE_V1)
        buf_add(b, STR("PROXY UNKNOWN\r\n"));
    else if (line == PARENT_LINE_V2)
        buf_add(b, str_make(V2_LOCAL, sizeof V2_LOCAL - 1));
}

/* "http://host:port/path" without what is around the authority. */
static struct str authority_of(struct str url)
{
    struct str rest = str_sub(url, sizeof "http://" - 1, url.n);
    size_t slash = str_find(rest, '/'), query = str_find(rest, '?');
    size_t end = slash < query ? slash : query;
    return end == STR_NPOS ? rest : str_sub(rest, 0, end);
}

size_t check_http_question(const struct parent_check *how, const struct parent_member *m,
                           char out[CHECK_HTTP_ASK])
{
    struct buf b = {.p = out, .cap = CHECK_HTTP_ASK, .ceiling_bytes = CHECK_HTTP_ASK};
    size_t slash = str_find(m->text, '/');
    add_line(&b, m->line);
    buf_add(&b, how->url.n ? STR("GET ") : STR("OPTIONS *"));
    buf_add(&b, how->url);
    buf_add(&b, STR(" HTTP/1.1\r\nHost: "));
    buf_add(&b, how->url.n ? authority_of(how->url) : str_sub(m->text, slash + 1, m->text.n));
    buf_add(&b, how->url.n ? STR("\r\n") : STR("\r\nMax-Forwards: 0\r\n"));
    if (m->authorization.n) {
        buf_add(&b, STR("Proxy-Authorization: "));
        buf_add(&b, m->authorization);
        buf_add(&b, STR("\r\n"));
    }
    buf_add(&b, STR("Connection: close\r\n\r\n"));
    return b.failed ? 0 : b.n;
}

enum err check_http_judge(struct http_head *h, struct str bytes, bool wants_good)
{
    struct http_refusal why;
    enum err e = http_head_parse(h, bytes, &why);
    if (e != OK)
        return e == ERR_AGAIN ? e : ERR_INVALID;
    if (!wants_good)
        return OK;
    return h->status >= 200 && h->status < 400 ? OK : ERR_DENIED;
}

void check_http_stop(struct check_http *c)
{
    if (!c->is_open)
        return;
    timer_stop(&c->loop->timers, &c->late);
    stream_close(&c->fd.s, true);
    c->is_open = false;
}

static void end(struct check_http *c, enum err e)
{
    check_http_stop(c);
    c->on_done(c, e);
}

static void on_late(struct timer *t)
{
    end(LIST_ENTRY(t, struct check_http, late), ERR_TIMEOUT);
}

static enum err send_question(struct check_http *c)
{
    while (c->n_asked < c->n_ask) {
        struct iovec v = {c->ask + c->n_asked, c->n_ask - c->n_asked};
        size_t n = 0;
        enum err e = stream_writev(&c->fd.s, &v, 1, &n);
        if (e != OK)
            return e;
        c->n_asked += n;
    }
    return OK;
}

/* A URL may be answered by 1xx first; what counts is the final head. */
static enum err judge(struct check_http *c)
{
    for (;;) {
        enum err e = check_http_judge(&c->head, str_make(c->in, c->n_in), c->wants_good);
        bool is_interim = (e == OK || e == ERR_DENIED) && c->head.status < 200;
        if (!is_interim)
            return e;
        c->n_in -= c->head.n_bytes;
        memmove(c->in, c->in + c->head.n_bytes, c->n_in);
        http_head_init_response(&c->head, NULL);
    }
}

static enum err read_answer(struct check_http *c)
{
    for (;;) {
        size_t n = 0;
        enum err e = c->n_in < sizeof c->in
                         ? stream_read(&c->fd.s, c->in + c->n_in, sizeof c->in - c->n_in, &n)
                         : ERR_LIMIT;
        if (e != OK)
            return e == ERR_EOF ? ERR_CLOSED : e;
        c->n_in += n;
        e = judge(c);
        if (e != ERR_AGAIN)
            return e;
    }
}

static void on_ready(struct stream *s)
{
    struct check_http *c = s->owner;
    enum err e = send_question(c);
    if (e == OK)
        e = read_answer(c);
    if (e != ERR_AGAIN)
        end(c, e);
}

void check_http_start(struct check_http *c, struct dial *d, const struct parent_check *how,
                      const struct parent_member *m)
{
    c->loop = d->loop;
    stream_fd_adopt(&c->fd, d->loop, &d->won->lf, d->won_events);
    d->won = NULL;
    c->fd.s.ready |= STREAM_WRITABLE;
    c->fd.s.on_ready = on_ready;
    c->fd.s.owner = c;
    c->is_open = true;
    c->n_asked = c->n_in = 0;
    c->wants_good = how->url.n > 0;
    c->n_ask = check_http_question(how, m, c->ask);
    http_head_init_response(&c->head, NULL);
    timer_init(&c->late, on_late);
    timer_set(&c->loop->timers, &c->late, c->loop->now_ms + how->timeout_ms);
    enum err e = c->n_ask ? send_question(c) : ERR_LIMIT;
    if (e != OK && e != ERR_AGAIN)
        timer_set(&c->loop->timers, &c->late, c->loop->now_ms); /* told from the loop, as late */
}
