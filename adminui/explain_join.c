/* explain_join: one look into the store for each category condition of one rule. */
#include "adminui/explain_join.h"

#include <string.h>
#include <sys/stat.h>

#include "adminui/app.h"
#include "adminui/desk.h"
#include "adminui/reply.h"
#include "base/cidr.h"
#include "db/list_sources.h"

static struct str text_of(const json_t *o, const char *name)
{
    const json_t *text = json_object_get(o, name);
    return json_is_string(text) ? str_make(json_string_value(text), json_string_length(text))
                                : (struct str){0};
}

static enum list_kind kind_of(struct str entry)
{
    struct cidr net;
    if (cidr_parse(entry, &net) == OK)
        return LIST_IPS;
    return str_find(entry, '/') == STR_NPOS ? LIST_DOMAINS : LIST_URLS;
}

/* The source as a person calls it. */
static struct str called(const struct list_found *f)
{
    if (str_eq(f->source, LIST_SOURCE_LOCAL))
        return STR("hand");
    if (f->title.n)
        return f->title;
    return str_eq(f->source, LIST_SOURCE_UPLOAD) ? STR("an uploaded list") : f->source;
}

/* "casino.test is listed by UT1 since 2026-11-02." behind the other sentences. */
static void add_sentence(json_t *explained, const struct list_found *f)
{
    struct buf b;
    json_t *since = f->since_ms ? reply_time(f->since_ms) : NULL;
    struct str day = str_sub(str_of(since ? json_string_value(since) : ""), 0, 10);
    buf_init(&b, 1 << 20);
    buf_addf(&b, "%.*s %.*s is listed by %.*s%s%.*s.", STR_ARG(text_of(explained, "why")),
             STR_ARG(f->entry), STR_ARG(called(f)), day.n ? " since " : "", STR_ARG(day));
    if (!b.failed)
        json_object_set_new(explained, "why", reply_str(buf_str(&b)));
    buf_fini(&b);
    json_decref(since);
}

static void add_source(struct call *c, json_t *explained, json_t *condition)
{
    struct list_found *rows = NULL;
    size_t n = 0;
    struct str entry = text_of(condition, "entry");
    const enum list_kind kinds[] = {kind_of(entry), LIST_EXPRESSIONS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && entry.n && n == 0; i++) {
        struct list_ask ask = {text_of(condition, "value"), kinds[i], entry};
        if (list_sources_find(c->desk->store, &c->arena, &ask, &rows, &n) != OK)
            n = 0;
    }
    if (n == 0)
        return;
    json_object_set_new(condition, "source", reply_str(rows[0].source));
    json_object_set_new(condition, "source_title", reply_str(rows[0].title));
    json_object_set_new(condition, "since",
                        rows[0].since_ms ? reply_time(rows[0].since_ms) : json_null());
    add_sentence(explained, &rows[0]);
}

static json_t *lists_json(struct call *c)
{
    struct stat st;
    if (stat(c->app->index_path, &st) != 0)
        return json_null();
    int64_t at_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return json_pack("{s:I,s:o}", "version", (json_int_t)at_ms, "built_at", reply_time(at_ms));
}

void explain_join(struct call *c, json_t *explained)
{
    size_t i, k;
    json_t *rule, *condition;
    json_object_set_new(explained, "lists", lists_json(c));
    json_array_foreach(json_object_get(explained, "trace"), i, rule)
    {
        if (!json_is_true(json_object_get(rule, "decided")))
            continue;
        json_array_foreach(json_object_get(rule, "conditions"), k, condition)
        {
            if (str_eq(text_of(condition, "key"), STR("categories")) &&
                str_eq(text_of(condition, "fit"), STR("yes")))
                add_source(c, explained, condition);
        }
    }
}
