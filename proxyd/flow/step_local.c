/* step_local: what the proxy answers itself, before any policy and any login: the PAC file, health,
 * continue links. Everything else in origin form is refused. */
#include "proxyd/flow/step_local.h"

#include <string.h>

#include "pac/pac_emit.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/lead.h"
#include "proxyd/flow/link.h"

static enum request_state send(struct request *r, struct http_reply *h)
{
    struct work *k = r->k;
    struct buf b;
    r->status = h->status;
    r->down.to = &r->conn->fd.s;
    r->is_keep = r->is_keep && !r->w->is_draining;
    h->is_close = !r->is_keep;
    h->body_bytes = k->reply.n;
    h->now_s = r->w->loop.wall_ms / 1000;
    if (k->reply.failed || lead_open(&r->down, HTTP_WRITE_EXTRA + h->extra.n, &b) != OK)
        return request_refuse(r, FAULT_MEMORY);
    enum err e = http_write_reply(h, &b);
    lead_close(&r->down, &b);
    return e == OK ? REQUEST_REPLY : request_cut(r, "proxy_internal_error");
}

static enum request_state health(struct request *r)
{
    struct http_reply h = {.status = 200,
                           .content_type = STR("text/plain"),
                           .extra = STR("Cache-Control: no-store\r\n")};
    buf_add(&r->k->reply, STR("ok\n"));
    return send(r, &h);
}

/* Does If-None-Match hold this tag? Weak ones count (RFC 9110 13.1.2). */
static bool is_known(const struct http_head *h, struct str tag)
{
    size_t at = 0;
    struct str value, one;
    while (headers_next(&h->h, HEADER_IF_NONE_MATCH, &at, &value))
        while (headers_list_next(&value, &one))
            if (str_eq(one, STR("*")) || str_eq(one, tag) ||
                (str_starts(one, STR("W/")) && str_eq(str_sub(one, 2, one.n), tag)))
                return true;
    return false;
}

/* The address at which the client reached us: what "this proxy" means in the file. */
static enum err self_of(struct request *r, struct pac_self *out)
{
    struct ip_port local;
    struct stream *s = &r->conn->fd.s;
    enum err e = s->ops->local(s, &local);
    if (e != OK)
        return e;
    char *text = arena_alloc(&r->k->arena, 64);
    if (!text)
        return ERR_NOMEM;
    struct buf b = {.p = text, .cap = 64, .ceiling_bytes = 64};
    ip_format(&local.ip, &b);
    bool is_proxy = r->w->shared->listeners[r->conn->listener].kind == WORKER_PROXY;
    *out = (struct pac_self){buf_str(&b), is_proxy ? local.port : r->w->shared->proxy_port};
    return OK;
}

static enum request_state pac_file(struct request *r)
{
    struct work *k = r->k;
    const struct flow_set *set = r->hold->set;
    char tag[PAC_ETAG_BYTES];
    if (!set->pac)
        return request_refuse(r, FAULT_NO_POLICY);
    struct pac_input in = {.model = set->pac,
                           .profile = pac_model_profile_for(set->pac, &r->conn->client.ip),
                           .version = set->pac_version};
    if (self_of(r, &in.self) != OK || pac_emit(&in, &k->reply) != OK)
        return request_refuse(r, FAULT_MEMORY);
    pac_emit_etag(buf_str(&k->reply), tag);
    struct buf extra;
    buf_init(&extra, 256);
    buf_addf(&extra, "ETag: %s\r\nCache-Control: max-age=300\r\n", tag);
    struct str lines = arena_str(&k->arena, buf_str(&extra));
    bool is_bad = extra.failed || !lines.p;
    buf_fini(&extra);
    if (is_bad)
        return request_refuse(r, FAULT_MEMORY);
    struct http_reply h = {.status = 200, .content_type = STR(PAC_TYPE), .extra = lines};
    if (is_known(&k->req, str_of(tag))) {
        h.status = 304;
        h.content_type = STR("");
        buf_clear(&k->reply);
    }
    return send(r, &h);
}

/* A click on "continue". */
static enum request_state go_on(struct request *r)
{
    struct work *k = r->k;
    struct link l;
    if (link_read(r, &l) != OK)
        return request_refuse(r, FAULT_LINK);
    link_remember(r, &l);
    k->user = l.who;
    r->verdict = RECORD_WARNED;
    struct buf extra;
    buf_init(&extra, 16384);
    buf_add(&extra, STR("Location: "));
    if (l.url.n) {
        buf_add(&extra, l.url);
    } else {
        buf_add(&extra, STR("http://"));
        buf_add(&extra, l.host);
        buf_add_c(&extra, '/');
    }
    buf_add(&extra, STR("\r\nCache-Control: no-store\r\n"));
    struct str lines = arena_str(&k->arena, buf_str(&extra));
    bool is_bad = extra.failed || !lines.p;
    buf_fini(&extra);
    if (is_bad)
        return request_refuse(r, FAULT_MEMORY);
    struct http_reply h = {.status = 302, .extra = lines};
    return send(r, &h);
}

enum request_state step_local(struct request *r)
{
    const struct http_head *h = &r->k->req;
    struct str path = str_sub(h->url.path_query, 0, str_find(h->url.path_query, '?'));
    bool is_link = link_is(h->url.path_query) && h->form == HTTP_FORM_ABSOLUTE;
    bool is_pac = str_eq(path, STR("/wpad.dat")) || str_eq(path, STR("/proxy.pac"));
    bool is_health = str_eq(path, STR("/healthz"));
    if (str_eq(path, STR("/ca.pem")) || str_eq(path, STR("/ca.der")))
        return request_refuse(r, FAULT_LOCAL_MISSING); /* no TLS is opened, so there is no CA */
    if (!is_link && !is_pac && !is_health)
        return request_refuse(r, FAULT_LOCAL);
    if (h->method != HTTP_GET && h->method != HTTP_HEAD)
        return request_refuse(r, FAULT_METHOD);
    if (is_link)
        return go_on(r);
    return is_pac ? pac_file(r) : health(r);
}
