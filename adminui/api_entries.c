/* api_entries: handlers over list_sources and the local index. */
#include "adminui/api_entries.h"

#include <stdio.h>
#include <string.h>

#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/index_build.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "base/host.h"
#include "db/list_entry.h"
#include "db/list_set.h"
#include "db/list_sources.h"

#define WORDS_MAX 10000 /* of one call */

/* --- shown -------------------------------------------------------------------------------------
 */

struct page {
    struct str after, part, last;
    enum list_kind kind;
    size_t limit, n;
    struct arena *arena;
    json_t *items, *details;
    bool has_more;
};

/* A page ends between two entries, never between two sources of one. */
static bool add_row(void *ctx, const struct list_found *f)
{
    struct page *x = ctx;
    if ((x->after.n && str_cmp(f->entry, x->after) <= 0) ||
        (x->part.n && str_find_str(f->entry, x->part) == STR_NPOS))
        return true;
    if (x->n == 0 || !str_eq(f->entry, x->last)) {
        x->has_more = x->n == x->limit;
        if (x->has_more)
            return false;
        x->n++;
        x->last = arena_str(x->arena, f->entry);
        json_array_append_new(x->items, reply_str(f->entry));
    }
    json_array_append_new(x->details,
                          json_pack("{s:o,s:s,s:o,s:o,s:o}", "entry", reply_str(f->entry), "kind",
                                    list_kind_name(x->kind), "source", reply_str(f->source),
                                    "source_title", reply_str(f->title), "since",
                                    reply_time(f->since_ms)));
    return x->last.p != NULL;
}

static bool read_kind(struct call *c, enum list_kind *kind)
{
    struct str name = call_query(c, "kind", STR("domains"));
    for (int k = 0; k < LIST_KINDS; k++) {
        if (str_eq(name, str_of(list_kind_name((enum list_kind)k)))) {
            *kind = (enum list_kind)k;
            return true;
        }
    }
    problem_reply_fault(c, "/kind", "unknown-kind",
                        "A kind is domains, urls, expressions, ips or exceptions.");
    return false;
}

void api_entries_list(struct call *c)
{
    struct list_category category;
    struct page x = {.after = call_query(c, "cursor", (struct str){0}),
                     .part = call_query(c, "q", (struct str){0}),
                     .arena = &c->arena};
    uint64_t limit = 1000;
    if (!read_kind(c, &x.kind) || !call_query_number(c, "limit", 10000, &limit))
        return;
    x.limit = (size_t)limit;
    x.items = json_array();
    x.details = json_array();
    struct list_walk walk = {
        .source = call_query(c, "source", (struct str){0}), .found = add_row, .ctx = &x};
    enum err e = list_rows_category(c->desk->store, &c->arena, c->params[0], &category);
    if (e == OK)
        e = list_sources_walk(c->desk->store, category.name, x.kind, &walk);
    json_t *next = x.has_more ? reply_str(x.last) : json_null();
    json_t *body =
        json_pack("{s:o,s:o,s:o}", "items", x.items, "details", x.details, "next_cursor", next);
    if (e == OK) {
        reply_json(c, 200, body);
        return;
    }
    json_decref(body);
    problem_reply_err(c, e, "category");
}

void api_entries_sources(struct call *c)
{
    struct list_category category;
    struct list_source *items = NULL;
    size_t n = 0;
    enum err e = list_rows_category(c->desk->store, &c->arena, c->params[0], &category);
    if (e == OK)
        e = list_sources_of(c->desk->store, &c->arena, category.name, &items, &n);
    if (e != OK) {
        problem_reply_err(c, e, "category");
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *counts = json_object();
        for (int k = 0; k < LIST_KINDS; k++)
            json_object_set_new(counts, list_kind_name((enum list_kind)k),
                                reply_u64(items[i].counts[k]));
        json_array_append_new(
            all, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "source", reply_str(items[i].source),
                           "title", reply_str(items[i].title), "format", reply_str(items[i].format),
                           "counts", counts, "created_at", reply_time(items[i].created_ms),
                           "updated_at", reply_time(items[i].updated_ms)));
    }
    reply_json(c, 200, json_pack("{s:o}", "items", all));
}

/* --- changed by hand ----------------------------------------------------------------------------
 */

struct change { /* sorted by what becomes of each word */
    struct call *c;
    struct str category;
    struct list_set add[LIST_KINDS], take[LIST_KINDS];
    struct list_entry scratch;
    struct category_index *index;
    json_t *rejected;
    uint64_t added, removed, excepted;
    int64_t began_ms;
};

static void reject(struct change *x, struct str word, const char *why)
{
    json_array_append_new(x->rejected, json_pack("{s:o,s:s}", "text",
                                                 reply_str(str_sub(word, 0, 200)), "reason", why));
}

static enum err add_word(struct change *x, struct str word)
{
    const char *why = "";
    if (list_entry_parse(word, &x->scratch, &why) != OK) {
        reject(x, word, why);
        return OK;
    }
    enum err e = list_set_add(&x->add[x->scratch.kind], x->scratch.text);
    return e == OK ? list_set_add(&x->take[LIST_EXCEPTIONS], x->scratch.text) : e;
}

/* Does something put this entry, itself a host or URL, into the category? */
static bool is_covered(const struct change *x)
{
    struct category_entry found;
    struct str text = x->scratch.text, host = text;
    struct category_ask ask = {.is_ip = x->scratch.kind == LIST_IPS};
    size_t slash = str_find(text, '/');
    uint64_t port = 0;
    if (!x->index || (ask.is_ip && slash != STR_NPOS))
        return false; /* a network is only taken away as it is listed */
    if (slash != STR_NPOS) {
        ask.path = str_sub(text, slash, text.n);
        host = str_sub(text, 0, slash);
        size_t colon = str_rfind(host, ':');
        if (colon != STR_NPOS &&
            str_to_u64(str_sub(host, colon + 1, host.n), UINT16_MAX, &port) == OK)
            host = str_sub(host, 0, colon);
    }
    ask.host = host;
    ask.port = (uint16_t)port;
    return category_entry(x->index, NULL, &ask, x->category, &found);
}

static enum err remove_word(struct change *x, struct str word)
{
    const char *why = "";
    struct list_found *rows;
    size_t n, n_lists = 0;
    if (list_entry_parse(word, &x->scratch, &why) != OK) {
        reject(x, word, why);
        return OK;
    }
    struct list_ask ask = {x->category, x->scratch.kind, x->scratch.text};
    enum err e = list_sources_find(x->c->desk->store, &x->c->arena, &ask, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++)
        n_lists += !str_eq(rows[i].source, LIST_SOURCE_LOCAL);
    if (e != OK)
        return e;
    if (n > n_lists)
        e = list_set_add(&x->take[x->scratch.kind], x->scratch.text);
    if (e == OK && (n_lists || (n == 0 && is_covered(x))))
        return list_set_add(&x->add[LIST_EXCEPTIONS], x->scratch.text);
    if (e == OK && n == 0)
        reject(x, word, "it is not in this category");
    return e;
}

static enum err put_kind(struct change *x, enum list_kind kind, struct list_set *set,
                         bool is_removal)
{
    struct list_change change;
    enum err e = list_set_seal(set);
    if (e != OK || set->n == 0)
        return e;
    struct list_content content = {.category = x->category,
                                   .source = LIST_SOURCE_LOCAL,
                                   .title = STR("entered by hand"),
                                   .kind = kind,
                                   .text = list_set_text(set),
                                   .n_entries = set->n,
                                   .at_ms = clock_wall_ms(&x->c->app->clock),
                                   .is_merge = !is_removal,
                                   .is_removal = is_removal};
    e = list_sources_put(x->c->desk->store, &content, &change);
    if (e != OK)
        return e;
    if (kind == LIST_EXCEPTIONS && !is_removal)
        x->excepted += change.added;
    else if (kind != LIST_EXCEPTIONS)
        x->added += change.added;
    if (kind != LIST_EXCEPTIONS)
        x->removed += change.removed;
    return OK;
}

static enum err each_word(struct change *x, const char *member,
                          enum err (*one)(struct change *x, struct str word))
{
    size_t i;
    const json_t *word;
    json_array_foreach(json_object_get(x->c->json, member), i, word)
    {
        enum err e = one(x, str_trim(str_of(json_string_value(word))));
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err make_change(struct change *x)
{
    enum err e = each_word(x, "add", add_word);
    if (e == OK)
        e = each_word(x, "remove", remove_word);
    for (int k = 0; k < LIST_KINDS && e == OK; k++) /* out first: "add" takes back an exception */
        e = put_kind(x, (enum list_kind)k, &x->take[k], true);
    for (int k = 0; k < LIST_KINDS && e == OK; k++)
        e = put_kind(x, (enum list_kind)k, &x->add[k], false);
    return e;
}

void api_entries_change(struct call *c)
{
    static const struct field fields[] = {
        {.name = "add", .kind = FIELD_NAMES, .max = WORDS_MAX},
        {.name = "remove", .kind = FIELD_NAMES, .max = WORDS_MAX},
    };
    bool is_damaged;
    if (!fields_check(c, fields, 2))
        return;
    if (!list_rows_is_name(c->params[0])) {
        problem_reply_fault(c, "/name", "bad-name",
                            "A category's name has 1 to 64 of a-z, 0-9, '-', '_' and '.'.");
        return;
    }
    struct change *x = arena_alloc(&c->arena, sizeof *x);
    if (!x) {
        problem_reply_err(c, ERR_NOMEM, "entries");
        return;
    }
    *x = (struct change){.c = c, .category = c->params[0], .rejected = json_array()};
    x->began_ms = clock_mono_ms(&c->app->clock);
    for (int k = 0; k < LIST_KINDS; k++) {
        list_set_init(&x->add[k]);
        list_set_init(&x->take[k]);
    }
    x->index = policy_hold_index(c->app->policies, &is_damaged);
    enum err e = make_change(x);
    category_index_unref(x->index);
    for (int k = 0; k < LIST_KINDS; k++) {
        list_set_fini(&x->add[k]);
        list_set_fini(&x->take[k]);
    }
    call_audit(c, x->category, NULL, json_incref(c->json));
    c->after = x;
    if (e == OK) {
        reply_empty(c, 204);
        return;
    }
    json_decref(x->rejected);
    problem_reply_err(c, e, "entries");
}

void api_entries_changed(struct call *c)
{
    struct change *x = c->after;
    struct proxy_reload r = {.is_applied = true};
    char why[STORE_WHY_BYTES] = "";
    enum err e = OK;
    if (x->added || x->removed || x->excepted || !index_build_local_is_current(c->desk)) {
        e = index_build_local(c->desk, why);
        if (e == OK)
            proxy_link_reload(c->app, &r);
    }
    json_t *body = json_pack("{s:o,s:o,s:o,s:o,s:b,s:s,s:I}", "added", reply_u64(x->added),
                             "removed", reply_u64(x->removed), "excepted", reply_u64(x->excepted),
                             "rejected", x->rejected, "applied", (int)(e == OK && r.is_applied),
                             "message", e == OK ? r.why : why, "ms",
                             (json_int_t)(clock_mono_ms(&c->app->clock) - x->began_ms));
    reply_json(c, 200, body);
}
