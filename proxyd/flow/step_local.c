/* step_local: what the proxy answers itself, before any policy and any login: the PAC file, health,
 * continue links. Everything else in origin form is refused. */
#include "proxyd/flow/step_local.h"

#include <string.h>

#include "pac/pac_emit.h"
#include "proxyd/flow/balance.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/go_on.h"
#include "proxyd/flow/link.h"
#include "proxyd/flow/own_reply.h"
#include "proxyd/flow/why.h"

static enum request_state health(struct request *r)
{
    struct http_reply h = {.status = 200,
                           .content_type = STR("text/plain"),
                           .extra = STR("Cache-Control: no-store\r\n")};
    buf_add(&r->k->reply, STR("ok\n"));
    return own_reply(r, &h);
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
    return own_reply(r, &h);
}

/* What may be asked of us: OPTIONS * (RFC 9110 9.3.7), or one that came to its last stop (7.6.2).
 */
static enum request_state capabilities(struct request *r)
{
    struct http_reply h = {
        .status = 200,
        .extra = STR("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT\r\n"
                     "Cache-Control: no-store\r\n")};
    return own_reply(r, &h);
}

bool step_local_is_last_stop(const struct http_head *h)
{
    return h->method == HTTP_OPTIONS &&
           (h->form == HTTP_FORM_ASTERISK || (h->has_max_forwards && h->max_forwards == 0));
}

/* --- pages for people ------------------------------------------------------------------------ */

/* Is the name in the URL one by which nobody else can be reached? A page elsewhere, whose name was
 * made to lead to us, must not read what ours says. */
static bool is_our_name(struct request *r)
{
    const struct host *h = &r->k->req.url.host;
    struct ip_port local;
    struct stream *s = &r->conn->fd.s;
    if (!h->is_ip)
        return str_eq(r->k->host, STR("localhost")) ||
               str_eq_nocase(r->k->host, r->hold->set->settings.node);
    return s->ops->local(s, &local) == OK && ip_eq(&local.ip, &h->ip);
}

/* To the same page under our address. */
static enum request_state move_home(struct request *r)
{
    struct work *k = r->k;
    struct buf b;
    buf_init(&b, 9000);
    buf_add(&b, own_reply_base(r));
    buf_add(&b, k->req.url.path_query);
    struct str url = arena_str(&k->arena, buf_str(&b));
    bool is_bad = b.failed || !url.p || url.n == k->req.url.path_query.n;
    buf_fini(&b);
    struct str lines = is_bad ? (struct str){0} : own_reply_location(r, url);
    struct http_reply h = {.status = 302, .extra = lines};
    return lines.p ? own_reply(r, &h) : request_refuse(r, FAULT_LOCAL);
}

static enum request_state for_people(struct request *r, struct str path)
{
    const struct http_head *h = &r->k->req;
    bool is_post = h->method == HTTP_POST;
    if (is_post ? !str_eq(path, STR(WHY_PATH)) : h->method != HTTP_GET && h->method != HTTP_HEAD)
        return request_refuse(r, FAULT_METHOD);
    if (!is_our_name(r))
        return is_post ? request_refuse(r, FAULT_LOCAL) : move_home(r);
    if (is_post)
        return go_on_sent(r);
    return str_eq(path, STR(WHY_PATH)) ? why_page(r) : balance_page(r);
}

bool step_local_is_page(struct str path_query)
{
    struct str path = str_sub(path_query, 0, str_find(path_query, '?'));
    return str_eq(path, STR(WHY_PATH)) || str_eq(path, STR(BALANCE_PATH));
}

enum request_state step_local(struct request *r)
{
    const struct http_head *h = &r->k->req;
    struct str path = str_sub(h->url.path_query, 0, str_find(h->url.path_query, '?'));
    bool is_link = link_is(h->url.path_query) && h->form == HTTP_FORM_ABSOLUTE;
    bool is_pac = str_eq(path, STR("/wpad.dat")) || str_eq(path, STR("/proxy.pac"));
    bool is_health = str_eq(path, STR("/healthz"));
    if (step_local_is_last_stop(h))
        return capabilities(r);
    if (step_local_is_page(path) && r->w->shared->listeners[r->conn->listener].kind == WORKER_PROXY)
        return for_people(r, path);
    if (str_eq(path, STR("/ca.pem")) || str_eq(path, STR("/ca.der")))
        return request_refuse(r, FAULT_LOCAL_MISSING); /* no TLS is opened, so there is no CA */
    if (!is_link && !is_pac && !is_health)
        return request_refuse(r, FAULT_LOCAL);
    bool is_sent = is_link && h->method == HTTP_POST;
    if (h->method != HTTP_GET && h->method != HTTP_HEAD && !is_sent)
        return request_refuse(r, FAULT_METHOD);
    if (is_link)
        return go_on_sent(r);
    return is_pac ? pac_file(r) : health(r);
}
