/* flip: what would have had to be otherwise. */
#include "policies/flip.h"

#include "base/buf.h"
#include "policies/explain_text.h"
#include "policies/rule.h"

struct turning {
    const struct snapshot *s;
    const struct slot *x;
    const struct facts *f;
    const struct verdict *v;
    json_t *out;
};

static json_t *text(struct str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    return j ? j : json_string("");
}

static bool is_live(const struct turning *t, const struct model_rule *r)
{
    return r->is_enabled && !r->is_shadow && (!r->expires_at_ms || r->expires_at_ms > t->f->now_ms);
}

static void add(struct turning *t, const struct model_rule *r, const struct rule_condition *c,
                enum verdict_action action)
{
    static const char *const sides[] = {"when", "unless"};
    struct str value = {0};
    struct buf said;
    buf_init(&said, 4096);
    buf_add_z(&said, "If ");
    if (c) {
        value = c->fit == RULE_NO ? r->cond[c->side][c->key].v[0] : c->value;
        explain_text_otherwise(&said, r, c);
    } else {
        buf_add_z(&said, "this rule were switched off");
    }
    buf_addf(&said, ", it would be %s.", explain_text_would(action));
    json_array_append_new(t->out,
                          json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "rule", text(r->id), "side",
                                    c ? json_string(sides[c->side]) : json_null(), "key",
                                    c ? json_string(model_key_name(c->key)) : json_null(), "value",
                                    value.n ? text(value) : json_null(), "action",
                                    verdict_action_name(action), "text", text(buf_str(&said))));
    buf_fini(&said);
}

/* The answer of the rules behind `from`; false: it depends on what is not known. */
static bool answer_behind(const struct turning *t, size_t from, enum verdict_action *action)
{
    enum facts_stage needs;
    for (size_t i = from; i < t->s->model->n_rules; i++) {
        const struct model_rule *r = &t->s->model->rules[i];
        enum rule_fit fit = is_live(t, r) ? rule_fit(t->s, t->x, r, t->f->now_ms, &needs) : RULE_NO;
        if (fit == RULE_UNKNOWN)
            return false;
        if (fit == RULE_YES) {
            *action = r->action;
            return true;
        }
    }
    *action = t->s->model->default_action;
    return true;
}

/* The conditions of the rule that decided, any of which ends its fit. */
static void turn_decided(struct turning *t, size_t rule)
{
    const struct model_rule *r = &t->s->model->rules[rule];
    enum verdict_action action;
    bool is_bare = true;
    if (!answer_behind(t, rule + 1, &action) || action == r->action)
        return;
    for (int side = 0; side < MODEL_N_SIDES; side++)
        for (int k = 0; k < MODEL_N_KEYS && json_array_size(t->out) < FLIP_MAX; k++) {
            struct rule_condition c = {.side = (enum model_side)side, .key = (enum model_key)k};
            if (r->cond[side][k].n == 0)
                continue;
            rule_condition_fit(t->s, t->x, r, &c);
            add(t, r, &c, action);
            is_bare = false;
        }
    if (is_bare)
        add(t, r, NULL, action);
}

/* An earlier rule of another action that missed by exactly one condition. */
static void turn_missed(struct turning *t, size_t rule)
{
    const struct model_rule *r = &t->s->model->rules[rule];
    struct rule_condition only = {.fit = RULE_NO};
    unsigned n_against = 0;
    if (!is_live(t, r) || r->action == t->v->action)
        return;
    for (int side = 0; side < MODEL_N_SIDES && n_against < 2; side++)
        for (int k = 0; k < MODEL_N_KEYS && n_against < 2; k++) {
            struct rule_condition c = {.side = (enum model_side)side, .key = (enum model_key)k};
            if (r->cond[side][k].n == 0)
                continue;
            rule_condition_fit(t->s, t->x, r, &c);
            if (side == SIDE_WHEN ? c.fit == RULE_YES : c.fit == RULE_NO)
                continue;
            only = c;
            n_against += c.fit == RULE_UNKNOWN ? 2 : 1;
        }
    if (n_against == 1)
        add(t, r, &only, r->action);
}

json_t *flip_find(const struct snapshot *s, const struct slot *x, const struct facts *f,
                  const struct verdict *v)
{
    struct turning t = {s, x, f, v, json_array()};
    if (!t.out || !v->is_final)
        return t.out;
    size_t end = v->rule >= 0 ? (size_t)v->rule : s->model->n_rules;
    if (v->rule >= 0)
        turn_decided(&t, end);
    for (size_t i = end; i-- > 0 && json_array_size(t.out) < FLIP_MAX;)
        turn_missed(&t, i);
    return t.out;
}
