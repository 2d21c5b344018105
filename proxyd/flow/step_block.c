/* step_block: makes the answer that is not the server's: blocked, warned, redirected, login,
 * refused, failed. The page itself is in pages.c, what each fault means in fault.c. */
#include "proxyd/flow/step_block.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/lead.h"
#include "proxyd/flow/link.h"
#include "proxyd/flow/pages.h"

static const enum texts_subject fault_subjects[FAULT_N] = {
    [FAULT_NONE] = TEXTS_BUSY,
    [FAULT_HEAD] = TEXTS_BAD_REQUEST,
    [FAULT_BODY] = TEXTS_BAD_REQUEST,
    [FAULT_HEAD_LATE] = TEXTS_LATE,
    [FAULT_LOCAL] = TEXTS_NOT_HERE,
    [FAULT_LOCAL_MISSING] = TEXTS_NOT_HERE,
    [FAULT_METHOD] = TEXTS_BAD_REQUEST,
    [FAULT_SCHEME] = TEXTS_BAD_REQUEST,
    [FAULT_LOOP] = TEXTS_LOOP,
    [FAULT_BUSY] = TEXTS_BUSY,
    [FAULT_NO_POLICY] = TEXTS_NO_POLICY,
    [FAULT_LOG_FULL] = TEXTS_BUSY,
    [FAULT_MEMORY] = TEXTS_BUSY,
    [FAULT_LOGIN] = TEXTS_LOGIN,
    [FAULT_IDENTITY_DOWN] = TEXTS_NO_DIRECTORY,
    [FAULT_NAME_UNKNOWN] = TEXTS_NO_NAME,
    [FAULT_NAME_FAILED] = TEXTS_NO_NAME,
    [FAULT_NAME_LATE] = TEXTS_NO_NAME,
    [FAULT_OWN_ADDRESS] = TEXTS_FORBIDDEN_ADDRESS,
    [FAULT_ADDRESS] = TEXTS_FORBIDDEN_ADDRESS,
    [FAULT_CONNECT_REFUSED] = TEXTS_UNREACHABLE,
    [FAULT_CONNECT_FAILED] = TEXTS_UNREACHABLE,
    [FAULT_CONNECT_LATE] = TEXTS_LATE,
    [FAULT_ANSWER_LATE] = TEXTS_LATE,
    [FAULT_ANSWER_CUT] = TEXTS_BAD_ANSWER,
    [FAULT_ANSWER_BAD] = TEXTS_BAD_ANSWER,
    [FAULT_LINK] = TEXTS_LINK,
};

static void describe(struct request *r, struct page *p)
{
    struct work *k = r->k;
    const struct flow_settings *s = &r->hold->set->settings;
    *p = (struct page){
        .format = PAGES_TEXT,
        .status = r->status,
        .id = request_id(r),
        .url = k->url,
        .host = k->host,
        .user = k->user,
        .contact = s->contact,
        .note = s->note,
        .node = s->node,
    };
    if (k->is_head_whole) {
        p->format = pages_format_of(headers_value(&k->req.h, HEADER_ACCEPT));
        p->language = pages_language_of(headers_value(&k->req.h, HEADER_ACCEPT_LANGUAGE));
    }
    if (k->has_facts && k->is_final) {
        p->categories = k->verdict.categories;
        p->n_categories = k->verdict.n_categories;
    }
}

/* Writes head and body; the head's lead is the down pump's, which nothing else uses now. */
static enum request_state reply(struct request *r, struct http_reply *h)
{
    struct work *k = r->k;
    struct buf b;
    h->status = r->status;
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

/* The Allow field belongs to a 405, Retry-After to a 503. */
static struct str fault_extra(const struct request *r, const struct fault_row *row)
{
    if (row->status == 405)
        return r->k->req.form == HTTP_FORM_ORIGIN ? STR("Allow: GET, HEAD\r\n")
                                                  : STR("Allow: GET, HEAD, POST, PUT, DELETE\r\n");
    return row->may_retry ? STR("Retry-After: 5\r\nCache-Control: no-store\r\n")
                          : STR("Cache-Control: no-store\r\n");
}

static enum request_state fault_page(struct request *r)
{
    struct work *k = r->k;
    const struct fault_row *row = &fault_rows[k->fault];
    const struct flow_settings *s = &r->hold->set->settings;
    struct page p;
    bool is_parsers = k->fault == FAULT_HEAD || k->fault == FAULT_BODY;
    r->status = is_parsers && k->refusal.status ? k->refusal.status : row->status;
    r->verdict = row->verdict;
    if (row->is_closing)
        r->is_keep = false;
    describe(r, &p);
    p.subject = fault_subjects[k->fault];
    p.token =
        is_parsers || k->fault == FAULT_ANSWER_BAD ? str_of(k->refusal.reason) : str_of(row->error);
    pages_write(&p, &k->reply);
    struct http_reply h = {
        .content_type = pages_type(p.format),
        .node = s->node,
        .error = str_of(row->error),
        .details = is_parsers || k->fault == FAULT_ANSWER_BAD ? str_of(k->refusal.reason) : STR(""),
        .basic_realm = k->fault == FAULT_LOGIN ? s->realm : STR(""),
        .extra = fault_extra(r, row),
    };
    return reply(r, &h);
}

/* A Location that cannot break out of its line; the policy's compiler has checked it already. */
static bool is_clean(struct str url)
{
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || (unsigned char)url.p[i] >= 0x7f)
            return false;
    return url.n > 0;
}

static enum request_state redirect(struct request *r)
{
    struct work *k = r->k;
    struct buf extra;
    buf_init(&extra, 16384);
    buf_add(&extra, STR("Location: "));
    buf_add(&extra, k->verdict.redirect_url);
    buf_add(&extra, STR("\r\nCache-Control: no-store\r\n"));
    struct str kept = arena_str(&k->arena, buf_str(&extra));
    bool is_bad = extra.failed || !kept.p;
    buf_fini(&extra);
    if (is_bad)
        return request_cut(r, "proxy_internal_error");
    r->status = 302;
    r->verdict = RECORD_BLOCKED;
    struct http_reply h = {
        .node = r->hold->set->settings.node, .error = STR("http_request_denied"), .extra = kept};
    return reply(r, &h);
}

static enum request_state verdict_page(struct request *r)
{
    struct work *k = r->k;
    const struct verdict *v = &k->verdict;
    struct page p;
    bool is_soft = v->action == VERDICT_WARN || v->action == VERDICT_OVERRIDE;
    r->status = 403;
    r->verdict = is_soft ? RECORD_WARNED : RECORD_BLOCKED;
    describe(r, &p);
    p.subject = v->action == VERDICT_WARN       ? TEXTS_WARNED
                : v->action == VERDICT_OVERRIDE ? TEXTS_OVERRIDE
                                                : TEXTS_BLOCKED;
    p.rule = v->rule_id;
    p.rule_name = v->rule_name;
    p.message = v->message;
    p.is_asking = v->action == VERDICT_OVERRIDE;
    if (is_soft && k->req.method != HTTP_CONNECT && link_make(r, &p.link) != OK)
        return request_cut(r, "proxy_internal_error");
    pages_write(&p, &k->reply);
    struct http_reply h = {.content_type = pages_type(p.format),
                           .node = r->hold->set->settings.node,
                           .error = STR("http_request_denied"),
                           .details = v->rule_id,
                           .extra = STR("Cache-Control: no-store\r\n")};
    return reply(r, &h);
}

enum request_state step_block(struct request *r)
{
    struct work *k = r->k;
    request_drop_upstream(r); /* an answer that was judged and is not wanted */
    if (k->fault != FAULT_NONE)
        return fault_page(r);
    if (k->verdict.action == VERDICT_REDIRECT && is_clean(k->verdict.redirect_url))
        return redirect(r);
    return verdict_page(r);
}
