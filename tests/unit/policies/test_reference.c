/* The engine against the interpreter of reference.h: random documents that use everything a
 * document can say, random requests at every stage of knowledge, each asked stage by stage until it
 * is settled; and 1,000 rules with 1,000 patterns on real URLs. A failure prints its round:
 * PROXYD_TEST_ROUND=n runs that one alone. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/host.h"
#include "base/url.h"
#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/explain.h"
#include "policies/reference.h"
#include "policies/reference_text.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAIRS 60000u
#else
#define PAIRS 1000000u
#endif
#define REQUESTS 800 /* of one document */

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

/* --- answers ------------------------------------------------------------------------------------
 */

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
               str_eq(v->message, str_of(reference_messages[p->default_message]));
    return v->action == r->action && v->log == r->log && v->tls == r->tls &&
           !v->effects == !r->is_limited &&
           str_eq(v->message, str_of(reference_messages[r->message]));
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
    struct ref_request seen = reference_seen(p, r);
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
        struct ref_request seen = reference_seen(p, &r);
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
    assert_ptr_equal(v.effects, all.effects);
    assert_true(v.action == VERDICT_ALLOW || str_eq(v.message, all.message));
    return n + 1;
}

static unsigned one_round(unsigned round, struct category_index *index)
{
    static struct ref_rule rules[REFERENCE_RULES_MAX];
    struct ref_policy p = {.rules = rules};
    int64_t clock_ms = MONDAY_MS;
    struct buf document;
    unsigned n = 0;
    bool is_large = round % 100 == 99;
    rng_state = 20261123 + (uint64_t)round * 7919;
    reference_policy(&p,
                     is_large          ? REFERENCE_RULES_MAX
                     : round % 20 == 0 ? 400
                                       : 1 + rng(70),
                     is_large ? 4 : 0);
    buf_init(&document, 1 << 24);
    reference_write(&document, &p);
    struct snapshot *s = compile(&document, index);
    for (int i = 0; i < (is_large ? REQUESTS / 4 : REQUESTS); i++) {
        struct ref_request r;
        reference_request(&r, &clock_ms);
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
    struct category_index *index = reference_index(&bytes);
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

/* --- many threads on one snapshot ----------------------------------------------------------------
 */

#define CROWD    4
#define QUESTION 3000

struct crowd {
    const struct snapshot *s;
    const struct facts *facts;
    const int *rule;
    atomic_uint n_wrong;
};

static void *ask_all(void *arg)
{
    struct crowd *c = arg;
    for (unsigned i = 0; i < QUESTION; i++) {
        struct verdict v;
        policy_decide(c->s, &c->facts[i], &v);
        if (v.rule != c->rule[i])
            atomic_fetch_add(&c->n_wrong, 1);
    }
    return NULL;
}

static void many_threads_on_one_snapshot(void **state)
{
    (void)state;
    static struct ref_rule rules[400];
    static struct ref_request asked[QUESTION];
    static struct facts facts[QUESTION];
    static struct str groups[QUESTION][REF_N(pool_groups)];
    static int rule[QUESTION];
    struct ref_policy p = {.rules = rules};
    struct buf bytes, document;
    pthread_t threads[CROWD];
    int64_t clock_ms = MONDAY_MS;
    struct category_index *index = reference_index(&bytes);
    rng_state = 99;
    reference_policy(&p, 400, 2);
    buf_init(&document, 1 << 24);
    reference_write(&document, &p);
    struct snapshot *s = compile(&document, index);
    for (unsigned i = 0; i < QUESTION; i++) {
        struct verdict v;
        reference_request(&asked[i], &clock_ms);
        fill_facts(&asked[i], &facts[i], groups[i]);
        policy_decide(s, &facts[i], &v);
        rule[i] = v.rule;
    }
    struct crowd c = {.s = s, .facts = facts, .rule = rule};
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, &c), 0);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(c.n_wrong, 0);
    snapshot_unref(s);
    category_index_unref(index);
    buf_fini(&document);
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
        cmocka_unit_test(many_threads_on_one_snapshot),
        cmocka_unit_test(a_thousand_patterns_on_real_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
