/* settings_upstreams: one function per level of the document. */
#include "db/settings_upstreams.h"

#include <jansson.h>
#include <string.h>

#include "base/url.h"
#include "policies/reader.h"

#define TEXTS_MAX ((size_t)1 << 20)
#define NAME_MAX  64
#define LOGIN_MAX 255
#define URL_MAX   1024

static const char default_document[] = "{\"groups\":[],\"default\":\"\"}";

struct str settings_upstreams_default_document(void)
{
    return str_of(default_document);
}

struct bounds {
    uint32_t least, most;
};

static void read_number(struct reader *r, const json_t *o, const char *name, struct bounds in,
                        uint32_t *out)
{
    const json_t *v = json_object_get(o, name);
    if (!v)
        return;
    size_t mark = reader_enter(r, name);
    json_int_t x = json_integer_value(v);
    if (!json_is_integer(v))
        reader_fault(r, "bad-type", "%s must be a whole number", name);
    else if (x < in.least || x > in.most)
        reader_fault(r, "out-of-range", "%s must be from %u to %u", name, in.least, in.most);
    else
        *out = (uint32_t)x;
    reader_leave(r, mark);
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("._-", c))
            return false;
    }
    return s.n > 0 && s.n <= NAME_MAX;
}

/* "host:port", an IPv6 address in brackets. */
static bool split_address(struct str s, struct settings_upstreams_member *m)
{
    size_t colon = s.n;
    uint32_t port = 0;
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || s.n - colon < 1 || s.n - colon > 5)
        return false;
    for (size_t i = colon; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(s.p[i] - '0');
    }
    struct str host = str_sub(s, 0, colon - 1);
    bool is_bare_ipv6 = host.p[0] != '[' && memchr(host.p, ':', host.n); /* which colon? */
    if (is_bare_ipv6)
        return false;
    m->port = (uint16_t)port;
    return port > 0 && port <= 65535 && host_normalise(host, &m->host) == OK;
}

static bool is_login(struct str s, bool may_have_colon)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f || (c == ':' && !may_have_colon))
            return false;
    }
    return s.n <= LOGIN_MAX;
}

static void read_login(struct reader *r, const json_t *o, struct settings_upstreams_member *m)
{
    const struct {
        const char *name;
        struct str *to;
        bool may_have_colon;
    } texts[] = {{"username", &m->username, false}, {"password", &m->password, true}};
    for (size_t i = 0; i < 2; i++) {
        if (json_is_null(json_object_get(o, texts[i].name)))
            continue;
        reader_string(r, o, texts[i].name, texts[i].to);
        size_t mark = reader_enter(r, texts[i].name);
        if (!is_login(*texts[i].to, texts[i].may_have_colon))
            reader_fault(r, "bad-text", "%s has at most %d bytes, no control characters%s",
                         texts[i].name, LOGIN_MAX, texts[i].may_have_colon ? "" : " and no colon");
        reader_leave(r, mark);
    }
    size_t mark = reader_enter(r, "username");
    if (m->password.n && !m->username.n)
        reader_fault(r, "missing", "A password needs a \"username\".");
    reader_leave(r, mark);
}

static void read_member(struct reader *r, const json_t *o, struct settings_upstreams_member *m)
{
    static const char *const names[] = {"address", "username", "password",       "weight",
                                        "backup",  "comment",  "proxy_protocol", NULL};
    static const char *const lines[] = {"off", "v1", "v2", NULL};
    struct str address = {0};
    if (!json_is_object(o)) {
        reader_fault(r, "bad-type", "A member is an object.");
        return;
    }
    reader_only(r, o, names);
    reader_string(r, o, "address", &address);
    size_t mark = reader_enter(r, "address");
    if (!split_address(address, m))
        reader_fault(r, "bad-address", "An address is a host and a port: proxy.example:3128.");
    reader_leave(r, mark);
    m->weight = 1;
    read_number(r, o, "weight", (struct bounds){1, 100}, &m->weight);
    reader_bool(r, o, "backup", &m->is_backup);
    reader_word(r, o, "proxy_protocol", lines, &m->proxy_protocol);
    read_login(r, o, m);
}

static bool is_same(const struct settings_upstreams_member *a,
                    const struct settings_upstreams_member *b)
{
    return a->port == b->port && str_eq(host_str(&a->host), host_str(&b->host));
}

static void refuse_double(struct reader *r, const struct settings_upstreams_member *all, size_t i)
{
    size_t mark = reader_enter(r, "address");
    for (size_t j = 0; j < i; j++)
        if (is_same(&all[i], &all[j]))
            reader_fault(r, "duplicate", "This address is in the group already.");
    reader_leave(r, mark);
}

static void read_members(struct reader *r, const json_t *o, struct settings_upstreams_group *g)
{
    const json_t *v = reader_array(r, o, "members");
    size_t n = json_array_size(v);
    size_t mark = reader_enter(r, "members");
    if (n == 0 || n > SETTINGS_UPSTREAMS_MEMBERS)
        reader_fault(r, "bad-count", "A group has 1 to %d members.", SETTINGS_UPSTREAMS_MEMBERS);
    n = n > SETTINGS_UPSTREAMS_MEMBERS ? SETTINGS_UPSTREAMS_MEMBERS : n;
    g->members = reader_alloc(r, n + 1, sizeof *g->members);
    for (size_t i = 0; g->members && i < n; i++) {
        size_t at = reader_enter_at(r, i);
        read_member(r, json_array_get(v, i), &g->members[i]);
        refuse_double(r, g->members, i);
        reader_leave(r, at);
    }
    g->n = g->members ? n : 0;
    reader_leave(r, mark);
}

static bool is_http_url(struct str s)
{
    struct url u;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '#')
            return false;
    return s.n <= URL_MAX && url_parse(s, &u) == OK && u.scheme == URL_HTTP &&
           str_starts(s, STR("http://"));
}

static void read_check_url(struct reader *r, const json_t *o, struct settings_upstreams_group *g)
{
    reader_string(r, o, "url", &g->check_url);
    size_t mark = reader_enter(r, "url");
    if (g->check_url.n && !is_http_url(g->check_url))
        reader_fault(r, "bad-url", "This is fetched through the member: http://, at most %d bytes.",
                     URL_MAX);
    else if (g->check_url.n && g->check_kind == 0)
        reader_fault(r, "not-here", "A \"url\" belongs to checks of the kind http.");
    reader_leave(r, mark);
}

static void read_check(struct reader *r, const json_t *o, struct settings_upstreams_group *g)
{
    static const char *const names[] = {"interval_ms", "timeout_ms", "retry_ms", "down_after",
                                        "up_after",    "kind",       "url",      NULL};
    static const char *const kinds[] = {"connect", "http", NULL};
    g->interval_ms = 5000;
    g->timeout_ms = 2000;
    g->retry_ms = 10000;
    g->down_after = g->up_after = 2;
    if (!json_object_get(o, "check"))
        return;
    const json_t *v = reader_object(r, o, "check");
    size_t mark = reader_enter(r, "check");
    if (v)
        reader_only(r, v, names);
    read_number(r, v, "interval_ms", (struct bounds){0, 3600000}, &g->interval_ms);
    read_number(r, v, "timeout_ms", (struct bounds){50, 60000}, &g->timeout_ms);
    read_number(r, v, "retry_ms", (struct bounds){100, 3600000}, &g->retry_ms);
    read_number(r, v, "down_after", (struct bounds){1, 1000}, &g->down_after);
    read_number(r, v, "up_after", (struct bounds){1, 1000}, &g->up_after);
    reader_word(r, v, "kind", kinds, &g->check_kind);
    read_check_url(r, v, g);
    reader_leave(r, mark);
}

static void read_group(struct reader *r, const json_t *o, struct settings_upstreams_group *g)
{
    static const char *const names[] = {"name",
                                        "members",
                                        "balance",
                                        "comment",
                                        "when_all_down",
                                        "connect_timeout_ms",
                                        "answer_timeout_ms",
                                        "check",
                                        NULL};
    static const char *const balances[] = {"first", "round-robin", "client-hash", NULL};
    static const char *const downs[] = {"fail", "direct", NULL};
    int down = 0;
    if (!json_is_object(o)) {
        reader_fault(r, "bad-type", "A group is an object.");
        return;
    }
    reader_only(r, o, names);
    reader_string(r, o, "name", &g->name);
    size_t mark = reader_enter(r, "name");
    if (!is_name(g->name) || str_eq(g->name, STR("direct")))
        reader_fault(r, "bad-name",
                     "A name has 1 to %d letters, digits and . - _, and is not \"direct\".",
                     NAME_MAX);
    reader_leave(r, mark);
    reader_word(r, o, "balance", balances, &g->balance);
    reader_word(r, o, "when_all_down", downs, &down);
    g->is_direct_when_down = down == 1;
    g->connect_ms = 3000;
    read_number(r, o, "connect_timeout_ms", (struct bounds){50, 60000}, &g->connect_ms);
    read_number(r, o, "answer_timeout_ms", (struct bounds){0, 300000}, &g->answer_ms);
    read_check(r, o, g);
    read_members(r, o, g);
}

static void read_groups(struct reader *r, const json_t *o, struct settings_upstreams *s)
{
    const json_t *v = json_object_get(o, "groups") ? reader_array(r, o, "groups") : NULL;
    size_t n = json_array_size(v);
    size_t mark = reader_enter(r, "groups");
    if (n > SETTINGS_UPSTREAMS_GROUPS)
        reader_fault(r, "too-many", "At most %d groups.", SETTINGS_UPSTREAMS_GROUPS);
    n = n > SETTINGS_UPSTREAMS_GROUPS ? SETTINGS_UPSTREAMS_GROUPS : n;
    s->groups = reader_alloc(r, n + 1, sizeof *s->groups);
    for (size_t i = 0; s->groups && i < n; i++) {
        size_t at = reader_enter_at(r, i);
        read_group(r, json_array_get(v, i), &s->groups[i]);
        size_t name = reader_enter(r, "name");
        for (size_t j = 0; j < i; j++)
            if (str_eq(s->groups[i].name, s->groups[j].name))
                reader_fault(r, "duplicate", "There is a group of this name already.");
        reader_leave(r, name);
        reader_leave(r, at);
    }
    s->n = s->groups ? n : 0;
    reader_leave(r, mark);
}

static void read_standard(struct reader *r, const json_t *o, struct settings_upstreams *s)
{
    bool is_known = false;
    if (json_is_null(json_object_get(o, "default")))
        return;
    reader_string(r, o, "default", &s->standard);
    if (str_eq(s->standard, STR("direct")))
        s->standard = (struct str){0};
    for (size_t i = 0; i < s->n; i++)
        is_known = is_known || str_eq(s->groups[i].name, s->standard);
    size_t mark = reader_enter(r, "default");
    if (s->standard.n && !is_known)
        reader_fault(r, "unknown-upstream", "There is no group of this name.");
    reader_leave(r, mark);
}

enum err settings_upstreams_parse(struct str document, struct report *report,
                                  struct settings_upstreams *out)
{
    static const char *const names[] = {"groups", "default", NULL};
    struct settings_upstreams s = {0};
    report_init(report);
    arena_init(&s.arena, 4096, TEXTS_MAX);
    struct reader r = {.report = report, .arena = &s.arena};
    json_t *doc = reader_document(document, report);
    if (doc) {
        reader_only(&r, doc, names);
        read_groups(&r, doc, &s);
        read_standard(&r, doc, &s);
    }
    json_decref(doc);
    enum err e = report_has_faults(report) ? ERR_INVALID : r.is_out_of_memory ? ERR_NOMEM : OK;
    if (e == OK)
        *out = s;
    else
        settings_upstreams_fini(&s);
    return e;
}

void settings_upstreams_fini(struct settings_upstreams *s)
{
    arena_fini(&s->arena);
    memset(s, 0, sizeof *s);
}
