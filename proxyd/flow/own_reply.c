/* own_reply: the head's lead is the down pump's, which nothing else uses now. */
#include "proxyd/flow/own_reply.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/lead.h"

enum request_state own_reply(struct request *r, struct http_reply *h)
{
    struct work *k = r->k;
    struct buf b;
    r->status = h->status;
    r->is_keep = r->is_keep && !r->w->is_draining;
    h->is_close = !r->is_keep;
    h->body_bytes = k->reply.n;
    h->now_s = r->w->loop.wall_ms / 1000;
    r->down.to = &r->conn->fd.s;
    size_t need = HTTP_WRITE_EXTRA + h->extra.n + h->details.n + h->basic_realm.n + h->node.n;
    if (k->reply.failed || lead_open(&r->down, need, &b) != OK)
        return request_cut(r, "proxy_internal_error");
    enum err e = http_write_reply(h, &b);
    lead_close(&r->down, &b);
    return e == OK ? REQUEST_REPLY : request_cut(r, "proxy_internal_error");
}

enum request_state own_reply_page(struct request *r, const struct page *p, struct http_reply *h)
{
    struct work *k = r->k;
    struct buf lines;
    pages_write(p, &k->reply);
    h->content_type = pages_type(p->format);
    h->node = r->hold->set->settings.node;
    buf_init(&lines, 32768);
    buf_add(&lines, h->extra);
    if (str_find_str(h->extra, STR("Cache-Control:")) == STR_NPOS)
        buf_add(&lines, STR("Cache-Control: no-store\r\n"));
    buf_add(&lines, STR(PAGES_HEAD));
    h->extra = arena_str(&k->arena, buf_str(&lines));
    bool is_bad = lines.failed || !h->extra.p;
    buf_fini(&lines);
    return is_bad ? request_cut(r, "proxy_internal_error") : own_reply(r, h);
}

void own_reply_describe(struct request *r, struct page *p)
{
    struct work *k = r->k;
    const struct flow_settings *s = &r->hold->set->settings;
    *p = (struct page){
        .format = PAGES_TEXT,
        .status = r->status,
        .id = request_id(r),
        .user = k->user,
        .contact = s->contact,
        .note = s->note,
        .node = s->node,
    };
    if (k->is_head_whole) {
        p->format = pages_format_of(headers_value(&k->req.h, HEADER_ACCEPT));
        p->language = pages_language_of(headers_value(&k->req.h, HEADER_ACCEPT_LANGUAGE));
    }
}

struct str own_reply_base(struct request *r)
{
    struct ip_port local;
    struct stream *s = &r->conn->fd.s;
    char text[96];
    struct buf b = {.p = text, .cap = sizeof text, .ceiling_bytes = sizeof text};
    if (s->ops->local(s, &local) != OK)
        return STR("");
    if (r->w->shared->listeners[r->conn->listener].kind != WORKER_PROXY)
        local.port = r->w->shared->proxy_port;
    buf_add(&b, STR("http://"));
    ip_port_format(&local, &b);
    struct str kept = arena_str(&r->k->arena, buf_str(&b));
    return kept.p ? kept : STR("");
}

struct str own_reply_location(struct request *r, struct str url)
{
    struct buf extra;
    buf_init(&extra, 16384);
    buf_add(&extra, STR("Location: "));
    buf_add(&extra, url);
    buf_add(&extra, STR("\r\nCache-Control: no-store\r\n"));
    struct str kept = extra.failed ? (struct str){0} : arena_str(&r->k->arena, buf_str(&extra));
    buf_fini(&extra);
    return kept;
}
