/* step_head: reads until a head is whole, and sorts requests: ours to answer, to be judged, or
 * malformed. Everything later steps and the record need of the head is normalised here, once. */
#include "proxyd/flow/step_head.h"

#include "proxyd/flow/admit.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/hops.h"
#include "proxyd/flow/link.h"
#include "proxyd/flow/probe.h"
#include "proxyd/flow/step_local.h"

#define LOG_RESERVE_PERCENT 95 /* from here on requests are refused when the settings say so */

/* Swaps to the newest policy: the one a request is judged by is that of its complete head. */
static void take_newest_policy(struct request *r)
{
    struct policy_holder *h = &r->w->holder;
    if (r->hold == h->current)
        return;
    struct policy_hold *old = r->hold;
    r->hold = policy_hold_take(h);
    policy_hold_give(h, old);
}

/* The bytes behind a head with a body belong to the body: they move to the pump. */
static enum err start_body(struct request *r)
{
    struct conn *c = r->conn;
    http_body_of_request(&r->k->req, &r->k->body);
    size_t n = iobuf_n(c->in);
    if (r->k->body.is_done || n == 0)
        return OK;
    struct bufpool *pool = &r->w->buffers;
    r->up.b = n > BUFPOOL_SMALL ? bufpool_large_always(pool) : bufpool_small(pool);
    if (!r->up.b)
        return ERR_NOMEM;
    __builtin_memcpy(r->up.b->bytes, c->in->bytes + c->in->at, n);
    r->up.b->end = (uint32_t)n;
    c->in->at = c->in->end;
    return OK;
}

static enum err normalise(struct request *r)
{
    struct work *k = r->k;
    const struct http_head *h = &k->req;
    k->method = h->method_text;
    k->user_agent = headers_value(&h->h, HEADER_USER_AGENT);
    k->referer = headers_value(&h->h, HEADER_REFERER);
    k->host = host_str(&h->url.host);
    k->listener = r->w->shared->listeners[r->conn->listener].text;
    if (h->method == HTTP_CONNECT) {
        k->scheme = STR("connect");
        return url_normal_authority(&h->url.host, h->url.port, &k->arena, &k->url);
    }
    k->scheme = h->url.scheme == URL_HTTPS ? STR("https") : STR("http");
    if (h->url.host.n == 0) { /* origin form of HTTP/1.0 without a Host */
        k->url = h->target;
        return OK;
    }
    return url_normal(&h->url, &k->arena, &k->url);
}

/* A browser that sends everything through the proxy asks us for our own pages in absolute form. */
static bool is_own_page(const struct request *r)
{
    const struct http_head *h = &r->k->req;
    struct ip_port local;
    struct stream *s = &r->conn->fd.s;
    if (!step_local_is_page(h->url.path_query) || h->url.port != r->w->shared->proxy_port)
        return false;
    if (!h->url.host.is_ip)
        return str_eq_nocase(r->k->host, r->hold->set->settings.node);
    return s->ops->local(s, &local) == OK && local.port == h->url.port &&
           ip_eq(&local.ip, &h->url.host.ip);
}

static bool is_for_us(const struct request *r)
{
    const struct http_head *h = &r->k->req;
    if (h->form == HTTP_FORM_ORIGIN || h->form == HTTP_FORM_ASTERISK)
        return true;
    if (r->w->shared->listeners[r->conn->listener].kind == WORKER_PAC)
        return true;
    if (h->method == HTTP_CONNECT)
        return false;
    if (step_local_is_last_stop(h))
        return true;
    return link_is(h->url.path_query) || is_own_page(r);
}

static enum request_state head_complete(struct request *r)
{
    struct work *k = r->k;
    const struct http_head *h = &k->req;
    k->is_head_whole = true;
    take_newest_policy(r);
    r->began_ms = r->w->loop.now_ms;
    r->bytes_in = h->n_bytes;
    r->conn->in->at += h->n_bytes;
    r->is_keep = !h->is_close;
    if (start_body(r) != OK || normalise(r) != OK)
        return request_refuse(r, FAULT_MEMORY);
    const struct flow_set *set = r->hold->set;
    if (is_for_us(r))
        return REQUEST_LOCAL; /* the PAC file also while no record can be kept: without it clients
                                 go direct */
    if (set->settings.refuse_when_log_full &&
        journal_fill_percent(r->w->journal) >= LOG_RESERVE_PERCENT)
        return request_refuse(r, FAULT_LOG_FULL);
    if (h->method != HTTP_CONNECT && h->url.scheme != URL_HTTP)
        return request_refuse(r, FAULT_SCHEME);
    if (probe_is(r))
        return REQUEST_ROUTE;
    if ((headers_has(&h->h, HEADER_VIA) && http_head_via_has(h, r->w->via)) ||
        !hops_enter_request(r))
        return request_refuse(r, FAULT_LOOP);
    if (h->has_max_forwards && h->max_forwards == 0 && h->method == HTTP_TRACE)
        return request_refuse(r, FAULT_METHOD); /* it ends here, and we echo nothing */
    if (!set->policy)
        return request_refuse(r, FAULT_NO_POLICY);
    return admit_request(r);
}

/* A head that cannot be read: what is known goes into the record, the connection ends. */
static enum request_state head_bad(struct request *r)
{
    r->bytes_in = iobuf_n(r->conn->in);
    return request_refuse(r, FAULT_HEAD);
}

enum request_state step_head(struct request *r)
{
    struct conn *c = r->conn;
    struct work *k = r->k;
    for (;;) {
        if (c->in && iobuf_n(c->in) > 0) {
            enum err e = http_head_parse(&k->req, iobuf_str(c->in), &k->refusal);
            if (e == OK)
                return head_complete(r);
            if (e != ERR_AGAIN)
                return head_bad(r);
        }
        enum err e = conn_read(c);
        if (e == ERR_AGAIN) {
            if (c->in)
                return REQUEST_HEAD;
            r->is_silent = r->is_keep = true; /* nothing was there after all */
            return REQUEST_END;
        }
        if (e == ERR_LIMIT) {
            k->refusal = (struct http_refusal){431, "head-too-large"};
            return head_bad(r);
        }
        if (e != OK) { /* the client is gone before it has asked anything */
            r->is_silent = true;
            return REQUEST_END;
        }
    }
}
