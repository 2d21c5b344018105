/* lint_pairs: each rule against those before it. An earlier rule that takes all of a later one has,
 * for any key it names, a value that takes in the later rule's first value of that key; so rules
 * are entered under the values of one key, and a later rule looks under what takes its own values
 * in. Rules that contradict each other meet under a value they share. */
#include "policies/lint_pairs.h"

#include <stdlib.h>

#include "policies/lint_cover.h"
#include "policies/match.h"

#define NONE          UINT32_MAX
#define PAIRS_MAX     30000000u /* compared, all together */
#define CONFLICTS_MAX 200u
#define CHAIN_MAX     64u /* rules looked at under one shared value, for conflicts */
#define VALUES_MAX    16u /* of one rule and key, for conflicts */

struct chain {
    uint32_t rule, next;
};

struct chains { /* of each key and value: the rules entered under it, the last one first */
    uint32_t *head[MODEL_N_KEYS];
    struct chain *v;
    uint32_t n, cap;
};

struct pairing {
    struct lint_view *x;
    const struct model *m;
    struct chains lead, shared;
    uint32_t *open; /* rules without any condition under `when` */
    uint32_t n_open;
    uint32_t *n_named[MODEL_N_KEYS];
    uint32_t n_pairs, n_conflicts;
    /* of the rule looked at */
    uint32_t rule;
    unsigned allowed; /* keys an earlier rule may name and still take all of it */
    uint32_t taken_by;
};

/* --- tables -------------------------------------------------------------------------------------
 */

static bool chains_init(const struct snapshot *s, struct chains *c)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        c->head[k] = malloc(((size_t)s->keys[k].n + 1) * sizeof(uint32_t));
        if (!c->head[k])
            return false;
        for (uint32_t v = 0; v < s->keys[k].n; v++)
            c->head[k][v] = NONE;
    }
    return true;
}

static void chains_fini(struct chains *c)
{
    for (int k = 0; k < MODEL_N_KEYS; k++)
        free(c->head[k]);
    free(c->v);
}

static bool chains_add(struct chains *c, int key, uint32_t value, uint32_t rule)
{
    uint32_t *head = &c->head[key][value];
    if (*head != NONE && c->v[*head].rule == rule)
        return true;
    if (c->n == c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 256;
        struct chain *v = realloc(c->v, cap * sizeof *v);
        if (!v)
            return false;
        c->v = v;
        c->cap = cap;
    }
    c->v[c->n] = (struct chain){rule, *head};
    *head = c->n++;
    return true;
}

static uint32_t value_of(const struct pairing *p, int key, struct str text)
{
    uintptr_t id = (uintptr_t)map_get(&p->x->s->keys[key].ids, text);
    return id ? (uint32_t)(id - 1) : NONE;
}

static const struct model_values *when_of(const struct pairing *p, uint32_t rule, int key)
{
    return &p->m->rules[rule].cond[SIDE_WHEN][key];
}

static bool count_named(struct pairing *p)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        p->n_named[k] = calloc((size_t)p->x->s->keys[k].n + 1, sizeof(uint32_t));
        if (!p->n_named[k])
            return false;
        for (uint32_t r = 0; r < p->m->n_rules; r++)
            for (size_t i = 0; i < when_of(p, r, k)->n; i++)
                p->n_named[k][value_of(p, k, when_of(p, r, k)->v[i])]++;
    }
    return true;
}

/* Enters a rule under all values of the key whose values are named least. */
static bool enter_lead(struct pairing *p, uint32_t rule)
{
    uint64_t best = UINT64_MAX;
    int chosen = -1;
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        const struct model_values *v = when_of(p, rule, k);
        uint64_t most = 0;
        for (size_t i = 0; i < v->n; i++) {
            uint32_t n = p->n_named[k][value_of(p, k, v->v[i])];
            most = n > most ? n : most;
        }
        if (v->n && most < best) {
            best = most;
            chosen = k;
        }
    }
    if (chosen < 0) {
        p->open[p->n_open++] = rule;
        return true;
    }
    bool is_good = true;
    for (size_t i = 0; i < when_of(p, rule, chosen)->n && is_good; i++)
        is_good =
            chains_add(&p->lead, chosen, value_of(p, chosen, when_of(p, rule, chosen)->v[i]), rule);
    return is_good;
}

static bool is_shared_key(int key)
{
    return key == KEY_HOSTS || key == KEY_LISTS || key == KEY_CATEGORIES || key == KEY_URL_PATTERNS;
}

static bool enter_shared(struct pairing *p, uint32_t rule)
{
    bool is_good = true;
    for (int k = 0; k < MODEL_N_KEYS; k++)
        for (size_t i = 0; is_shared_key(k) && i < when_of(p, rule, k)->n && i < VALUES_MAX; i++)
            is_good = is_good &&
                      chains_add(&p->shared, k, value_of(p, k, when_of(p, rule, k)->v[i]), rule);
    return is_good;
}

/* --- rules that take all of a later one ---------------------------------------------------------
 */

static void try_taker(struct pairing *p, uint32_t earlier)
{
    const struct model_rule *a = &p->m->rules[earlier], *b = &p->m->rules[p->rule];
    if (p->taken_by != NONE || p->n_pairs >= PAIRS_MAX)
        return;
    p->n_pairs++;
    if (lint_cover_keys(a, SIDE_WHEN) & ~p->allowed)
        return;
    if (a->expires_at_ms && (!b->expires_at_ms || a->expires_at_ms < b->expires_at_ms))
        return; /* it ends before the other */
    if (lint_cover_rule(p->m, a, b))
        p->taken_by = earlier;
}

static void try_chain(struct pairing *p, int key, uint32_t value)
{
    if (value == NONE)
        return;
    for (uint32_t at = p->lead.head[key][value]; at != NONE; at = p->lead.v[at].next)
        try_taker(p, p->lead.v[at].rule);
}

static void try_all(struct pairing *p, int key)
{
    for (uint32_t v = 0; v < p->x->s->keys[key].n; v++)
        try_chain(p, key, v);
}

static void on_name(void *ctx, uint32_t id)
{
    struct pairing *p = ctx;
    const struct tags *t = &p->x->s->name_tags;
    for (uint32_t i = t->start[id]; i < t->start[id + 1]; i++)
        try_chain(p, t->v[i].key, t->v[i].value);
}

static void on_net(void *ctx, uint32_t id)
{
    struct pairing *p = ctx;
    const struct tags *t = &p->x->s->net_tags;
    for (uint32_t i = t->start[id]; i < t->start[id + 1]; i++)
        try_chain(p, t->v[i].key, t->v[i].value);
}

static void try_host(struct pairing *p, struct str host)
{
    struct set_name_probe probe;
    set_name_begin(&p->x->s->names, host, false, &probe);
    set_name_end(&p->x->s->names, &probe, on_name, p);
}

static void try_net(struct pairing *p, struct str text)
{
    struct cidr net;
    if (cidr_parse(text, &net) == OK)
        set_net_find(&p->x->s->nets, &net.ip, on_net, p);
}

/* Under the names and networks that the first list's first entry lies in. */
static void try_list(struct pairing *p, struct str name)
{
    const struct model_list *l = model_list_named(p->m, name);
    if (l && l->n && l->kind == LIST_DOMAINS)
        try_host(p, l->v[0]);
    else if (l && l->n && l->kind == LIST_NETWORKS)
        try_net(p, l->v[0]);
}

/* Under every value of the key that takes v in. */
static void try_key(struct pairing *p, int key, struct str v)
{
    switch (key) {
    case KEY_HOSTS: try_host(p, v); break;
    case KEY_NETWORKS: try_net(p, v); break;
    case KEY_SERVER_NETWORKS:
    case KEY_PORTS:
    case KEY_SCHEMES:
    case KEY_CONTENT_TYPES:
    case KEY_MIN_BYTES:
    case KEY_MAX_BYTES: try_all(p, key); break;
    case KEY_USERS:
    case KEY_GROUPS:
        try_chain(p, key, value_of(p, key, v));
        try_chain(p, KEY_USERS, value_of(p, KEY_USERS, STR("*")));
        break;
    case KEY_LISTS: try_list(p, v); /* fall through */
    default: try_chain(p, key, value_of(p, key, v)); break;
    }
}

static void find_taker(struct pairing *p)
{
    const struct model_rule *r = &p->m->rules[p->rule];
    p->taken_by = NONE;
    p->allowed = lint_cover_keys(r, SIDE_WHEN);
    if (r->cond[SIDE_WHEN][KEY_GROUPS].n)
        p->allowed |= 1u << KEY_USERS;
    if (r->cond[SIDE_WHEN][KEY_LISTS].n)
        p->allowed |= 1u << KEY_HOSTS | 1u << KEY_NETWORKS;
    if (r->cond[SIDE_WHEN][KEY_HOSTS].n || r->cond[SIDE_WHEN][KEY_NETWORKS].n)
        p->allowed |= 1u << KEY_LISTS;
    for (uint32_t i = 0; i < p->n_open; i++)
        try_taker(p, p->open[i]);
    for (int k = 0; k < MODEL_N_KEYS && p->taken_by == NONE; k++)
        if (r->cond[SIDE_WHEN][k].n)
            try_key(p, k, r->cond[SIDE_WHEN][k].v[0]);
}

static void tell_taken(struct pairing *p)
{
    const struct model_rule *a = &p->m->rules[p->taken_by], *b = &p->m->rules[p->rule];
    char first[LINT_NAME_MAX], later[LINT_NAME_MAX];
    struct lint_place at = {(int)p->rule, (int)p->taken_by, NULL};
    bool does_same = p->x->s->effect[p->taken_by] == p->x->s->effect[p->rule];
    lint_name(a, first);
    lint_name(b, later);
    if (b->is_shadow)
        lint_list_add(
            p->x->list, LINT_SHADOWED, &at,
            "Rule %s is on trial and is never counted: rule %s (number %u) before it takes "
            "every request it fits.",
            later, first, p->taken_by + 1);
    else if (does_same && lint_cover_rule(p->m, b, a))
        lint_list_add(p->x->list, LINT_DUPLICATE, &at,
                      "Rule %s is the same as rule %s (number %u), which comes first.", later,
                      first, p->taken_by + 1);
    else if (does_same)
        lint_list_add(p->x->list, LINT_REDUNDANT, &at,
                      "Rule %s is not needed: rule %s (number %u) before it takes every request it "
                      "fits, and does the same.",
                      later, first, p->taken_by + 1);
    else if (a->action == b->action)
        lint_list_add(p->x->list, LINT_SHADOWED, &at,
                      "Rule %s never decides: rule %s (number %u) before it takes every request it "
                      "fits; both answer %s, with other effects.",
                      later, first, p->taken_by + 1, verdict_action_name(a->action));
    else
        lint_list_add(p->x->list, LINT_SHADOWED, &at,
                      "Rule %s never decides: rule %s (number %u) before it takes every request it "
                      "fits, and answers %s instead of %s.",
                      later, first, p->taken_by + 1, verdict_action_name(a->action),
                      verdict_action_name(b->action));
    p->x->life[p->rule] = LINT_TAKEN;
}

/* --- rules that contradict each other -----------------------------------------------------------
 */

/* Is it sure that one request can fit both, as far as conditions can tell? */
static bool do_meet(const struct model_rule *a, const struct model_rule *b)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        const struct model_values *x = &a->cond[SIDE_WHEN][k], *y = &b->cond[SIDE_WHEN][k];
        const struct model_values *no_x = &a->cond[SIDE_UNLESS][k],
                                  *no_y = &b->cond[SIDE_UNLESS][k];
        if (x->n && y->n && !lint_cover_meets((enum model_key)k, x, y))
            return false;
        if ((no_x->n && y->n && lint_cover_values((enum model_key)k, no_x, y)) ||
            (no_y->n && x->n && lint_cover_values((enum model_key)k, no_y, x)))
            return false;
    }
    return true;
}

/* An exception before the rule it is taken from is how policies are written; so is a rule that ends
 * some day. What is told is the pair where each has requests the other has not. */
static void try_conflict(struct pairing *p, uint32_t earlier)
{
    const struct model_rule *a = &p->m->rules[earlier], *b = &p->m->rules[p->rule];
    char first[LINT_NAME_MAX], later[LINT_NAME_MAX];
    struct lint_place at = {(int)p->rule, (int)earlier, NULL};
    p->n_pairs++;
    if (a->action == b->action || a->is_shadow || b->is_shadow ||
        (a->action != VERDICT_ALLOW && b->action != VERDICT_ALLOW) || !do_meet(a, b) ||
        lint_cover_rule(p->m, b, a))
        return;
    lint_list_add(
        p->x->list, LINT_CONFLICT, &at,
        "Rules %s (number %u, %s) and %s (number %u, %s) both fit some requests: the first "
        "one wins there.",
        lint_name(a, first), earlier + 1, verdict_action_name(a->action), lint_name(b, later),
        p->rule + 1, verdict_action_name(b->action));
    p->n_conflicts++;
}

static void find_conflicts(struct pairing *p)
{
    uint32_t seen[CHAIN_MAX];
    unsigned n_seen = 0;
    for (int k = 0; k < MODEL_N_KEYS; k++)
        for (size_t i = 0; is_shared_key(k) && i < when_of(p, p->rule, k)->n && i < VALUES_MAX;
             i++) {
            uint32_t value = value_of(p, k, when_of(p, p->rule, k)->v[i]), n = 0;
            for (uint32_t at = p->shared.head[k][value]; at != NONE && n < CHAIN_MAX;
                 at = p->shared.v[at].next, n++) {
                uint32_t earlier = p->shared.v[at].rule;
                bool is_known = false;
                for (unsigned e = 0; e < n_seen; e++)
                    is_known = is_known || seen[e] == earlier;
                if (is_known || n_seen == CHAIN_MAX || p->n_conflicts >= CONFLICTS_MAX)
                    continue;
                seen[n_seen++] = earlier;
                try_conflict(p, earlier);
            }
        }
}

static bool look_at(struct pairing *p)
{
    if (p->x->life[p->rule] != LINT_LIVES)
        return true;
    find_taker(p);
    if (p->taken_by != NONE) {
        tell_taken(p);
        return true;
    }
    find_conflicts(p);
    if (p->m->rules[p->rule].is_shadow)
        return true; /* it takes nothing from those behind it */
    return enter_lead(p, p->rule) && enter_shared(p, p->rule);
}

void lint_pairs(struct lint_view *x)
{
    struct pairing p = {.x = x, .m = x->s->model};
    p.open = calloc((size_t)x->s->n_rules + 1, sizeof *p.open);
    bool is_good =
        p.open && chains_init(x->s, &p.lead) && chains_init(x->s, &p.shared) && count_named(&p);
    for (p.rule = 0; p.rule < x->s->n_rules && is_good; p.rule++)
        is_good = look_at(&p);
    x->list->failed = x->list->failed || !is_good;
    x->list->is_cut = x->list->is_cut || p.n_pairs >= PAIRS_MAX;
    chains_fini(&p.lead);
    chains_fini(&p.shared);
    free(p.open);
    for (int k = 0; k < MODEL_N_KEYS; k++)
        free(p.n_named[k]);
}
