/* fields: table-driven checks. */
#include "adminui/fields.h"

#include <stdio.h>
#include <string.h>

#include "adminui/problem.h"

#define DEFAULT_MAX 4096

static const struct field *find(const struct field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static bool is_of_kind(const json_t *v, enum field_kind kind)
{
    size_t i;
    const json_t *each;
    switch (kind) {
    case FIELD_STR: return json_is_string(v);
    case FIELD_BOOL: return json_is_boolean(v);
    case FIELD_INT: return json_is_integer(v);
    case FIELD_OBJECT: return json_is_object(v);
    case FIELD_NAMES:
        if (!json_is_array(v))
            return false;
        json_array_foreach(v, i, each)
        {
            if (!json_is_string(each))
                return false;
        }
        return true;
    }
    return false;
}

static const char *kind_name(enum field_kind kind)
{
    static const char *const names[] = {"a string", "true or false", "a whole number",
                                        "an array of strings", "an object"};
    return names[kind];
}

static int64_t size_of(const json_t *v, enum field_kind kind)
{
    switch (kind) {
    case FIELD_STR: return (int64_t)json_string_length(v);
    case FIELD_INT: return json_integer_value(v);
    case FIELD_NAMES: return (int64_t)json_array_size(v);
    case FIELD_BOOL:
    case FIELD_OBJECT: break;
    }
    return 0;
}

/* True when the fault is one of grammar, not of content. */
static bool check_one(struct report *r, const struct field *f, const json_t *v)
{
    char pointer[80];
    int64_t max = f->max ? f->max : DEFAULT_MAX;
    snprintf(pointer, sizeof pointer, "/%s", f->name);
    if (!v || (json_is_null(v) && !f->may_be_null)) {
        if (f->is_required || v)
            report_fault(r, pointer, "missing", "%s is needed.", f->name);
        return v != NULL;
    }
    if (json_is_null(v))
        return false;
    if (!is_of_kind(v, f->kind)) {
        report_fault(r, pointer, "wrong-type", "%s must be %s.", f->name, kind_name(f->kind));
        return true;
    }
    int64_t size = size_of(v, f->kind);
    if (f->kind == FIELD_BOOL || f->kind == FIELD_OBJECT)
        return false;
    if (size >= f->min && size <= max)
        return false;
    const char *code = size < f->min ? "too-small" : "too-large";
    const char *unit = f->kind == FIELD_STR ? " bytes" : f->kind == FIELD_NAMES ? " entries" : "";
    report_fault(r, pointer, code, "%s must have from %lld to %lld%s.", f->name, (long long)f->min,
                 (long long)max, unit);
    return false;
}

bool fields_check(struct call *c, const struct field *fields, size_t n)
{
    struct report r;
    bool is_syntax = false;
    const char *name;
    json_t *value;
    report_init(&r);
    json_object_foreach(c->json, name, value)
    {
        if (!find(fields, n, name)) {
            char pointer[80];
            snprintf(pointer, sizeof pointer, "/%.60s", name);
            report_fault(&r, pointer, "unknown-member", "There is no member \"%.60s\".", name);
            is_syntax = true;
        }
    }
    for (size_t i = 0; i < n; i++)
        is_syntax |= check_one(&r, &fields[i], json_object_get(c->json, fields[i].name));
    bool good = !report_has_faults(&r);
    if (!good)
        problem_reply_report(c, &r, is_syntax);
    report_fini(&r);
    return good;
}

void fields_number_as_text(json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    if (json_is_integer(v))
        json_object_set_new(object, name, json_sprintf("%lld", (long long)json_integer_value(v)));
}

struct str fields_str(const json_t *object, const char *name, struct str otherwise)
{
    const json_t *v = json_object_get(object, name);
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : otherwise;
}

bool fields_bool(const json_t *object, const char *name, bool otherwise)
{
    const json_t *v = json_object_get(object, name);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

int64_t fields_int(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(object, name);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool fields_has(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    return v && !json_is_null(v);
}

enum err fields_names(struct call *c, const char *name, struct str *out)
{
    size_t i;
    const json_t *each, *all = json_object_get(c->json, name);
    struct buf b;
    buf_init(&b, CALL_BODY_MAX);
    enum err e = OK;
    json_array_foreach(all, i, each)
    {
        struct str s = str_make(json_string_value(each), json_string_length(each));
        if (!s.n || memchr(s.p, '\n', s.n))
            e = ERR_INVALID;
        if (i)
            buf_add_c(&b, '\n');
        buf_add(&b, s);
    }
    struct str copy = arena_str(&c->arena, buf_str(&b));
    if (e == OK && (b.failed || !copy.p))
        e = ERR_NOMEM;
    if (e == OK)
        *out = copy;
    buf_fini(&b);
    return e;
}

json_t *fields_names_json(struct str joined)
{
    json_t *all = json_array();
    struct str one;
    while (str_split(&joined, '\n', &one))
        if (one.n)
            json_array_append_new(all, json_stringn(one.p, one.n));
    return all;
}
