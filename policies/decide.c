/* decide: rules judged 64 at a time, in order, until one settles it. */
#include "policies/decide.h"

#include <string.h>

#include "policies/match.h"
#include "policies/snapshot_layout.h"

struct active { /* a key that some rule has on one side */
    const uint64_t *bound, *acc;
    const uint64_t *maybe[PARTS_MAX]; /* has_part of the unknown parts */
    unsigned n_maybe;
    const struct key_table *table;
    const struct hit_list *hits;
    int side;
    uint32_t dense[64]; /* hits whose rules are a dense set */
    unsigned n_dense;
    bool has_more_dense; /* than fit above: walk all hits */
};

struct judging {
    const struct snapshot *s;
    struct slot *x;
    struct active v[MODEL_N_SIDES * MODEL_N_KEYS];
    unsigned n[MODEL_N_SIDES]; /* of each side; the second follows the first */
};

static void add_words(const struct judging *j, const uint64_t *words)
{
    for (uint32_t i = 0; words && i < j->s->n_todo; i++)
        j->x->todo[i] |= words[i];
}

static void add_fit(const struct judging *j, struct active *a, uint64_t *acc, uint32_t value)
{
    const struct fit *fit = &a->table->fit[a->side][value];
    add_words(j, fit->words);
    for (uint32_t i = 0; i < fit->n; i++)
        acc[fit->rules[i] / 64] |= UINT64_C(1) << (fit->rules[i] % 64);
    if (!fit->dense)
        return;
    if (a->n_dense < sizeof a->dense / sizeof a->dense[0])
        a->dense[a->n_dense++] = value;
    else
        a->has_more_dense = true;
}

static void clear_fit(const struct active *a, uint64_t *acc, uint32_t value)
{
    const struct fit *fit = &a->table->fit[a->side][value];
    for (uint32_t i = 0; i < fit->n; i++)
        acc[fit->rules[i] / 64] = 0;
}

static void prepare(struct judging *j, int side)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        const struct key_table *t = &j->s->keys[k];
        if (!t->is_used[side])
            continue;
        struct active *a = &j->v[j->n[0] + j->n[1]];
        a->bound = t->bound[side];
        a->acc = j->x->acc[side][k];
        a->n_maybe = a->n_dense = 0;
        a->table = t;
        a->hits = &j->x->hits[k];
        a->side = side;
        a->has_more_dense = false;
        for (unsigned p = 0; p < PARTS_MAX; p++) {
            if (!(j->x->unknown_parts[k] >> p & 1) || !t->has_part[side][p])
                continue;
            a->maybe[a->n_maybe++] = t->has_part[side][p];
            if (side == SIDE_WHEN)
                add_words(j, t->part_words[p]);
        }
        for (uint32_t i = 0; i < a->hits->n; i++)
            add_fit(j, a, j->x->acc[side][k], a->hits->ids[i]);
        j->n[side]++;
    }
}

static void clean(struct judging *j)
{
    for (unsigned i = 0; i < j->n[0] + j->n[1]; i++) {
        struct active *a = &j->v[i];
        for (uint32_t h = 0; h < a->hits->n; h++)
            clear_fit(a, (uint64_t *)(uintptr_t)a->acc, a->hits->ids[h]);
    }
}

/* Rules of word w that this key's hits fit for certain. */
static uint64_t certain(const struct active *a, uint32_t w)
{
    uint64_t bits = a->acc[w];
    for (unsigned i = 0; i < a->n_dense; i++)
        bits |= a->table->fit[a->side][a->dense[i]].dense[w];
    if (a->has_more_dense)
        for (uint32_t i = 0; i < a->hits->n; i++) {
            const uint64_t *dense = a->table->fit[a->side][a->hits->ids[i]].dense;
            bits |= dense ? dense[w] : 0;
        }
    return bits;
}

static uint64_t possible(const struct active *a, uint32_t w)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < a->n_maybe; i++)
        bits |= a->maybe[i][w];
    return bits;
}

struct word {
    uint64_t yes, maybe; /* rules that fit for certain; that fit or still may */
};

static struct word judge_word(const struct judging *j, uint32_t w)
{
    struct word r = {j->x->live[w], j->x->live[w]};
    for (unsigned i = 0; i < j->n[0] && r.maybe; i++) {
        const struct active *a = &j->v[i];
        uint64_t fits = ~a->bound[w] | certain(a, w);
        r.yes &= fits;
        r.maybe &= fits | possible(a, w);
    }
    for (unsigned i = j->n[0]; i < j->n[0] + j->n[1] && r.maybe; i++) {
        const struct active *a = &j->v[i];
        uint64_t exempt = certain(a, w);
        r.maybe &= ~exempt;
        r.yes &= ~(exempt | possible(a, w));
    }
    return r;
}

/* Rules that are switched on and have not expired; kept in the slot until the next one expires. */
static void refresh_live(const struct snapshot *s, struct slot *x, int64_t now_ms)
{
    if (now_ms >= x->live_from_ms && now_ms < x->live_until_ms)
        return;
    memcpy(x->live, s->enabled, s->n_words * sizeof *x->live);
    x->live_from_ms = INT64_MIN;
    x->live_until_ms = INT64_MAX;
    for (uint32_t i = 0; i < s->n_expiring; i++) {
        uint32_t r = s->expiring[i];
        int64_t end = s->model->rules[r].expires_at_ms;
        if (end <= now_ms) {
            x->live[r / 64] &= ~(UINT64_C(1) << (r % 64));
            if (end > x->live_from_ms)
                x->live_from_ms = end;
        } else if (end < x->live_until_ms) {
            x->live_until_ms = end;
        }
    }
}

/* The cheapest stage among the unknown parts that matter for this rule. */
static enum facts_stage needs_of(const struct judging *j, uint32_t rule)
{
    enum facts_stage cheapest = FACTS_CONTENT;
    uint32_t w = rule / 64;
    uint64_t bit = UINT64_C(1) << (rule % 64);
    for (unsigned i = 0; i < j->n[0] + j->n[1]; i++) {
        const struct active *a = &j->v[i];
        unsigned key = (unsigned)(a->table - j->s->keys);
        if (a->side == SIDE_WHEN && (certain(a, w) & bit))
            continue; /* this key fits already */
        for (unsigned p = 0; p < PARTS_MAX; p++) {
            const uint64_t *has = a->table->has_part[a->side][p];
            enum facts_stage stage = snapshot_stage((enum model_key)key, p);
            if ((j->x->unknown_parts[key] >> p & 1) && has && (has[w] & bit) && stage < cheapest)
                cheapest = stage;
        }
    }
    return cheapest;
}

static void note_shadows(const struct snapshot *s, struct verdict *v, uint32_t w, uint64_t bits)
{
    for (; bits && v->n_shadow < VERDICT_SHADOW_MAX; bits &= bits - 1) {
        uint32_t rule = w * 64 + (uint32_t)__builtin_ctzll(bits);
        v->shadow[v->n_shadow++] = s->model->rules[rule].id;
    }
}

static void settle(const struct snapshot *s, struct verdict *v, uint32_t rule)
{
    const struct model_rule *r = &s->model->rules[rule];
    v->is_final = true;
    v->rule = (int)rule;
    v->action = r->action;
    v->log = r->log;
    v->tls = r->tls;
    v->rule_id = r->id;
    v->rule_name = r->name;
    v->message = r->message;
    v->redirect_url = r->redirect_url;
    v->effects = r->effects;
}

/* One word; true when it ends the search. */
static bool judge_in(const struct judging *j, struct verdict *v, uint32_t w)
{
    struct word r = judge_word(j, w);
    uint64_t enforced = r.maybe & ~j->s->shadow[w];
    uint64_t before = enforced ? (enforced & -enforced) - 1 : UINT64_MAX;
    note_shadows(j->s, v, w, r.yes & j->s->shadow[w] & before);
    if (!enforced)
        return false;
    uint32_t rule = w * 64 + (uint32_t)__builtin_ctzll(enforced);
    if (r.yes & enforced & -enforced) {
        settle(j->s, v, rule);
    } else {
        v->needs = needs_of(j, rule);
        v->rule = (int)rule;
    }
    return true;
}

static void judge(const struct judging *j, struct verdict *v)
{
    for (uint32_t t = 0; t < j->s->n_todo; t++)
        for (uint64_t bits = j->x->todo[t]; bits; bits &= bits - 1)
            if (judge_in(j, v, t * 64 + (uint32_t)__builtin_ctzll(bits)))
                return;
    v->is_final = true;
    v->action = j->s->model->default_action;
    v->message = j->s->model->default_message;
}

static void note_categories(const struct snapshot *s, const struct slot *x, struct verdict *v)
{
    const struct set_domain *d = s->index ? category_index_view(s->index) : NULL;
    for (unsigned i = 0; d && i < x->categories.n && v->n_categories < VERDICT_CATEGORIES_MAX; i++)
        v->categories[v->n_categories++] = set_domain_category(d, x->categories.category[i]);
}

void policy_decide_in(const struct snapshot *s, struct slot *x, const struct facts *f,
                      struct verdict *v)
{
    *v = (struct verdict){.rule = -1, .policy_version = s->version};
    match_facts(s, x, f);
    note_categories(s, x, v);
    if (s->model->identity == SNAPSHOT_ALWAYS && !(f->known & FACTS_BIT(FACTS_IDENTITY))) {
        v->needs = FACTS_IDENTITY;
        return;
    }
    refresh_live(s, x, f->now_ms);
    struct judging j;
    j.s = s;
    j.x = x;
    j.n[0] = j.n[1] = 0;
    memset(x->todo, 0, s->n_todo * sizeof *x->todo);
    add_words(&j, s->open_words);
    prepare(&j, SIDE_WHEN);
    prepare(&j, SIDE_UNLESS);
    judge(&j, v);
    clean(&j);
}

void policy_decide(const struct snapshot *s, const struct facts *f, struct verdict *v)
{
    struct slot *x = snapshot_slot_take(s);
    if (!x) { /* out of memory: filtering fails closed and says so */
        *v = (struct verdict){.is_final = true,
                              .action = VERDICT_BLOCK,
                              .rule = -1,
                              .policy_version = s->version,
                              .message = STR("The policy could not be evaluated: out of memory.")};
        return;
    }
    policy_decide_in(s, x, f, v);
    snapshot_slot_give(x);
}
