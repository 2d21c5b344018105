/* grant: accounts of the ledger. */
#include "proxyd/flow/grant.h"

#include "proxyd/flow/context.h"

const char *grant_effect(enum grant_how how)
{
    static const char *const names[] = {NULL, "warn-continued", "override-justified",
                                        "override-password"};
    return names[how];
}

enum grant_how grant_wanted(const struct verdict *v)
{
    if (v->action == VERDICT_WARN)
        return GRANT_WARNED;
    if (v->action != VERDICT_OVERRIDE)
        return GRANT_NONE;
    return v->effects && v->effects->by == EFFECTS_PASSWORD ? GRANT_PASSWORD : GRANT_JUSTIFIED;
}

struct str grant_who(const struct request *r, char room[64])
{
    if (r->k->user.n)
        return r->k->user;
    struct buf b = {.p = room, .cap = 64, .ceiling_bytes = 64};
    ip_format(&r->conn->client.ip, &b);
    return buf_str(&b);
}

enum grant_how grant_of(struct request *r)
{
    char who[64];
    struct work *k = r->k;
    struct ledger_key key = {LEDGER_GRANT, k->verdict.rule_id, grant_who(r, who), k->host};
    struct ledger_account *a = ledger_find(r->w->shared->ledger, &key, r->w->loop.wall_ms);
    if (!a)
        return GRANT_NONE;
    enum grant_how how = (enum grant_how)atomic_load_explicit(&a->how, memory_order_relaxed);
    ledger_give(a);
    return how == grant_wanted(&k->verdict) ? how : GRANT_NONE;
}

void grant_put(struct worker *w, const struct grant *g)
{
    struct ledger_key key = {LEDGER_GRANT, g->rule, g->who, g->host};
    int64_t now = w->loop.wall_ms, until = now + g->lasts_ms;
    struct ledger_account *a = ledger_take(w->shared->ledger, &key, now, until);
    if (!a)
        return; /* no room at all: the page comes once more */
    atomic_store_explicit(&a->how, (uint32_t)g->how, memory_order_relaxed);
    atomic_store_explicit(&a->until_ms, until, memory_order_relaxed);
    ledger_note(w->shared->ledger, a, g->note);
    ledger_give(a);
}
