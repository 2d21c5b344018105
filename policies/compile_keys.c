/* compile_keys: values, fits, tags. */
#include "policies/compile_keys.h"

#include <stdlib.h>
#include <string.h>

#define DENSE_FROM 64 /* rules of one value that are kept as bits instead of numbers */

enum err compile_keys_value(struct key_table *k, struct str text, unsigned part, uint32_t *id)
{
    uintptr_t had = (uintptr_t)map_get(&k->ids, text);
    if (had) {
        *id = (uint32_t)(had - 1);
        return OK;
    }
    if (k->n == k->cap) {
        uint32_t cap = k->cap ? k->cap * 2 : 16;
        struct str *t = realloc(k->text, cap * sizeof *t);
        if (!t)
            return ERR_NOMEM;
        k->text = t;
        uint8_t *p = realloc(k->part, cap);
        if (!p)
            return ERR_NOMEM;
        k->part = p;
        k->cap = cap;
    }
    k->text[k->n] = text;
    k->part[k->n] = (uint8_t)part;
    uintptr_t number = (uintptr_t)k->n + 1;
    enum err e = map_put(&k->ids, text, (void *)number, NULL); // NOLINT: a number, not a pointer
    if (e == OK)
        *id = k->n++;
    return e;
}

struct growing { /* the rules of one value, while they are entered */
    uint32_t *v;
    uint32_t n;
};

struct entering {
    struct snapshot *s;
    unsigned (*part_of)(const struct model *m, enum model_key key, struct str value);
    struct growing *rules[MODEL_N_SIDES][MODEL_N_KEYS]; /* of each value */
};

static enum err intern_all(struct entering *x)
{
    const struct model *m = x->s->model;
    uint32_t id;
    for (size_t r = 0; r < m->n_rules; r++) {
        for (int side = 0; side < MODEL_N_SIDES; side++) {
            for (int k = 0; k < MODEL_N_KEYS; k++) {
                const struct model_values *v = &m->rules[r].cond[side][k];
                for (size_t i = 0; i < v->n; i++) {
                    unsigned part = x->part_of(m, (enum model_key)k, v->v[i]);
                    enum err e = compile_keys_value(&x->s->keys[k], v->v[i], part, &id);
                    if (e != OK)
                        return e;
                }
            }
        }
    }
    return OK;
}

static bool make_bits(uint64_t **bits, uint32_t n_words)
{
    if (!*bits)
        *bits = calloc(n_words ? n_words : 1, sizeof **bits);
    return *bits != NULL;
}

static void set_bit(uint64_t *bits, size_t rule)
{
    bits[rule / 64] |= UINT64_C(1) << (rule % 64);
}

static bool add_rule(struct growing *g, uint32_t rule)
{
    if (g->n && g->v[g->n - 1] == rule)
        return true; /* the value is named twice */
    if ((g->n & (g->n - 1)) == 0) {
        uint32_t *v = realloc(g->v, (g->n ? (size_t)g->n * 2 : 1) * sizeof *v);
        if (!v)
            return false;
        g->v = v;
    }
    g->v[g->n++] = rule;
    return true;
}

static enum err enter_values(struct entering *x, uint32_t rule, int side, int k)
{
    struct snapshot *s = x->s;
    struct key_table *t = &s->keys[k];
    const struct model_values *v = &s->model->rules[rule].cond[side][k];
    if (v->n == 0)
        return OK;
    t->is_used[side] = true;
    if (!make_bits(&t->bound[side], s->n_words))
        return ERR_NOMEM;
    set_bit(t->bound[side], rule);
    for (size_t i = 0; i < v->n; i++) {
        uint32_t id = 0;
        enum err e = compile_keys_value(t, v->v[i], 0, &id);
        if (e != OK || !add_rule(&x->rules[side][k][id], rule))
            return ERR_NOMEM;
        unsigned parts = k == KEY_CATEGORIES ? 3u : 1u << t->part[id];
        for (unsigned p = 0; p < PARTS_MAX; p++) {
            if (!(parts >> p & 1))
                continue;
            if (!make_bits(&t->has_part[side][p], s->n_words))
                return ERR_NOMEM;
            set_bit(t->has_part[side][p], rule);
        }
    }
    return OK;
}

/* The rules of the values of a key in one row, but for those that are kept as bits. */
static enum err seal_fits(struct snapshot *s, int side, int k, const struct growing *g)
{
    struct key_table *t = &s->keys[k];
    size_t total = 0;
    for (uint32_t v = 0; v < t->n; v++)
        total += g[v].n < DENSE_FROM ? g[v].n : 0;
    t->fit[side] = calloc((size_t)t->n + 1, sizeof *t->fit[side]);
    t->rules[side] = calloc(total + 1, sizeof *t->rules[side]);
    if (!t->fit[side] || !t->rules[side])
        return ERR_NOMEM;
    uint32_t at = 0;
    for (uint32_t v = 0; v < t->n; v++) {
        struct fit *f = &t->fit[side][v];
        if (g[v].n < DENSE_FROM) {
            *f = (struct fit){.first = at, .n = g[v].n};
            if (g[v].n)
                memcpy(t->rules[side] + at, g[v].v, g[v].n * sizeof *g[v].v);
            at += g[v].n;
            continue;
        }
        if (!make_bits(&f->dense, s->n_words))
            return ERR_NOMEM;
        for (uint32_t i = 0; i < g[v].n; i++)
            set_bit(f->dense, g[v].v[i]);
    }
    return OK;
}

static enum err enter_all(struct entering *x)
{
    enum err e = OK;
    for (uint32_t r = 0; r < x->s->n_rules; r++)
        for (int side = 0; side < MODEL_N_SIDES; side++)
            for (int k = 0; k < MODEL_N_KEYS && e == OK; k++)
                e = enter_values(x, r, side, k);
    for (int side = 0; side < MODEL_N_SIDES; side++)
        for (int k = 0; k < MODEL_N_KEYS && e == OK; k++)
            e = seal_fits(x->s, side, k, x->rules[side][k]);
    return e;
}

static void note_used(struct snapshot *s)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        if (s->keys[k].n)
            s->used[s->n_used++] = (uint8_t)k;
        for (unsigned p = 0; p < PARTS_MAX; p++)
            s->needs[k][p] = (uint8_t)FACTS_BIT(snapshot_stage((enum model_key)k, p));
    }
}

/* The bits of the request's own keys, a row a word. */
static enum err make_columns(struct snapshot *s)
{
    for (int side = 0; side < MODEL_N_SIDES; side++) {
        for (int k = 0; k < MODEL_N_KEYS; k++)
            if (s->keys[k].is_used[side] && !snapshot_is_who((enum model_key)k))
                s->column[s->n_columns++] = (struct column){(uint8_t)k, (uint8_t)side};
        if (side == SIDE_WHEN)
            s->n_when = s->n_columns;
    }
    s->n_row = (s->n_columns + 7) / 8 * 8;
    s->bound = snapshot_rows(s);
    if (!s->bound)
        return ERR_NOMEM;
    for (unsigned c = 0; c < s->n_columns; c++)
        for (uint32_t w = 0; w < s->n_words; w++)
            s->bound[(size_t)w * s->n_row + c] =
                s->keys[s->column[c].key].bound[s->column[c].side][w];
    return OK;
}

enum err compile_keys_all(struct snapshot *s,
                          unsigned (*part_of)(const struct model *m, enum model_key key,
                                              struct str value))
{
    struct entering x = {.s = s, .part_of = part_of};
    enum err e = intern_all(&x);
    for (int k = 0; k < MODEL_N_KEYS; k++)
        for (int side = 0; side < MODEL_N_SIDES && e == OK; side++) {
            x.rules[side][k] = calloc((size_t)s->keys[k].n + 1, sizeof *x.rules[side][k]);
            e = x.rules[side][k] ? OK : ERR_NOMEM;
        }
    if (e == OK)
        e = enter_all(&x);
    note_used(s);
    if (e == OK)
        e = make_columns(s);
    for (int k = 0; k < MODEL_N_KEYS; k++)
        for (int side = 0; side < MODEL_N_SIDES; side++) {
            for (uint32_t v = 0; x.rules[side][k] && v < s->keys[k].n; v++)
                free(x.rules[side][k][v].v);
            free(x.rules[side][k]);
        }
    return e;
}

enum err compile_keys_tag(struct tag_rows *rows, uint32_t item, struct tag tag)
{
    if (rows->n == rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 64;
        struct tag_row *v = realloc(rows->v, cap * sizeof *v);
        if (!v)
            return ERR_NOMEM;
        rows->v = v;
        rows->cap = cap;
    }
    rows->v[rows->n++] = (struct tag_row){item, tag};
    return OK;
}

enum err compile_keys_seal_tags(struct tag_rows *rows, uint32_t n_items, struct tags *out)
{
    struct tags t = {.n = n_items};
    t.start = calloc((size_t)n_items + 2, sizeof *t.start);
    t.v = calloc(rows->n + 1, sizeof *t.v);
    if (!t.start || !t.v) {
        free(t.start);
        free(t.v);
        free(rows->v);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < rows->n; i++)
        t.start[rows->v[i].item + 2]++;
    for (uint32_t i = 1; i <= n_items; i++)
        t.start[i + 1] += t.start[i];
    for (size_t i = 0; i < rows->n; i++)
        t.v[t.start[rows->v[i].item + 1]++] = rows->v[i].tag;
    free(rows->v);
    *rows = (struct tag_rows){0};
    *out = t;
    return OK;
}
