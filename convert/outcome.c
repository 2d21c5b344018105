/* outcome: the document is built as JSON from the start, so that what is shown, checked and saved
 * is one thing. */
#include "convert/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES     48
#define NOTE_MAX           400
#define TEXT_SHOWN         240
#define CATEGORIES_MAX     1000
#define CATEGORY_MAX_BYTES ((size_t)1 << 30)

void outcome_init(struct outcome *o)
{
    *o = (struct outcome){0};
    arena_init(&o->arena, 64u << 10, 256u << 20);
    map_init(&o->names);
    o->rules = json_array();
    o->lists = json_array();
    o->schedules = json_array();
    o->report = json_array();
    o->document = json_pack("{s:s,s:s,s:{s:s},s:O,s:O,s:O,s:[]}", "comment", "", "identity",
                            "when-needed", "default", "action", "block", "schedules", o->schedules,
                            "lists", o->lists, "rules", o->rules, "tests");
    o->failed = !o->document || !o->report;
}

void outcome_fini(struct outcome *o)
{
    json_decref(o->document);
    json_decref(o->rules);
    json_decref(o->lists);
    json_decref(o->schedules);
    json_decref(o->report);
    json_decref(o->upstreams);
    json_decref(o->privacy);
    for (size_t i = 0; i < o->n_categories; i++) {
        buf_fini(&o->categories[i].text);
        buf_fini(&o->categories[i].expressions);
    }
    free(o->categories);
    map_fini(&o->names);
    arena_fini(&o->arena);
    *o = (struct outcome){0};
}

const char *outcome_kind_name(enum outcome_kind k)
{
    static const char *const names[OUTCOME_N_KINDS] = {
        [OUTCOME_TRANSLATED] = "translated",
        [OUTCOME_PARTLY] = "partly",
        [OUTCOME_DROPPED] = "dropped",
        [OUTCOME_NOT_NEEDED] = "not-needed",
    };
    return names[k];
}

json_t *outcome_text(struct str s)
{
    json_t *t = json_stringn(s.p ? s.p : "", s.n);
    if (t)
        return t;
    char *copy = str_dup(s);
    for (size_t i = 0; copy && i < s.n; i++)
        copy[i] = (unsigned char)copy[i] < 0x80 && copy[i] ? copy[i] : '?';
    t = copy ? json_stringn(copy, s.n) : NULL;
    free(copy);
    return t;
}

void outcome_report(struct outcome *o, const struct outcome_row *row, const char *note, ...)
{
    char text[NOTE_MAX];
    va_list args;
    va_start(args, note);
    vsnprintf(text, sizeof text, note, args);
    va_end(args);
    o->n[row->kind]++;
    if (json_array_size(o->report) >= OUTCOME_ROWS_MAX) {
        o->n_rows_lost++;
        return;
    }
    json_t *t = json_pack("{s:o,s:I,s:o,s:s,s:o,s:o}", "file", outcome_text(row->file), "line",
                          (json_int_t)row->line, "text",
                          outcome_text(str_sub(str_trim(row->text), 0, TEXT_SHOWN)), "outcome",
                          outcome_kind_name(row->kind), "note", outcome_text(str_of(text)), "rule",
                          row->rule ? json_string(row->rule) : json_null());
    if (!t || json_array_append_new(o->report, t) != 0)
        o->failed = true;
}

static size_t plain_name(struct str wish, char out[NAME_MAX_BYTES + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < wish.n && n < NAME_MAX_BYTES; i++) {
        char c = str_lower(wish.p[i]);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
            out[n++] = c;
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-')
        n--;
    if (!n)
        out[n++] = 'x';
    out[n] = 0;
    return n;
}

const char *outcome_name(struct outcome *o, struct str wish)
{
    char base[NAME_MAX_BYTES + 1], full[NAME_MAX_BYTES + 16];
    size_t n = plain_name(wish, base);
    memcpy(full, base, n + 1);
    for (unsigned i = 2; map_get(&o->names, str_of(full)); i++)
        snprintf(full, sizeof full, "%s-%u", base, i);
    struct str kept = arena_str(&o->arena, str_of(full));
    void *old;
    if (!kept.p || map_put(&o->names, kept, o, &old) != OK) {
        o->failed = true;
        return "x";
    }
    return kept.p;
}

json_t *outcome_rule(struct outcome *o, struct str name, const char *action)
{
    json_t *rule = json_pack("{s:s,s:o,s:b,s:b,s:{},s:{},s:s,s:s,s:s}", "id", outcome_name(o, name),
                             "name", outcome_text(str_sub(name, 0, 200)), "enabled", 1, "shadow", 0,
                             "when", "unless", "action", action, "owner", "", "comment", "");
    if (!rule || json_array_append_new(o->rules, rule) != 0) {
        o->failed = true;
        return NULL;
    }
    return rule;
}

const char *outcome_rule_id(const json_t *rule)
{
    return json_string_value(json_object_get(rule, "id"));
}

void outcome_rule_off(json_t *rule, const char *why)
{
    if (!rule)
        return;
    json_object_set_new(rule, "enabled", json_false());
    const char *had = json_string_value(json_object_get(rule, "comment"));
    char *text;
    if (asprintf(&text, "%s%s%s", had ? had : "", had && *had ? " " : "", why) < 0)
        return;
    json_object_set_new(rule, "comment", outcome_text(str_of(text)));
    free(text);
}

bool outcome_condition(json_t *rule, const char *side, const char *key, const json_t *values)
{
    json_t *conditions = json_object_get(rule, side), *had = json_object_get(conditions, key);
    if (had && strcmp(side, "unless") != 0)
        return json_equal(had, values);
    if (!had) {
        had = json_array();
        json_object_set_new(conditions, key, had);
    }
    size_t i;
    json_t *v;
    json_array_foreach(values, i, v) json_array_append(had, v);
    return true;
}

const char *outcome_list(struct outcome *o, struct str wish, const char *kind, json_t *take_entries)
{
    const char *name = outcome_name(o, wish);
    json_t *list = json_pack("{s:s,s:s,s:o}", "name", name, "kind", kind, "entries", take_entries);
    if (!list || json_array_append_new(o->lists, list) != 0) {
        o->failed = true;
        return NULL;
    }
    return name;
}

const char *outcome_schedule(struct outcome *o, struct str wish, json_t *take_windows)
{
    const char *name = outcome_name(o, wish);
    json_t *s = json_pack("{s:s,s:s,s:o}", "name", name, "zone", "UTC", "windows", take_windows);
    if (!s || json_array_append_new(o->schedules, s) != 0) {
        o->failed = true;
        return NULL;
    }
    return name;
}

struct outcome_category *outcome_category(struct outcome *o, struct str wish)
{
    char name[NAME_MAX_BYTES + 1];
    plain_name(wish, name);
    for (size_t i = 0; i < o->n_categories; i++) {
        if (str_eq(o->categories[i].name, str_of(name)))
            return &o->categories[i];
    }
    if (!o->categories)
        o->categories = calloc(CATEGORIES_MAX, sizeof *o->categories);
    if (!o->categories || o->n_categories == CATEGORIES_MAX) {
        o->failed = true;
        return NULL;
    }
    struct outcome_category *c = &o->categories[o->n_categories++];
    c->name = arena_str(&o->arena, str_of(name));
    buf_init(&c->text, CATEGORY_MAX_BYTES);
    buf_init(&c->expressions, CATEGORY_MAX_BYTES);
    return c;
}

void outcome_category_add(struct outcome_category *c, struct str entry, bool is_expression)
{
    struct buf *to = is_expression ? &c->expressions : &c->text;
    buf_add(to, entry);
    buf_add_c(to, '\n');
    c->n_entries++;
}
