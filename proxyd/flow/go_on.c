/* go_on: reading the form, asking for what is missing, remembering. */
#include "proxyd/flow/go_on.h"

#include "base/secret.h"
#include "policies/decide.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/form.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/link.h"
#include "proxyd/flow/own_reply.h"
#include "proxyd/flow/verify.h"
#include "proxyd/wire/form_text.h"

#define NOTE_MAX    500
#define FREE_TRIES  3
#define LOCK_MS     2000 /* after the first wrong password too many; doubles with each */
#define LOCK_MS_MAX 900000
#define LOCK_KEPT   3600000 /* wrong passwords are forgotten after an hour */

static enum pages_form form_kind(enum grant_how how)
{
    static const enum pages_form kinds[] = {PAGES_NO_FORM, PAGES_CONTINUE, PAGES_REASON,
                                            PAGES_PASSWORD};
    return kinds[how];
}

enum err go_on_form(struct request *r, const struct verdict *v, const struct go_on_place *at,
                    struct pages_form_of *out)
{
    *out = (struct pages_form_of){.kind = form_kind(grant_wanted(v)), .action = at->action};
    if (out->kind == PAGES_NO_FORM)
        return OK;
    struct link l = {at->who, at->host, v->rule_id, at->url, v->policy_version, {0}};
    out->min_length = v->effects ? v->effects->min_length : effects_none.min_length;
    return link_make(r, &l, &out->fields);
}

/* --- wrong passwords ------------------------------------------------------------------------- */

static struct ledger_account *lock_of(struct request *r, bool is_made)
{
    char text[64];
    struct buf b = {.p = text, .cap = sizeof text, .ceiling_bytes = sizeof text};
    int64_t now = r->w->loop.wall_ms;
    ip_format(&r->conn->client.ip, &b);
    struct ledger_key key = {LEDGER_LOCK, STR(""), buf_str(&b), STR("")};
    struct ledger *l = r->w->shared->ledger;
    return is_made ? ledger_take(l, &key, now, now + LOCK_KEPT) : ledger_find(l, &key, now);
}

/* next_us holds the Unix time in us from which the next try is allowed. */
static bool has_to_wait(struct request *r)
{
    struct ledger_account *a = lock_of(r, false);
    if (!a)
        return false;
    bool waits =
        atomic_load_explicit(&a->next_us, memory_order_relaxed) > r->w->loop.wall_ms * 1000;
    ledger_give(a);
    return waits;
}

static void note_wrong(struct request *r)
{
    struct ledger_account *a = lock_of(r, true);
    if (!a)
        return;
    int64_t now = r->w->loop.wall_ms, pause = 0;
    uint64_t n = 1 + atomic_fetch_add_explicit(&a->count, 1, memory_order_relaxed);
    if (n >= FREE_TRIES)
        pause = n - FREE_TRIES < 9 ? LOCK_MS << (n - FREE_TRIES) : LOCK_MS_MAX;
    if (pause > LOCK_MS_MAX)
        pause = LOCK_MS_MAX;
    atomic_store_explicit(&a->next_us, (now + pause) * 1000, memory_order_relaxed);
    atomic_store_explicit(&a->until_ms, now + LOCK_KEPT, memory_order_relaxed);
    ledger_give(a);
}

static void note_right(struct request *r)
{
    struct ledger_account *a = lock_of(r, false);
    if (!a)
        return;
    atomic_store_explicit(&a->count, 0, memory_order_relaxed);
    atomic_store_explicit(&a->next_us, 0, memory_order_relaxed);
    ledger_give(a);
}

/* --- what was sent --------------------------------------------------------------------------- */

static struct str query_of(const struct request *r)
{
    struct str all = r->k->req.url.path_query;
    size_t at = str_find(all, '?');
    return at == STR_NPOS ? (struct str){"", 0} : str_sub(all, at + 1, all.n);
}

/* The token stands in the form, or in the link that programs are given. */
static struct str token_of(const struct request *r)
{
    struct str query = query_of(r);
    bool is_in_form = r->k->req.method == HTTP_POST && !str_starts(query, STR("e="));
    return is_in_form ? form_fields(r) : query;
}

/* The live version or the one on trial, when it is still this one. */
static const struct snapshot *policy_of(const struct request *r, uint64_t version)
{
    const struct flow_set *set = r->hold->set;
    if (set->policy && snapshot_version(set->policy) == version)
        return set->policy;
    return set->trial && snapshot_version(set->trial) == version ? set->trial : NULL;
}

/* A form on a warned host is only for that host; on our own page for any. The rule must still be
 * the one whose page was shown. */
static bool read_token(struct request *r, struct link *l, struct verdict *v)
{
    const struct work *k = r->k;
    if (link_read(r, token_of(r), l) != OK)
        return false;
    const struct snapshot *policy = policy_of(r, l->version);
    if (link_is(k->req.url.path_query) && !str_eq(l->host, k->host))
        return false;
    return policy && policy_rule(policy, l->rule, v) && grant_wanted(v) != GRANT_NONE;
}

/* What was sent is recorded with the rule, but no version judged it: a replay has nothing to
 * compare it with. */
static enum request_state unjudged(struct request *r, enum request_state next)
{
    r->k->verdict.policy_version = 0;
    return next;
}

/* The page again, with what was wrong. */
static enum request_state again(struct request *r, const struct link *l, enum texts_hint hint)
{
    struct work *k = r->k;
    struct page p;
    struct str path = str_sub(k->req.url.path_query, 0, str_find(k->req.url.path_query, '?'));
    struct go_on_place at = {l->who, l->host, l->url, path};
    r->verdict = RECORD_BLOCKED;
    r->status = hint == TEXTS_WAIT ? 429 : 403;
    own_reply_describe(r, &p);
    p.url = l->url.n ? l->url : l->host;
    p.rule = k->verdict.rule_id;
    p.rule_name = k->verdict.rule_name;
    p.message = k->verdict.message;
    if (go_on_form(r, &k->verdict, &at, &p.form) != OK)
        return request_cut(r, "proxy_internal_error");
    p.subject = p.form.kind == PAGES_PASSWORD ? TEXTS_PASSWORD : TEXTS_OVERRIDE;
    p.form.hint = hint;
    struct http_reply h = {.status = r->status,
                           .error = STR("http_request_denied"),
                           .details = k->verdict.rule_id,
                           .extra = hint == TEXTS_WAIT ? STR("Retry-After: 10\r\n") : STR("")};
    return unjudged(r, own_reply_page(r, &p, &h));
}

static struct str front_page(struct request *r, const struct link *l)
{
    struct buf b;
    buf_init(&b, 512);
    bool is_v6 = str_find(l->host, ':') != STR_NPOS;
    buf_addf(&b, is_v6 ? "http://[%.*s]/" : "http://%.*s/", STR_ARG(l->host));
    struct str kept = arena_str(&r->k->arena, buf_str(&b));
    buf_fini(&b);
    return kept;
}

/* Said on our own page: a tunnel is opened by the client, nobody can be sent there. */
static enum request_state granted_page(struct request *r, const struct link *l)
{
    struct page p;
    r->status = 200;
    own_reply_describe(r, &p);
    p.subject = TEXTS_GRANTED;
    p.url = l->host;
    struct http_reply h = {.status = 200};
    return unjudged(r, own_reply_page(r, &p, &h));
}

/* The name in the token, unless it is the address of somebody nobody knew. */
static struct str person_of(struct request *r, const struct link *l)
{
    char room[64];
    r->k->user = STR("");
    return str_eq(l->who, grant_who(r, room)) ? STR("") : l->who;
}

static enum request_state granted(struct request *r, const struct link *l, struct str note)
{
    struct work *k = r->k;
    const struct effects *x = k->verdict.effects ? k->verdict.effects : &effects_none;
    struct grant g = {.rule = l->rule,
                      .who = l->who,
                      .host = l->host,
                      .note = note,
                      .how = grant_wanted(&k->verdict),
                      .lasts_ms = x->remember_minutes ? x->remember_minutes * INT64_C(60000)
                                                      : r->hold->set->settings.continue_ms};
    grant_put(r->w, &g);
    k->user = person_of(r, l);
    k->note = note;
    r->effect = grant_effect(g.how);
    if (!link_is(k->req.url.path_query))
        return granted_page(r, l);
    r->verdict = RECORD_WARNED;
    struct str lines = own_reply_location(r, l->url.n ? l->url : front_page(r, l));
    struct http_reply h = {.status = k->req.method == HTTP_POST ? 303 : 302, .extra = lines};
    return lines.p ? unjudged(r, own_reply(r, &h)) : request_refuse(r, FAULT_MEMORY);
}

/* --- reasons and passwords ------------------------------------------------------------------- */

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80 && s.p[i] != ' ';
    return n;
}

/* One line of text: what breaks lines becomes a space, the rest is cut at a character. */
static struct str one_line(struct request *r, struct str s)
{
    char *p = arena_alloc(&r->k->arena, s.n + 1);
    if (!p)
        return STR("");
    for (size_t i = 0; i < s.n; i++)
        p[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i];
    size_t n = s.n < NOTE_MAX ? s.n : NOTE_MAX;
    while (n > 0 && n < s.n && ((unsigned char)p[n] & 0xc0) == 0x80)
        n--;
    return str_trim(str_make(p, n));
}

static enum request_state justified(struct request *r, const struct link *l)
{
    const struct effects *x = r->k->verdict.effects ? r->k->verdict.effects : &effects_none;
    struct str reason;
    if (form_text_value(form_fields(r), STR("reason"), &r->k->arena, &reason) != OK)
        return again(r, l, TEXTS_TOO_SHORT);
    reason = one_line(r, reason);
    if (characters(reason) < x->min_length)
        return again(r, l, TEXTS_TOO_SHORT);
    return granted(r, l, reason);
}

static void on_verified(void *ctx, enum err e)
{
    struct request *r = ctx;
    r->k->verify = NULL;
    r->k->is_verified = true;
    r->k->verify_err = e;
    request_run(r);
}

void go_on_cancel(struct request *r)
{
    if (r->k->verify)
        verify_give_up(r->k->verify);
    r->k->verify = NULL;
}

static enum request_state ask_password(struct request *r, const struct link *l)
{
    struct work *k = r->k;
    struct str password;
    if (has_to_wait(r))
        return again(r, l, TEXTS_WAIT);
    if (form_text_value(form_fields(r), STR("password"), &k->arena, &password) != OK ||
        password.n == 0)
        return again(r, l, TEXTS_WRONG);
    k->verify =
        verify_ask(r->w->shared->verify, &r->w->wake, k->verdict.effects->password_hash, password);
    secret_wipe((char *)(uintptr_t)password.p, password.n);
    if (!k->verify)
        return request_refuse(r, FAULT_BUSY);
    verify_expect(k->verify, on_verified, r);
    return REQUEST_LOCAL;
}

static enum request_state judged_password(struct request *r, const struct link *l)
{
    struct work *k = r->k;
    if (k->verify_err == OK) {
        note_right(r);
        return granted(r, l, STR(""));
    }
    if (k->verify_err != ERR_DENIED)
        return request_refuse(r, FAULT_BUSY);
    note_wrong(r);
    return again(r, l, TEXTS_WRONG);
}

static enum request_state judge(struct request *r)
{
    struct work *k = r->k;
    struct link l;
    if (!read_token(r, &l, &k->verdict))
        return request_refuse(r, FAULT_LINK);
    k->has_facts = k->is_final = true; /* the record names the rule */
    enum grant_how how = grant_wanted(&k->verdict);
    if (how == GRANT_WARNED)
        return granted(r, &l, STR(""));
    if (k->req.method != HTTP_POST)
        return request_refuse(r, FAULT_METHOD); /* a reason never stands in a URL */
    if (how == GRANT_JUSTIFIED)
        return justified(r, &l);
    return k->is_verified ? judged_password(r, &l) : ask_password(r, &l);
}

enum request_state go_on_sent(struct request *r)
{
    struct work *k = r->k;
    if (k->verify)
        return REQUEST_LOCAL;
    if (k->req.method != HTTP_POST)
        return judge(r);
    switch (form_read(r)) {
    case OK: return judge(r);
    case ERR_AGAIN: return REQUEST_LOCAL;
    case ERR_LIMIT: return request_refuse(r, FAULT_FORM_LARGE);
    case ERR_NOMEM: return request_refuse(r, FAULT_MEMORY);
    case ERR_INVALID: return request_refuse(r, FAULT_BODY);
    default: return request_cut(r, "client_closed");
    }
}
