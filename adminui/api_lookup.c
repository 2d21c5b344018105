/* api_lookup: the categories come from the index that proxyd maps too; which entry it was is asked
 * of the index (policies/category.h), who brought that entry and when, of the store. */
#include "adminui/api_lookup.h"

#include <string.h>

#include "adminui/app.h"
#include "adminui/desk.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "base/url.h"
#include "db/list_sources.h"
#include "policies/category.h"

struct asking {
    struct call *c;
    const struct category_index *index;
    struct category_scratch *scratch;
    struct category_ask ask;
    json_t *categories, *matches, *exceptions;
};

static enum list_kind list_kind_of(enum category_kind k)
{
    switch (k) {
    case CATEGORY_NAME: return LIST_DOMAINS;
    case CATEGORY_ADDRESS:
    case CATEGORY_NET: return LIST_IPS;
    case CATEGORY_URL: return LIST_URLS;
    case CATEGORY_PATTERN: return LIST_EXPRESSIONS;
    }
    return LIST_DOMAINS;
}

/* A URL entry may have been written with a '/' at its end, which the index leaves off. */
static enum err find_sources(struct call *c, struct list_ask *ask, struct list_found **rows,
                             size_t *n)
{
    enum err e = list_sources_find(c->desk->store, &c->arena, ask, rows, n);
    if (e != OK || *n || ask->kind != LIST_URLS)
        return e;
    char *longer = arena_alloc(&c->arena, ask->entry.n + 1);
    if (!longer)
        return ERR_NOMEM;
    memcpy(longer, ask->entry.p, ask->entry.n);
    longer[ask->entry.n] = '/';
    ask->entry = str_make(longer, ask->entry.n + 1);
    return list_sources_find(c->desk->store, &c->arena, ask, rows, n);
}

static json_t *origin_json(struct str category, struct str entry, const struct list_found *f)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "category", reply_str(category), "entry",
                     reply_str(entry), "source", f ? reply_str(f->source) : json_null(),
                     "source_title", f ? reply_str(f->title) : json_null(), "since",
                     f ? reply_time(f->since_ms) : json_null());
}

/* One row per source that has the entry; one without a source when the store has changed since the
 * index was built. */
static enum err add_match(struct asking *x, struct str category)
{
    struct category_entry entry;
    struct list_found *rows = NULL;
    size_t n = 0;
    json_array_append_new(x->categories, reply_str(category));
    if (!category_entry(x->index, x->scratch, &x->ask, category, &entry))
        return OK;
    struct list_ask ask = {category, list_kind_of(entry.kind), category_entry_text(&entry)};
    enum err e = find_sources(x->c, &ask, &rows, &n);
    for (size_t i = 0; e == OK && (i < n || i == 0); i++) {
        json_t *row = origin_json(category, ask.entry, n ? &rows[i] : NULL);
        json_object_set_new(row, "kind", json_string(category_kind_name(entry.kind)));
        json_array_append_new(x->matches, row);
    }
    return e;
}

/* The exception that took the host out of a category: it, or a name above it. */
static enum err add_exception(struct asking *x, struct str category)
{
    for (struct str name = x->ask.host; name.n; name = host_parent(name)) {
        struct list_found *rows = NULL;
        size_t n = 0;
        struct list_ask ask = {category, LIST_EXCEPTIONS, name};
        enum err e = list_sources_find(x->c->desk->store, &x->c->arena, &ask, &rows, &n);
        if (e != OK)
            return e;
        for (size_t i = 0; i < n; i++)
            json_array_append_new(x->exceptions, origin_json(category, name, &rows[i]));
        if (n || x->ask.is_ip)
            break;
    }
    return OK;
}

static enum err collect(struct asking *x)
{
    struct set_domain_hits hits;
    category_host(x->index, &x->ask, &hits);
    if (x->ask.url.n)
        category_url(x->index, x->scratch, &x->ask, &hits);
    enum err e = OK;
    for (unsigned i = 0; i < hits.n && e == OK; i++)
        e = add_match(x, category_index_name(x->index, hits.category[i]));
    for (unsigned i = 0; i < hits.n_taken_away && e == OK; i++)
        e = add_exception(x, category_index_name(x->index, hits.taken_away[i]));
    return e;
}

static void answer(struct call *c, const struct category_ask *ask)
{
    bool is_damaged;
    enum err e = OK;
    struct category_index *index = policy_hold_index(c->app->policies, &is_damaged);
    struct asking x = {.c = c, .index = index, .ask = *ask};
    x.categories = json_array();
    x.matches = json_array();
    x.exceptions = json_array();
    if (index)
        x.scratch = category_scratch_new(index, &e);
    if (index && e == OK)
        e = collect(&x);
    category_scratch_free(x.scratch);
    category_index_unref(index);
    json_t *body = json_pack("{s:o,s:o,s:o,s:o}", "host", reply_str(ask->host), "categories",
                             x.categories, "matches", x.matches, "exceptions", x.exceptions);
    if (e == OK) {
        reply_json(c, 200, body);
        return;
    }
    json_decref(body);
    problem_reply_err(c, e, "category index");
}

void api_lookup_host(struct call *c)
{
    struct str url = call_query(c, "url", (struct str){0});
    struct str name = call_query(c, "host", (struct str){0});
    struct str normal;
    struct url u = {0};
    if (url.n && url_parse(url, &u) == OK && url_normal(&u, &c->arena, &normal) == OK) {
        struct category_ask ask = {host_str(&u.host), u.host.is_ip, u.port, normal, u.path_query};
        answer(c, &ask);
    } else if (!url.n && host_normalise(str_trim(name), &u.host) == OK) {
        struct category_ask ask = {.host = host_str(&u.host), .is_ip = u.host.is_ip};
        answer(c, &ask);
    } else {
        problem_reply_fault(c, url.n ? "/url" : "/host", "bad-host",
                            "Give host=NAME or ADDRESS, or url=URL.");
    }
}
