/* lint_never: a rule looked at alone: can any request at all fit it? One check a function; each
 * says its reason. What is known of requests is known from flow: CONNECT comes as a tunnel, and of
 * a tunnel nothing is seen but host and port. */
#include "policies/lint_never.h"

#include <stdio.h>
#include <stdlib.h>

#include "policies/lint_cover.h"

struct looking {
    struct lint_view *x;
    int index;
    const struct model_rule *r;
    const struct model_values *when, *unless;
    bool is_found;
};

static const char *key_pointer(enum model_side side, enum model_key key, char buf[64])
{
    snprintf(buf, 64, "/%s/%s", side == SIDE_WHEN ? "when" : "unless", model_key_name(key));
    return buf;
}

static void never(struct looking *l, enum model_key key, const char *why)
{
    char pointer[64], name[LINT_NAME_MAX];
    struct lint_place at = {l->index, -1, key_pointer(SIDE_WHEN, key, pointer)};
    lint_list_add(l->x->list, LINT_NEVER, &at, "Rule %s can never fit: %s", lint_name(l->r, name),
                  why);
    l->is_found = true;
}

static bool has(const struct model_values *v, const char *text)
{
    for (size_t i = 0; i < v->n; i++)
        if (str_eq(v->v[i], str_of(text)))
            return true;
    return false;
}

static bool has_only(const struct model_values *v, const char *text)
{
    for (size_t i = 0; i < v->n; i++)
        if (!str_eq(v->v[i], str_of(text)))
            return false;
    return v->n > 0;
}

static void check_identity(struct looking *l)
{
    bool asks = l->when[KEY_USERS].n || l->when[KEY_GROUPS].n;
    if (asks && l->x->s->model->identity == SNAPSHOT_NEVER)
        never(l, l->when[KEY_USERS].n ? KEY_USERS : KEY_GROUPS,
              "it names people, and this policy never asks who it is (identity: never).");
}

static void check_sizes(struct looking *l)
{
    uint64_t least, most;
    if (l->when[KEY_MIN_BYTES].n && l->when[KEY_MAX_BYTES].n &&
        str_to_u64(l->when[KEY_MIN_BYTES].v[0], UINT64_MAX, &least) == OK &&
        str_to_u64(l->when[KEY_MAX_BYTES].v[0], UINT64_MAX, &most) == OK && least > most)
        never(l, KEY_MIN_BYTES, "min_bytes is larger than max_bytes.");
}

/* Does the rule speak of tunnels only? */
static bool is_tunnels_only(const struct looking *l)
{
    return has_only(&l->when[KEY_SCHEMES], "connect") || has_only(&l->when[KEY_METHODS], "CONNECT");
}

static void check_tunnel(struct looking *l)
{
    static const struct {
        enum model_key key;
        const char *why;
    } inside[] = {{KEY_EXTENSIONS, "it is for tunnels (CONNECT), whose file names are not seen."},
                  {KEY_CONTENT_TYPES, "it is for tunnels (CONNECT), whose answers are not seen."},
                  {KEY_MIN_BYTES, "it is for tunnels (CONNECT), whose answers are not seen."},
                  {KEY_MAX_BYTES, "it is for tunnels (CONNECT), whose answers are not seen."}};
    const struct model_values *schemes = &l->when[KEY_SCHEMES], *methods = &l->when[KEY_METHODS];
    for (size_t i = 0; i < sizeof inside / sizeof inside[0] && is_tunnels_only(l); i++)
        if (l->when[inside[i].key].n) {
            never(l, inside[i].key, inside[i].why);
            return;
        }
    if (has_only(schemes, "connect") && methods->n && !has(methods, "CONNECT"))
        never(l, KEY_METHODS, "the scheme is connect, and the method is not.");
    else if (has_only(methods, "CONNECT") && has_only(schemes, "http"))
        never(l, KEY_SCHEMES, "the method is CONNECT, and the scheme is http.");
}

static void check_extensions(struct looking *l)
{
    const struct model_values *v = &l->when[KEY_EXTENSIONS];
    for (size_t i = 0; i < v->n; i++)
        if (str_find(v->v[i], '.') == STR_NPOS && str_find(v->v[i], '/') == STR_NPOS &&
            str_find(v->v[i], '?') == STR_NPOS)
            return;
    if (v->n)
        never(l, KEY_EXTENSIONS,
              "an extension is what stands behind the last dot of a name (gz, not tar.gz).");
}

static void check_types(struct looking *l)
{
    const struct model_values *v = &l->when[KEY_CONTENT_TYPES];
    for (size_t i = 0; i < v->n; i++)
        if (str_find(v->v[i], ';') == STR_NPOS && str_find(v->v[i], ' ') == STR_NPOS)
            return;
    if (v->n)
        never(l, KEY_CONTENT_TYPES,
              "a content type is compared without its parameters (text/html, no charset).");
}

static const struct model_schedule *schedule_named(const struct model *m, struct str name)
{
    for (size_t i = 0; i < m->n_schedules; i++)
        if (str_eq(m->schedules[i].name, name))
            return &m->schedules[i];
    return NULL;
}

static void check_schedules(struct looking *l)
{
    const struct model_values *v = &l->when[KEY_SCHEDULES];
    for (size_t i = 0; i < v->n; i++) {
        const struct model_schedule *s = schedule_named(l->x->s->model, v->v[i]);
        for (size_t w = 0; s && w < s->n_windows; w++)
            if (s->windows[w].days)
                return;
    }
    if (v->n)
        never(l, KEY_SCHEDULES, "its schedule is never open: it has no time, or no day.");
}

static void check_lists(struct looking *l)
{
    const struct model_values *v = &l->when[KEY_LISTS];
    size_t n = 0;
    char pointer[64], name[LINT_NAME_MAX];
    const struct model_list *empty = NULL;
    for (size_t i = 0; i < v->n; i++) {
        const struct model_list *list = model_list_named(l->x->s->model, v->v[i]);
        n += list ? list->n : 0;
        empty = list && list->n == 0 ? list : empty;
    }
    if (v->n && n == 0) {
        never(l, KEY_LISTS, "its list is empty.");
    } else if (empty) {
        struct lint_place at = {l->index, -1, key_pointer(SIDE_WHEN, KEY_LISTS, pointer)};
        lint_list_add(l->x->list, LINT_EMPTY_LIST, &at,
                      "Rule %s names the list \"%.*s\", which is empty.", lint_name(l->r, name),
                      STR_ARG(str_sub(empty->name, 0, 80)));
    }
}

/* A category that the index does not have fits nothing until it is imported. */
static void check_categories(struct looking *l)
{
    const struct model_values *v = &l->when[KEY_CATEGORIES];
    const struct snapshot *s = l->x->s;
    char pointer[64], name[LINT_NAME_MAX];
    for (size_t i = 0; i < v->n; i++)
        for (uint32_t c = 0; s->index && c < category_index_n(s->index); c++)
            if (str_eq(category_index_name(s->index, c), v->v[i]))
                return;
    if (v->n == 0)
        return;
    struct lint_place at = {l->index, -1, key_pointer(SIDE_WHEN, KEY_CATEGORIES, pointer)};
    lint_list_add(
        l->x->list, LINT_UNKNOWN_CATEGORY, &at,
        "Rule %s fits nothing: there is no category \"%.*s\" yet; import it or correct the "
        "name.",
        lint_name(l->r, name), STR_ARG(str_sub(v->v[0], 0, 80)));
    l->is_found = true;
}

static void check_unless(struct looking *l)
{
    bool asks = l->when[KEY_USERS].n || l->when[KEY_GROUPS].n;
    if (asks && has(&l->unless[KEY_USERS], "*")) {
        never(l, l->when[KEY_USERS].n ? KEY_USERS : KEY_GROUPS,
              "it names people, and everybody is exempt (unless users: *).");
        return;
    }
    for (int k = 0; k < MODEL_N_KEYS; k++)
        if (l->when[k].n && l->unless[k].n &&
            lint_cover_values((enum model_key)k, &l->unless[k], &l->when[k])) {
            never(l, (enum model_key)k, "its unless takes out all that its when names.");
            return;
        }
}

/* Hosts and networks of a rule against the lists that must fit as well. */
static void check_own_lists(struct looking *l)
{
    static const struct {
        enum model_key key;
        enum model_list_kind kind;
        const char *why, *exempt;
    } rows[] = {{KEY_HOSTS, LIST_DOMAINS, "none of its hosts is in its list, and both must fit.",
                 "its unless takes out every host of its list."},
                {KEY_NETWORKS, LIST_NETWORKS,
                 "none of its networks meets its list, and both must fit.",
                 "its unless takes out every network of its list."}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && l->when[KEY_LISTS].n; i++) {
        struct model_values e;
        if (!lint_cover_entries(l->x->s->model, &l->when[KEY_LISTS], rows[i].kind, &e))
            continue;
        if (l->when[rows[i].key].n && lint_cover_apart(rows[i].key, &l->when[rows[i].key], &e))
            never(l, rows[i].key, rows[i].why);
        else if (l->unless[rows[i].key].n &&
                 lint_cover_values(rows[i].key, &l->unless[rows[i].key], &e))
            never(l, KEY_LISTS, rows[i].exempt);
        free(e.v);
    }
}

/* The rule is over: it says so itself. */
static void check_end(struct looking *l)
{
    char name[LINT_NAME_MAX];
    struct lint_place at = {l->index, -1, "/expires_at"};
    if (l->r->expires_at_ms == 0 || l->r->expires_at_ms > l->x->now_ms)
        return;
    lint_list_add(l->x->list, LINT_EXPIRED, &at, "Rule %s has lapsed and fits nothing any more.",
                  lint_name(l->r, name));
    l->is_found = true;
}

void lint_never(struct lint_view *x)
{
    static void (*const checks[])(struct looking *) = {
        check_end,       check_identity, check_lists,      check_categories,
        check_schedules, check_sizes,    check_extensions, check_types,
        check_tunnel,    check_unless,   check_own_lists};
    for (uint32_t i = 0; i < x->s->n_rules; i++) {
        const struct model_rule *r = &x->s->model->rules[i];
        struct looking l = {.x = x,
                            .index = (int)i,
                            .r = r,
                            .when = r->cond[SIDE_WHEN],
                            .unless = r->cond[SIDE_UNLESS]};
        for (size_t c = 0; c < sizeof checks / sizeof checks[0] && r->is_enabled && !l.is_found;
             c++)
            checks[c](&l);
        x->life[i] = !r->is_enabled || l.is_found ? LINT_CANNOT : LINT_LIVES;
    }
}
