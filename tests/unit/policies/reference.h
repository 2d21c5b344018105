/* reference: an independent, slow interpreter of policies for the tests of the engine: it knows
 * nothing of the engine's tables, walks rules and entries one by one, matches hosts by comparing
 * strings, networks bit by bit, schedules by hand and patterns with plain PCRE2. Rules are made of
 * small pools of entries, a bit an entry. Include it from one file of a test program. */
#ifndef TESTS_POLICIES_REFERENCE_H
#define TESTS_POLICIES_REFERENCE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policies/category.h"
#include "policies/facts.h"
#include "policies/set_domain.h"
#include "policies/verdict.h"

/* --- a small generator with its own state, the same at every run ---------------------------------
 */

static uint64_t rng_state;

static inline uint32_t rng(uint32_t below)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((rng_state >> 33) % below);
}

/* --- what documents and requests are made of -----------------------------------------------------
 */

#define MONDAY_MS INT64_C(1795392000000) /* 2026-11-23T00:00:00Z */
#define DAY_MS    INT64_C(86400000)

static const char *const pool_users[] = {"ann", "bob", "cid", "dot", "*"};
static const char *const pool_groups[] = {"staff", "kids", "it", "hr", "guests"};
static const char *const pool_nets[] = {"10.0.0.0/8",    "10.1.0.0/16", "192.0.2.0/24",
                                        "2001:db8::/32", "0.0.0.0/0",   "10.1.2.3"};
static const char *const pool_listeners[] = {"0.0.0.0:3128", "[::]:8080"};
static const char *const pool_schedules[] = {"work", "night", "noon", "weekend"};
static const char *const pool_schemes[] = {"http", "https", "connect"};
static const char *const pool_methods[] = {"GET", "POST", "CONNECT"};
static const char *const pool_ports[] = {"80", "443", "8000-8999", "1-1023"};
static const char *const pool_hosts[] = {"a.test", "b.a.test", "c.b.a.test", "ba.test",
                                         "x.org",  "org",      "192.0.2.1"};
static const char *const pool_patterns[] = {
    "casino",       "^http://[^/]*a\\.test/", "\\.exe$",           "(foo|bar)+baz",
    "/x/[0-9]{2,}", "(?<!no)t\\?q=",          "^https?://x\\.org", "[?&]q=2"};
static const char *const pool_categories[] = {"gambling", "news", "adult", "empty"};
static const char *const pool_lists[] = {"ld", "lp", "ln", "lm"};
static const char *const pool_types[] = {"text/html", "video/mp4", "video/*", "image/png"};
static const char *const pool_extensions[] = {"exe", "zip", "js"};
static const char *const pool_agents[] = {"*firefox*", "curl/*", "Mozilla/5.0*X11"};
static const char *const pool_sizes[] = {"0", "1000", "500000"};
static const char *const pool_servers[] = {"198.51.100.0/24", "198.51.100.7", "2001:db8:1::/48"};

enum { /* in the order of enum model_key, so that a failure is easy to read */
       K_USERS,
       K_GROUPS,
       K_NETS,
       K_LISTENERS,
       K_SCHEDULES,
       K_SCHEMES,
       K_METHODS,
       K_PORTS,
       K_HOSTS,
       K_PATTERNS,
       K_CATEGORIES,
       K_LISTS,
       K_TYPES,
       K_EXTENSIONS,
       K_AGENTS,
       K_MIN,
       K_MAX,
       K_SERVERS,
       K_N
};
#define POOL(p) p, sizeof(p) / sizeof((p)[0])
static const struct {
    const char *name;
    const char *const *pool;
    uint32_t n;
} ref_keys[K_N] = {
    [K_USERS] = {"users", POOL(pool_users)},
    [K_GROUPS] = {"groups", POOL(pool_groups)},
    [K_NETS] = {"networks", POOL(pool_nets)},
    [K_LISTENERS] = {"listeners", POOL(pool_listeners)},
    [K_SCHEDULES] = {"schedules", POOL(pool_schedules)},
    [K_SCHEMES] = {"schemes", POOL(pool_schemes)},
    [K_METHODS] = {"methods", POOL(pool_methods)},
    [K_PORTS] = {"ports", POOL(pool_ports)},
    [K_HOSTS] = {"hosts", POOL(pool_hosts)},
    [K_PATTERNS] = {"url_patterns", POOL(pool_patterns)},
    [K_CATEGORIES] = {"categories", POOL(pool_categories)},
    [K_LISTS] = {"lists", POOL(pool_lists)},
    [K_TYPES] = {"content_types", POOL(pool_types)},
    [K_EXTENSIONS] = {"extensions", POOL(pool_extensions)},
    [K_AGENTS] = {"user_agents", POOL(pool_agents)},
    [K_MIN] = {"min_bytes", POOL(pool_sizes)},
    [K_MAX] = {"max_bytes", POOL(pool_sizes)},
    [K_SERVERS] = {"server_networks", POOL(pool_servers)},
};

/* host, category: what the index of these tests is made of */
static const char *const ref_member[][2] = {
    {"a.test", "gambling"}, {"c.b.a.test", "news"}, {"x.org", "adult"}, {"ba.test", "news"}};
static const char *const ref_member_url[][2] = {
    {"x.org/casino", "gambling"}, {"b.a.test/x", "adult"}, {"a.test/casino", "news"}};
static const char *const ref_exception[][2] = {{"b.a.test", "gambling"}, {"sub.x.org", "adult"}};
static const char *const ref_listed[][2] = {
    {"ld", "b.a.test"},    {"ld", "x.org"},        {"lp", "casino"},     {"lp", "[0-9]{3}"},
    {"ln", "10.1.0.0/16"}, {"ln", "192.0.2.0/24"}, {"lm", "c.b.a.test"}, {"lm", "192.0.2.1"}};
#define REF_LISTS                                                                                  \
    "\"lists\":[{\"name\":\"ld\",\"kind\":\"domains\",\"entries\":[\"b.a.test\",\"x.org\"]},"      \
    "{\"name\":\"lp\",\"kind\":\"url_patterns\",\"entries\":[\"casino\",\"[0-9]{3}\"]},"           \
    "{\"name\":\"ln\",\"kind\":\"networks\",\"entries\":[\"10.1.0.0/16\",\"192.0.2.0/24\"]},"      \
    "{\"name\":\"lm\",\"kind\":\"domains\",\"entries\":[\"c.b.a.test\",\"192.0.2.1\"]}],"

static const struct { /* one window each; minutes east of UTC at the end of November */
    const char *zone, *days, *from, *to;
    int east_min;
    unsigned day_bits;
    int from_min, to_min;
} ref_schedule[] = {
    {"UTC", "\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"", "08:00", "18:00", 0, 0x1f, 480, 1080},
    {"Europe/Paris", "\"mon\",\"wed\",\"sun\"", "22:00", "06:00", 60, 0x45, 1320, 360},
    {"UTC", "\"tue\"", "12:00", "12:30", 0, 0x02, 720, 750},
    {"Asia/Kolkata", "\"sat\",\"sun\"", "00:00", "24:00", 330, 0x60, 0, 1440}};

static const char *const ref_paths[] = {"/",          "/casino/x", "/x/123",   "/setup.EXE",
                                        "/foobarbaz", "/not?q=1",  "/t?q=2",   "/casino?a.zip",
                                        "/x",         "/a.b/c",    "/l.js?x/y"};
static const char *const ref_hosts[] = {"a.test", "b.a.test", "c.b.a.test", "ba.test", "sub.x.org",
                                        "x.org",  "org",      "192.0.2.1",  "z.test",  "localhost"};
static const char *const ref_clients[] = {"10.1.2.3", "10.200.0.1", "192.0.2.9", "2001:db8::1",
                                          "203.0.113.5"};
static const char *const ref_servers[] = {"198.51.100.7", "198.51.100.8", "2001:db8:1::1",
                                          "203.0.113.1"};
static const char *const ref_agents[] = {"Mozilla/5.0 (X11) Firefox/120", "curl/8.1", "xcurl/8",
                                         "Mozilla/5.0 (Mac)", ""};
static const struct ref_person { /* 0: nobody */
    const char *user;
    unsigned groups;
} ref_people[] = {{"", 0},       {"ann", 0x01}, {"Bob", 0x06}, {"CID", 0x00},
                  {"dot", 0x1f}, {"eve", 0x02}, {"fay", 0x00}, {"ann", 0x10},
                  {"bob", 0x08}, {"gus", 0x15}, {"hal", 0x09}};

struct ref_rule {
    uint32_t mask[2][K_N]; /* entries of the pool that are named */
    uint32_t keys[2];      /* keys whose mask is not 0 */
    bool is_enabled, is_shadow, is_limited;
    enum verdict_action action;
    enum verdict_log log;
    enum verdict_tls tls;
    unsigned message;      /* "" "m1" "m2" */
    int64_t expires_at_ms; /* 0: never */
};

struct ref_policy {
    struct ref_rule *rules;
    uint32_t n;
    int identity; /* 0 when-needed, 1 always, 2 never */
    enum verdict_action default_action;
    unsigned default_message;
};

struct ref_request {
    unsigned person; /* of ref_people */
    bool is_numbered;
    const char *client, *listener, *host, *method, *path, *type, *agent, *server;
    int64_t now_ms;
    uint16_t port;
    enum facts_scheme scheme;
    uint64_t size_bytes;
    unsigned known;
    char url[256];
    uint32_t yes[K_N], unknown[K_N]; /* of each pool; see ref_learn */
};

/* --- entries, the plain way ----------------------------------------------------------------------
 */

static inline bool ref_pattern_hits(const char *pattern, const char *text)
{
    static struct {
        const char *text;
        pcre2_code *code;
    } cache[4096];
    static unsigned n;
    unsigned i = 0;
    while (i < n && cache[i].text != pattern)
        i++;
    if (i == n) {
        int code;
        PCRE2_SIZE at;
        if (n == 4096)
            abort();
        cache[n].text = pattern;
        cache[n].code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS,
                                      &code, &at, NULL);
        if (!cache[n++].code)
            abort();
    }
    pcre2_match_data *m = pcre2_match_data_create(1, NULL);
    int rc = pcre2_match(cache[i].code, (PCRE2_SPTR)text, strlen(text), 0, PCRE2_NO_JIT, m, NULL);
    pcre2_match_data_free(m);
    return rc >= 0;
}

/* Patterns and URLs of the pools meet again and again. */
static inline bool ref_pool_pattern_hits(const char *pattern, const struct ref_request *r)
{
    static struct {
        const char *pattern;
        char url[256];
        bool hits;
    } memo[65536];
    uint64_t h = (uintptr_t)pattern * UINT64_C(0x9e3779b97f4a7c15);
    for (const char *c = r->url; *c; c++)
        h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    unsigned at = (unsigned)(h >> 40) % 65536;
    if (memo[at].pattern != pattern || strcmp(memo[at].url, r->url) != 0) {
        memo[at].pattern = pattern;
        memcpy(memo[at].url, r->url, sizeof r->url);
        memo[at].hits = ref_pattern_hits(pattern, r->url);
    }
    return memo[at].hits;
}

static inline bool ref_below(const char *host, const char *suffix)
{
    size_t a = strlen(host), b = strlen(suffix);
    if (strspn(host, "0123456789.") == a)
        return strcmp(host, suffix) == 0;
    return a >= b && strcmp(host + a - b, suffix) == 0 && (a == b || host[a - b - 1] == '.');
}

static inline bool ref_inside(const char *address, const char *net)
{
    char text[64];
    struct ip ip, base;
    unsigned bits = 128;
    snprintf(text, sizeof text, "%s", net);
    char *slash = strchr(text, '/');
    if (slash) {
        bits = (unsigned)strtoul(slash + 1, NULL, 10) + (strchr(net, '.') ? 96 : 0);
        *slash = '\0';
    }
    if (ip_parse(str_of(text), &base) != OK || ip_parse(str_of(address), &ip) != OK)
        abort();
    for (unsigned i = 0; i < bits; i++)
        if (((ip.b[i / 8] ^ base.b[i / 8]) >> (7 - i % 8)) & 1)
            return false;
    return true;
}

/* '*' stands for anything; the glob may stand anywhere in the text; letters in any case. */
static inline bool ref_glob_here(const char *glob, const char *text)
{
    if (!*glob)
        return true;
    if (*glob == '*') {
        for (const char *t = text;; t++) {
            if (ref_glob_here(glob + 1, t))
                return true;
            if (!*t)
                return false;
        }
    }
    return *text && str_lower(*glob) == str_lower(*text) && ref_glob_here(glob + 1, text + 1);
}

static inline bool ref_glob(const char *glob, const char *text)
{
    for (const char *t = text;; t++) {
        if (ref_glob_here(glob, t))
            return true;
        if (!*t)
            return false;
    }
}

static inline bool ref_in_schedule(unsigned i, int64_t now_ms)
{
    int64_t local_min = (now_ms - MONDAY_MS) / 60000 + ref_schedule[i].east_min + 7 * 1440;
    int day = (int)(local_min / 1440 % 7), minute = (int)(local_min % 1440);
    int from = ref_schedule[i].from_min, to = ref_schedule[i].to_min;
    unsigned days = ref_schedule[i].day_bits;
    if (from < to)
        return (days >> day & 1) && minute >= from && minute < to;
    return ((days >> day & 1) && minute >= from) || ((days >> (day + 6) % 7 & 1) && minute < to);
}

static inline bool ref_has_extension(const char *path, const char *extension)
{
    char name[256];
    snprintf(name, sizeof name, "%s", path);
    name[strcspn(name, "?")] = '\0';
    const char *dot = strrchr(strrchr(name, '/'), '.');
    return dot && str_eq_nocase(str_of(dot + 1), str_of(extension));
}

static inline bool ref_has_stage(const struct ref_request *r, enum facts_stage s)
{
    return r->known >> s & 1;
}

/* --- categories ----------------------------------------------------------------------------------
 */

#define REF_N(rows) (sizeof(rows) / sizeof((rows)[0]))

static inline void ref_split(const char *entry, char name[64], const char **path)
{
    snprintf(name, 64, "%s", entry);
    char *slash = strchr(name, '/');
    *path = entry + (slash - name);
    *slash = '\0';
}

/* Does any URL entry stand on the host or above it? */
static inline bool ref_host_has_urls(const char *host)
{
    char name[64];
    const char *path;
    for (size_t i = 0; i < REF_N(ref_member_url); i++) {
        ref_split(ref_member_url[i][0], name, &path);
        if (ref_below(host, name))
            return true;
    }
    return false;
}

static inline bool ref_url_entry_hits(const struct ref_request *r, const char *entry)
{
    char name[64];
    const char *path;
    ref_split(entry, name, &path);
    size_t n = strlen(path);
    return ref_below(r->host, name) && strncmp(r->path, path, n) == 0 &&
           (r->path[n] == '\0' || strchr("/?&", r->path[n]));
}

/* The longest entry wins: a member, or an exception. */
static inline bool ref_host_in(const char *host, const char *c, bool *is_excepted)
{
    size_t member = 0, exception = 0;
    for (size_t i = 0; i < REF_N(ref_member); i++)
        if (strcmp(ref_member[i][1], c) == 0 && ref_below(host, ref_member[i][0]) &&
            strlen(ref_member[i][0]) > member)
            member = strlen(ref_member[i][0]);
    for (size_t i = 0; i < REF_N(ref_exception); i++)
        if (strcmp(ref_exception[i][1], c) == 0 && ref_below(host, ref_exception[i][0]) &&
            strlen(ref_exception[i][0]) > exception)
            exception = strlen(ref_exception[i][0]);
    *is_excepted = exception > 0;
    return member > exception;
}

enum fit { NO, UNKNOWN, YES };

static inline enum fit ref_category(const struct ref_request *r, const char *c)
{
    bool is_excepted;
    if (!ref_has_stage(r, FACTS_TARGET))
        return UNKNOWN;
    if (ref_host_in(r->host, c, &is_excepted))
        return YES;
    if (!ref_host_has_urls(r->host))
        return NO;
    if (!ref_has_stage(r, FACTS_URL))
        return UNKNOWN;
    for (size_t i = 0; i < REF_N(ref_member_url) && !is_excepted; i++)
        if (strcmp(ref_member_url[i][1], c) == 0 && ref_url_entry_hits(r, ref_member_url[i][0]))
            return YES;
    return NO;
}

/* --- every key -----------------------------------------------------------------------------------
 */

static inline enum facts_stage ref_list_stage(const char *l)
{
    return strcmp(l, "lp") == 0 ? FACTS_URL : strcmp(l, "ln") == 0 ? FACTS_CONNECT : FACTS_TARGET;
}

static inline enum fit ref_list(const struct ref_request *r, const char *l)
{
    if (!ref_has_stage(r, ref_list_stage(l)))
        return UNKNOWN;
    for (size_t i = 0; i < REF_N(ref_listed); i++) {
        if (strcmp(ref_listed[i][0], l) != 0)
            continue;
        if (strcmp(l, "lp") == 0   ? ref_pool_pattern_hits(ref_listed[i][1], r)
            : strcmp(l, "ln") == 0 ? ref_inside(r->client, ref_listed[i][1])
                                   : ref_below(r->host, ref_listed[i][1]))
            return YES;
    }
    return NO;
}

/* The stage at which an entry that is unknown now becomes known. */
static inline enum facts_stage ref_stage(const struct ref_request *r, int key, const char *e)
{
    switch (key) {
    case K_USERS:
    case K_GROUPS: return FACTS_IDENTITY;
    case K_NETS:
    case K_LISTENERS:
    case K_SCHEDULES: return FACTS_CONNECT;
    case K_CATEGORIES: return ref_has_stage(r, FACTS_TARGET) ? FACTS_URL : FACTS_TARGET;
    case K_LISTS: return ref_list_stage(e);
    case K_PATTERNS:
    case K_EXTENSIONS:
    case K_AGENTS: return FACTS_URL;
    case K_TYPES:
    case K_MIN:
    case K_MAX: return FACTS_ANSWER;
    case K_SERVERS: return FACTS_ADDRESS;
    default: return FACTS_TARGET;
    }
}

static inline bool ref_scheme(const struct ref_request *r, const char *e)
{
    if (strcmp(e, "http") == 0)
        return r->scheme == FACTS_HTTP;
    return strcmp(e, "https") == 0 ? r->scheme != FACTS_HTTP : r->scheme == FACTS_TUNNEL;
}

static inline bool ref_port(const struct ref_request *r, const char *e)
{
    unsigned from, to;
    if (sscanf(e, "%u-%u", &from, &to) != 2)
        to = from = (unsigned)strtoul(e, NULL, 10);
    return r->port >= from && r->port <= to;
}

static inline bool ref_person_hits(const struct ref_request *r, int key, uint32_t i, const char *e)
{
    const struct ref_person *p = &ref_people[r->person];
    if (!p->user[0])
        return false;
    if (key == K_GROUPS)
        return p->groups >> i & 1;
    return strcmp(e, "*") == 0 || str_eq_nocase(str_of(p->user), str_of(e));
}

/* With the stage of the entry known. */
static inline bool ref_hits(const struct ref_request *r, int key, uint32_t i)
{
    const char *e = ref_keys[key].pool[i];
    switch (key) {
    case K_USERS:
    case K_GROUPS: return ref_person_hits(r, key, i, e);
    case K_NETS: return ref_inside(r->client, e);
    case K_LISTENERS: return strcmp(r->listener, e) == 0;
    case K_SCHEDULES: return ref_in_schedule(i, r->now_ms);
    case K_SCHEMES: return ref_scheme(r, e);
    case K_METHODS: return strcmp(r->method, e) == 0;
    case K_PORTS: return ref_port(r, e);
    case K_HOSTS: return ref_below(r->host, e);
    case K_PATTERNS: return ref_pool_pattern_hits(e, r);
    case K_TYPES:
        return strcmp(r->type, e) == 0 ||
               (strcmp(e, "video/*") == 0 && strncmp(r->type, "video/", 6) == 0);
    case K_EXTENSIONS: return ref_has_extension(r->path, e);
    case K_AGENTS: return r->agent[0] && ref_glob(e, r->agent);
    case K_MIN: return r->size_bytes != UINT64_MAX && r->size_bytes >= strtoull(e, NULL, 10);
    case K_MAX: return r->size_bytes != UINT64_MAX && r->size_bytes <= strtoull(e, NULL, 10);
    default: return ref_inside(r->server, e);
    }
}

/* Fills yes and unknown from what is known. */
static inline void ref_learn(struct ref_request *r)
{
    for (int k = 0; k < K_N; k++) {
        r->yes[k] = r->unknown[k] = 0;
        for (uint32_t i = 0; i < ref_keys[k].n; i++) {
            const char *e = ref_keys[k].pool[i];
            enum fit f = k == K_CATEGORIES                       ? ref_category(r, e)
                         : k == K_LISTS                          ? ref_list(r, e)
                         : !ref_has_stage(r, ref_stage(r, k, e)) ? UNKNOWN
                         : ref_hits(r, k, i)                     ? YES
                                                                 : NO;
            r->yes[k] |= f == YES ? 1u << i : 0;
            r->unknown[k] |= f == UNKNOWN ? 1u << i : 0;
        }
    }
}

/* --- rules ---------------------------------------------------------------------------------------
 */

static inline enum fit ref_key_fit(const struct ref_request *r, int key, uint32_t mask)
{
    return mask & r->yes[key] ? YES : mask & r->unknown[key] ? UNKNOWN : NO;
}

static inline enum fit ref_fit(const struct ref_rule *rule, const struct ref_request *r)
{
    enum fit all = YES;
    if (!rule->is_enabled || (rule->expires_at_ms && rule->expires_at_ms <= r->now_ms))
        return NO;
    for (int side = 0; side < 2; side++)
        for (uint32_t keys = rule->keys[side]; keys && all != NO; keys &= keys - 1) {
            int k = __builtin_ctz(keys);
            enum fit f = ref_key_fit(r, k, rule->mask[side][k]);
            if (side)
                f = f == YES ? NO : f == NO ? YES : UNKNOWN;
            all = f < all ? f : all;
        }
    return all;
}

/* The cheapest stage among the conditions of a rule that are unknown. */
static inline enum facts_stage ref_needs(const struct ref_rule *rule, const struct ref_request *r)
{
    enum facts_stage cheapest = FACTS_CONTENT;
    for (int side = 0; side < 2; side++)
        for (uint32_t keys = rule->keys[side]; keys; keys &= keys - 1) {
            int k = __builtin_ctz(keys);
            if (ref_key_fit(r, k, rule->mask[side][k]) != UNKNOWN)
                continue;
            for (uint32_t i = 0; i < ref_keys[k].n; i++) {
                if (!(rule->mask[side][k] & r->unknown[k] & 1u << i))
                    continue;
                enum facts_stage s = ref_stage(r, k, ref_keys[k].pool[i]);
                cheapest = s < cheapest ? s : cheapest;
            }
        }
    return cheapest;
}

static inline bool ref_same_effect(const struct ref_rule *a, const struct ref_rule *b)
{
    if (a->is_limited || b->is_limited)
        return a == b;
    return a->action == b->action && a->log == b->log && a->tls == b->tls &&
           (a->action == VERDICT_ALLOW || a->message == b->message) &&
           /* what was accepted is remembered for one rule */
           (a == b || (a->action != VERDICT_WARN && a->action != VERDICT_OVERRIDE));
}

struct ref_answer {
    bool is_final;
    int rule; /* that decides, or that waits; -1: the default */
    enum facts_stage needs;
    uint32_t shadow[VERDICT_SHADOW_MAX], n_shadow;
};

static inline void ref_decide(const struct ref_policy *p, const struct ref_request *r,
                              struct ref_answer *a)
{
    const struct ref_rule standard = {.action = p->default_action, .message = p->default_message};
    const struct ref_rule *waits = NULL;
    uint32_t n_shadow = 0;
    *a = (struct ref_answer){.rule = -1};
    if (p->identity == 1 && !ref_has_stage(r, FACTS_IDENTITY)) {
        a->needs = FACTS_IDENTITY;
        return;
    }
    for (uint32_t i = 0; i <= p->n; i++) {
        const struct ref_rule *rule = i < p->n ? &p->rules[i] : &standard;
        enum fit fit = ref_fit(rule, r);
        if (i == p->n)
            fit = YES;
        if (fit == NO)
            continue;
        if (rule->is_shadow) {
            if (fit == YES && a->n_shadow < VERDICT_SHADOW_MAX)
                a->shadow[a->n_shadow++] = i;
            continue;
        }
        if (waits && !ref_same_effect(waits, rule)) {
            a->rule = (int)(waits - p->rules);
            a->needs = ref_needs(waits, r);
            a->n_shadow = n_shadow;
            return;
        }
        if (fit == YES) {
            a->is_final = true;
            a->rule = i < p->n ? (int)i : -1;
            return;
        }
        if (!waits) {
            waits = rule;
            n_shadow = a->n_shadow;
        }
    }
}

#endif
