/* subscription_config: one table for names, types, bounds and defaults. */
#include "adminui/subscription_config.h"

#include <stddef.h>
#include <string.h>

#include "base/url.h"
#include "db/list_rows.h"

enum kind { TEXT, NUMBER, NUMBER64, SWITCH };

#define AT(member) offsetof(struct subscription_config, member)

static const struct member {
    const char *name;
    enum kind kind;
    size_t at;
    int64_t min, max, otherwise; /* of a text: bytes */
} members[] = {
    {"name", TEXT, AT(name), 1, 100, 0},
    {"url", TEXT, AT(url), 1, 2000, 0},
    {"category", TEXT, AT(category), 0, 64, 0},
    {"prefix", TEXT, AT(prefix), 0, 64, 0},
    {"username", TEXT, AT(username), 0, 200, 0},
    {"password", TEXT, AT(password), 0, 500, 0},
    {"ca_file", TEXT, AT(ca_file), 0, 1000, 0},
    {"proxy", TEXT, AT(proxy), 0, 300, 0},
    {"checksum", TEXT, AT(checksum), 0, 64, 0},
    {"checksum_url", TEXT, AT(checksum_url), 0, 2000, 0},
    {"every_hours", NUMBER, AT(every_hours), 1, 24 * 30, 24},
    {"enabled", SWITCH, AT(is_enabled), 0, 0, 1},
    {"allow_private", SWITCH, AT(may_be_private), 0, 0, 0},
    {"max_bytes", NUMBER64, AT(max_bytes), 1024, (int64_t)2 << 30, (int64_t)256 << 20},
    {"max_entries", NUMBER64, AT(max_entries), 1, 50000000, 10000000},
    {"shrink_percent", NUMBER, AT(shrink_percent), 0, 100, 20},
    {"grow_percent", NUMBER, AT(grow_percent), 0, 100000, 100},
};

#define N_MEMBERS (sizeof members / sizeof *members)

static void fault(struct report *r, const char *name, const char *code, const char *message)
{
    char pointer[64] = "/";
    size_t n = strlen(name);
    memcpy(pointer + 1, name, n + 1);
    report_fault(r, pointer, code, "%s", message);
}

static void read_text(const struct member *m, const json_t *v, void *to, struct report *r)
{
    const char **out = to;
    *out = "";
    if (!v || json_is_null(v)) {
        if (m->min)
            fault(r, m->name, "missing", "This is needed.");
        return;
    }
    if (!json_is_string(v)) {
        fault(r, m->name, "wrong-type", "A text.");
        return;
    }
    int64_t n = (int64_t)json_string_length(v);
    if (n < m->min || n > m->max || strlen(json_string_value(v)) != (size_t)n)
        fault(r, m->name, "bad-length", "Empty, too long, or with a zero byte.");
    *out = json_string_value(v);
}

static void read_number(const struct member *m, const json_t *v, void *to, struct report *r)
{
    int64_t n = v && !json_is_null(v) ? json_integer_value(v) : m->otherwise;
    if (v && !json_is_null(v) && !json_is_integer(v))
        fault(r, m->name, "wrong-type", "A number.");
    else if (n < m->min || n > m->max)
        fault(r, m->name, "out-of-range", "Outside what is possible here.");
    if (m->kind == NUMBER64)
        *(uint64_t *)to = (uint64_t)n;
    else
        *(unsigned *)to = (unsigned)n;
}

static void read_switch(const struct member *m, const json_t *v, void *to, struct report *r)
{
    if (v && !json_is_null(v) && !json_is_boolean(v))
        fault(r, m->name, "wrong-type", "true or false.");
    *(bool *)to = v && !json_is_null(v) ? json_is_true(v) : m->otherwise != 0;
}

#define BAD_URL "This is no http or https URL, or there is a name or password in it."

/* Everybody who may look sees it: a name and a password have members of their own. */
static bool is_http(const char *text)
{
    struct url url;
    return url_parse(str_of(text), &url) == OK;
}

/* What no table can say. */
static void check(const struct subscription_config *c, const json_t *json, struct report *r)
{
    const char *format = json_string_value(json_object_get(json, "format"));
    if (*c->url && !is_http(c->url))
        fault(r, "url", "bad-url", BAD_URL);
    if (*c->checksum_url && !is_http(c->checksum_url))
        fault(r, "checksum_url", "bad-url", BAD_URL);
    if (*c->category && !list_rows_is_name(str_of(c->category)))
        fault(r, "category", "bad-name",
              "A category's name has 1 to 64 of a-z, 0-9, -, _ and dot.");
    if (*c->checksum &&
        (strlen(c->checksum) != 64 || strspn(c->checksum, "0123456789abcdefABCDEF") != 64))
        fault(r, "checksum", "bad-checksum", "A SHA-256 has 64 hexadecimal digits.");
    enum list_format unused;
    if (format && !list_format_from_name(str_of(format), &unused))
        fault(r, "format", "unknown-format", "There is no such format; auto finds out by itself.");
}

void subscription_config_read(const json_t *json, struct subscription_config *out,
                              struct report *report)
{
    const char *name;
    const json_t *v;
    *out = (struct subscription_config){.format = LIST_AUTO};
    json_object_foreach((json_t *)(uintptr_t)json, name, v)
    {
        bool is_known = strcmp(name, "format") == 0;
        for (size_t i = 0; i < N_MEMBERS; i++)
            is_known = is_known || strcmp(name, members[i].name) == 0;
        if (!is_known && strlen(name) < 60)
            fault(report, name, "unknown-key", "There is no such setting.");
    }
    for (size_t i = 0; i < N_MEMBERS; i++) {
        void *to = (char *)out + members[i].at;
        v = json_object_get(json, members[i].name);
        switch (members[i].kind) {
        case TEXT: read_text(&members[i], v, to, report); break;
        case NUMBER:
        case NUMBER64: read_number(&members[i], v, to, report); break;
        case SWITCH: read_switch(&members[i], v, to, report); break;
        }
    }
    enum list_format format = LIST_AUTO;
    const char *word = json_string_value(json_object_get(json, "format"));
    if (word && list_format_from_name(str_of(word), &format))
        out->format = format;
    check(out, json, report);
}

json_t *subscription_config_json(const struct subscription_config *c, const char *password)
{
    json_t *j = json_object();
    for (size_t i = 0; i < N_MEMBERS; i++) {
        const void *from = (const char *)c + members[i].at;
        json_t *v = NULL;
        switch (members[i].kind) {
        case TEXT: v = json_string(*(const char *const *)from); break;
        case NUMBER: v = json_integer(*(const unsigned *)from); break;
        case NUMBER64: v = json_integer((json_int_t) * (const uint64_t *)from); break;
        case SWITCH: v = json_boolean(*(const bool *)from); break;
        }
        if (strcmp(members[i].name, "password") == 0) {
            json_decref(v);
            v = password ? json_string(password) : json_null();
        }
        json_object_set_new(j, members[i].name, v);
    }
    json_object_set_new(j, "format", json_string(list_format_name(c->format)));
    return j;
}
