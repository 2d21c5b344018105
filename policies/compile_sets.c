/* compile_sets: one function a set. */
#include "policies/compile_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/compile_items.h"
#include "policies/compile_patterns.h"
#include "policies/model_values.h"

static enum err add_nets(const struct compile_items *x, struct set_net *nets)
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
    struct compile_items x = {0};
    map_init(&x.ids);
    enum err e = compile_items_collect(s, &x, KEY_NETWORKS, LIST_NETWORKS);
    if (e == OK)
        e = add_nets(&x, &s->nets);
    if (e == OK)
        e = compile_keys_seal_tags(&x.rows, x.n, &s->net_tags);
    compile_items_fini(&x);
    return e;
}

static enum err make_server_nets(struct snapshot *s)
{
    struct compile_items x = {0};
    map_init(&x.ids);
    enum err e = compile_items_values(s, &x, KEY_SERVER_NETWORKS);
    if (e == OK)
        e = add_nets(&x, &s->server_nets);
    if (e == OK)
        e = compile_keys_seal_tags(&x.rows, x.n, &s->server_net_tags);
    compile_items_fini(&x);
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

/* --- agents -------------------------------------------------------------------------------------
 */

static void tell_glob(void *ctx, const struct set_url_fault *f)
{
    report_fault(ctx, "/rules", "bad-agent", "A user_agents entry cannot be used: %s.", f->message);
}

static enum err make_agents(struct snapshot *s, const struct snapshot *before,
                            struct report *report)
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
    const struct set_url_tell tell = {tell_glob, report};
    if (e == OK)
        e = set_url_new_like(patterns, k->n, before ? before->agents : NULL, &tell, &s->agents);
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
            e = compile_keys_tag(&rows, c, (struct tag){KEY_PORTS, 0, v});
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
    s->n_categories = category_index_n(s->index);
    s->category_value = calloc((size_t)s->n_categories + 1, sizeof *s->category_value);
    if (!s->category_value)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < s->n_categories; c++) {
        uintptr_t id =
            (uintptr_t)map_get(&s->keys[KEY_CATEGORIES].ids, category_index_name(s->index, c));
        s->category_value[c] = id ? (uint32_t)(id - 1) : NO_VALUE;
        s->has_expressions |= id && category_index_has_expressions(s->index, c);
    }
    return OK;
}

enum err compile_sets_all(struct snapshot *s, const struct compile_input *in, struct report *report)
{
    find_schemes(s);
    enum err e = make_nets(s);
    if (e == OK)
        e = make_server_nets(s);
    if (e == OK)
        e = make_ports(s);
    if (e == OK)
        e = make_categories(s);
    if (e == OK)
        e = make_agents(s, in->previous, report);
    if (e != OK)
        return e;
    return compile_patterns(s, in, report);
}
