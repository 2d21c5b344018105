/* diff: sections of named objects compared, and the rest as settings. */
#include "policies/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

struct section {
    const char *member, *kind, *key; /* "rules", "rule", "id" */
};

static const struct section sections[] = {{"rules", "rule", "id"},
                                          {"lists", "list", "name"},
                                          {"schedules", "schedule", "name"},
                                          {"tests", "test", "name"}};
static const char *const settings[] = {"identity", "default", "pattern_limit", "comment"};

static json_t *array_of(const json_t *root, const char *name)
{
    json_t *a = json_object_get(root, name);
    return json_is_array(a) ? a : NULL;
}

static const char *name_of(const json_t *item, const char *key)
{
    const char *z = json_string_value(json_object_get(item, key));
    return z ? z : "";
}

static json_t *value_or_null(json_t *v)
{
    return v ? json_incref(v) : json_null();
}

static json_t *position(long at)
{
    return at < 0 ? json_null() : json_integer(at);
}

/* Name -> place + 1 of the first item of that name. */
static enum err index_names(struct map *m, const json_t *array, const char *key)
{
    enum err e = OK;
    map_init(m);
    for (size_t i = 0; i < json_array_size(array) && e == OK; i++) {
        struct str name = str_of(name_of(json_array_get(array, i), key));
        uintptr_t number = i + 1;
        if (!map_get(m, name))
            e = map_put(m, name, (void *)number, NULL); // NOLINT: a number, not a pointer
    }
    return e;
}

static long find(const struct map *m, const char *name)
{
    return (long)(uintptr_t)map_get(m, str_of(name)) - 1;
}

static bool is_texts(const json_t *v)
{
    size_t i;
    const json_t *each;
    if (!json_is_array(v))
        return false;
    json_array_foreach(v, i, each)
    {
        if (!json_is_string(each))
            return false;
    }
    return true;
}

/* Texts of `in` that `without` does not have: how many, and the first of them. */
static json_int_t only_in(const json_t *in, const json_t *without, json_t *examples)
{
    struct map there;
    json_int_t n = 0;
    size_t i;
    const json_t *v;
    map_init(&there);
    json_array_foreach(without, i, v)
    {
        if (map_put(&there, str_of(json_string_value(v)), &there, NULL) != OK)
            break; /* out of memory: too much is told, nothing is left out */
    }
    json_array_foreach(in, i, v)
    {
        if (map_get(&there, str_of(json_string_value(v))))
            continue;
        if (n++ < DIFF_EXAMPLES)
            json_array_append_new(examples, json_deep_copy(v));
    }
    map_fini(&there);
    return n;
}

/* What came to and went from a list of texts. */
static void add_delta(json_t *field, const json_t *a, const json_t *b)
{
    json_t *added = json_array(), *removed = json_array();
    json_object_set_new(field, "n_added", json_integer(only_in(b, a, added)));
    json_object_set_new(field, "n_removed", json_integer(only_in(a, b, removed)));
    json_object_set_new(field, "added", added);
    json_object_set_new(field, "removed", removed);
    if (json_array_size(a) <= DIFF_WHOLE && json_array_size(b) <= DIFF_WHOLE)
        return;
    json_object_set_new(field, "before", json_null());
    json_object_set_new(field, "after", json_null());
}

static void add_field(json_t *fields, const char *prefix, const char *name, json_t *a, json_t *b)
{
    char pointer[300];
    int n = snprintf(pointer, sizeof pointer, "%s/%s", prefix, name);
    if (n < 0 || (size_t)n >= sizeof pointer)
        return;
    json_t *field = json_pack("{s:s, s:o, s:o}", "pointer", pointer, "before", value_or_null(a),
                              "after", value_or_null(b));
    if (is_texts(a) && is_texts(b))
        add_delta(field, a, b);
    json_array_append_new(fields, field);
}

/* Members that differ; when and unless are looked into one level. */
static json_t *fields_of(json_t *a, json_t *b, const char *prefix)
{
    json_t *out = json_array();
    const char *name;
    json_t *v;
    json_object_foreach(a, name, v)
    {
        json_t *w = json_object_get(b, name);
        if (json_equal(v, w))
            continue;
        bool is_side = prefix[0] == '\0' && json_is_object(v) && json_is_object(w);
        if (is_side) {
            char inner[280] = "/";
            if (strlen(name) + 2 < sizeof inner)
                memcpy(inner + 1, name, strlen(name) + 1);
            json_t *more = fields_of(v, w, inner);
            json_array_extend(out, more);
            json_decref(more);
        } else {
            add_field(out, prefix, name, v, w);
        }
    }
    json_object_foreach(b, name, v) if (!json_object_get(a, name))
        add_field(out, prefix, name, NULL, v);
    return out;
}

static void add_change(json_t *changes, const char *op, const struct section *s, const json_t *item,
                       json_t *rest)
{
    const char *id = name_of(item, s->key);
    const char *name = name_of(item, "name");
    json_t *c = json_pack("{s:s, s:s, s:s, s:s}", "op", op, "kind", s->kind, "id", id, "name",
                          *name ? name : id);
    json_object_update(c, rest);
    json_decref(rest);
    json_array_append_new(changes, c);
}

static json_t *where(long from, long to, json_t *fields)
{
    return json_pack("{s:o, s:o, s:o}", "from_position", position(from), "to_position",
                     position(to), "fields", fields ? fields : json_array());
}

/* Marks the items of b that keep their order: a longest rising run of old places (O(n log n)). The
 * others, as few as can be, have moved. */
static void mark_kept(const long *old, size_t n, bool *kept)
{
    size_t *tail = calloc(n + 1, sizeof *tail), *before = calloc(n + 1, sizeof *before);
    size_t length = 0;
    for (size_t i = 0; tail && before && i < n; i++) {
        if (old[i] < 0)
            continue;
        size_t lo = 0, hi = length;
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (old[tail[mid]] < old[i])
                lo = mid + 1;
            else
                hi = mid;
        }
        before[i] = lo ? tail[lo - 1] : SIZE_MAX;
        tail[lo] = i;
        if (lo == length)
            length++;
    }
    if (tail && before && length)
        for (size_t i = tail[length - 1]; i != SIZE_MAX; i = before[i])
            kept[i] = true;
    free(tail);
    free(before);
}

struct pairing { /* of the items of one section in both documents */
    const json_t *a, *b;
    long *old;  /* of each item of b: its place in a, or -1 */
    bool *kept; /* of each item of b: its order among the others is as before */
};

static void tell_items(json_t *changes, const struct section *s, const struct pairing *p)
{
    bool has_order = strcmp(s->kind, "rule") == 0;
    for (size_t i = 0; i < json_array_size(p->b); i++) {
        json_t *item = json_array_get(p->b, i);
        if (p->old[i] < 0) {
            add_change(changes, "added", s, item, where(-1, (long)i, NULL));
            continue;
        }
        if (has_order && !p->kept[i])
            add_change(changes, "moved", s, item, where(p->old[i], (long)i, NULL));
        json_t *was = json_array_get(p->a, (size_t)p->old[i]);
        if (!json_equal(was, item))
            add_change(changes, "changed", s, item,
                       where(p->old[i], (long)i, fields_of(was, item, "")));
    }
}

static void tell_removed(json_t *changes, const struct section *s, const json_t *a,
                         const struct map *in_b)
{
    for (size_t i = 0; i < json_array_size(a); i++) {
        json_t *item = json_array_get(a, i);
        if (find(in_b, name_of(item, s->key)) < 0)
            add_change(changes, "removed", s, item, where((long)i, -1, NULL));
    }
}

static enum err diff_section(json_t *changes, const struct section *s, const json_t *a,
                             const json_t *b)
{
    struct map in_a, in_b;
    size_t n = json_array_size(b);
    struct pairing p = {a, b, calloc(n + 1, sizeof *p.old), calloc(n + 1, sizeof *p.kept)};
    enum err one = index_names(&in_a, a, s->key), two = index_names(&in_b, b, s->key);
    enum err e = p.old && p.kept && one == OK && two == OK ? OK : ERR_NOMEM;
    if (e == OK) {
        tell_removed(changes, s, a, &in_b);
        for (size_t i = 0; i < n; i++)
            p.old[i] = find(&in_a, name_of(json_array_get(b, i), s->key));
        mark_kept(p.old, n, p.kept);
        tell_items(changes, s, &p);
    }
    map_fini(&in_a);
    map_fini(&in_b);
    free(p.old);
    free(p.kept);
    return e;
}

static void diff_settings(json_t *changes, const json_t *a, const json_t *b)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        json_t *v = json_object_get(a, settings[i]), *w = json_object_get(b, settings[i]);
        if (v == w || json_equal(v, w))
            continue;
        json_t *fields = json_array();
        add_field(fields, "", settings[i], v, w);
        json_t *c = json_pack("{s:s, s:s, s:s, s:s}", "op", "changed", "kind", "setting", "id",
                              settings[i], "name", settings[i]);
        json_t *rest = where(-1, -1, fields);
        json_object_update(c, rest);
        json_decref(rest);
        json_array_append_new(changes, c);
    }
}

enum err policy_diff(struct str before, struct str after, json_t **changes)
{
    json_t *a = json_loadb(before.p, before.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *b = json_loadb(after.p, after.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *out = json_array();
    enum err e = json_is_object(a) && json_is_object(b) && out ? OK : ERR_INVALID;
    for (size_t i = 0; e == OK && i < sizeof sections / sizeof sections[0]; i++)
        e = diff_section(out, &sections[i], array_of(a, sections[i].member),
                         array_of(b, sections[i].member));
    if (e == OK)
        diff_settings(out, a, b);
    json_decref(a);
    json_decref(b);
    if (e == OK)
        *changes = out;
    else
        json_decref(out);
    return e;
}
