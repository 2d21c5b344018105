/* compile_sets: one function a set. */
#include "policies/compile_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/compile_keys.h"
#include "policies/model_values.h"

struct items { /* distinct texts of one set, numbered, and what each stands for */
    struct map ids;
    struct str *text;
    uint32_t n, cap;
    struct tag_rows rows;
};

static void items_fini(struct items *x)
{
    map_fini(&x->ids);
    free(x->text);
    free(x->rows.v);
}

static enum err add_item(struct items *x, struct str text, struct tag tag, uint32_t *id)
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

static enum err collect_values(const struct snapshot *s, struct items *x, enum model_key key)
{
    uint32_t id;
    const struct key_table *k = &s->keys[key];
    for (uint32_t v = 0; v < k->n; v++) {
        enum err e = add_item(x, k->text[v], (struct tag){(uint8_t)key, v}, &id);
        if (e != OK)
            return e;
    }
    return OK;
}

/* Every entry of the values of a key and of the lists of a kind that some rule names. */
static enum err collect(const struct snapshot *s, struct items *x, enum model_key key,
                        enum model_list_kind kind)
{
    uint32_t id;
    const struct key_table *lists = &s->keys[KEY_LISTS];
    enum err all = collect_values(s, x, key);
    if (all != OK)
        return all;
    for (uint32_t v = 0; v < lists->n; v++) {
        const struct model_list *l = model_list_named(s->model, lists->text[v]);
        for (size_t i = 0; l && l->kind == kind && i < l->n; i++) {
            enum err e = add_item(x, l->v[i], (struct tag){KEY_LISTS, v}, &id);
            if (e != OK)
                return e;
        }
    }
    return OK;
}

static enum err make_names(struct snapshot *s)
{
    struct items x = {0};
    map_init(&x.ids);
    enum err e = collect(s, &x, KEY_HOSTS, LIST_DOMAINS);
    if (e == OK)
        e = set_name_init(&s->names, x.text, x.n);
    if (e == OK)
        e = compile_keys_seal_tags(&x.rows, x.n, &s->name_tags);
    items_fini(&x);
    return e;
}

static enum err add_nets(const struct items *x, struct set_net *nets)
{
    enum err e = OK;
    for (uint32_t i = 0; i < x->n && e == OK; i++) {
        struct cidr c;
        e = cidr_parse(x->text[i], &c);
        if (e == OK)
            e = set_net_add(nets, &c, i);
    }
    set_net_seal(nets);
    return e;
}

static enum err make_nets(struct snapshot *s)
{
    struct items x = {0};
    map_init(&x.ids);
    enum err e = collect(s, &x, KEY_NETWORKS, LIST_NETWORKS);
    if (e == OK)
        e = add_nets(&x, &s->nets);
    if (e == OK)
        e = compile_keys_seal_tags(&x.rows, x.n, &s->net_tags);
    items_fini(&x);
    return e;
}

static enum err make_server_nets(struct snapshot *s)
{
    struct items x = {0};
    map_init(&x.ids);
    enum err e = collect_values(s, &x, KEY_SERVER_NETWORKS);
    if (e == OK)
        e = add_nets(&x, &s->server_nets);
    if (e == OK)
        e = compile_keys_seal_tags(&x.rows, x.n, &s->server_net_tags);
    items_fini(&x);
    return e;
}

static void find_schemes(struct snapshot *s)
{
    static const char *const names[] = {"http", "https", "connect"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uintptr_t id = (uintptr_t)map_get(&s->keys[KEY_SCHEMES].ids, str_of(names[i]));
        s->scheme_value[i] = id ? (uint32_t)(id - 1) : NO_VALUE;
    }
}

/* --- patterns: a fault is told at every place of the document where the pattern stands
 * ------------ */

struct telling {
    const struct model *model;
    const struct str *patterns;
    struct report *report;
};

static void tell_at(struct telling *t, const struct set_url_fault *f, const char *pointer)
{
    report_fault(t->report, pointer, "bad-pattern", "%s (at offset %zu).", f->message, f->offset);
}

static void tell_in_rules(struct telling *t, const struct set_url_fault *f)
{
    static const char *const sides[] = {"when", "unless"};
    char pointer[160];
    for (size_t r = 0; r < t->model->n_rules; r++)
        for (int side = 0; side < MODEL_N_SIDES; side++) {
            const struct model_values *v = &t->model->rules[r].cond[side][KEY_URL_PATTERNS];
            for (size_t i = 0; i < v->n; i++) {
                if (!str_eq(v->v[i], t->patterns[f->index]))
                    continue;
                snprintf(pointer, sizeof pointer, "/rules/%zu/%s/url_patterns/%zu", r, sides[side],
                         i);
                tell_at(t, f, pointer);
            }
        }
}

static void tell_fault(void *ctx, const struct set_url_fault *f)
{
    struct telling *t = ctx;
    char pointer[160];
    tell_in_rules(t, f);
    for (size_t l = 0; l < t->model->n_lists; l++)
        for (size_t i = 0; t->model->lists[l].kind == LIST_URL_PATTERNS && i < t->model->lists[l].n;
             i++) {
            if (!str_eq(t->model->lists[l].v[i], t->patterns[f->index]))
                continue;
            snprintf(pointer, sizeof pointer, "/lists/%zu/entries/%zu", l, i);
            tell_at(t, f, pointer);
        }
}

static enum err make_patterns(struct snapshot *s, struct report *report)
{
    struct items x = {0};
    map_init(&x.ids);
    enum err e = collect(s, &x, KEY_URL_PATTERNS, LIST_URL_PATTERNS);
    struct telling t = {s->model, x.text, report};
    if (e == OK && x.n)
        e = set_url_new(x.text, x.n, tell_fault, &t, &s->patterns);
    if (e == OK)
        e = compile_keys_seal_tags(&x.rows, x.n, &s->pattern_tags);
    s->pattern_text = x.text; /* kept for explaining */
    x.text = NULL;
    items_fini(&x);
    return e;
}

/* Lists that no rule names are not part of the set, but their patterns are checked all the same. */
static enum err check_unused_lists(struct snapshot *s, struct report *report)
{
    enum err e = OK;
    for (size_t l = 0; l < s->model->n_lists && (e == OK || e == ERR_INVALID); l++) {
        const struct model_list *list = &s->model->lists[l];
        if (list->kind != LIST_URL_PATTERNS || map_get(&s->keys[KEY_LISTS].ids, list->name))
            continue;
        struct telling t = {s->model, list->v, report};
        struct set_url *made = NULL;
        enum err one = set_url_new(list->v, list->n, tell_fault, &t, &made);
        set_url_free(made);
        e = one == OK ? e : one;
    }
    return e;
}

static void tell_glob(void *ctx, const struct set_url_fault *f)
{
    report_fault(ctx, "/rules", "bad-agent", "A user_agents entry cannot be used: %s.", f->message);
}

static enum err make_agents(struct snapshot *s, struct report *report)
{
    const struct key_table *k = &s->keys[KEY_USER_AGENTS];
    if (k->n == 0)
        return OK;
    struct str *patterns = calloc(k->n, sizeof *patterns);
    s->agent_value = calloc(k->n, sizeof *s->agent_value);
    enum err e = patterns && s->agent_value ? OK : ERR_NOMEM;
    for (uint32_t v = 0; v < k->n && e == OK; v++) {
        size_t room = k->text[v].n * 2 + 3;
        char *p = arena_alloc(&s->model->arena, room);
        e = p ? OK : ERR_NOMEM;
        if (p)
            patterns[v] = str_make(p, set_url_from_glob(k->text[v], p, room));
        s->agent_value[v] = v;
    }
    if (e == OK)
        e = set_url_new(patterns, k->n, tell_glob, report, &s->agents);
    free(patterns);
    return e;
}

/* --- ports: ranges cut into classes, so that a look-up is one load
 * -------------------------------- */

static enum err make_ports(struct snapshot *s)
{
    const struct key_table *k = &s->keys[KEY_PORTS];
    if (k->n == 0)
        return OK;
    struct tag_rows rows = {0};
    bool *cut = calloc(65537, sizeof *cut);
    s->port_class = calloc(65536, sizeof *s->port_class);
    enum err e = cut && s->port_class ? OK : ERR_NOMEM;
    uint16_t from, to;
    for (uint32_t v = 0; v < k->n && e == OK; v++)
        if (model_values_port(k->text[v], &from, &to))
            cut[from] = cut[to + 1] = true;
    uint16_t n_classes = 0;
    for (uint32_t p = 0; p < 65536 && e == OK; p++) {
        if (p && cut[p])
            n_classes++;
        s->port_class[p] = n_classes;
    }
    for (uint32_t v = 0; v < k->n && e == OK; v++) {
        if (!model_values_port(k->text[v], &from, &to))
            continue;
        for (uint32_t c = s->port_class[from]; c <= s->port_class[to] && e == OK; c++)
            e = compile_keys_tag(&rows, c, (struct tag){KEY_PORTS, v});
    }
    if (e == OK)
        e = compile_keys_seal_tags(&rows, (uint32_t)n_classes + 1, &s->port_tags);
    else
        free(rows.v);
    free(cut);
    return e;
}

static enum err make_categories(struct snapshot *s)
{
    if (!s->index)
        return OK;
    const struct set_domain *d = category_index_view(s->index);
    s->n_categories = set_domain_n_categories(d);
    s->category_value = calloc((size_t)s->n_categories + 1, sizeof *s->category_value);
    if (!s->category_value)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < s->n_categories; c++) {
        uintptr_t id = (uintptr_t)map_get(&s->keys[KEY_CATEGORIES].ids, set_domain_category(d, c));
        s->category_value[c] = id ? (uint32_t)(id - 1) : NO_VALUE;
    }
    return OK;
}

enum err compile_sets_all(struct snapshot *s, struct report *report)
{
    find_schemes(s);
    enum err e = make_names(s);
    if (e == OK)
        e = make_nets(s);
    if (e == OK)
        e = make_server_nets(s);
    if (e == OK)
        e = make_ports(s);
    if (e == OK)
        e = make_categories(s);
    if (e == OK)
        e = make_agents(s, report);
    if (e != OK)
        return e;
    enum err patterns = make_patterns(s, report);
    enum err unused = check_unused_lists(s, report);
    return patterns != OK ? patterns : unused;
}
