/* why: entries of recent, each judged by the rule as it is now. */
#include "proxyd/flow/why.h"

#include <string.h>

#include "policies/decide.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/go_on.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/own_reply.h"
#include "proxyd/flow/recent.h"
#include "proxyd/wire/form_text.h"

void why_note(struct request *r)
{
    char who[64];
    const struct work *k = r->k;
    struct recent_fact f = {.client = r->conn->client.ip,
                            .who = grant_who(r, who),
                            .host = k->host,
                            .rule = k->verdict.rule_id,
                            .at_ms = r->w->loop.wall_ms,
                            .id = request_id(r),
                            .port = k->req.url.port,
                            .is_tunnel = k->req.method == HTTP_CONNECT};
    recent_put(r->w->shared->recent, &f);
}

struct str why_url(struct request *r)
{
    struct buf b;
    struct str base = own_reply_base(r);
    if (base.n == 0)
        return base;
    buf_init(&b, 1024);
    buf_add(&b, base);
    buf_add(&b, STR(WHY_PATH "?host="));
    buf_add(&b, r->k->host);
    struct str kept = arena_str(&r->k->arena, buf_str(&b));
    buf_fini(&b);
    return kept.p ? kept : STR("");
}

static struct str number_in(struct request *r, uint64_t v)
{
    struct buf b;
    buf_init(&b, 64);
    buf_add_u64(&b, v);
    struct str kept = arena_str(&r->k->arena, buf_str(&b));
    buf_fini(&b);
    return kept.p ? kept : STR("");
}

static struct str time_in(struct request *r, int64_t at_ms)
{
    char text[CLOCK_RFC3339_BYTES], out[] = "2026-01-02 03:04:05 UTC";
    clock_format_rfc3339(at_ms, text);
    memcpy(out, text, 10);
    memcpy(out + 11, text + 11, 8);
    struct str kept = arena_str(&r->k->arena, str_of(out));
    return kept.p ? kept : STR("");
}

static void add_fact(struct pages_item *x, enum texts_label label, const char *key,
                     struct str value)
{
    if (value.n)
        x->facts[x->n_facts++] = (struct pages_fact){label, key, value};
}

/* The host with its port, when that is an unusual one. */
static struct str title_of(struct request *r, const struct recent_entry *e)
{
    struct buf b;
    buf_init(&b, RECENT_HOST + 8);
    buf_add(&b, str_make(e->host, e->host_n));
    if (e->port != 80 && e->port != 443)
        buf_addf(&b, ":%u", (unsigned)e->port);
    struct str kept = arena_str(&r->k->arena, buf_str(&b));
    buf_fini(&b);
    return kept.p ? kept : STR("");
}

static enum err fill_item(struct request *r, const struct recent_entry *e, struct pages_item *x)
{
    struct verdict v = {0};
    const struct snapshot *policy = r->hold->set->policy;
    struct go_on_place at = {.who = arena_str(&r->k->arena, str_make(e->who, e->who_n)),
                             .host = arena_str(&r->k->arena, str_make(e->host, e->host_n)),
                             .url = STR(""),
                             .action = STR(WHY_PATH)};
    bool has_rule = policy && policy_rule(policy, str_make(e->rule, e->rule_n), &v);
    x->title = title_of(r, e);
    if (has_rule) {
        add_fact(x, TEXTS_RULE, "rule_name", v.rule_name.n ? v.rule_name : v.rule_id);
        add_fact(x, TEXTS_REASON, "reason", v.message);
    }
    add_fact(x, TEXTS_LAST_TIME, "at", time_in(r, e->at_ms));
    if (e->n > 1)
        add_fact(x, TEXTS_TIMES, "times", number_in(r, e->n));
    add_fact(x, TEXTS_RECORD, "record", number_in(r, e->id));
    if (!at.who.p || !at.host.p)
        return ERR_NOMEM;
    return has_rule ? go_on_form(r, &v, &at, &x->form) : OK;
}

/* With ?host= only that host and what is below or above it. */
static bool is_wanted(struct str wanted, struct str host)
{
    if (wanted.n == 0 || str_eq_nocase(wanted, host))
        return true;
    struct str longer = wanted.n > host.n ? wanted : host,
               other = wanted.n > host.n ? host : wanted;
    return other.n > 0 && longer.n > other.n + 1 &&
           str_eq_nocase(str_sub(longer, longer.n - other.n, longer.n), other) &&
           longer.p[longer.n - other.n - 1] == '.';
}

static enum err fill_items(struct request *r, struct pages_item *items, size_t *n)
{
    struct recent_entry e[RECENT_EACH];
    struct str all = r->k->req.url.path_query, wanted = {"", 0};
    size_t at = str_find(all, '?');
    if (at != STR_NPOS &&
        form_text_value(str_sub(all, at + 1, all.n), STR("host"), &r->k->arena, &wanted) != OK)
        wanted = STR("");
    unsigned n_all = recent_of(r->w->shared->recent, &r->conn->client.ip, e);
    for (unsigned i = 0; i < n_all; i++) {
        if (!is_wanted(wanted, str_make(e[i].host, e[i].host_n)))
            continue;
        enum err why = fill_item(r, &e[i], &items[(*n)++]);
        if (why != OK)
            return why;
    }
    return OK;
}

enum request_state why_page(struct request *r)
{
    struct page p;
    size_t n = 0;
    struct pages_item *items = arena_alloc(&r->k->arena, RECENT_EACH * sizeof *items);
    if (!items || fill_items(r, items, &n) != OK)
        return request_refuse(r, FAULT_MEMORY);
    r->status = 200;
    own_reply_describe(r, &p);
    p.id = 0;
    p.subject = n ? TEXTS_REFUSALS : TEXTS_NO_REFUSALS;
    p.items = items;
    p.n_items = n;
    struct http_reply h = {.status = 200};
    return own_reply_page(r, &p, &h);
}
