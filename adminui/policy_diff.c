/* policy_diff: two walks a kind: what is gone or different, then what is new. Which rules were
 * moved is told by the longest run of kept rules whose order is the same in both documents: the
 * others moved. */
#include "adminui/policy_diff.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kind {
    const char *member, *name, *key;
} kinds[] = {
    {"rules", "rule", "id"},
    {"lists", "list", "name"},
    {"schedules", "schedule", "name"},
    {"tests", "test", "name"},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static const char *text(const json_t *o, const char *member)
{
    const char *s = json_string_value(json_object_get(o, member));
    return s ? s : "";
}

/* Place of the object with this key; -1: none. */
static int find(const json_t *all, const char *key_member, const char *key)
{
    size_t i;
    const json_t *each;
    json_array_foreach(all, i, each)
    {
        if (strcmp(text(each, key_member), key) == 0)
            return (int)i;
    }
    return -1;
}

static json_t *place(int at)
{
    return at < 0 ? json_null() : json_integer(at);
}

struct change {
    const char *op;
    const struct kind *kind;
    const json_t *object; /* the newer one where there are two */
    int from, to;
    json_t *take_fields;
};

static void add(json_t *out, const struct change *c)
{
    const char *id = text(c->object, c->kind->key), *name = text(c->object, "name");
    json_array_append_new(out,
                          json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "op", c->op, "kind",
                                    c->kind->name, "id", id, "name", *name ? name : id,
                                    "from_position", place(c->from), "to_position", place(c->to),
                                    "fields", c->take_fields ? c->take_fields : json_array()));
}

static void add_field(json_t *fields, const char *member, json_t *before, json_t *after)
{
    char pointer[120];
    snprintf(pointer, sizeof pointer, "/%.100s", member);
    json_array_append_new(fields, json_pack("{s:s,s:O,s:O}", "pointer", pointer, "before",
                                            before ? before : json_null(), "after",
                                            after ? after : json_null()));
}

/* Members that differ; an empty array when none does. */
static json_t *fields_of(const json_t *a, const json_t *b)
{
    json_t *fields = json_array(), *value;
    const char *member;
    json_object_foreach((json_t *)(uintptr_t)a, member, value)
    {
        json_t *other = json_object_get(b, member);
        if (!json_equal(value, other))
            add_field(fields, member, value, other);
    }
    json_object_foreach((json_t *)(uintptr_t)b, member, value)
    {
        if (!json_object_get(a, member))
            add_field(fields, member, NULL, value);
    }
    return fields;
}

/* Marks in moved[] (by place in b) the kept objects outside the longest run that kept its order.
 * Patience: tails[] holds the end of the best run of each length. */
static void mark_moved(const json_t *a, const json_t *b, const struct kind *k, char *moved)
{
    size_t n = json_array_size(b), n_tails = 0;
    int *from = calloc(n + 1, sizeof *from), *tails = calloc(n + 1, sizeof *tails);
    int *before = calloc(n + 1, sizeof *before);
    for (size_t i = 0; from && tails && before && i < n; i++) {
        from[i] = find(a, k->key, text(json_array_get(b, i), k->key));
        if (from[i] < 0)
            continue;
        moved[i] = 1;
        size_t low = 0, high = n_tails;
        while (low < high) {
            size_t mid = (low + high) / 2;
            if (from[tails[mid]] < from[i])
                low = mid + 1;
            else
                high = mid;
        }
        before[i] = low ? tails[low - 1] : -1;
        tails[low] = (int)i;
        n_tails += low == n_tails;
    }
    for (int i = n_tails ? tails[n_tails - 1] : -1; before && i >= 0; i = before[i])
        moved[i] = 0;
    free(from);
    free(tails);
    free(before);
}

static void compare_kind(const json_t *a, const json_t *b, const struct kind *k, json_t *out)
{
    size_t i;
    const json_t *each;
    char *moved = calloc(json_array_size(b) + 1, 1);
    if (moved && strcmp(k->name, "rule") == 0)
        mark_moved(a, b, k, moved);
    json_array_foreach(a, i, each)
    {
        if (find(b, k->key, text(each, k->key)) < 0)
            add(out, &(struct change){"removed", k, each, (int)i, -1, NULL});
    }
    json_array_foreach(b, i, each)
    {
        int was = find(a, k->key, text(each, k->key));
        json_t *fields = was < 0 ? NULL : fields_of(json_array_get(a, (size_t)was), each);
        if (was < 0)
            add(out, &(struct change){"added", k, each, -1, (int)i, NULL});
        else if (json_array_size(fields))
            add(out, &(struct change){"changed", k, each, was, (int)i, json_incref(fields)});
        if (moved && moved[i])
            add(out, &(struct change){"moved", k, each, was, (int)i, NULL});
        json_decref(fields);
    }
    free(moved);
}

static int is_kind(const char *member)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(member, kinds[i].member) == 0)
            return 1;
    return 0;
}

static void add_setting(json_t *out, const char *member, json_t *before, json_t *after)
{
    json_t *fields = json_array();
    json_array_append_new(fields, json_pack("{s:s,s:O,s:O}", "pointer", "", "before",
                                            before ? before : json_null(), "after",
                                            after ? after : json_null()));
    const char *op = !before ? "added" : !after ? "removed" : "changed";
    json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s,s:n,s:n,s:o}", "op", op, "kind",
                                         "setting", "id", member, "name", member, "from_position",
                                         "to_position", "fields", fields));
}

static void compare_settings(const json_t *a, const json_t *b, json_t *out)
{
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, member, value)
    {
        json_t *other = json_object_get(b, member);
        if (!is_kind(member) && !json_equal(value, other))
            add_setting(out, member, value, other);
    }
    json_object_foreach((json_t *)(uintptr_t)b, member, value)
    {
        if (!is_kind(member) && !json_object_get(a, member))
            add_setting(out, member, NULL, value);
    }
}

json_t *policy_diff_changes(const json_t *from, const json_t *to)
{
    json_t *out = json_array();
    if (!out)
        return NULL;
    compare_settings(from, to, out);
    for (size_t i = 0; i < N_KINDS; i++)
        compare_kind(json_object_get(from, kinds[i].member), json_object_get(to, kinds[i].member),
                     &kinds[i], out);
    return out;
}
