/* reader: strict members of JSON objects. */
#include "policies/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

json_t *reader_document(struct str document, struct report *report)
{
    json_error_t fault;
    json_t *j =
        json_loadb(document.p ? document.p : "", document.n, JSON_REJECT_DUPLICATES, &fault);
    if (json_is_object(j))
        return j;
    if (!j)
        report_fault(report, "", "bad-json", "line %d, column %d: %s", fault.line, fault.column,
                     fault.text);
    else
        report_fault(report, "", "bad-type", "the document must be an object");
    json_decref(j);
    return NULL;
}

size_t reader_enter(struct reader *r, const char *name)
{
    size_t mark = r->n;
    if (r->n + 1 < sizeof r->pointer)
        r->pointer[r->n++] = '/';
    for (const char *c = name; *c && r->n + 3 < sizeof r->pointer; c++) {
        if (*c == '~' || *c == '/') {
            r->pointer[r->n++] = '~';
            r->pointer[r->n++] = *c == '~' ? '0' : '1';
        } else {
            r->pointer[r->n++] = *c;
        }
    }
    r->pointer[r->n] = '\0';
    return mark;
}

size_t reader_enter_at(struct reader *r, size_t index)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%zu", index);
    return reader_enter(r, digits);
}

void reader_leave(struct reader *r, size_t mark)
{
    r->n = mark;
    r->pointer[mark] = '\0';
}

void reader_fault(struct reader *r, const char *code, const char *format, ...)
{
    char message[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    report_fault(r->report, r->pointer, code, "%s", message);
}

struct str reader_copy(struct reader *r, struct str s)
{
    struct str c = arena_str(r->arena, s);
    if (!c.p) {
        r->is_out_of_memory = true;
        return STR("");
    }
    return c;
}

void *reader_alloc(struct reader *r, size_t n, size_t size)
{
    void *p = n <= SIZE_MAX / (size ? size : 1) ? arena_alloc(r->arena, n * size) : NULL;
    if (!p)
        r->is_out_of_memory = true;
    return p;
}

void reader_only(struct reader *r, const json_t *object, const char *const *names)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool is_known = false;
        for (const char *const *n = names; *n && !is_known; n++)
            is_known = strcmp(*n, key) == 0;
        if (is_known)
            continue;
        size_t mark = reader_enter(r, key);
        reader_fault(r, "unknown-key", "There is no key \"%.60s\" here.", key);
        reader_leave(r, mark);
    }
}

void reader_string(struct reader *r, const json_t *object, const char *name, struct str *out)
{
    const json_t *v = json_object_get(object, name);
    if (!v || json_is_null(v))
        return;
    if (json_is_string(v)) {
        *out = reader_copy(r, str_make(json_string_value(v), json_string_length(v)));
        return;
    }
    size_t mark = reader_enter(r, name);
    reader_fault(r, "wrong-type", "\"%s\" is a text.", name);
    reader_leave(r, mark);
}

void reader_bool(struct reader *r, const json_t *object, const char *name, bool *out)
{
    const json_t *v = json_object_get(object, name);
    if (!v)
        return;
    if (json_is_boolean(v)) {
        *out = json_is_true(v);
        return;
    }
    size_t mark = reader_enter(r, name);
    reader_fault(r, "wrong-type", "\"%s\" is true or false.", name);
    reader_leave(r, mark);
}

void reader_u64(struct reader *r, const json_t *object, const char *name, uint64_t max,
                uint64_t *out)
{
    const json_t *v = json_object_get(object, name);
    if (!v || json_is_null(v))
        return;
    json_int_t n = json_integer_value(v);
    if (json_is_integer(v) && n >= 1 && (uint64_t)n <= max) {
        *out = (uint64_t)n;
        return;
    }
    size_t mark = reader_enter(r, name);
    reader_fault(r, "bad-number", "\"%s\" is a whole number from 1 to %llu.", name,
                 (unsigned long long)max);
    reader_leave(r, mark);
}

void reader_word(struct reader *r, const json_t *object, const char *name, const char *const *words,
                 int *out)
{
    const json_t *v = json_object_get(object, name);
    if (!v)
        return;
    const char *z = json_string_value(v);
    for (int i = 0; z && words[i]; i++) {
        if (strcmp(words[i], z) == 0) {
            *out = i;
            return;
        }
    }
    char all[200] = "";
    size_t n = 0;
    for (int i = 0; words[i] && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", words[i]);
    size_t mark = reader_enter(r, name);
    reader_fault(r, "unknown-word", "\"%s\" is one of: %s.", name, all);
    reader_leave(r, mark);
}

static bool digits(struct str s, size_t at, size_t n, int *out)
{
    uint64_t v;
    if (at + n > s.n || str_to_u64(str_sub(s, at, at + n), 9999, &v) != OK)
        return false;
    *out = (int)v;
    return true;
}

/* The part behind the seconds: fraction and zone. */
static bool tail(struct str s, int *ms, int *offset_min)
{
    *ms = 0;
    size_t at = 0;
    if (s.n && s.p[0] == '.') {
        int scale = 100;
        for (at = 1; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++, scale /= 10)
            *ms += (s.p[at] - '0') * scale;
        if (at == 1)
            return false;
    }
    s = str_sub(s, at, s.n);
    *offset_min = 0;
    if (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z'))
        return true;
    int h, m;
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' || !digits(s, 1, 2, &h) ||
        !digits(s, 4, 2, &m) || h > 23 || m > 59)
        return false;
    *offset_min = (s.p[0] == '-' ? -1 : 1) * (h * 60 + m);
    return true;
}

bool reader_parse_time(struct str s, int64_t *out)
{
    int y, mo, d, h, mi, sec, ms, offset;
    if (s.n < 20 || !digits(s, 0, 4, &y) || s.p[4] != '-' || !digits(s, 5, 2, &mo) ||
        s.p[7] != '-' || !digits(s, 8, 2, &d) || (s.p[10] != 'T' && s.p[10] != 't') ||
        !digits(s, 11, 2, &h) || s.p[13] != ':' || !digits(s, 14, 2, &mi) || s.p[16] != ':' ||
        !digits(s, 17, 2, &sec))
        return false;
    if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 60 || y < 1970 ||
        !tail(str_sub(s, 19, s.n), &ms, &offset))
        return false;
    struct tm tm = {.tm_year = y - 1900,
                    .tm_mon = mo - 1,
                    .tm_mday = d,
                    .tm_hour = h,
                    .tm_min = mi,
                    .tm_sec = sec};
    time_t t = timegm(&tm);
    if (tm.tm_mday != d)
        return false; /* such as the 31st of February */
    *out = ((int64_t)t - (int64_t)offset * 60) * 1000 + ms;
    return true;
}

void reader_time(struct reader *r, const json_t *object, const char *name, int64_t *out)
{
    const json_t *v = json_object_get(object, name);
    if (!v || json_is_null(v))
        return;
    if (json_is_string(v) &&
        reader_parse_time(str_make(json_string_value(v), json_string_length(v)), out))
        return;
    size_t mark = reader_enter(r, name);
    reader_fault(r, "bad-time", "\"%s\" is a time such as 2026-12-31T18:00:00Z, or null.", name);
    reader_leave(r, mark);
}

static const json_t *of_type(struct reader *r, const json_t *object, const char *name,
                             json_type type)
{
    const json_t *v = json_object_get(object, name);
    if (!v || json_typeof(v) == type)
        return v;
    size_t mark = reader_enter(r, name);
    reader_fault(r, "wrong-type", "\"%s\" is %s.", name,
                 type == JSON_ARRAY ? "a list" : "an object");
    reader_leave(r, mark);
    return NULL;
}

const json_t *reader_array(struct reader *r, const json_t *object, const char *name)
{
    return of_type(r, object, name, JSON_ARRAY);
}

const json_t *reader_object(struct reader *r, const json_t *object, const char *name)
{
    return of_type(r, object, name, JSON_OBJECT);
}
