/* settings_directory: tables of keys, the walk over the document, then what must fit together. */
#include "db/settings_directory.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "base/secret.h"
#include "policies/reader.h"

#define TEXT_MAX 1000

static const char default_document[] =
    "{\"enabled\":false,\"servers\":[],\"starttls\":true,\"allow_cleartext\":false,"
    "\"verify\":true,\"ca_file\":\"\",\"bind_dn\":\"\",\"bind_password\":\"\","
    "\"mode\":\"search\",\"base\":\"\",\"user_filter\":\"(objectClass=person)\","
    "\"login_attribute\":\"uid\",\"direct_dn\":\"\","
    "\"groups\":{\"from\":\"memberof\",\"base\":\"\",\"filter\":\"\","
    "\"member_attribute\":\"member\",\"name_attribute\":\"cn\",\"nested\":true},"
    "\"timeouts_ms\":{\"connect\":3000,\"operation\":5000},"
    "\"cache_s\":{\"good\":300,\"bad\":45,\"stale\":14400}}";

struct str settings_directory_default_document(void)
{
    return str_of(default_document);
}

enum kind { SWITCH, NUMBER, TEXT, ATTRIBUTE, FILTER, FILE_PATH, MODE, GROUPS_FROM, SERVERS, GROUP };

struct key {
    const char *group; /* "" for the top level */
    const char *name;
    enum kind kind;
    size_t offset;
    uint32_t least, most; /* of a number */
};

#define AT(member) offsetof(struct settings_directory, member)
static const struct key keys[] = {
    {"", "enabled", SWITCH, AT(is_enabled), 0, 0},
    {"", "servers", SERVERS, 0, 0, 0},
    {"", "starttls", SWITCH, AT(has_starttls), 0, 0},
    {"", "allow_cleartext", SWITCH, AT(may_be_cleartext), 0, 0},
    {"", "verify", SWITCH, AT(is_verified), 0, 0},
    {"", "ca_file", FILE_PATH, AT(ca_file), 0, 0},
    {"", "bind_dn", TEXT, AT(bind_dn), 0, 0},
    {"", "bind_password", TEXT, AT(bind_password), 0, 0},
    {"", "mode", MODE, 0, 0, 0},
    {"", "base", TEXT, AT(base), 0, 0},
    {"", "user_filter", FILTER, AT(user_filter), 0, 0},
    {"", "login_attribute", ATTRIBUTE, AT(login_attribute), 0, 0},
    {"", "direct_dn", TEXT, AT(direct_dn), 0, 0},
    {"", "groups", GROUP, 0, 0, 0},
    {"", "timeouts_ms", GROUP, 0, 0, 0},
    {"", "cache_s", GROUP, 0, 0, 0},
    {"groups", "from", GROUPS_FROM, 0, 0, 0},
    {"groups", "base", TEXT, AT(group_base), 0, 0},
    {"groups", "filter", FILTER, AT(group_filter), 0, 0},
    {"groups", "member_attribute", ATTRIBUTE, AT(member_attribute), 0, 0},
    {"groups", "name_attribute", ATTRIBUTE, AT(group_name_attribute), 0, 0},
    {"groups", "nested", SWITCH, AT(is_nested), 0, 0},
    {"timeouts_ms", "connect", NUMBER, AT(connect_ms), 100, 60000},
    {"timeouts_ms", "operation", NUMBER, AT(operation_ms), 100, 120000},
    {"cache_s", "good", NUMBER, AT(good_s), 1, 86400},
    {"cache_s", "bad", NUMBER, AT(bad_s), 1, 3600},
    {"cache_s", "stale", NUMBER, AT(stale_s), 0, 604800},
};
#define N_KEYS (sizeof keys / sizeof *keys)

/* One reading of one document. */
struct reading {
    struct settings_directory s;
    struct report *report;
    enum err e; /* of memory */
};

static struct str keep(struct reading *r, struct str text)
{
    struct str copy = arena_str(&r->s.arena, text);
    if (!copy.p) {
        r->e = ERR_NOMEM;
        copy = STR("");
    }
    return copy;
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool is_attribute(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '-'))))
            return false;
    }
    return s.n > 0 && s.n <= 64;
}

static bool is_hex(char c)
{
    c = str_lower(c);
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The outer form of RFC 4515: one parenthesised thing, balanced, escapes whole. The server judges
 * the rest. */
static bool is_filter(struct str s)
{
    size_t depth = 0;
    if (s.n < 3 || s.p[0] != '(')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '(')
            depth++;
        else if (s.p[i] == ')' && --depth == 0)
            return i + 1 == s.n;
        else if (s.p[i] == '\\' && (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
            return false;
    }
    return false;
}

static void read_text(struct reading *r, const struct key *k, const char *pointer, const json_t *v)
{
    bool is_null = json_is_null(v) && k->offset == AT(bind_password);
    if (!json_is_string(v) && !is_null) {
        report_fault(r->report, pointer, "bad-type", "%s must be a text", k->name);
        return;
    }
    struct str x = is_null ? STR("") : str_make(json_string_value(v), json_string_length(v));
    if (x.n > TEXT_MAX)
        report_fault(r->report, pointer, "too-long", "%s is longer than %d bytes", k->name,
                     TEXT_MAX);
    else if (!is_plain(x))
        report_fault(r->report, pointer, "bad-text", "%s holds control characters", k->name);
    else if (k->kind == ATTRIBUTE && !is_attribute(x))
        report_fault(r->report, pointer, "bad-attribute",
                     "%s must be the name of an attribute, such as uid", k->name);
    else if (k->kind == FILTER && x.n > 0 && !is_filter(x))
        report_fault(r->report, pointer, "bad-filter",
                     "%s must be one LDAP filter in parentheses, such as (objectClass=person)",
                     k->name);
    else if (k->kind == FILE_PATH && x.n > 0 && x.p[0] != '/')
        report_fault(r->report, pointer, "bad-path", "%s must be a path from the root", k->name);
    else {
        struct str copy = keep(r, x);
        memcpy((char *)&r->s + k->offset, &copy, sizeof copy);
    }
}

static void read_switch(struct reading *r, const struct key *k, const char *pointer,
                        const json_t *v)
{
    bool x = json_is_true(v);
    if (json_is_boolean(v))
        memcpy((char *)&r->s + k->offset, &x, sizeof x);
    else
        report_fault(r->report, pointer, "bad-type", "%s must be true or false", k->name);
}

static void read_number(struct reading *r, const struct key *k, const char *pointer,
                        const json_t *v)
{
    json_int_t x = json_integer_value(v);
    uint32_t u = (uint32_t)x;
    if (!json_is_integer(v))
        report_fault(r->report, pointer, "bad-type", "%s must be a whole number", k->name);
    else if (x < (json_int_t)k->least || x > (json_int_t)k->most)
        report_fault(r->report, pointer, "out-of-range", "%s must be from %u to %u", k->name,
                     k->least, k->most);
    else
        memcpy((char *)&r->s + k->offset, &u, sizeof u);
}

static void read_mode(struct reading *r, const char *pointer, const json_t *v)
{
    const char *x = json_string_value(v);
    if (x && (strcmp(x, "search") == 0 || strcmp(x, "direct") == 0))
        r->s.is_direct = strcmp(x, "direct") == 0;
    else
        report_fault(r->report, pointer, "bad-value", "mode must be \"search\" or \"direct\"");
}

static void read_groups_from(struct reading *r, const char *pointer, const json_t *v)
{
    static const char *const names[] = {[DIRECTORY_GROUPS_MEMBEROF] = "memberof",
                                        [DIRECTORY_GROUPS_SEARCH] = "search",
                                        [DIRECTORY_GROUPS_IN_CHAIN] = "in-chain",
                                        [DIRECTORY_GROUPS_NONE] = "none"};
    const char *x = json_string_value(v);
    for (size_t i = 0; x && i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], x) == 0) {
            r->s.groups = (enum directory_groups)i;
            return;
        }
    }
    report_fault(r->report, pointer, "bad-value",
                 "from must be \"memberof\", \"search\", \"in-chain\" or \"none\"");
}

/* "[::1]:636" or "name:636" or without a port; the host in any spelling we can normalise. */
static bool is_host_port(struct str s)
{
    struct host h;
    uint64_t port = 1;
    size_t end = s.n;
    size_t colon = str_rfind(s, ':');
    size_t bracket = str_rfind(s, ']');
    if (colon != STR_NPOS && (bracket == STR_NPOS || colon > bracket)) {
        if (str_to_u64(str_sub(s, colon + 1, s.n), 65535, &port) != OK)
            return false;
        end = colon;
    }
    return port > 0 && host_normalise(str_sub(s, 0, end), &h) == OK;
}

static void read_server(struct reading *r, size_t i, const json_t *v)
{
    char pointer[48];
    snprintf(pointer, sizeof pointer, "/servers/%zu", i);
    struct str x = str_make(json_string_value(v), json_string_length(v));
    struct str rest = {0};
    if (!json_is_string(v)) {
        report_fault(r->report, pointer, "bad-type", "a server must be a text");
        return;
    }
    if (str_starts(x, STR("ldap://")))
        rest = str_sub(x, 7, x.n);
    else if (str_starts(x, STR("ldaps://")))
        rest = str_sub(x, 8, x.n);
    if (str_ends(rest, STR("/")))
        rest.n--;
    if (rest.n == 0 || !is_host_port(rest))
        report_fault(r->report, pointer, "bad-server",
                     "a server is ldaps://HOST or ldap://HOST, with :PORT when it is unusual");
    else if (r->s.n_servers < SETTINGS_DIRECTORY_SERVERS)
        r->s.servers[r->s.n_servers++] = keep(r, str_make(x.p, (size_t)(rest.p - x.p) + rest.n));
}

static void read_servers(struct reading *r, const json_t *v)
{
    size_t i;
    json_t *one;
    if (!json_is_array(v)) {
        report_fault(r->report, "/servers", "bad-type", "servers must be an array");
        return;
    }
    if (json_array_size(v) > SETTINGS_DIRECTORY_SERVERS)
        report_fault(r->report, "/servers", "too-many", "at most %d servers",
                     SETTINGS_DIRECTORY_SERVERS);
    r->s.n_servers = 0;
    json_array_foreach(v, i, one) read_server(r, i, one);
}

static void read_object(struct reading *r, const char *group, json_t *o);

static void read_key(struct reading *r, const struct key *k, const char *pointer, json_t *v)
{
    switch (k->kind) {
    case SWITCH: read_switch(r, k, pointer, v); return;
    case NUMBER: read_number(r, k, pointer, v); return;
    case TEXT:
    case ATTRIBUTE:
    case FILTER:
    case FILE_PATH: read_text(r, k, pointer, v); return;
    case MODE: read_mode(r, pointer, v); return;
    case GROUPS_FROM: read_groups_from(r, pointer, v); return;
    case SERVERS: read_servers(r, v); return;
    case GROUP:
        if (json_is_object(v))
            read_object(r, k->name, v);
        else
            report_fault(r->report, pointer, "bad-type", "%s must be an object", k->name);
        return;
    }
}

/* One level; the two levels there are end the recursion. */
static void read_object(struct reading *r, const char *group, json_t *o)
{
    const char *name;
    json_t *v;
    json_object_foreach(o, name, v)
    {
        char pointer[200];
        const struct key *k = NULL;
        snprintf(pointer, sizeof pointer, "%s%s/%.100s", *group ? "/" : "", group, name);
        for (size_t i = 0; i < N_KEYS && !k; i++)
            if (strcmp(keys[i].group, group) == 0 && strcmp(keys[i].name, name) == 0)
                k = &keys[i];
        if (k)
            read_key(r, k, pointer, v);
        else
            report_fault(r->report, pointer, "unknown-key", "no such setting");
    }
}

static void judge_security(struct reading *r)
{
    const struct settings_directory *s = &r->s;
    bool is_clear = false;
    for (size_t i = 0; i < s->n_servers; i++) {
        char pointer[48];
        snprintf(pointer, sizeof pointer, "/servers/%zu", i);
        if (str_starts(s->servers[i], STR("ldaps:")) || s->has_starttls)
            continue;
        is_clear = true;
        if (!s->may_be_cleartext)
            report_fault(r->report, pointer, "cleartext",
                         "passwords would be sent readable: use ldaps://, or starttls, or set "
                         "allow_cleartext");
    }
    if (is_clear && s->may_be_cleartext)
        report_warning(r->report, "/allow_cleartext", "cleartext",
                       "passwords travel readable to the directory");
    if (s->is_enabled && !s->is_verified)
        report_warning(r->report, "/verify", "not-verified",
                       "anybody between here and the directory can read the passwords");
}

static void judge_search(struct reading *r)
{
    const struct settings_directory *s = &r->s;
    bool needs_base = !s->is_direct || s->groups != DIRECTORY_GROUPS_NONE;
    if (s->bind_dn.n > 0 && s->bind_password.n == 0)
        report_fault(r->report, "/bind_password", "missing",
                     "without a password the search would be done as nobody");
    if (s->bind_dn.n == 0 && s->bind_password.n > 0)
        report_fault(r->report, "/bind_dn", "missing", "a password needs a name");
    if (s->base.n > 0 && str_find(s->base, '=') == STR_NPOS)
        report_fault(r->report, "/base", "bad-dn", "base must be a DN, such as dc=example,dc=com");
    if (s->group_base.n > 0 && str_find(s->group_base, '=') == STR_NPOS)
        report_fault(r->report, "/groups/base", "bad-dn", "base must be a DN");
    if (s->direct_dn.n > 0 && str_find_str(s->direct_dn, STR("{user}")) == STR_NPOS)
        report_fault(r->report, "/direct_dn", "bad-value", "{user} must stand where the name goes");
    if (!s->is_enabled)
        return;
    if (s->n_servers == 0)
        report_fault(r->report, "/servers", "missing", "a directory needs at least one server");
    if (needs_base && s->base.n == 0)
        report_fault(r->report, "/base", "missing",
                     "where the people are, such as dc=example,dc=com");
    if (s->is_direct && s->direct_dn.n == 0)
        report_fault(r->report, "/direct_dn", "missing", "mode direct needs the name to bind as");
}

static void read_document(struct reading *r, struct str document)
{
    json_t *doc = reader_document(document, r->report);
    read_object(r, "", doc);
    json_decref(doc);
}

enum err settings_directory_parse(struct str document, struct report *report,
                                  struct settings_directory *out)
{
    struct reading r = {.report = report};
    report_init(report);
    arena_init(&r.s.arena, 1024, 64 * 1024);
    read_document(&r, str_of(default_document));
    read_document(&r, document);
    judge_security(&r);
    judge_search(&r);
    if (r.e == OK && report_has_faults(report))
        r.e = ERR_INVALID;
    if (r.e == OK)
        *out = r.s;
    else
        settings_directory_fini(&r.s);
    return r.e;
}

void settings_directory_fini(struct settings_directory *s)
{
    union {
        const char *read_only;
        char *writable; /* the arena's own memory */
    } secret = {s->bind_password.p};
    if (s->bind_password.n > 0)
        secret_wipe(secret.writable, s->bind_password.n);
    arena_fini(&s->arena);
    memset(s, 0, sizeof *s);
}
