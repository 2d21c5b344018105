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

struct entering {
    struct snapshot *s;
    unsigned (*part_of)(const struct model *m, enum model_key key, struct str value);
    uint32_t *n_rules[MODEL_N_SIDES][MODEL_N_KEYS]; /* of each value, room of cap */
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

static bool add_rule(struct fit *f, uint32_t rule)
{
    if (f->n && f->rules[f->n - 1] == rule)
        return true; /* the value is named twice */
    if ((f->n & (f->n - 1)) == 0) {
        uint32_t *v = realloc(f->rules, (f->n ? (size_t)f->n * 2 : 1) * sizeof *v);
        if (!v)
            return false;
        f->rules = v;
    }
    f->rules[f->n++] = rule;
    return true;
}

static enum err enter_values(struct snapshot *s, uint32_t rule, int side, int k)
{
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
        if (e != OK || !add_rule(&t->fit[side][id], rule))
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

static enum err make_dense(struct snapshot *s, struct fit *f)
{
    if (f->n < DENSE_FROM)
        return OK;
    if (!make_bits(&f->dense, s->n_words))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < f->n; i++)
        set_bit(f->dense, f->rules[i]);
    free(f->rules);
    f->rules = NULL;
    f->n = 0;
    return OK;
}

enum err compile_keys_all(struct snapshot *s,
                          unsigned (*part_of)(const struct model *m, enum model_key key,
                                              struct str value))
{
    struct entering x = {.s = s, .part_of = part_of};
    enum err e = intern_all(&x);
    for (int k = 0; k < MODEL_N_KEYS && e == OK; k++)
        for (int side = 0; side < MODEL_N_SIDES && e == OK; side++) {
            s->keys[k].fit[side] = calloc(s->keys[k].n + 1, sizeof(struct fit));
            e = s->keys[k].fit[side] ? OK : ERR_NOMEM;
        }
    for (uint32_t r = 0; r < s->n_rules && e == OK; r++)
        for (int side = 0; side < MODEL_N_SIDES && e == OK; side++)
            for (int k = 0; k < MODEL_N_KEYS && e == OK; k++)
                e = enter_values(s, r, side, k);
    for (int k = 0; k < MODEL_N_KEYS && e == OK; k++)
        for (int side = 0; side < MODEL_N_SIDES && e == OK; side++)
            for (uint32_t v = 0; v < s->keys[k].n && e == OK; v++)
                e = make_dense(s, &s->keys[k].fit[side][v]);
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
