/* pac_read: see pac_read.h. */
#include "pac/pac_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void path_add(struct pac_read *r, char c)
{
    if (r->n + 1 < sizeof r->path) {
        r->path[r->n++] = c;
        r->path[r->n] = 0;
    }
}

size_t pac_read_enter(struct pac_read *r, const char *key)
{
    size_t mark = r->n;
    path_add(r, '/');
    for (; *key; key++) {
        if (*key == '~' || *key == '/') {
            path_add(r, '~');
            path_add(r, *key == '~' ? '0' : '1');
        } else {
            path_add(r, *key);
        }
    }
    return mark;
}

size_t pac_read_enter_at(struct pac_read *r, size_t index)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%zu", index);
    return pac_read_enter(r, digits);
}

void pac_read_leave(struct pac_read *r, size_t mark)
{
    r->n = mark;
    r->path[mark] = 0;
}

void pac_read_fault(struct pac_read *r, const char *code, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report_fault(r->report, r->path, code, "%s", text);
}

void pac_read_warning(struct pac_read *r, const char *code, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report_warning(r->report, r->path, code, "%s", text);
}

static void wrong_type(struct pac_read *r, const char *key, const char *want)
{
    size_t mark = pac_read_enter(r, key);
    pac_read_fault(r, "wrong-type", "This must be %s.", want);
    pac_read_leave(r, mark);
}

static bool is_known(const char *key, const char *const *keys)
{
    for (; *keys; keys++) {
        if (strcmp(*keys, key) == 0)
            return true;
    }
    return false;
}

bool pac_read_object(struct pac_read *r, const json_t *v, const char *const *keys)
{
    if (!json_is_object(v)) {
        pac_read_fault(r, "wrong-type", "This must be an object.");
        return false;
    }
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
    {
        if (is_known(key, keys))
            continue;
        size_t mark = pac_read_enter(r, key);
        pac_read_fault(r, "unknown-key", "There is no such setting.");
        pac_read_leave(r, mark);
    }
    return true;
}

json_t *pac_read_array(struct pac_read *r, const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    if (!v || json_is_array(v))
        return v;
    wrong_type(r, key, "a list");
    return NULL;
}

bool pac_read_bool(struct pac_read *r, const json_t *object, const char *key, bool absent)
{
    const json_t *v = json_object_get(object, key);
    if (v && !json_is_boolean(v))
        wrong_type(r, key, "true or false");
    return json_is_boolean(v) ? json_is_true(v) : absent;
}

struct str pac_read_str(struct pac_read *r, const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    if (v && !json_is_string(v))
        wrong_type(r, key, "a text");
    if (!json_is_string(v))
        return STR("");
    return str_make(json_string_value(v), json_string_length(v));
}

uint64_t pac_read_number(struct pac_read *r, const json_t *object, const char *key,
                         struct pac_read_range range)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return range.absent;
    json_int_t i = json_integer_value(v);
    if (json_is_integer(v) && i >= 0 && (uint64_t)i >= range.lo && (uint64_t)i <= range.hi)
        return (uint64_t)i;
    size_t mark = pac_read_enter(r, key);
    pac_read_fault(r, "out-of-range", "This must be a whole number from %llu to %llu.",
                   (unsigned long long)range.lo, (unsigned long long)range.hi);
    pac_read_leave(r, mark);
    return range.absent;
}

unsigned pac_read_word(struct pac_read *r, const json_t *object, const char *key,
                       const char *const *words)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return 0;
    char all[128] = "";
    size_t n = 0;
    for (unsigned i = 0; words[i]; i++) {
        if (json_is_string(v) && strcmp(json_string_value(v), words[i]) == 0)
            return i;
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", words[i]);
    }
    size_t mark = pac_read_enter(r, key);
    pac_read_fault(r, "unknown-value", "This must be one of: %s.", all);
    pac_read_leave(r, mark);
    return 0;
}

bool pac_read_text(struct pac_read *r, const json_t *v, struct str *out)
{
    if (!json_is_string(v)) {
        pac_read_fault(r, "wrong-type", "This must be a text.");
        return false;
    }
    struct str s = str_make(json_string_value(v), json_string_length(v));
    if (s.n == 0 || str_find(s, '\0') != STR_NPOS) {
        pac_read_fault(r, "empty", "This must not be empty.");
        return false;
    }
    *out = s;
    return true;
}
