/* settings_proxy: a table of keys with their bounds, and the walk over the document. */
#include "db/settings_proxy.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "db/settings_privacy.h"
#include "db/settings_traffic.h"
#include "policies/reader.h"

#define TEXT_MAX 500
#define NODE_MAX 64

static const char default_document[] =
    "{\"node\":\"proxyd\",\"realm\":\"Internet access\",\"contact\":\"\",\"note\":\"\","
    "\"timeouts_ms\":{\"head\":20000,\"idle\":120000,\"identity\":15000,\"resolve\":10000,"
    "\"connect\":20000,\"answer\":300000,\"body\":300000,\"tunnel\":3600000,\"reply\":30000,"
    "\"pool\":55000,\"drain\":10000},"
    "\"limits\":{\"clients\":50000,\"per_client\":4000,\"pool\":1024,\"pool_per_host\":128,"
    "\"drain_body_bytes\":262144,\"head_bytes\":131072,\"line_bytes\":32768,"
    "\"field_bytes\":65792,\"fields\":128,\"memory_mb\":0},"
    "\"traffic\":" SETTINGS_TRAFFIC_DEFAULT ",\"listeners\":[],"
    "\"warn_remembered_s\":3600,\"when_log_full\":\"refuse\",\"retention_days\":90}";

struct str settings_proxy_default_document(void)
{
    return str_of(default_document);
}

struct number {
    const char *group; /* "" for the top level */
    const char *key;
    size_t offset;
    uint32_t least, most, standard;
};

#define AT(member) offsetof(struct settings_proxy, member)
static const struct number numbers[] = {
    {"timeouts_ms", "head", AT(head_ms), 100, 3600000, 20000},
    {"timeouts_ms", "idle", AT(idle_ms), 100, 86400000, 120000},
    {"timeouts_ms", "identity", AT(identity_ms), 100, 600000, 15000},
    {"timeouts_ms", "resolve", AT(resolve_ms), 100, 600000, 10000},
    {"timeouts_ms", "connect", AT(connect_ms), 100, 600000, 20000},
    {"timeouts_ms", "answer", AT(answer_ms), 100, 86400000, 300000},
    {"timeouts_ms", "body", AT(body_ms), 100, 86400000, 300000},
    {"timeouts_ms", "tunnel", AT(tunnel_ms), 100, 604800000, 3600000},
    {"timeouts_ms", "reply", AT(reply_ms), 100, 600000, 30000},
    {"timeouts_ms", "pool", AT(pool_ms), 100, 3600000, 55000},
    {"timeouts_ms", "drain", AT(drain_ms), 0, 3600000, 10000},
    {"limits", "clients", AT(clients), 1, 1000000, 50000},
    {"limits", "per_client", AT(per_client), 0, 1000000, 4000},
    {"limits", "pool", AT(pool), 0, 1000000, 1024},
    {"limits", "pool_per_host", AT(pool_per_host), 0, 100000, 128},
    {"limits", "drain_body_bytes", AT(drain_body_bytes), 0, 1u << 30, 262144},
    {"limits", "head_bytes", AT(head_bytes), 1024, 200000, 131072},
    {"limits", "line_bytes", AT(line_bytes), 256, 131072, 32768},
    {"limits", "field_bytes", AT(field_bytes), 256, 131072, 65792},
    {"limits", "fields", AT(fields), 8, 256, 128},
    {"limits", "memory_mb", AT(memory_mb), 0, 1u << 20, 0},
    {"", "warn_remembered_s", AT(warn_remembered_s), 1, 86400u * 30, 3600},
    {"", "retention_days", AT(retention_days), 0, 36500, 90},
};
#define N_NUMBERS (sizeof numbers / sizeof *numbers)

struct text {
    const char *key;
    size_t offset;
    const char *standard;
    size_t most;
    bool is_token; /* letters, digits, ".-_", not empty */
};
static const struct text texts[] = {
    {"node", AT(node), "proxyd", NODE_MAX, true},
    {"realm", AT(realm), "Internet access", 120, false},
    {"contact", AT(contact), "", TEXT_MAX, false},
    {"note", AT(note), "", TEXT_MAX, false},
};
#define N_TEXTS (sizeof texts / sizeof *texts)

static void set_number(struct settings_proxy *s, const struct number *n, uint32_t v)
{
    memcpy((char *)s + n->offset, &v, sizeof v);
}

static void read_number(struct settings_proxy *s, const struct number *n, const json_t *v,
                        struct report *report)
{
    char pointer[96];
    snprintf(pointer, sizeof pointer, "%s%s/%s", *n->group ? "/" : "", n->group, n->key);
    if (!json_is_integer(v)) {
        report_fault(report, pointer, "bad-type", "%s must be a whole number", n->key);
        return;
    }
    json_int_t x = json_integer_value(v);
    if (x < (json_int_t)n->least || x > (json_int_t)n->most)
        report_fault(report, pointer, "out-of-range", "%s must be from %u to %u", n->key, n->least,
                     n->most);
    else
        set_number(s, n, (uint32_t)x);
}

static bool is_good_text(const struct text *t, struct str v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
        if (c < 0x20 || c == 0x7f || (t->is_token && !is_word))
            return false;
    }
    return v.n > 0 || !t->is_token;
}

static enum err set_text(struct settings_proxy *s, const struct text *t, struct str v)
{
    struct str copy = arena_str(&s->arena, v);
    if (!copy.p)
        return ERR_NOMEM;
    memcpy((char *)s + t->offset, &copy, sizeof copy);
    return OK;
}

static enum err read_text(struct settings_proxy *s, const struct text *t, const json_t *v,
                          struct report *report)
{
    char pointer[96];
    snprintf(pointer, sizeof pointer, "/%s", t->key);
    if (!json_is_string(v)) {
        report_fault(report, pointer, "bad-type", "%s must be a text", t->key);
        return OK;
    }
    struct str x = str_make(json_string_value(v), json_string_length(v));
    if (x.n > t->most)
        report_fault(report, pointer, "too-long", "%s is longer than %zu bytes", t->key, t->most);
    else if (!is_good_text(t, x))
        report_fault(report, pointer, "bad-text",
                     t->is_token ? "%s must be letters, digits and . - _"
                                 : "%s holds control characters",
                     t->key);
    else
        return set_text(s, t, x);
    return OK;
}

static const struct number *number_named(const char *group, const char *key)
{
    for (size_t i = 0; i < N_NUMBERS; i++)
        if (strcmp(numbers[i].group, group) == 0 && strcmp(numbers[i].key, key) == 0)
            return &numbers[i];
    return NULL;
}

static void read_group(struct settings_proxy *s, const char *group, json_t *o,
                       struct report *report)
{
    char pointer[160];
    const char *key;
    json_t *v;
    snprintf(pointer, sizeof pointer, "/%s", group);
    if (!json_is_object(o)) {
        report_fault(report, pointer, "bad-type", "%s must be an object", group);
        return;
    }
    json_object_foreach(o, key, v)
    {
        const struct number *n = number_named(group, key);
        snprintf(pointer, sizeof pointer, "/%s/%.100s", group, key);
        if (n)
            read_number(s, n, v, report);
        else
            report_fault(report, pointer, "unknown-key", "no such setting");
    }
}

static enum err read_top(struct settings_proxy *s, const char *key, json_t *v,
                         struct report *report)
{
    char pointer[160];
    for (size_t i = 0; i < N_TEXTS; i++)
        if (strcmp(texts[i].key, key) == 0)
            return read_text(s, &texts[i], v, report);
    const struct number *n = *key ? number_named("", key) : NULL;
    if (n) {
        read_number(s, n, v, report);
    } else if (strcmp(key, "timeouts_ms") == 0 || strcmp(key, "limits") == 0) {
        read_group(s, key, v, report);
    } else if (strcmp(key, "traffic") == 0 || strcmp(key, "listeners") == 0) {
        return OK; /* read when the numbers they build on are known */
    } else if (strcmp(key, "when_log_full") == 0) {
        const char *x = json_string_value(v);
        if (x && (strcmp(x, "drop") == 0 || strcmp(x, "refuse") == 0))
            s->refuse_when_log_full = strcmp(x, "refuse") == 0;
        else
            report_fault(report, "/when_log_full", "bad-value",
                         "when_log_full must be \"drop\" or \"refuse\"");
    } else {
        snprintf(pointer, sizeof pointer, "/%.100s", key);
        report_fault(report, pointer, "unknown-key", "no such setting");
    }
    return OK;
}

static enum err set_standards(struct settings_proxy *s)
{
    memset(s, 0, sizeof *s);
    arena_init(&s->arena, 512, (size_t)128 * 1024);
    for (size_t i = 0; i < N_NUMBERS; i++)
        set_number(s, &numbers[i], numbers[i].standard);
    s->refuse_when_log_full = true; /* no record is lost unless somebody has chosen so */
    enum err e = OK;
    for (size_t i = 0; i < N_TEXTS && e == OK; i++)
        e = set_text(s, &texts[i], str_of(texts[i].standard));
    return e;
}

enum err settings_proxy_parse(struct str document, struct report *report,
                              struct settings_proxy *out)
{
    struct settings_proxy s;
    const char *key;
    json_t *v;
    report_init(report);
    enum err e = set_standards(&s);
    json_t *doc = reader_document(document, report);
    json_object_foreach(doc, key, v)
    {
        if (e == OK)
            e = read_top(&s, key, v, report);
    }
    if (e == OK)
        e = settings_traffic_parse(json_object_get(doc, "traffic"), s.per_client, &s.arena, report,
                                   &s.traffic);
    if (e == OK)
        e = settings_privacy_parse(json_object_get(doc, "listeners"), &s.arena, report, &s.privacy);
    json_decref(doc);
    if (e == OK && report_has_faults(report))
        e = ERR_INVALID;
    if (e == OK)
        *out = s;
    else
        settings_proxy_fini(&s);
    return e;
}

void settings_proxy_fini(struct settings_proxy *s)
{
    arena_fini(&s->arena);
    memset(s, 0, sizeof *s);
}
