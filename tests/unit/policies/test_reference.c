/* The engine against the interpreter of reference.h: random documents that use everything a
 * document can say, random requests at every stage of knowledge, each asked stage by stage until it
 * is settled; and 1,000 rules with 1,000 patterns on real URLs. A failure prints its round:
 * PROXYD_TEST_ROUND=n runs that one alone. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/host.h"
#include "base/url.h"
#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/explain.h"
#include "policies/reference.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAIRS 60000u
#else
#define PAIRS 1000000u
#endif
#define LARGE    4500 /* rules: more than 64 words of them */
#define REQUESTS 800  /* of one document */

static const char *const messages[] = {"", "m1", "m2"};

/* --- documents -----------------------------------------------------------------------------------
 */

static void write_text(struct buf *b, const char *text)
{
    buf_add_c(b, '"');
    for (const char *c = text; *c; c++)
        buf_addf(b, *c == '\\' ? "\\\\" : "%c", *c);
    buf_add_c(b, '"');
}

static void write_key(struct buf *b, int key, uint32_t mask)
{
    bool is_single = key == K_MIN || key == K_MAX, is_first = true;
    buf_addf(b, "\"%s\":%s", ref_keys[key].name, is_single ? "" : "[");
    for (uint32_t i = 0; i < ref_keys[key].n; i++) {
        if (!(mask >> i & 1))
            continue;
        buf_add_z(b, is_first ? "" : ",");
        is_first = false;
        if (is_single)
            buf_add_z(b, ref_keys[key].pool[i]);
        else
            write_text(b, ref_keys[key].pool[i]);
    }
    buf_add_z(b, is_single ? "" : "]");
}

static void write_rule(struct buf *b, const struct ref_rule *r, uint32_t number)
{
    static const char *const sides[] = {"when", "unless"};
    buf_addf(b,
             "%s{\"id\":\"%u\",\"enabled\":%s,\"shadow\":%s,\"action\":\"%s\",\"log\":\"%s\","
             "\"tls\":\"%s\",\"message\":\"%s\"",
             number ? "," : "", number, r->is_enabled ? "true" : "false",
             r->is_shadow ? "true" : "false", verdict_action_name(r->action),
             verdict_log_name(r->log), verdict_tls_name(r->tls), messages[r->message]);
    if (r->action == VERDICT_REDIRECT)
        buf_add_z(b, ",\"redirect_url\":\"http://r.test/\"");
    if (r->expires_at_ms)
        buf_addf(b, ",\"expires_at\":\"2026-11-%02dT00:00:00Z\"",
                 23 + (int)((r->expires_at_ms - MONDAY_MS) / DAY_MS));
    for (int side = 0; side < 2; side++) {
        buf_addf(b, ",\"%s\":{", sides[side]);
        for (uint32_t keys = r->keys[side]; keys; keys &= keys - 1) {
            write_key(b, __builtin_ctz(keys), r->mask[side][__builtin_ctz(keys)]);
            buf_add_z(b, keys & (keys - 1) ? "," : "");
        }
        buf_add_c(b, '}');
    }
    buf_add_c(b, '}');
}

static void write_document(struct buf *b, const struct ref_policy *p)
{
    static const char *const identity[] = {"when-needed", "always", "never"};
    buf_addf(b,
             "{\"identity\":\"%s\",\"default\":{\"action\":\"%s\",\"message\":\"%s\"}," REF_LISTS
             "\"schedules\":[",
             identity[p->identity], verdict_action_name(p->default_action),
             messages[p->default_message]);
    for (size_t i = 0; i < REF_N(ref_schedule); i++)
        buf_addf(b,
                 "%s{\"name\":\"%s\",\"zone\":\"%s\",\"windows\":[{\"days\":[%s],\"from\":\"%s\","
                 "\"to\":\"%s\"}]}",
                 i ? "," : "", pool_schedules[i], ref_schedule[i].zone, ref_schedule[i].days,
                 ref_schedule[i].from, ref_schedule[i].to);
    buf_add_z(b, "],\"rules\":[");
    for (uint32_t r = 0; r < p->n; r++)
        write_rule(b, &p->rules[r], r);
    buf_add_z(b, "]}");
}

static void random_side(struct ref_rule *r, int side, uint32_t n_conditions)
{
    for (uint32_t c = 0; c < n_conditions; c++) {
        int k = (int)rng(K_N);
        if (k == K_MIN || k == K_MAX) {
            r->mask[side][k] = 1u << rng(ref_keys[k].n);
        } else {
            r->mask[side][k] |= 1u << rng(ref_keys[k].n);
            r->mask[side][k] |= 1u << rng(ref_keys[k].n);
        }
        r->keys[side] |= 1u << k;
    }
}

/* least: conditions of each rule; many make rules that seldom fit, so that the search goes far. */
static void random_policy(struct ref_policy *p, uint32_t n, uint32_t least)
{
    bool is_plain = rng(3) == 0; /* few different effects: more that may be passed over */
    p->n = n;
    p->identity = rng(6) ? 0 : (int)rng(3);
    p->default_action = rng(2) ? VERDICT_ALLOW : VERDICT_BLOCK;
    p->default_message = is_plain ? 0 : rng(3);
    for (uint32_t i = 0; i < n; i++) {
        struct ref_rule *r = &p->rules[i];
        memset(r, 0, sizeof *r);
        random_side(r, 0, least + rng(4));
        random_side(r, 1, rng(3) ? 0 : 1 + rng(2));
        r->is_enabled = rng(10) != 0;
        r->is_shadow = rng(8) == 0;
        r->action = (enum verdict_action)(is_plain ? rng(2) : rng(5));
        r->log = rng(6) || is_plain ? VERDICT_LOG_FULL : (enum verdict_log)rng(3);
        r->tls = rng(6) || is_plain ? VERDICT_TLS_DEFAULT : (enum verdict_tls)rng(3);
        r->message = is_plain ? 0 : rng(3);
        r->expires_at_ms = rng(6) ? 0 : MONDAY_MS + (1 + rng(5)) * DAY_MS;
    }
}

static enum err append(void *ctx, struct str bytes)
{
    buf_add(ctx, bytes);
    return OK;
}

static void add_entries(struct set_domain_builder *b, enum set_domain_kind kind,
                        const char *const (*rows)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < REF_N(pool_categories); c++)
            if (strcmp(rows[i][1], pool_categories[c]) == 0)
                assert_int_equal(set_domain_builder_add(b, c, kind, str_of(rows[i][0])), OK);
}

static struct category_index *make_index(struct buf *bytes)
{
    struct str names[REF_N(pool_categories)];
    struct set_domain_builder *b;
    struct category_index *x;
    for (size_t i = 0; i < REF_N(pool_categories); i++)
        names[i] = str_of(pool_categories[i]);
    buf_init(bytes, 1 << 20);
    assert_int_equal(set_domain_builder_new(names, REF_N(names), &b), OK);
    add_entries(b, SET_DOMAIN_NAME, ref_member, REF_N(ref_member));
    add_entries(b, SET_DOMAIN_URL, ref_member_url, REF_N(ref_member_url));
    add_entries(b, SET_DOMAIN_EXCEPTION, ref_exception, REF_N(ref_exception));
    assert_int_equal(set_domain_builder_finish(b, append, bytes, NULL), OK);
    set_domain_builder_free(b);
    assert_int_equal(category_index_open(buf_str(bytes), NULL, NULL, &x), OK);
    return x;
}

static struct snapshot *compile(struct buf *document, struct category_index *index)
{
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {.document = buf_str(document), .version = 1, .index = index};
    enum err e = policy_compile(&in, &report, &s);
    if (report.n_faults)
        print_message("%s: %s\n", report.faults[0].pointer, report.faults[0].message);
    report_fini(&report);
    assert_int_equal(e, OK);
    return s;
}

/* --- requests ------------------------------------------------------------------------------------
 */

#define ANY(pool) (pool)[rng(REF_N(pool))]

/* Time goes on in small steps, and sometimes jumps; people come back. */
static void random_request(struct ref_request *r, int64_t *clock_ms)
{
    *clock_ms = rng(10) ? *clock_ms + rng(20000) : MONDAY_MS + rng(6 * 86400) * INT64_C(1000);
    r->now_ms = *clock_ms;
    r->person = rng(4) ? rng(REF_N(ref_people)) : 0;
    r->is_numbered = rng(2);
    r->client = ANY(ref_clients);
    r->listener = rng(3) ? pool_listeners[rng(2)] : "127.0.0.1:1";
    r->host = ANY(ref_hosts);
    r->method = ANY(pool_methods);
    r->path = ANY(ref_paths);
    r->type = rng(4) == 0 ? "" : rng(3) ? pool_types[rng(2)] : "image/png";
    r->agent = ANY(ref_agents);
    r->server = ANY(ref_servers);
    r->size_bytes = rng(4) == 0 ? UINT64_MAX : rng(4) == 0 ? 1000 : rng(1000000);
    r->port = (uint16_t)(rng(2) ? 80 : rng(2) ? 443 : 8123);
    r->scheme = (enum facts_scheme)rng(3);
    if (r->scheme == FACTS_TUNNEL)
        r->path = "/";
    if (r->scheme == FACTS_TUNNEL)
        snprintf(r->url, sizeof r->url, "%s:%u", r->host, r->port);
    else
        snprintf(r->url, sizeof r->url, "%s://%s%s", r->scheme == FACTS_HTTP ? "http" : "https",
                 r->host, r->path);
    r->known = FACTS_BIT(FACTS_CONNECT) | (rng(16) ? FACTS_BIT(FACTS_TARGET) : 0);
    for (int s = FACTS_IDENTITY; s < FACTS_N_STAGES; s++)
        if (rng(2) && (s != FACTS_URL || r->known & FACTS_BIT(FACTS_TARGET)))
            r->known |= FACTS_BIT(s);
}

static void fill_facts(const struct ref_request *r, struct facts *f, struct str *g)
{
    const struct ref_person *p = &ref_people[r->person];
    *f = (struct facts){.known = r->known,
                        .listener = str_of(r->listener),
                        .now_ms = r->now_ms,
                        .method = str_of(r->method),
                        .host = str_of(r->host),
                        .port = r->port,
                        .scheme = r->scheme,
                        .user = str_of(p->user),
                        .groups = g,
                        .person = r->is_numbered ? r->person + 1 : 0,
                        .url = str_of(r->url),
                        .user_agent = str_of(r->agent),
                        .content_type = str_of(r->type),
                        .size_bytes = r->size_bytes};
    f->host_is_ip = strspn(r->host, "0123456789.") == strlen(r->host);
    assert_int_equal(ip_parse(str_of(r->client), &f->client), OK);
    assert_int_equal(ip_parse(str_of(r->server), &f->server), OK);
    for (uint32_t i = 0; i < REF_N(pool_groups); i++)
        if (p->groups >> i & 1)
            g[f->n_groups++] = i == 0 ? STR("Staff") : str_of(pool_groups[i]);
}

/* What the reference is asked: where nobody is ever asked for a name, nobody is known. */
static struct ref_request as_seen(const struct ref_policy *p, const struct ref_request *r)
{
    struct ref_request seen = *r;
    if (p->identity == 2) {
        seen.person = 0;
        seen.known |= FACTS_BIT(FACTS_IDENTITY);
    }
    ref_learn(&seen);
    return seen;
}

static bool same_shadows(const struct verdict *v, const struct ref_answer *a)
{
    bool same = v->n_shadow == a->n_shadow;
    for (uint32_t i = 0; same && i < a->n_shadow; i++)
        same = strtoul(v->shadow[i].p, NULL, 10) == a->shadow[i];
    return same;
}

static bool same_effect(const struct ref_policy *p, const struct verdict *v)
{
    const struct ref_rule *r = v->rule >= 0 ? &p->rules[v->rule] : NULL;
    if (!r)
        return v->action == p->default_action &&
               str_eq(v->message, str_of(messages[p->default_message]));
    return v->action == r->action && v->log == r->log && v->tls == r->tls &&
           str_eq(v->message, str_of(messages[r->message]));
}

static void check(const struct ref_policy *p, const struct ref_request *seen,
                  const struct verdict *v)
{
    struct ref_answer a;
    ref_decide(p, seen, &a);
    bool is_good = v->is_final == a.is_final && v->rule == a.rule && same_shadows(v, &a) &&
                   (a.is_final ? same_effect(p, v) : v->needs == a.needs);
    if (!is_good)
        print_message("%s user '%s' client %s known %x: reference final %d rule %d needs %d, "
                      "engine final %d rule %d needs %d\n",
                      seen->url, ref_people[seen->person].user, seen->client, seen->known,
                      a.is_final, a.rule, a.needs, v->is_final, v->rule, v->needs);
    assert_true(is_good);
}

/* --- the property --------------------------------------------------------------------------------
 */

/* The trace names the same rule, and the same fit of every rule. */
static void check_explained(const struct snapshot *s, const struct ref_policy *p,
                            const struct ref_request *r)
{
    static const char *const names[] = {"no", "unknown", "yes"};
    struct ref_request seen = as_seen(p, r);
    struct facts f;
    struct str g[REF_N(pool_groups)];
    struct verdict v;
    fill_facts(r, &f, g);
    policy_decide(s, &f, &v);
    json_t *told = explain_facts(s, &f), *trace = json_object_get(told, "trace");
    assert_int_equal(json_array_size(trace), p->n);
    assert_int_equal(json_is_true(json_object_get(told, "is_final")), v.is_final);
    for (uint32_t i = 0; i < p->n; i++) {
        const json_t *rule = json_array_get(trace, i);
        const char *fit = json_string_value(json_object_get(rule, "fit"));
        assert_string_equal(fit, names[ref_fit(&p->rules[i], &seen)]);
        assert_int_equal(json_is_true(json_object_get(rule, "decided")),
                         v.is_final && v.rule == (int)i);
    }
    json_decref(told);
}

/* From what is known at first, stage by stage as the verdict asks, to the end: each answer is the
 * reference's, and the last is what would have been answered had all been known. Returns the number
 * of answers. */
static unsigned check_walk(const struct snapshot *s, const struct ref_policy *p,
                           const struct ref_request *first)
{
    struct ref_request r = *first;
    struct facts f;
    struct str g[REF_N(pool_groups)];
    struct verdict v, all;
    unsigned n = 0;
    for (;; n++) {
        struct ref_request seen = as_seen(p, &r);
        fill_facts(&r, &f, g);
        policy_decide(s, &f, &v);
        check(p, &seen, &v);
        if (v.is_final)
            break;
        assert_false(r.known & FACTS_BIT(v.needs));
        r.known |= FACTS_BIT(v.needs);
    }
    r.known = FACTS_BIT(FACTS_N_STAGES) - 1;
    fill_facts(&r, &f, g);
    policy_decide(s, &f, &all);
    assert_true(all.is_final);
    assert_int_equal(v.action, all.action);
    assert_int_equal(v.log, all.log);
    assert_int_equal(v.tls, all.tls);
    assert_true(v.action == VERDICT_ALLOW || str_eq(v.message, all.message));
    return n + 1;
}

static unsigned one_round(unsigned round, struct category_index *index)
{
    static struct ref_rule rules[LARGE];
    struct ref_policy p = {.rules = rules};
    int64_t clock_ms = MONDAY_MS;
    struct buf document;
    unsigned n = 0;
    bool is_large = round % 100 == 99;
    rng_state = 20261123 + (uint64_t)round * 7919;
    random_policy(&p, is_large ? LARGE : round % 20 == 0 ? 400 : 1 + rng(70), is_large ? 4 : 0);
    buf_init(&document, 1 << 24);
    write_document(&document, &p);
    struct snapshot *s = compile(&document, index);
    for (int i = 0; i < (is_large ? REQUESTS / 4 : REQUESTS); i++) {
        struct ref_request r;
        random_request(&r, &clock_ms);
        n += check_walk(s, &p, &r);
        if (i % 200 == 0 && !is_large)
            check_explained(s, &p, &r);
    }
    snapshot_unref(s);
    buf_fini(&document);
    return n;
}

static unsigned current_round;

static void a_million_random_pairs(void **state)
{
    (void)state;
    const char *only = getenv("PROXYD_TEST_ROUND");
    struct buf bytes;
    unsigned n = 0;
    struct category_index *index = make_index(&bytes);
    current_round = only ? (unsigned)strtoul(only, NULL, 10) : 0;
    do
        n += one_round(current_round++, index);
    while (n < PAIRS && !only);
    print_message("%u pairs, %u documents\n", n, current_round);
    category_index_unref(index);
    buf_fini(&bytes);
}

/* cmocka leaves a failing test by a long jump: the round is told here. */
static int tell_round(void **state)
{
    (void)state;
    print_message("last round begun: PROXYD_TEST_ROUND=%u\n", current_round - 1);
    return 0;
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
    struct snapshot *s = compile(&document, NULL);
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
                ref_pattern_hits(big_pattern[r], url.p)) /* arena strings end in zero */
                want = r;
        if (v.rule != want)
            print_message("%s: reference %d (%s), engine %d\n", url.p, want,
                          want < 0 ? "" : big_pattern[want], v.rule);
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
        cmocka_unit_test_teardown(a_million_random_pairs, tell_round),
        cmocka_unit_test(a_thousand_patterns_on_real_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
