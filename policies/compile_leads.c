/* compile_leads: the choice is only about speed; any key of `when` would be right, since a rule
 * fits only when all of them do. */
#include "policies/compile_leads.h"

#include <stdlib.h>

#include "policies/model_values.h"

/* A key that names something beats the who part, that beats a key nearly every request has. */
#define FROM_WHO    (UINT64_C(1) << 40)
#define FROM_COMMON (UINT64_C(1) << 41)

/* How often a value of the key fits a request, roughly, against the others. */
static unsigned often(enum model_key key)
{
    static const uint16_t table[MODEL_N_KEYS] = {
        [KEY_SCHEMES] = 500,      [KEY_METHODS] = 400,    [KEY_PORTS] = 4,
        [KEY_HOSTS] = 1,          [KEY_URL_PATTERNS] = 1, [KEY_CATEGORIES] = 8,
        [KEY_LISTS] = 2,          [KEY_EXTENSIONS] = 16,  [KEY_CONTENT_TYPES] = 32,
        [KEY_USER_AGENTS] = 64,   [KEY_MIN_BYTES] = 500,  [KEY_MAX_BYTES] = 500,
        [KEY_SERVER_NETWORKS] = 4};
    return table[key];
}

/* Do the ports leave out those that nearly all requests go to? */
static bool are_odd_ports(const struct model_values *v)
{
    for (size_t i = 0; i < v->n; i++) {
        uint16_t from, to;
        if (!model_values_port(v->v[i], &from, &to) || (from <= 80 && to >= 80) ||
            (from <= 443 && to >= 443))
            return false;
    }
    return true;
}

/* Does nearly every request have one of these values? */
static bool is_common(const struct model_rule *r, enum model_key key)
{
    return key == KEY_SCHEMES || key == KEY_METHODS || key == KEY_MIN_BYTES ||
           key == KEY_MAX_BYTES ||
           (key == KEY_PORTS && !are_odd_ports(&r->cond[SIDE_WHEN][KEY_PORTS]));
}

/* Rules that come up when a value of this key of the rule is hit: fewer is better. */
static uint64_t cost(const struct snapshot *s, const uint32_t *n_named, const struct model_rule *r,
                     enum model_key key)
{
    const struct model_values *v = &r->cond[SIDE_WHEN][key];
    uint64_t most = 0;
    for (size_t i = 0; i < v->n; i++) {
        uintptr_t id = (uintptr_t)map_get(&s->keys[key].ids, v->v[i]);
        if (id && n_named[id - 1] > most)
            most = n_named[id - 1];
    }
    return (most + 1) * often(key) + (is_common(r, key) ? FROM_COMMON : 0);
}

/* The same for the part that depends on who asks. */
static uint64_t who_cost(const struct model_rule *r)
{
    const struct model_values *c = r->cond[SIDE_WHEN];
    bool is_somebody = c[KEY_USERS].n || c[KEY_GROUPS].n || c[KEY_NETWORKS].n;
    return is_somebody ? FROM_WHO : UINT64_MAX;
}

static bool set_bit(uint64_t **bits, uint32_t n_words, uint32_t at)
{
    if (!*bits)
        *bits = calloc(n_words, sizeof **bits);
    if (*bits)
        (*bits)[at / 64] |= UINT64_C(1) << (at % 64);
    return *bits != NULL;
}

/* The rule among the leads, and its word among their words. */
static enum err mark(const struct snapshot *s, uint64_t **leads, uint64_t **words, uint32_t rule)
{
    return set_bit(leads, s->n_words, rule) && set_bit(words, s->n_todo, rule / 64) ? OK
                                                                                    : ERR_NOMEM;
}

static enum err mark_fit(struct snapshot *s, struct key_table *t, uint32_t value, uint32_t rule)
{
    struct fit *f = &t->fit[SIDE_WHEN][value];
    if (f->dense)
        return mark(s, &f->leads, &f->words, rule);
    for (uint32_t i = f->first; i < f->first + f->n; i++)
        if (t->rules[SIDE_WHEN][i] == rule)
            t->rules[SIDE_WHEN][i] |= FIT_LEADS;
    return OK;
}

static enum err lead(struct snapshot *s, uint32_t rule, enum model_key key)
{
    struct key_table *t = &s->keys[key];
    const struct model_values *v = &s->model->rules[rule].cond[SIDE_WHEN][key];
    enum err e = OK;
    for (size_t i = 0; i < v->n && e == OK; i++) {
        uintptr_t id = (uintptr_t)map_get(&t->ids, v->v[i]);
        e = mark_fit(s, t, (uint32_t)(id - 1), rule);
        unsigned parts = key == KEY_CATEGORIES ? 3u : 1u << t->part[id - 1];
        for (unsigned p = 0; p < PARTS_MAX && e == OK; p++)
            if (parts >> p & 1)
                e = mark(s, &t->part_leads[p], &t->part_words[p], rule);
    }
    return e;
}

static enum err lead_rule(struct snapshot *s, uint32_t *const n_named[MODEL_N_KEYS], uint32_t rule)
{
    const struct model_rule *r = &s->model->rules[rule];
    uint64_t best = who_cost(r);
    int chosen = -1;
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        if (r->cond[SIDE_WHEN][k].n == 0 || snapshot_is_who((enum model_key)k))
            continue;
        uint64_t c = cost(s, n_named[k], r, (enum model_key)k);
        if (c < best) {
            best = c;
            chosen = k;
        }
    }
    if (chosen >= 0)
        return lead(s, rule, (enum model_key)chosen);
    s->who_leads[rule / 64] |= UINT64_C(1) << (rule % 64);
    return OK;
}

/* How many rules name each value in their `when`. */
static enum err count(const struct snapshot *s, uint32_t *n_named[MODEL_N_KEYS])
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        n_named[k] = calloc((size_t)s->keys[k].n + 1, sizeof *n_named[k]);
        if (!n_named[k])
            return ERR_NOMEM;
        for (uint32_t v = 0; v < s->keys[k].n; v++) {
            const struct fit *f = &s->keys[k].fit[SIDE_WHEN][v];
            n_named[k][v] = f->n;
            for (uint32_t w = 0; f->dense && w < s->n_words; w++)
                n_named[k][v] += (uint32_t)__builtin_popcountll(f->dense[w]);
        }
    }
    return OK;
}

enum err compile_leads_all(struct snapshot *s)
{
    uint32_t *n_named[MODEL_N_KEYS] = {0};
    enum err e = count(s, n_named);
    s->who_leads = calloc(s->n_words, sizeof *s->who_leads);
    if (!s->who_leads)
        e = ERR_NOMEM;
    for (uint32_t r = 0; r < s->n_rules && e == OK; r++)
        e = lead_rule(s, n_named, r);
    for (int k = 0; k < MODEL_N_KEYS; k++)
        free(n_named[k]);
    return e;
}
