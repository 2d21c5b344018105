/* pattern_usage: rows are chosen by cost, then one walk through the document finds their places. */
#include "policies/pattern_usage.h"

#include <stdio.h>
#include <stdlib.h>

#include "policies/pattern_host.h"
#include "policies/snapshot_layout.h"

#define PLACES_MAX  4            /* pointers of one row */
#define PAGE_BYTES  (600u << 10) /* of patterns in one answer */
#define LIMIT_WORDS "It was given up on some requests; look at the worst one and make it tighter."

struct row {
    uint32_t index; /* in the set; or of a pattern that became a name */
    bool is_host;
    struct pattern_cost cost;
    json_t *places;
    struct str list, rule;
};

struct usage {
    const struct snapshot *s;
    struct set_url_cost all;
    struct row *rows;
    size_t n;
    struct map ids; /* pattern -> row + 1 */
};

static json_t *text(struct str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    return j ? j : json_null(); /* not UTF-8 */
}

static struct str row_text(const struct usage *u, const struct row *r)
{
    return r->is_host ? u->s->host_pattern[r->index] : u->s->pattern_text[r->index];
}

/* --- choosing -----------------------------------------------------------------------------------
 */

struct rank {
    uint64_t ns, n_limited;
    uint32_t index;
};

static int dearest_first(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? 1 : -1;
    if (x->n_limited != y->n_limited)
        return x->n_limited < y->n_limited ? 1 : -1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static struct rank *rank_all(const struct snapshot *s, size_t n)
{
    struct rank *v = calloc(n + 1, sizeof *v);
    for (size_t i = 0; v && i < n; i++) {
        struct pattern_cost c;
        pattern_code_cost(set_url_code(s->patterns, (uint32_t)i), &c);
        v[i] = (struct rank){c.ns, c.n_limited, (uint32_t)i};
    }
    if (v)
        qsort(v, n, sizeof *v, dearest_first);
    return v;
}

static enum err add_row(struct usage *u, uint32_t index, bool is_host)
{
    struct row *r = &u->rows[u->n];
    *r = (struct row){.index = index, .is_host = is_host, .places = json_array()};
    if (!r->places)
        return ERR_NOMEM;
    uintptr_t number = ++u->n;
    if (!is_host)
        pattern_code_cost(set_url_code(u->s->patterns, index), &r->cost);
    return map_put(&u->ids, row_text(u, r), (void *)number, NULL); // NOLINT: a number
}

static enum err choose(struct usage *u, size_t limit)
{
    size_t n = u->s->patterns ? set_url_count(u->s->patterns) : 0, bytes = 0;
    struct rank *v = rank_all(u->s, n);
    enum err e = v ? OK : ERR_NOMEM;
    for (size_t i = 0; i < n && u->n < limit && bytes < PAGE_BYTES && e == OK; i++) {
        bytes += u->s->pattern_text[v[i].index].n;
        e = add_row(u, v[i].index, false);
    }
    for (uint32_t i = 0; i < u->s->n_host_patterns && u->n < limit && e == OK; i++)
        e = add_row(u, i, true);
    free(v);
    return e;
}

/* --- where they stand ---------------------------------------------------------------------------
 */

static void place(struct usage *u, struct str pattern, const char *pointer, struct str list,
                  struct str rule)
{
    uintptr_t id = (uintptr_t)map_get(&u->ids, pattern);
    if (!id)
        return;
    struct row *r = &u->rows[id - 1];
    if (json_array_size(r->places) < PLACES_MAX)
        json_array_append_new(r->places, json_string(pointer));
    if (!r->list.n)
        r->list = list;
    if (!r->rule.n)
        r->rule = rule;
}

/* The first rule that names the list. */
static struct str rule_of_list(const struct model *m, struct str list)
{
    for (size_t r = 0; r < m->n_rules; r++)
        for (int side = 0; side < MODEL_N_SIDES; side++) {
            const struct model_values *v = &m->rules[r].cond[side][KEY_LISTS];
            for (size_t i = 0; i < v->n; i++)
                if (str_eq(v->v[i], list))
                    return m->rules[r].id;
        }
    return (struct str){0};
}

static void walk_rules(struct usage *u)
{
    static const char *const sides[] = {"when", "unless"};
    const struct model *m = u->s->model;
    char pointer[160];
    for (size_t r = 0; r < m->n_rules; r++)
        for (int side = 0; side < MODEL_N_SIDES; side++) {
            const struct model_values *v = &m->rules[r].cond[side][KEY_URL_PATTERNS];
            for (size_t i = 0; i < v->n; i++) {
                snprintf(pointer, sizeof pointer, "/rules/%zu/%s/url_patterns/%zu", r, sides[side],
                         i);
                place(u, v->v[i], pointer, (struct str){0}, m->rules[r].id);
            }
        }
}

static void walk_lists(struct usage *u)
{
    const struct model *m = u->s->model;
    char pointer[160];
    for (size_t l = 0; l < m->n_lists; l++) {
        const struct model_list *list = &m->lists[l];
        if (list->kind != LIST_URL_PATTERNS)
            continue;
        struct str rule = rule_of_list(m, list->name);
        for (size_t i = 0; i < list->n; i++) {
            snprintf(pointer, sizeof pointer, "/lists/%zu/entries/%zu", l, i);
            place(u, list->v[i], pointer, list->name, rule);
        }
    }
}

/* --- showing ------------------------------------------------------------------------------------
 */

static json_t *literal_of(const struct usage *u, const struct row *r)
{
    unsigned n = 0;
    const struct pattern_literal *l =
        r->is_host ? NULL : pattern_code_literals(set_url_code(u->s->patterns, r->index), &n);
    return n ? text(str_make(l[0].b, l[0].n)) : json_null();
}

static const char *suggestion(const struct row *r, enum set_url_way way)
{
    if (r->is_host)
        return "It only names a host: write it under hosts or in a list of domains.";
    if (r->cost.n_limited)
        return LIMIT_WORDS;
    if (way == SET_URL_ALWAYS)
        return "Nothing in it is fixed, so it is run on every URL: give it a fixed text of three "
               "bytes or more.";
    if (r->cost.n_runs >= 100 && r->cost.n_hits * 100 < r->cost.n_runs)
        return "What it is found by is common in URLs that it does not fit: give it a rarer fixed "
               "text.";
    return NULL;
}

static json_t *show(const struct usage *u, const struct row *r)
{
    static const char *const ways[] = {"literal", "scan", "always"};
    enum set_url_way way = r->is_host ? SET_URL_LITERAL : set_url_way(u->s->patterns, r->index);
    const char *hint = suggestion(r, way);
    const struct pattern_cost *c = &r->cost;
    struct pattern_host h;
    bool is_host = r->is_host && pattern_host_read(row_text(u, r), &h);
    double per = u->all.n_sampled ? (double)c->ns / (double)u->all.n_sampled : 0;
    return json_pack(
        "{s:O, s:o, s:o, s:o, s:I, s:I, s:I, s:f, s:f, s:I, s:o, s:s, s:o, s:o, s:o}", "where",
        r->places, "pattern", text(row_text(u, r)), "list", r->list.n ? text(r->list) : json_null(),
        "rule", r->rule.n ? text(r->rule) : json_null(), "evals", (json_int_t)c->n_runs, "hits",
        (json_int_t)c->n_hits, "limit_hits", (json_int_t)c->n_limited, "ns_per_request", per,
        "share", u->all.ns ? (double)c->ns / (double)u->all.ns : 0.0, "worst_ns",
        (json_int_t)c->worst_ns, "worst_input",
        c->n_worst ? text(str_make(c->worst, c->n_worst)) : json_null(), "filter",
        is_host ? "host" : ways[way], "literal", literal_of(u, r), "host_entry",
        is_host ? json_string(h.name) : json_null(), "suggestion",
        hint ? json_string(hint) : json_null());
}

static json_t *show_all(const struct usage *u)
{
    size_t n = u->s->patterns ? set_url_count(u->s->patterns) : 0;
    json_t *items = json_array();
    for (size_t i = 0; i < u->n; i++)
        json_array_append_new(items, show(u, &u->rows[i]));
    return json_pack("{s:I, s:I, s:i, s:I, s:f, s:o}", "version", (json_int_t)u->s->version,
                     "sampled", (json_int_t)u->all.n_sampled, "one_in", SET_URL_ONE_IN,
                     "n_patterns", (json_int_t)(n + u->s->n_host_patterns), "scan_ns_per_request",
                     u->all.n_sampled ? (double)u->all.ns / (double)u->all.n_sampled : 0.0, "items",
                     items);
}

json_t *pattern_usage(const struct snapshot *s, size_t limit)
{
    struct usage u = {.s = s};
    json_t *out = NULL;
    limit = limit < PATTERN_USAGE_MAX ? limit : PATTERN_USAGE_MAX;
    map_init(&u.ids);
    u.rows = calloc(limit + 1, sizeof *u.rows);
    if (s->patterns)
        set_url_cost(s->patterns, &u.all);
    if (u.rows && choose(&u, limit) == OK) {
        walk_rules(&u);
        walk_lists(&u);
        out = show_all(&u);
    }
    for (size_t i = 0; i < u.n; i++)
        json_decref(u.rows[i].places);
    free(u.rows);
    map_fini(&u.ids);
    return out;
}
