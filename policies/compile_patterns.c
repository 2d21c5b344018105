/* compile_patterns: sorted out first, then compiled, then checked. */
#include "policies/compile_patterns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/compile_items.h"
#include "policies/pattern_check.h"
#include "policies/pattern_host.h"

struct telling { /* the message, and a fault or a warning, at every place of one pattern */
    const struct model *model;
    struct report *report;
    struct str pattern;
    const char *code, *message;
    bool is_warning;
};

static void tell_at(const struct telling *t, const char *pointer)
{
    if (t->is_warning)
        report_warning(t->report, pointer, t->code, "%s", t->message);
    else
        report_fault(t->report, pointer, t->code, "%s", t->message);
}

static void tell_in_rules(const struct telling *t)
{
    static const char *const sides[] = {"when", "unless"};
    char pointer[160];
    for (size_t r = 0; r < t->model->n_rules; r++)
        for (int side = 0; side < MODEL_N_SIDES; side++) {
            const struct model_values *v = &t->model->rules[r].cond[side][KEY_URL_PATTERNS];
            for (size_t i = 0; i < v->n; i++) {
                if (!str_eq(v->v[i], t->pattern))
                    continue;
                snprintf(pointer, sizeof pointer, "/rules/%zu/%s/url_patterns/%zu", r, sides[side],
                         i);
                tell_at(t, pointer);
            }
        }
}

static void tell(const struct telling *t)
{
    char pointer[160];
    if (t->is_warning ? t->report->n_warnings >= REPORT_MAX : t->report->n_faults >= REPORT_MAX)
        return; /* each costs a walk through the document */
    tell_in_rules(t);
    for (size_t l = 0; l < t->model->n_lists; l++) {
        const struct model_list *list = &t->model->lists[l];
        for (size_t i = 0; list->kind == LIST_URL_PATTERNS && i < list->n; i++) {
            if (!str_eq(list->v[i], t->pattern))
                continue;
            snprintf(pointer, sizeof pointer, "/lists/%zu/entries/%zu", l, i);
            tell_at(t, pointer);
        }
    }
}

struct compiling {
    struct snapshot *s;
    struct report *report;
    const struct str *patterns;
    const struct compile_input *in;
};

static void on_fault(void *ctx, const struct set_url_fault *f)
{
    const struct compiling *c = ctx;
    char message[200];
    snprintf(message, sizeof message, "%s (at offset %zu).", f->message, f->offset);
    tell(&(struct telling){c->s->model, c->report, c->patterns[f->index], "bad-pattern", message,
                           false});
}

/* --- patterns of unbounded cost -----------------------------------------------------------------
 */

#define CHECK_STEPS UINT64_C(1000000000) /* of one document: some seconds */
#define COSTLY_MAX  50                   /* told of one document */

static void tell_costly(const struct compiling *c, struct str pattern,
                        const struct pattern_witness *w)
{
    char text[200], message[700];
    size_t n = 0;
    for (size_t i = 0; i < w->n && n + 5 < sizeof text; i++) {
        bool is_plain = w->text[i] >= ' ' && w->text[i] <= '~';
        n += (size_t)snprintf(text + n, 5, is_plain ? "%c" : "\\x%02x", (unsigned char)w->text[i]);
    }
    snprintf(message, sizeof message,
             "Its cost grows without bound: \"%s\" %u times over takes %u steps or more, half as "
             "often %u. Shown by: %.*s%s",
             w->pump, w->times, w->steps, w->steps_half, (int)n, text,
             n + 5 >= sizeof text ? "..." : "");
    tell(&(struct telling){c->s->model, c->report, pattern, "costly-pattern", message, false});
}

static enum err check_costs(const struct compiling *c, const struct set_url *set)
{
    uint64_t budget = CHECK_STEPS;
    unsigned n_told = 0;
    enum err e = OK;
    struct pattern_witness *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < set_url_count(set) && n_told < COSTLY_MAX && budget; i++) {
        struct pattern_code *p = set_url_code(set, i);
        if (pattern_code_is_checked(p))
            continue;
        enum err one = pattern_check(p, &budget, w);
        if (one == OK && budget)
            pattern_code_set_checked(p);
        if (one == ERR_LIMIT) {
            tell_costly(c, pattern_code_text(p), w);
            n_told++;
        }
        e = one == OK ? e : one;
    }
    free(w);
    return e == ERR_LIMIT ? ERR_INVALID : e;
}

/* --- patterns that are names --------------------------------------------------------------------
 */

static enum err add_name(struct snapshot *s, struct compile_items *names, const char *name,
                         const struct tag *tag)
{
    uint32_t id;
    size_t n = strlen(name);
    char *copy = arena_alloc(&s->model->arena, n + 1);
    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, name, n);
    return compile_items_add(names, str_make(copy, n), *tag, &id);
}

/* One value that names the pattern stands behind the names instead. */
static enum err add_host(struct snapshot *s, struct compile_items *names,
                         const struct pattern_host *h, struct tag tag)
{
    tag.needs =
        (uint8_t)((h->has_any_port ? 0 : TAG_DEFAULT_PORT) | (h->has_below ? 0 : TAG_WHOLE_HOST));
    enum err e = add_name(s, names, h->name, &tag);
    if (e == OK && h->has_www) {
        char www[PATTERN_HOST_BYTES + 4];
        snprintf(www, sizeof www, "www.%s", h->name);
        e = add_name(s, names, www, &tag);
    }
    return e;
}

static void tell_host(const struct compiling *c, struct str pattern, const struct pattern_host *h)
{
    char message[500];
    snprintf(message, sizeof message,
             "This pattern only names a host, so it is used as the name %.100s%s: known before TLS "
             "is opened. Write it under hosts or in a list of domains.",
             h->name, h->has_below ? " and all below it" : "");
    tell(&(struct telling){c->s->model, c->report, pattern, "pattern-is-host", message, true});
}

/* Takes the patterns that are names out of `all`; the rest is left in `rest`. */
static enum err sort_out(const struct compiling *c, const struct compile_items *all,
                         struct compile_items *names, struct compile_items *rest)
{
    struct snapshot *s = c->s;
    struct pattern_host *host = calloc((size_t)all->n + 1, sizeof *host);
    s->host_pattern = calloc((size_t)all->n + 1, sizeof *s->host_pattern);
    enum err e = host && s->host_pattern ? OK : ERR_NOMEM;
    for (uint32_t i = 0; i < all->n && e == OK; i++) {
        if (!pattern_host_read(all->text[i], &host[i])) {
            host[i].name[0] = '\0';
            continue;
        }
        s->host_pattern[s->n_host_patterns++] = all->text[i];
        tell_host(c, all->text[i], &host[i]);
    }
    for (size_t r = 0; r < all->rows.n && e == OK; r++) {
        uint32_t id, item = all->rows.v[r].item;
        e = host[item].name[0] ? add_host(s, names, &host[item], all->rows.v[r].tag)
                               : compile_items_add(rest, all->text[item], all->rows.v[r].tag, &id);
    }
    free(host);
    return e;
}

/* --- sets ---------------------------------------------------------------------------------------
 */

static enum err make_names(struct snapshot *s, struct compile_items *x)
{
    enum err e = set_name_init(&s->names, x->text, x->n);
    return e == OK ? compile_keys_seal_tags(&x->rows, x->n, &s->name_tags) : e;
}

/* A set of patterns, checked where the caller wants that. */
static enum err make_set(struct compiling *c, size_t n, struct set_url **out)
{
    const struct snapshot *before = c->in->previous;
    const struct set_url_tell told = {on_fault, c};
    enum err e = set_url_new_like(c->patterns, n, before ? before->patterns : NULL, &told, out);
    if (e == OK && c->in->refuse_costly)
        e = check_costs(c, *out);
    return e;
}

static enum err make_patterns(const struct compiling *c, struct compile_items *x)
{
    struct compiling in_set = {c->s, c->report, x->text, c->in};
    enum err e = x->n ? make_set(&in_set, x->n, &c->s->patterns) : OK;
    if (e == OK)
        e = compile_keys_seal_tags(&x->rows, x->n, &c->s->pattern_tags);
    c->s->pattern_text = x->text; /* kept for explaining */
    x->text = NULL;
    return e;
}

/* Lists that no rule names are not part of the set, but their patterns are checked all the same. */
static enum err check_unused_lists(const struct compiling *c)
{
    enum err e = OK;
    const struct model *m = c->s->model;
    for (size_t l = 0; l < m->n_lists && (e == OK || e == ERR_INVALID); l++) {
        const struct model_list *list = &m->lists[l];
        if (list->kind != LIST_URL_PATTERNS || map_get(&c->s->keys[KEY_LISTS].ids, list->name))
            continue;
        struct compiling in_list = {c->s, c->report, list->v, c->in};
        struct set_url *made = NULL;
        enum err one = make_set(&in_list, list->n, &made);
        set_url_free(made);
        e = one == OK ? e : one;
    }
    return e;
}

enum err compile_patterns(struct snapshot *s, const struct compile_input *in, struct report *report)
{
    struct compile_items names = {0}, all = {0}, rest = {0};
    struct compiling c = {s, report, NULL, in};
    map_init(&names.ids);
    map_init(&all.ids);
    map_init(&rest.ids);
    enum err e = compile_items_collect(s, &names, KEY_HOSTS, LIST_DOMAINS);
    if (e == OK)
        e = compile_items_collect(s, &all, KEY_URL_PATTERNS, LIST_URL_PATTERNS);
    if (e == OK)
        e = sort_out(&c, &all, &names, &rest);
    if (e == OK)
        e = make_names(s, &names);
    if (e == OK) {
        enum err patterns = make_patterns(&c, &rest);
        enum err unused = check_unused_lists(&c);
        e = patterns != OK ? patterns : unused;
    }
    compile_items_fini(&names);
    compile_items_fini(&all);
    compile_items_fini(&rest);
    return e;
}
