/* The engine against an independent, slow interpreter: random documents and random requests at
 * every stage of knowledge, and 1,000 rules with 1,000 patterns on real URLs. The reference below
 * knows nothing of the engine's tables: it walks rules and entries one by one, matches hosts by
 * comparing strings, networks bit by bit and patterns with plain PCRE2. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "base/url.h"
#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/explain.h"
#include "policies/set_domain.h"

/* --- a small generator with its own state, the same at every run ---------------------------------
 */

static uint64_t rng_state;

static uint32_t rng(uint32_t below)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((rng_state >> 33) % below);
}

static const char *const users[] = {"ann", "bob", "cid", "dot"};
static const char *const groups[] = {"staff", "kids", "it", "hr", "guests"};
static const char *const nets[] = {"10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32",
                                   "0.0.0.0/0"};
static const char *const clients[] = {"10.1.2.3", "10.200.0.1", "192.0.2.9", "2001:db8::1",
                                      "203.0.113.5"};
static const char *const hosts[] = {"a.test", "b.a.test", "c.b.a.test", "ba.test",
                                    "x.org",  "org",      "192.0.2.1"};
static const char *const methods[] = {"GET", "POST", "CONNECT"};
static const char *const patterns[] = {"casino",        "^http://[^/]*a\\.test/", "\\.exe$",
                                       "(foo|bar)+baz", "/x/[0-9]{2,}",           "(?<!no)t\\?q="};
static const char *const paths[] = {"/",          "/casino/x", "/x/123", "/setup.EXE",
                                    "/foobarbaz", "/not?q=1",  "/t?q=2"};
static const char *const types[] = {"text/html", "video/mp4", "video/*", "image/png"};
static const char *const categories[] = {"gambling", "news", "adult"};
/* host, category: what the index of this test is made of */
static const char *const member[][2] = {
    {"a.test", "gambling"}, {"c.b.a.test", "news"}, {"x.org", "adult"}, {"ba.test", "news"}};
static const char *const member_url[][2] = {{"x.org/casino", "gambling"}, {"b.a.test/x", "adult"}};
static const char *const listed[][2] = {{"ld", "b.a.test"},
                                        {"ld", "x.org"},
                                        {"lp", "casino"},
                                        {"lp", "[0-9]{3}"},
                                        {"ln", "10.1.0.0/16"}};
static const char *const lists[] = {"ld", "lp", "ln"};
static const char *const ports[] = {"80", "443", "8000-8999"};

enum {
    K_USERS,
    K_GROUPS,
    K_NETS,
    K_HOSTS,
    K_METHODS,
    K_PATTERNS,
    K_TYPES,
    K_CATEGORIES,
    K_LISTS,
    K_PORTS,
    K_N
};
static const struct {
    const char *name;
    const char *const *pool;
    uint32_t n;
} keys[K_N] = {
    [K_USERS] = {"users", users, 4},         [K_GROUPS] = {"groups", groups, 5},
    [K_NETS] = {"networks", nets, 5},        [K_HOSTS] = {"hosts", hosts, 7},
    [K_METHODS] = {"methods", methods, 3},   [K_PATTERNS] = {"url_patterns", patterns, 6},
    [K_TYPES] = {"content_types", types, 4}, [K_CATEGORIES] = {"categories", categories, 3},
    [K_LISTS] = {"lists", lists, 3},         [K_PORTS] = {"ports", ports, 3},
};

#define LARGE 4500

struct ref_rule {
    uint32_t mask[2][K_N]; /* entries of the pool that are named */
    bool is_enabled, is_shadow, is_block;
};

struct ref_request {
    const char *user, *client, *host, *method, *path, *type;
    uint32_t groups; /* mask */
    uint16_t port;
    unsigned known;
    bool is_tunnel;
    char url[256];
};

enum fit { NO, UNKNOWN, YES };

static pcre2_code *compiled(const char *pattern)
{
    static struct {
        const char *text;
        pcre2_code *code;
    } cache[4096];
    static unsigned n;
    for (unsigned i = 0; i < n; i++)
        if (cache[i].text == pattern)
            return cache[i].code;
    int code;
    PCRE2_SIZE at;
    assert_true(n < 4096);
    cache[n].text = pattern;
    cache[n].code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS, &code, &at, NULL);
    assert_non_null(cache[n].code);
    return cache[n++].code;
}

static bool pattern_hits(const char *pattern, const char *url)
{
    pcre2_match_data *m = pcre2_match_data_create(1, NULL);
    int rc = pcre2_match(compiled(pattern), (PCRE2_SPTR)url, strlen(url), 0, PCRE2_NO_JIT, m, NULL);
    pcre2_match_data_free(m);
    return rc >= 0;
}

static bool below(const char *host, const char *suffix)
{
    size_t a = strlen(host), b = strlen(suffix);
    if (strspn(host, "0123456789.") == a)
        return strcmp(host, suffix) == 0;
    return a >= b && strcmp(host + a - b, suffix) == 0 && (a == b || host[a - b - 1] == '.');
}

static bool inside(const char *client, const char *net)
{
    char text[64];
    struct ip ip, base;
    snprintf(text, sizeof text, "%s", net);
    char *slash = strchr(text, '/');
    unsigned bits = (unsigned)strtoul(slash + 1, NULL, 10);
    *slash = '\0';
    assert_int_equal(ip_parse(str_of(text), &base), OK);
    assert_int_equal(ip_parse(str_of(client), &ip), OK);
    if (strchr(net, '.'))
        bits += 96;
    for (unsigned i = 0; i < bits; i++)
        if (((ip.b[i / 8] ^ base.b[i / 8]) >> (7 - i % 8)) & 1)
            return false;
    return true;
}

static bool has_stage(const struct ref_request *r, enum facts_stage s)
{
    return r->known >> s & 1;
}

/* Does any URL entry stand on the host or above it? */
static bool host_has_urls(const char *host)
{
    char name[64];
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s", member_url[i][0]);
        *strchr(name, '/') = '\0';
        if (below(host, name))
            return true;
    }
    return false;
}

static bool url_entry_hits(const struct ref_request *r, const char *entry)
{
    char name[64];
    snprintf(name, sizeof name, "%s", entry);
    char *slash = strchr(name, '/');
    const char *path = entry + (slash - name);
    *slash = '\0';
    const char *mine = strstr(r->url, "://") + 3;
    mine = strchr(mine, '/');
    size_t n = strlen(path);
    return below(r->host, name) && strncmp(mine, path, n) == 0 &&
           (mine[n] == '\0' || strchr("/?&", mine[n]));
}

static enum fit category_fit(const struct ref_request *r, const char *c)
{
    for (size_t i = 0; i < sizeof member / sizeof member[0]; i++)
        if (strcmp(member[i][1], c) == 0 && below(r->host, member[i][0]))
            return YES;
    if (!host_has_urls(r->host))
        return NO;
    if (!has_stage(r, FACTS_URL))
        return UNKNOWN;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(member_url[i][1], c) == 0 && url_entry_hits(r, member_url[i][0]))
            return YES;
    return NO;
}

static enum fit list_fit(const struct ref_request *r, const char *l)
{
    if (strcmp(l, "lp") == 0 && !has_stage(r, FACTS_URL))
        return UNKNOWN;
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
        if (strcmp(listed[i][0], l) != 0)
            continue;
        if (strcmp(l, "ld") == 0   ? below(r->host, listed[i][1])
            : strcmp(l, "lp") == 0 ? pattern_hits(listed[i][1], r->url)
                                   : inside(r->client, listed[i][1]))
            return YES;
    }
    return NO;
}

static enum fit entry_fit(const struct ref_request *r, int key, uint32_t i)
{
    const char *e = keys[key].pool[i];
    switch (key) {
    case K_USERS:
        return !has_stage(r, FACTS_IDENTITY) ? UNKNOWN : strcmp(r->user, e) == 0 ? YES : NO;
    case K_GROUPS:
        return !has_stage(r, FACTS_IDENTITY)        ? UNKNOWN
               : r->user[0] && (r->groups >> i & 1) ? YES
                                                    : NO;
    case K_NETS: return inside(r->client, e) ? YES : NO;
    case K_HOSTS: return below(r->host, e) ? YES : NO;
    case K_METHODS: return strcmp(r->method, e) == 0 ? YES : NO;
    case K_PATTERNS: return !has_stage(r, FACTS_URL) ? UNKNOWN : pattern_hits(e, r->url) ? YES : NO;
    case K_TYPES:
        if (!has_stage(r, FACTS_ANSWER))
            return UNKNOWN;
        return strcmp(r->type, e) == 0 ||
                       (strcmp(e, "video/*") == 0 && strncmp(r->type, "video/", 6) == 0)
                   ? YES
                   : NO;
    case K_CATEGORIES: return category_fit(r, e);
    case K_LISTS: return list_fit(r, e);
    default: {
        unsigned from, to;
        if (sscanf(e, "%u-%u", &from, &to) != 2)
            to = from = (unsigned)strtoul(e, NULL, 10);
        return r->port >= from && r->port <= to ? YES : NO;
    }
    }
}

static enum fit key_fit(const struct ref_request *r, int key, uint32_t mask)
{
    enum fit best = NO;
    for (uint32_t i = 0; i < keys[key].n; i++) {
        if (!(mask >> i & 1))
            continue;
        enum fit f = entry_fit(r, key, i);
        best = f > best ? f : best;
    }
    return best;
}

static enum fit ref_fit(const struct ref_rule *rule, const struct ref_request *r)
{
    enum fit all = YES;
    if (!rule->is_enabled)
        return NO;
    for (int k = 0; k < K_N; k++) {
        if (!rule->mask[0][k])
            continue;
        enum fit f = key_fit(r, k, rule->mask[0][k]);
        all = f < all ? f : all;
    }
    for (int k = 0; k < K_N; k++) {
        if (!rule->mask[1][k])
            continue;
        enum fit f = key_fit(r, k, rule->mask[1][k]);
        enum fit left = f == YES ? NO : f == NO ? YES : UNKNOWN;
        all = left < all ? left : all;
    }
    return all;
}

/* --- documents -----------------------------------------------------------------------------------
 */

static void write_side(struct buf *b, const char *side, const uint32_t mask[K_N])
{
    bool is_first = true;
    buf_addf(b, ",\"%s\":{", side);
    for (int k = 0; k < K_N; k++) {
        if (!mask[k])
            continue;
        buf_addf(b, "%s\"%s\":[", is_first ? "" : ",", keys[k].name);
        is_first = false;
        bool is_first_entry = true;
        for (uint32_t i = 0; i < keys[k].n; i++) {
            if (!(mask[k] >> i & 1))
                continue;
            buf_add_z(b, is_first_entry ? "\"" : ",\"");
            for (const char *c = keys[k].pool[i]; *c; c++)
                buf_addf(b, *c == '\\' ? "\\\\" : "%c", *c);
            buf_add_c(b, '"');
            is_first_entry = false;
        }
        buf_add_c(b, ']');
    }
    buf_add_c(b, '}');
}

/* least: conditions of each rule; many make rules that seldom fit, so that the search goes far. */
static void random_rules(struct ref_rule *rules, uint32_t n, uint32_t least, struct buf *document)
{
    buf_add_z(
        document,
        "{\"lists\":[{\"name\":\"ld\",\"kind\":\"domains\",\"entries\":[\"b.a.test\",\"x.org\"]},"
        "{\"name\":\"lp\",\"kind\":\"url_patterns\",\"entries\":[\"casino\",\"[0-9]{3}\"]},"
        "{\"name\":\"ln\",\"kind\":\"networks\",\"entries\":[\"10.1.0.0/16\"]}],\"rules\":[");
    for (uint32_t r = 0; r < n; r++) {
        memset(&rules[r], 0, sizeof rules[r]);
        for (int side = 0; side < 2; side++)
            for (uint32_t c = 0, k_n = side ? rng(2) : least + rng(4); c < k_n; c++) {
                int k = (int)rng(K_N);
                rules[r].mask[side][k] |= 1u << rng(keys[k].n);
                rules[r].mask[side][k] |= 1u << rng(keys[k].n);
            }
        rules[r].is_enabled = rng(10) != 0;
        rules[r].is_shadow = rng(8) == 0;
        rules[r].is_block = rng(2);
        buf_addf(document, "%s{\"id\":\"%u\",\"enabled\":%s,\"shadow\":%s,\"action\":\"%s\"",
                 r ? "," : "", r, rules[r].is_enabled ? "true" : "false",
                 rules[r].is_shadow ? "true" : "false", rules[r].is_block ? "block" : "allow");
        write_side(document, "when", rules[r].mask[0]);
        write_side(document, "unless", rules[r].mask[1]);
        buf_add_c(document, '}');
    }
    buf_add_z(document, "]}");
}

static enum err append(void *ctx, struct str bytes)
{
    buf_add(ctx, bytes);
    return OK;
}

static struct category_index *make_index(struct buf *bytes)
{
    struct str names[3] = {str_of(categories[0]), str_of(categories[1]), str_of(categories[2])};
    struct set_domain_builder *b;
    struct category_index *x;
    buf_init(bytes, 1 << 20);
    assert_int_equal(set_domain_builder_new(names, 3, &b), OK);
    for (uint32_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < sizeof member / sizeof member[0]; i++)
            if (strcmp(member[i][1], categories[c]) == 0)
                assert_int_equal(
                    set_domain_builder_add(b, c, SET_DOMAIN_NAME, str_of(member[i][0])), OK);
        for (size_t i = 0; i < 2; i++)
            if (strcmp(member_url[i][1], categories[c]) == 0)
                assert_int_equal(
                    set_domain_builder_add(b, c, SET_DOMAIN_URL, str_of(member_url[i][0])), OK);
    }
    assert_int_equal(set_domain_builder_finish(b, append, bytes, NULL), OK);
    set_domain_builder_free(b);
    assert_int_equal(category_index_open(buf_str(bytes), NULL, NULL, &x), OK);
    return x;
}

static struct snapshot *compile(struct str document, struct category_index *index)
{
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {document, 1, index};
    enum err e = policy_compile(&in, &report, &s);
    if (report.n_faults)
        print_message("%s: %s\n", report.faults[0].pointer, report.faults[0].message);
    report_fini(&report);
    assert_int_equal(e, OK);
    return s;
}

static void random_request(struct ref_request *r)
{
    memset(r, 0, sizeof *r);
    r->user = rng(4) ? users[rng(4)] : "";
    r->groups = rng(32);
    r->client = clients[rng(5)];
    r->host = hosts[rng(7)];
    r->method = methods[rng(3)];
    r->path = paths[rng(7)];
    r->type = rng(4) == 0 ? "" : types[rng(4) == 0 ? 0 : 1];
    r->port = (uint16_t)(rng(2) ? 80 : rng(2) ? 443 : 8123);
    r->known = FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET) |
               (rng(2) ? FACTS_BIT(FACTS_IDENTITY) : 0) | (rng(2) ? FACTS_BIT(FACTS_URL) : 0) |
               (rng(2) ? FACTS_BIT(FACTS_ANSWER) : 0);
    snprintf(r->url, sizeof r->url, "http://%s%s", r->host, r->path);
}

static void fill_facts(const struct ref_request *r, struct facts *f, struct str g[5])
{
    *f = (struct facts){.known = r->known,
                        .method = str_of(r->method),
                        .host = str_of(r->host),
                        .port = r->port,
                        .user = str_of(r->user),
                        .groups = g,
                        .url = str_of(r->url),
                        .content_type = str_of(r->type),
                        .size_bytes = UINT64_MAX};
    f->host_is_ip = strspn(r->host, "0123456789.") == strlen(r->host);
    assert_int_equal(ip_parse(str_of(r->client), &f->client), OK);
    for (uint32_t i = 0; i < 5; i++)
        if (r->groups >> i & 1)
            g[f->n_groups++] = str_of(groups[i]);
}

static void check(const struct snapshot *s, const struct ref_rule *rules, uint32_t n,
                  const struct ref_request *r)
{
    struct facts f;
    struct str g[5];
    struct verdict v;
    fill_facts(r, &f, g);
    policy_decide(s, &f, &v);
    uint32_t n_shadow = 0;
    for (uint32_t i = 0; i < n; i++) {
        enum fit fit = ref_fit(&rules[i], r);
        if (rules[i].is_shadow) {
            if (fit == YES && n_shadow < VERDICT_SHADOW_MAX && n_shadow < v.n_shadow)
                assert_int_equal(strtoul(v.shadow[n_shadow].p, NULL, 10), i);
            n_shadow += fit == YES;
            continue;
        }
        if (fit == NO)
            continue;
        if (v.is_final != (fit == YES) || v.rule != (int)i)
            print_message("rule %u: reference %d, engine final %d rule %d needs %d url %s user "
                          "'%s' known %x\n",
                          i, fit, v.is_final, v.rule, v.needs, r->url, r->user, r->known);
        assert_int_equal(v.rule, i);
        assert_int_equal(v.is_final, fit == YES);
        if (fit == YES)
            assert_int_equal(v.action, rules[i].is_block ? VERDICT_BLOCK : VERDICT_ALLOW);
        else
            assert_false(r->known >> v.needs & 1);
        return;
    }
    assert_true(v.is_final);
    assert_int_equal(v.rule, -1);
    assert_int_equal(v.n_shadow, n_shadow < VERDICT_SHADOW_MAX ? n_shadow : VERDICT_SHADOW_MAX);
}

/* The trace names the same rule, and the same fit of every rule. */
static void check_explained(const struct snapshot *s, const struct ref_rule *rules, uint32_t n,
                            const struct ref_request *r)
{
    static const char *const names[] = {"no", "unknown", "yes"};
    struct facts f;
    struct str g[5];
    struct verdict v;
    fill_facts(r, &f, g);
    policy_decide(s, &f, &v);
    json_t *told = explain_facts(s, &f), *trace = json_object_get(told, "trace");
    assert_int_equal(json_array_size(trace), n);
    for (uint32_t i = 0; i < n; i++) {
        const json_t *rule = json_array_get(trace, i);
        const char *fit = json_string_value(json_object_get(rule, "fit"));
        assert_string_equal(fit, names[ref_fit(&rules[i], r)]);
        assert_int_equal(json_is_true(json_object_get(rule, "decided")),
                         v.is_final && v.rule == (int)i);
    }
    json_decref(told);
}

static void random_documents_and_requests(void **state)
{
    (void)state;
    static struct ref_rule rules[LARGE];
    struct buf bytes;
    rng_state = 20261123;
    struct category_index *index = make_index(&bytes);
    for (int round = 0; round < 120; round++) {
        bool is_large = round % 60 == 59; /* more than 64 words of rules */
        uint32_t n = is_large ? LARGE : round % 10 == 0 ? 400 : 1 + rng(70);
        struct buf document;
        buf_init(&document, 1 << 24);
        random_rules(rules, n, is_large ? 4 : 0, &document);
        struct snapshot *s = compile(buf_str(&document), index);
        for (int i = 0; i < 1000; i++) {
            struct ref_request r;
            random_request(&r);
            check(s, rules, n, &r);
            if (i % 50 == 0 && !is_large)
                check_explained(s, rules, n, &r);
        }
        snapshot_unref(s);
        buf_fini(&document);
    }
    category_index_unref(index);
    buf_fini(&bytes);
}

/* --- 1,000 rules and 1,000 patterns on real URLs
 * --------------------------------------------------- */

#define BIG 1000

static char big_pattern[BIG][64];

static void word(char *out, size_t n)
{
    static const char *const parts[] = {"ad",  "s",  "ca",    "si",  "no",   "play", "video", "img",
                                        "log", "in", "track", "web", "shop", "free", "news",  "x"};
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        snprintf(out + strlen(out), 40 - strlen(out), "%s", parts[rng(16)]);
}

static void make_big_document(struct buf *b)
{
    static const char *const forms[][2] = {{"(^|[-.?+=/_0-9])", "([-.?+=/_0-9]|$)"},
                                           {"/", "/(banner|ads?)[0-9]*\\.(gif|jpe?g)"},
                                           {"^https?://[^/]*", "[0-9]*\\.(com|net)/"},
                                           {"[?&]", "=[0-9a-z]+(&|$)"},
                                           {"/", "[^/]*\\.(js|zip|html?)$"}};
    buf_add_z(b, "{\"rules\":[");
    for (uint32_t r = 0; r < BIG; r++) {
        char w[48];
        word(w, 1 + rng(2));
        uint32_t form = rng(5);
        snprintf(big_pattern[r], sizeof big_pattern[r], "%s%s%s", forms[form][0], w,
                 forms[form][1]);
        buf_addf(b, "%s{\"id\":\"%u\",\"action\":\"block\",\"when\":{\"url_patterns\":[\"",
                 r ? "," : "", r);
        for (const char *c = big_pattern[r]; *c; c++)
            buf_addf(b, *c == '\\' ? "\\\\" : "%c", *c);
        buf_addf(b, "\"]%s}}", r % 3 == 0 ? ",\"methods\":[\"POST\"]" : "");
    }
    buf_add_z(b, "]}");
}

static void a_thousand_patterns_on_real_urls(void **state)
{
    (void)state;
    static const char command[] =
        "test -r ../shared/data/urls-sample.txt.zst && "
        "zstd -dc --long=27 ../shared/data/urls-sample.txt.zst 2>/dev/null | head -n 10000";
    FILE *in = popen(command, "r");
    char line[4096];
    struct buf document;
    unsigned n_urls = 0, n_blocked = 0;
    rng_state = 7;
    buf_init(&document, 1 << 22);
    make_big_document(&document);
    struct snapshot *s = compile(buf_str(&document), NULL);
    struct arena a;
    arena_init(&a, 16384, 1 << 20);
    while (in && fgets(line, sizeof line, in)) {
        struct url u;
        struct str url;
        line[strcspn(line, "\n")] = '\0';
        arena_reset(&a);
        if (url_parse(str_of(line), &u) != OK || url_normal(&u, &a, &url) != OK)
            continue;
        url = arena_str(&a, url); /* ends in a zero, for the reference */
        bool is_post = n_urls++ % 2;
        struct facts f = {.known = FACTS_BIT(FACTS_N_STAGES) - 1,
                          .method = is_post ? STR("POST") : STR("GET"),
                          .host = host_str(&u.host),
                          .port = u.port,
                          .url = url,
                          .size_bytes = UINT64_MAX};
        struct verdict v;
        policy_decide(s, &f, &v);
        int want = -1;
        for (int r = 0; r < BIG && want < 0; r++)
            if ((r % 3 != 0 || is_post) &&
                pattern_hits(big_pattern[r], url.p)) /* arena strings end in zero */
                want = r;
        if (v.rule != want)
            print_message("%s: reference %d (%s), engine %d\n", url.p, want,
                          want < 0 ? "" : big_pattern[want], v.rule);
        assert_int_equal(v.rule, want);
        assert_int_equal(v.rule, want);
        n_blocked += want >= 0;
    }
    arena_fini(&a);
    if (in)
        pclose(in);
    snapshot_unref(s);
    buf_fini(&document);
    if (n_urls == 0) {
        print_message("skipped: no ../shared/data/urls-sample.txt.zst beside the project\n");
        skip();
    }
    print_message("%u urls, %u blocked\n", n_urls, n_blocked);
    assert_true(n_urls > 9000 && n_blocked > 100 && n_blocked < n_urls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_documents_and_requests),
        cmocka_unit_test(a_thousand_patterns_on_real_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
