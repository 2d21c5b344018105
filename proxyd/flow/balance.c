/* balance: accounts as sentences. */
#include "proxyd/flow/balance.h"

#include <stdio.h>
#include <time.h>

#include "policies/decide.h"
#include "policies/zone.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/own_reply.h"
#include "proxyd/flow/quota.h"
#include "proxyd/flow/step_identify.h"

#define ITEMS_MAX 64

static struct str keep(struct request *r, struct buf *b)
{
    struct str kept = b->failed ? (struct str){0} : arena_str(&r->k->arena, buf_str(b));
    buf_fini(b);
    return kept.p ? kept : STR("");
}

static void add_bytes(struct buf *b, uint64_t n)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)n;
    size_t u = 0;
    for (; v >= 1000 && u < 4; u++)
        v /= 1000;
    buf_addf(b, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
}

static struct str minutes_text(struct request *r, uint32_t used, uint32_t bound)
{
    struct buf b;
    buf_init(&b, 100);
    buf_addf(&b, "%u / %u min", used, bound);
    return keep(r, &b);
}

static struct str bytes_text(struct request *r, uint64_t used, uint64_t bound)
{
    struct buf b;
    buf_init(&b, 100);
    add_bytes(&b, used);
    buf_add(&b, STR(" / "));
    add_bytes(&b, bound);
    return keep(r, &b);
}

/* On the clock of the zone, since that is where midnight is. */
static struct str renewal_text(struct request *r, const struct effects_quota *q, int64_t at_ms)
{
    char text[40] = "";
    struct tm tm;
    struct buf b;
    int64_t at_s = at_ms / 1000;
    time_t local = (time_t)(at_s + zone_offset_s(q->zone, at_s));
    if (gmtime_r(&local, &tm))
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M ", &tm);
    buf_init(&b, 400);
    buf_add_z(&b, text);
    buf_add(&b, q->zone_name);
    return keep(r, &b);
}

static size_t facts_of(struct request *r, const struct effects_quota *q,
                       const struct ledger_account *a, struct pages_fact out[BALANCE_FACTS])
{
    struct quota_balance b;
    size_t n = 0;
    quota_balance(a, q, r->w->loop.wall_ms, &b);
    if (q->minutes)
        out[n++] = (struct pages_fact){TEXTS_TIME_USED, "time_used",
                                       minutes_text(r, b.minutes, q->minutes)};
    if (q->bytes)
        out[n++] =
            (struct pages_fact){TEXTS_BYTES_USED, "bytes_used", bytes_text(r, b.bytes, q->bytes)};
    out[n++] = (struct pages_fact){TEXTS_RENEWED, "renewed", renewal_text(r, q, b.renewed_ms)};
    return n;
}

static struct ledger_account *find(struct request *r, const struct verdict *v, struct str category)
{
    char who[64];
    struct ledger_key key = {LEDGER_QUOTA, v->rule_id, grant_who(r, who), category};
    return ledger_find(r->w->shared->ledger, &key, r->w->loop.wall_ms);
}

size_t balance_facts(struct request *r, const struct verdict *v, struct str category,
                     struct pages_fact out[BALANCE_FACTS])
{
    struct ledger_account *a = find(r, v, category);
    size_t n = facts_of(r, &v->effects->quota, a, out);
    ledger_give(a);
    return n;
}

/* --- the page -------------------------------------------------------------------------------- */

struct listing {
    struct request *r;
    struct pages_item *items;
    size_t n;
};

/* Of the person, or of the address when nobody was known where it was counted. */
static void add_item(struct listing *x, const struct verdict *v, struct str category)
{
    struct ledger_account *a = x->n < ITEMS_MAX ? find(x->r, v, category) : NULL;
    struct buf b;
    if (!a)
        return; /* nothing used today */
    struct pages_item *item = &x->items[x->n++];
    buf_init(&b, 1024);
    buf_add(&b, v->rule_name.n ? v->rule_name : v->rule_id);
    if (category.n) {
        buf_add(&b, STR(": "));
        buf_add(&b, category);
    }
    if (x->r->k->user.n == 0) {
        char who[64];
        buf_add(&b, STR(" ("));
        buf_add(&b, grant_who(x->r, who));
        buf_add_c(&b, ')');
    }
    item->title = keep(x->r, &b);
    item->n_facts = facts_of(x->r, &v->effects->quota, a, item->facts);
    ledger_give(a);
}

static void list(struct listing *x)
{
    struct verdict v;
    size_t at = 0;
    const struct snapshot *policy = x->r->hold->set->policy;
    while (policy && policy_each_quota(policy, &at, &v)) {
        const struct effects_quota *q = &v.effects->quota;
        add_item(x, &v, STR(""));
        for (size_t i = 0; q->per == EFFECTS_PER_CATEGORY && i < q->n_categories; i++)
            add_item(x, &v, q->categories[i]);
    }
}

/* Who it is, if there is anybody to ask. OK: known, or nobody can log in here; ERR_AGAIN: wait. */
static enum err learn_who(struct request *r)
{
    struct work *k = r->k;
    if (!r->w->shared->identity)
        return OK;
    switch (step_identify_here(r)) {
    case IDENTITY_OK: k->user = k->ask.person->name; return OK;
    case IDENTITY_PENDING: return ERR_AGAIN;
    case IDENTITY_UNAVAILABLE:
    case IDENTITY_BUSY: return ERR_BUSY;
    case IDENTITY_DENIED: break;
    }
    return ERR_DENIED;
}

/* Without a name: what is counted for the address, and the question who it is. */
static enum request_state show(struct request *r, bool is_known)
{
    struct page p;
    struct listing x = {.r = r, .items = arena_alloc(&r->k->arena, ITEMS_MAX * sizeof *x.items)};
    if (!x.items)
        return request_refuse(r, FAULT_MEMORY);
    struct str user = r->k->user;
    if (user.n)
        list(&x);
    r->k->user = STR("");
    list(&x);
    r->k->user = user;
    r->status = is_known ? 200 : 401;
    own_reply_describe(r, &p);
    p.id = 0;
    p.subject = !is_known ? TEXTS_LOGIN : x.n ? TEXTS_BALANCE : TEXTS_NO_BALANCE;
    p.items = x.items;
    p.n_items = x.n;
    struct http_reply h = {.status = r->status,
                           .basic_realm = is_known ? STR("") : r->hold->set->settings.realm};
    return own_reply_page(r, &p, &h);
}

enum request_state balance_page(struct request *r)
{
    switch (learn_who(r)) {
    case OK: return show(r, true);
    case ERR_AGAIN: return REQUEST_LOCAL;
    case ERR_DENIED: return show(r, false);
    default: return request_refuse(r, FAULT_IDENTITY_DOWN);
    }
}
