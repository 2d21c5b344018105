/* compile_items: a map of texts to numbers, and rows of tags. */
#include "policies/compile_items.h"

#include <stdlib.h>

void compile_items_fini(struct compile_items *x)
{
    map_fini(&x->ids);
    free(x->text);
    free(x->rows.v);
}

enum err compile_items_add(struct compile_items *x, struct str text, struct tag tag, uint32_t *id)
{
    uintptr_t had = (uintptr_t)map_get(&x->ids, text);
    *id = had ? (uint32_t)(had - 1) : x->n;
    if (!had) {
        if (x->n == x->cap) {
            uint32_t cap = x->cap ? x->cap * 2 : 64;
            struct str *t = realloc(x->text, cap * sizeof *t);
            if (!t)
                return ERR_NOMEM;
            x->text = t;
            x->cap = cap;
        }
        x->text[x->n++] = text;
        uintptr_t number = x->n;
        enum err e = map_put(&x->ids, text, (void *)number, NULL); // NOLINT: a number
        if (e != OK)
            return e;
    }
    return compile_keys_tag(&x->rows, *id, tag);
}

enum err compile_items_values(const struct snapshot *s, struct compile_items *x, enum model_key key)
{
    uint32_t id;
    const struct key_table *k = &s->keys[key];
    for (uint32_t v = 0; v < k->n; v++) {
        enum err e = compile_items_add(x, k->text[v], (struct tag){(uint8_t)key, 0, v}, &id);
        if (e != OK)
            return e;
    }
    return OK;
}

/* Every entry of the values of a key and of the lists of a kind that some rule names. */
enum err compile_items_collect(const struct snapshot *s, struct compile_items *x,
                               enum model_key key, enum model_list_kind kind)
{
    uint32_t id;
    const struct key_table *lists = &s->keys[KEY_LISTS];
    enum err all = compile_items_values(s, x, key);
    if (all != OK)
        return all;
    for (uint32_t v = 0; v < lists->n; v++) {
        const struct model_list *l = model_list_named(s->model, lists->text[v]);
        for (size_t i = 0; l && l->kind == kind && i < l->n; i++) {
            enum err e = compile_items_add(x, l->v[i], (struct tag){KEY_LISTS, 0, v}, &id);
            if (e != OK)
                return e;
        }
    }
    return OK;
}
