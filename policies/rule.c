/* rule: three-valued fit, the plain way. */
#include "policies/rule.h"

const char *rule_fit_name(enum rule_fit f)
{
    static const char *const names[] = {"no", "unknown", "yes"};
    return names[f];
}

/* Bits of the parts in which this value may become a hit. */
static unsigned parts_of(const struct key_table *t, enum model_key key, uint32_t value)
{
    return key == KEY_CATEGORIES ? 3u : 1u << t->part[value];
}

void rule_condition_fit(const struct snapshot *s, const struct slot *x, const struct model_rule *r,
                        struct rule_condition *c)
{
    const struct key_table *t = &s->keys[c->key];
    const struct model_values *v = &r->cond[c->side][c->key];
    unsigned unknown = 0;
    c->fit = RULE_NO;
    c->value = (struct str){0};
    for (size_t i = 0; i < v->n && c->fit != RULE_YES; i++) {
        uintptr_t id = (uintptr_t)map_get(&t->ids, v->v[i]);
        if (!id)
            continue;
        if (match_has(x, c->key, (uint32_t)(id - 1))) {
            c->fit = RULE_YES;
            c->value = v->v[i];
        } else {
            unknown |= parts_of(t, c->key, (uint32_t)(id - 1)) & x->unknown_parts[c->key];
        }
    }
    if (c->fit == RULE_YES || !unknown)
        return;
    c->fit = RULE_UNKNOWN;
    c->needs = FACTS_CONTENT;
    for (unsigned p = 0; p < PARTS_MAX; p++)
        if ((unknown >> p & 1) && snapshot_stage(c->key, p) < c->needs)
            c->needs = snapshot_stage(c->key, p);
}

enum rule_fit rule_fit(const struct snapshot *s, const struct slot *x, const struct model_rule *r,
                       int64_t now_ms, enum facts_stage *needs)
{
    enum rule_fit all = RULE_YES;
    enum facts_stage cheapest = FACTS_CONTENT;
    if (!r->is_enabled || (r->expires_at_ms && r->expires_at_ms <= now_ms))
        return RULE_NO;
    for (int side = 0; side < MODEL_N_SIDES; side++) {
        for (int k = 0; k < MODEL_N_KEYS; k++) {
            struct rule_condition c = {.side = (enum model_side)side, .key = (enum model_key)k};
            if (r->cond[side][k].n == 0)
                continue;
            rule_condition_fit(s, x, r, &c);
            bool is_against = side == SIDE_WHEN ? c.fit == RULE_NO : c.fit == RULE_YES;
            if (is_against)
                return RULE_NO;
            if (c.fit != RULE_UNKNOWN)
                continue;
            all = RULE_UNKNOWN;
            if (c.needs < cheapest)
                cheapest = c.needs;
        }
    }
    *needs = cheapest;
    return all;
}
