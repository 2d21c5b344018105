/* step_block: makes the answer that is not the server's: blocked, warned, redirected, login,
 * refused, failed. The page itself is in pages.c, what each fault means in fault.c. */
#include "proxyd/flow/step_block.h"

#include "proxyd/flow/balance.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/go_on.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/link.h"
#include "proxyd/flow/meter.h"
#include "proxyd/flow/own_reply.h"
#include "proxyd/flow/why.h"

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
    [FAULT_PARENT_UNKNOWN] = TEXTS_NO_POLICY,
    [FAULT_PARENT_DOWN] = TEXTS_UNREACHABLE,
    [FAULT_PARENT_SAID] = TEXTS_UNREACHABLE,
    [FAULT_ANSWER_LATE] = TEXTS_LATE,
    [FAULT_ANSWER_CUT] = TEXTS_BAD_ANSWER,
    [FAULT_ANSWER_BAD] = TEXTS_BAD_ANSWER,
    [FAULT_FORM_LARGE] = TEXTS_TOO_LARGE,
    [FAULT_LINK] = TEXTS_LINK,
    [FAULT_CLIENT_CONNECTIONS] = TEXTS_TOO_MANY,
    [FAULT_CLIENT_RATE] = TEXTS_TOO_MANY,
    [FAULT_CLIENT_RUNNING] = TEXTS_TOO_MANY,
    [FAULT_CLIENT_TUNNELS] = TEXTS_TOO_MANY,
    [FAULT_USER_RATE] = TEXTS_TOO_MANY_YOURS,
    [FAULT_USER_RUNNING] = TEXTS_TOO_MANY_YOURS,
    [FAULT_USER_TUNNELS] = TEXTS_TOO_MANY_YOURS,
    [FAULT_TOTAL] = TEXTS_BUSY,
    [FAULT_SHARE] = TEXTS_BUSY,
    [FAULT_QUEUE_DELAY] = TEXTS_BUSY,
    [FAULT_SLOW_UPLOAD] = TEXTS_LATE,
    [FAULT_USER_CONNECTIONS] = TEXTS_TOO_MANY_YOURS,
};

static void describe(struct request *r, struct page *p)
{
    struct work *k = r->k;
    own_reply_describe(r, p);
    p->url = k->url;
    p->host = k->host;
    if (k->has_facts && k->is_final) {
        p->categories = k->verdict.categories;
        p->n_categories = k->verdict.n_categories;
    }
}

/* Seconds after which asking again is worth while, for who is over a bound. */
static struct str retry_text(struct request *r)
{
    char text[24];
    struct buf b = {.p = text, .cap = sizeof text, .ceiling_bytes = sizeof text};
    buf_add_u64(&b, r->k->retry_s);
    struct str kept = arena_str(&r->k->arena, buf_str(&b));
    return kept.p ? kept : STR("5");
}

static struct str retry_after(struct request *r)
{
    char text[48];
    struct buf b = {.p = text, .cap = sizeof text, .ceiling_bytes = sizeof text};
    buf_addf(&b, "Retry-After: %u\r\n", r->k->retry_s);
    struct str kept = arena_str(&r->k->arena, buf_str(&b));
    return kept.p ? kept : STR("Retry-After: 5\r\n");
}

/* The Allow field belongs to a 405, Retry-After to a 429 and a 503. */
static struct str fault_extra(struct request *r, const struct fault_row *row)
{
    if (row->status == 405)
        return r->k->req.form == HTTP_FORM_ORIGIN ? STR("Allow: GET, HEAD\r\n")
                                                  : STR("Allow: GET, HEAD, POST, PUT, DELETE\r\n");
    if (row->may_retry && r->k->retry_s)
        return retry_after(r);
    return row->may_retry ? STR("Retry-After: 5\r\n") : STR("");
}

/* The reason in `refusal` says more than the kind. */
static bool is_told(enum fault f)
{
    return f == FAULT_ANSWER_BAD || f == FAULT_PARENT_SAID;
}

static struct str fault_details(const struct work *k, bool is_parsers)
{
    if (is_parsers || is_told(k->fault))
        return str_of(k->refusal.reason);
    return str_of(fault_bounds[k->fault]);
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
    p.token = is_parsers || is_told(k->fault) ? str_of(k->refusal.reason) : fault_token(k->fault);
    struct pages_fact wait = {TEXTS_RETRY, "retry_after", retry_text(r)};
    if (k->retry_s) {
        p.facts = &wait;
        p.n_facts = 1;
    }
    struct http_reply h = {
        .status = r->status,
        .error = str_of(row->error),
        .details = fault_details(k, is_parsers),
        .basic_realm = k->fault == FAULT_LOGIN ? s->realm : STR(""),
        .extra = fault_extra(r, row),
    };
    return own_reply_page(r, &p, &h);
}

/* A Location that cannot break out of its line; the policy's compiler has checked it already. */
static bool is_clean(struct str url)
{
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || (unsigned char)url.p[i] >= 0x7f)
            return false;
    return url.n > 0;
}

/* Host, port and path of an http URL that are those of the request: it would lead to itself. */
static bool is_same_place(const struct request *r, struct str url)
{
    const struct work *k = r->k;
    struct str here = str_sub(k->url, 0, str_find(k->url, '?'));
    struct str there = str_sub(url, 0, str_find(url, '?'));
    there = str_sub(there, 0, str_find(there, '#'));
    if (str_eq_nocase(here, there))
        return true;
    return here.n == there.n + 1 && here.p[there.n] == '/' &&
           str_eq_nocase(str_sub(here, 0, there.n), there);
}

/* Nobody follows a redirect in the answer to a CONNECT, and one that leads to itself has no end. */
static bool may_redirect(const struct request *r)
{
    const struct work *k = r->k;
    return k->verdict.action == VERDICT_REDIRECT && k->req.method != HTTP_CONNECT &&
           is_clean(k->verdict.redirect_url) && !is_same_place(r, k->verdict.redirect_url);
}

/* 302 turns into a GET with every client; 307 keeps method and body of what is not one. */
static enum request_state redirect(struct request *r)
{
    struct work *k = r->k;
    struct str lines = own_reply_location(r, k->verdict.redirect_url);
    bool is_get = k->req.method == HTTP_GET || k->req.method == HTTP_HEAD;
    r->verdict = RECORD_BLOCKED;
    struct http_reply h = {.status = is_get ? 302 : 307,
                           .node = r->hold->set->settings.node,
                           .error = STR("http_request_denied"),
                           .extra = lines};
    return lines.p ? own_reply(r, &h) : request_cut(r, "proxy_internal_error");
}

static enum texts_subject subject_of(const struct verdict *v)
{
    switch (grant_wanted(v)) {
    case GRANT_WARNED: return TEXTS_WARNED;
    case GRANT_JUSTIFIED: return TEXTS_OVERRIDE;
    case GRANT_PASSWORD: return TEXTS_PASSWORD;
    case GRANT_NONE: break;
    }
    return v->is_spent ? TEXTS_SPENT : TEXTS_BLOCKED;
}

/* "http://host/.well-known/proxyd-continue?token": on the host that was asked for, so that it goes
 * through the proxy like the request did. */
static struct str link_url(struct request *r, const struct pages_form_of *f)
{
    const struct work *k = r->k;
    struct buf b;
    struct str origin = str_sub(k->url, 0, 7 + str_find(str_sub(k->url, 7, k->url.n), '/'));
    buf_init(&b, 32768);
    buf_add(&b, origin);
    buf_add(&b, STR(LINK_PATH "?"));
    buf_add(&b, f->fields);
    struct str kept = b.failed ? (struct str){0} : arena_str(&r->k->arena, buf_str(&b));
    buf_fini(&b);
    return kept.p ? kept : STR("");
}

/* The form by which somebody may go on; a tunnel's page is shown by nobody, so it names /why. */
static enum err add_form(struct request *r, struct page *p)
{
    char who[64];
    struct work *k = r->k;
    struct go_on_place at = {grant_who(r, who), k->host, k->url, STR(LINK_PATH)};
    if (k->req.method == HTTP_CONNECT) {
        p->more = why_url(r);
        return OK;
    }
    enum err e = go_on_form(r, &k->verdict, &at, &p->form);
    if (e == OK && p->form.kind != PAGES_NO_FORM)
        p->link = link_url(r, &p->form);
    return e;
}

static enum request_state verdict_page(struct request *r)
{
    struct work *k = r->k;
    const struct verdict *v = &k->verdict;
    struct page p;
    struct pages_fact facts[BALANCE_FACTS];
    bool is_soft = grant_wanted(v) != GRANT_NONE;
    r->status = 403;
    r->verdict = is_soft ? RECORD_WARNED : RECORD_BLOCKED;
    describe(r, &p);
    p.subject = subject_of(v);
    p.rule = v->rule_id;
    p.rule_name = v->rule_name;
    p.message = v->message;
    if (v->is_spent) {
        p.n_facts = balance_facts(r, v, meter_category(v), facts);
        p.facts = facts;
    }
    why_note(r);
    if (add_form(r, &p) != OK)
        return request_cut(r, "proxy_internal_error");
    struct http_reply h = {
        .status = 403, .error = STR("http_request_denied"), .details = v->rule_id};
    return own_reply_page(r, &p, &h);
}

enum request_state step_block(struct request *r)
{
    struct work *k = r->k;
    request_drop_upstream(r); /* an answer that was judged and is not wanted */
    if (k->fault != FAULT_NONE)
        return fault_page(r);
    if (may_redirect(r))
        return redirect(r);
    return verdict_page(r);
}
