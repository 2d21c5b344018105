/* decide: rules judged 64 at a time, in order, until one settles it. */
#include "policies/decide.h"

#include <string.h>

#include "policies/match.h"
#include "policies/snapshot_layout.h"
#include "policies/who.h"

struct word {
    uint64_t yes, maybe; /* rules that fit for certain; that fit or still may */
};

struct judging {
    const struct snapshot *s;
    struct slot *x;
    struct verdict *v;
    int pending; /* the first rule that is not certain; -1: none yet */
    size_t n_shadow_pending;
};

/* --- the request's bits -------------------------------------------------------------------------
 */

/* A whole set of rules that come up, and the words they are in. */
static void add_leads(const struct judging *j, const uint64_t *leads, const uint64_t *words)
{
    struct slot *x = j->x;
    const uint64_t *any = x->current->any;
    if (!leads)
        return;
    for (uint32_t i = 0; i < j->s->n_todo; i++)
        x->todo[i] |= words[i] & any[i];
    if (x->n_leads < LEADS_MAX) {
        x->leads[x->n_leads++] = leads;
        return;
    }
    for (uint32_t i = 0; i < j->s->n_words; i++)
        x->lead[i] |= leads[i];
    x->is_lead_full = true;
}

static void add_fit(const struct judging *j, unsigned column, uint32_t value)
{
    const struct column *c = &j->s->column[column];
    const struct key_table *t = &j->s->keys[c->key];
    const struct fit *f = &t->fit[c->side][value];
    const uint32_t *rules = t->rules[c->side] + f->first;
    struct active *a = &j->x->active[column];
    uint64_t *acc = j->x->acc + column;
    size_t n = j->s->n_row;
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t rule = rules[i] & ~FIT_LEADS, w = rule / 64;
        uint64_t bit = UINT64_C(1) << (rule % 64);
        acc[w * n] |= bit;
        if (rules[i] & FIT_LEADS) {
            j->x->lead[w] |= bit;
            j->x->todo[w / 64] |= UINT64_C(1) << (w % 64);
        }
    }
    a->has_sparse = a->has_sparse || f->n;
    if (!f->dense)
        return;
    add_leads(j, f->leads, f->words);
    if (a->n_dense < DENSE_MAX)
        a->dense[a->n_dense++] = f->dense;
    else
        a->has_more_dense = true;
}

static void clear_fit(const struct judging *j, unsigned column, uint32_t value)
{
    const struct column *c = &j->s->column[column];
    const struct key_table *t = &j->s->keys[c->key];
    const struct fit *f = &t->fit[c->side][value];
    const uint32_t *rules = t->rules[c->side] + f->first;
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t w = (rules[i] & ~FIT_LEADS) / 64;
        j->x->acc[(size_t)w * j->s->n_row + column] = 0;
        j->x->lead[w] = 0;
    }
}

static void prepare_column(const struct judging *j, unsigned i)
{
    const struct column *c = &j->s->column[i];
    const struct key_table *t = &j->s->keys[c->key];
    const struct hit_list *hits = &j->x->hits[c->key];
    struct active *a = &j->x->active[i];
    unsigned unknown = j->x->unknown_parts[c->key];
    a->is_plain = !unknown && hits->n == 0;
    a->n_maybe = a->n_dense = 0;
    a->has_sparse = a->has_more_dense = false;
    for (unsigned p = 0; unknown; p++, unknown >>= 1) {
        if (!(unknown & 1) || !t->has_part[c->side][p])
            continue;
        a->maybe[a->n_maybe++] = t->has_part[c->side][p];
        if (c->side == SIDE_WHEN)
            add_leads(j, t->part_leads[p], t->part_words[p]);
    }
    for (uint32_t h = 0; h < hits->n; h++)
        add_fit(j, i, hits->ids[h]);
}

static void prepare(const struct judging *j)
{
    struct slot *x = j->x;
    x->n_leads = 0;
    x->is_lead_full = false;
    memcpy(x->todo, x->current->todo, j->s->n_todo * sizeof *x->todo);
    for (unsigned i = 0; i < j->s->n_columns; i++)
        prepare_column(j, i);
}

static void clean(const struct judging *j)
{
    for (unsigned i = 0; i < j->s->n_columns; i++) {
        const struct hit_list *hits = &j->x->hits[j->s->column[i].key];
        if (!j->x->active[i].has_sparse)
            continue;
        for (uint32_t h = 0; h < hits->n; h++)
            clear_fit(j, i, hits->ids[h]);
    }
    if (j->x->is_lead_full)
        memset(j->x->lead, 0, j->s->n_words * sizeof *j->x->lead);
}

/* --- a word of rules ----------------------------------------------------------------------------
 */

/* Rules of word w that this column's hits fit for certain. */
static uint64_t certain(const struct judging *j, unsigned column, uint32_t w)
{
    const struct active *a = &j->x->active[column];
    if (a->is_plain)
        return 0;
    uint64_t bits = a->has_sparse ? j->x->acc[(size_t)w * j->s->n_row + column] : 0;
    for (unsigned i = 0; i < a->n_dense; i++)
        bits |= a->dense[i][w];
    if (!a->has_more_dense)
        return bits;
    const struct column *c = &j->s->column[column];
    const struct hit_list *hits = &j->x->hits[c->key];
    for (uint32_t i = 0; i < hits->n; i++) {
        const uint64_t *dense = j->s->keys[c->key].fit[c->side][hits->ids[i]].dense;
        bits |= dense ? dense[w] : 0;
    }
    return bits;
}

static uint64_t possible(const struct judging *j, unsigned column, uint32_t w)
{
    const struct active *a = &j->x->active[column];
    uint64_t bits = 0;
    for (unsigned i = 0; i < a->n_maybe; i++)
        bits |= a->maybe[i][w];
    return bits;
}

/* Rules of word w that something leads to, and whose who part fits or may. */
static uint64_t candidates(const struct judging *j, uint32_t w)
{
    const struct slot *x = j->x;
    uint64_t bits = x->lead[w] | j->s->who_leads[w];
    for (unsigned i = 0; i < x->n_leads; i++)
        bits |= x->leads[i][w];
    return bits & x->current->maybe[w];
}

static struct word judge_word(const struct judging *j, uint32_t w, uint64_t among)
{
    const uint64_t *bound = j->s->bound + (size_t)w * j->s->n_row;
    struct word r = {j->x->current->yes[w] & among, among};
    for (unsigned i = 0; i < j->s->n_when && r.maybe; i++) {
        uint64_t fits = ~bound[i] | certain(j, i, w);
        r.yes &= fits;
        r.maybe &= fits | possible(j, i, w);
    }
    for (unsigned i = j->s->n_when; i < j->s->n_columns && r.maybe; i++) {
        uint64_t exempt = certain(j, i, w);
        r.maybe &= ~exempt;
        r.yes &= ~(exempt | possible(j, i, w));
    }
    return r;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

/* The cheapest stage among the unknown parts that matter for this rule. */
static enum facts_stage needs_of(const struct judging *j, uint32_t rule)
{
    const struct snapshot *s = j->s;
    enum facts_stage cheapest = FACTS_CONTENT;
    uint32_t w = rule / 64;
    uint64_t bit = UINT64_C(1) << (rule % 64);
    if (!(j->x->current->yes[w] & bit))
        cheapest = FACTS_IDENTITY; /* of the who keys, only this can be unknown */
    for (unsigned i = 0; i < s->n_columns; i++) {
        const struct column *c = &s->column[i];
        if (c->side == SIDE_WHEN && (certain(j, i, w) & bit))
            continue; /* this key fits already */
        for (unsigned p = 0; p < PARTS_MAX; p++) {
            const uint64_t *has = s->keys[c->key].has_part[c->side][p];
            enum facts_stage stage = snapshot_stage((enum model_key)c->key, p);
            if ((j->x->unknown_parts[c->key] >> p & 1) && has && (has[w] & bit) && stage < cheapest)
                cheapest = stage;
        }
    }
    return cheapest;
}

static void note_shadows(const struct judging *j, uint32_t w, uint64_t bits)
{
    struct verdict *v = j->v;
    for (; bits && v->n_shadow < VERDICT_SHADOW_MAX; bits &= bits - 1) {
        uint32_t rule = w * 64 + (uint32_t)__builtin_ctzll(bits);
        v->shadow[v->n_shadow++] = j->s->model->rules[rule].id;
    }
}

static void settle(const struct judging *j, uint32_t rule)
{
    const struct model_rule *r = &j->s->model->rules[rule];
    struct verdict *v = j->v;
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

static void wait_for(const struct judging *j)
{
    j->v->needs = needs_of(j, (uint32_t)j->pending);
    j->v->rule = j->pending;
    j->v->n_shadow = j->n_shadow_pending;
}

/* Does the outcome hang on the pending rule, when this one would do it otherwise? `effect` is the
 * number of the rule, or n_rules for the default. */
static bool is_open(const struct judging *j, uint32_t rule)
{
    return j->pending >= 0 && j->s->effect[j->pending] != j->s->effect[rule];
}

/* One enforced rule that fits or may; true when it ends the search. A rule that may fit is passed
 * over as long as what follows does the same: knowing more could then change the name in the
 * record, never what happens. The rule that is named is one that fits for certain. */
static bool judge_rule(struct judging *j, uint32_t rule, bool is_certain)
{
    if (is_open(j, rule)) {
        wait_for(j);
        return true;
    }
    if (is_certain) {
        settle(j, rule);
        return true;
    }
    if (j->pending < 0) {
        j->pending = (int)rule;
        j->n_shadow_pending = j->v->n_shadow;
    }
    return false;
}

/* One word; true when it ends the search. */
static bool judge_in(struct judging *j, uint32_t w)
{
    uint64_t among = candidates(j, w);
    if (!among)
        return false;
    struct word r = judge_word(j, w, among);
    uint64_t shadow = r.yes & j->s->shadow[w], enforced = r.maybe & ~j->s->shadow[w];
    for (; enforced; enforced &= enforced - 1) {
        uint64_t bit = enforced & -enforced;
        note_shadows(j, w, shadow & (bit - 1));
        shadow &= ~(bit - 1);
        if (judge_rule(j, w * 64 + (uint32_t)__builtin_ctzll(bit), r.yes & bit))
            return true;
    }
    note_shadows(j, w, shadow);
    return false;
}

static void judge(struct judging *j)
{
    const struct model *m = j->s->model;
    for (uint32_t t = 0; t < j->s->n_todo; t++)
        for (uint64_t bits = j->x->todo[t]; bits; bits &= bits - 1)
            if (judge_in(j, t * 64 + (uint32_t)__builtin_ctzll(bits)))
                return;
    if (is_open(j, j->s->n_rules)) {
        wait_for(j);
        return;
    }
    j->v->is_final = true;
    j->v->action = m->default_action;
    j->v->message = m->default_message;
}

static void note_categories(const struct snapshot *s, const struct slot *x, struct verdict *v)
{
    for (unsigned i = 0;
         s->index && i < x->categories.n && v->n_categories < VERDICT_CATEGORIES_MAX; i++)
        v->categories[v->n_categories++] = category_index_name(s->index, x->categories.category[i]);
}

/* Nobody knows what the pattern would have said, and the policy wants to be safe then. */
static void give_up(struct verdict *v)
{
    if (v->action == VERDICT_BLOCK)
        return;
    v->action = VERDICT_BLOCK;
    v->is_given_up = true;
    v->rule = -1;
    v->rule_id = v->rule_name = v->redirect_url = (struct str){0};
    v->effects = NULL;
    v->message = STR("This address is too costly to check against a pattern of the policy.");
}

static void decide(const struct snapshot *s, struct slot *x, const struct facts *f,
                   struct verdict *v)
{
    struct judging j = {.s = s, .x = x, .v = v, .pending = -1};
    match_request(s, x, f);
    note_categories(s, x, v);
    if (s->model->identity == SNAPSHOT_ALWAYS && !(f->known & FACTS_BIT(FACTS_IDENTITY))) {
        v->needs = FACTS_IDENTITY;
        return;
    }
    prepare(&j);
    judge(&j);
    clean(&j);
    if (v->is_final && x->is_given_up && s->model->limit_blocks)
        give_up(v);
}

void policy_decide_in(const struct snapshot *s, struct slot *x, const struct facts *f,
                      struct verdict *v)
{
    *v = (struct verdict){.rule = -1, .policy_version = s->version};
    match_begin(s, x, f);
    who_begin(s, x, f);
    match_host(s, x, f);
    who_make(s, x, f);
    decide(s, x, f, v);
}

void policy_decide(const struct snapshot *s, const struct facts *f, struct verdict *v)
{
    struct slot *x = snapshot_slot_take(s);
    *v = (struct verdict){.rule = -1, .policy_version = s->version};
    if (!x) { /* out of memory: filtering fails closed and says so */
        v->is_final = true;
        v->action = VERDICT_BLOCK;
        v->message = STR("The policy could not be evaluated: out of memory.");
        return;
    }
    match_begin(s, x, f);
    who_begin(s, x, f);
    match_host(s, x, f);
    who_find(s, x, f);
    decide(s, x, f, v);
    snapshot_slot_give(x);
}

bool policy_rule(const struct snapshot *s, struct str id, struct verdict *v)
{
    for (uint32_t i = 0; i < s->n_rules; i++) {
        const struct model_rule *r = &s->model->rules[i];
        if (!str_eq(r->id, id))
            continue;
        if (!r->is_enabled || r->is_shadow)
            return false;
        *v = (struct verdict){.policy_version = s->version};
        settle(&(struct judging){.s = s, .v = v}, i);
        return true;
    }
    return false;
}

bool policy_each_quota(const struct snapshot *s, size_t *at, struct verdict *v)
{
    for (; *at < s->n_rules; ++*at) {
        const struct model_rule *r = &s->model->rules[*at];
        if (!r->effects || !r->effects->has_quota || !r->is_enabled || r->is_shadow)
            continue;
        *v = (struct verdict){.policy_version = s->version};
        settle(&(struct judging){.s = s, .v = v}, (uint32_t)(*at)++);
        return true;
    }
    return false;
}
