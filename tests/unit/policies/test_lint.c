/* Lint: seeded oddities are all found, sound policies are left alone, and no rule that is called
 * dead ever decides: the interpreter of reference.h asks random policies with random requests. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>

#include "policies/compile.h"
#include "policies/lint.h"
#include "policies/reference.h"
#include "policies/reference_text.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 60u
#else
#define ROUNDS 1500u
#endif
#define REQUESTS 400

#define NOW_MS (MONDAY_MS + DAY_MS)

static struct snapshot *compiled(const char *document, struct category_index *index)
{
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {.document = str_of(document), .index = index};
    enum err e = policy_compile(&in, &report, &s);
    if (e != OK)
        print_message("%s\n%s: %s\n", document, report.n_faults ? report.faults[0].pointer : "",
                      report.n_faults ? report.faults[0].message : err_name(e));
    report_fini(&report);
    assert_int_equal(e, OK);
    return s;
}

/* "kind rule other" of every finding, in order. */
static void told(const json_t *findings, struct buf *out)
{
    size_t i;
    const json_t *f;
    json_array_foreach(findings, i, f)
    {
        const json_t *rule = json_object_get(f, "rule"), *other = json_object_get(f, "other_rule");
        buf_addf(out, "%s%s", i ? ", " : "", json_string_value(json_object_get(f, "kind")));
        if (json_is_string(rule))
            buf_addf(out, " %s", json_string_value(rule));
        if (json_is_string(other))
            buf_addf(out, " %s", json_string_value(other));
    }
}

#define RULE(id, action, rest) "{\"id\":\"" id "\",\"action\":\"" action "\"" rest "}"
#define WHEN(c)                ",\"when\":{" c "}"
#define UNLESS(c)              ",\"unless\":{" c "}"
#define DOC(more, rules)                                                                           \
    "{\"tests\":[{\"name\":\"t\",\"url\":\"http://z.test/\",\"expect\":\"allow\"}]," more          \
    "\"rules\":[" rules "]}"

static const struct {
    const char *why, *document, *want;
} seeded[] = {
    {"sound: an exception before its rule",
     DOC("", RULE("a", "allow", WHEN("\"hosts\":[\"b.a.test\"]")) "," RULE(
                 "b", "block", WHEN("\"hosts\":[\"a.test\"]"))),
     ""},
    {"sound: different people, one host",
     DOC("", RULE("a", "allow", WHEN("\"groups\":[\"it\"],\"hosts\":[\"a.test\"]")) "," RULE(
                 "b", "block", WHEN("\"groups\":[\"hr\"],\"hosts\":[\"a.test\"]"))),
     ""},
    {"sound: a rule that ends before the wider one",
     DOC("",
         RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]") ",\"expires_at\":\"2026-12-01T00:00:00Z\"") "," RULE(
             "b", "block", WHEN("\"hosts\":[\"b.a.test\"]") ",\"message\":\"m\"")),
     ""},
    {"sound: a rule on trial takes nothing",
     DOC("", RULE("a", "block", ",\"shadow\":true") "," RULE("b", "block",
                                                             WHEN("\"hosts\":[\"a.test\"]"))),
     ""},
    {"all hosts below",
     DOC("", RULE("a", "block", WHEN("\"hosts\":[\"a.test\",\"x.org\"]")) "," RULE(
                 "b", "allow", WHEN("\"hosts\":[\"b.a.test\",\"y.x.org\"]"))),
     "shadowed b a"},
    {"one host is not below",
     DOC("", RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]")) "," RULE(
                 "b", "block", WHEN("\"hosts\":[\"b.a.test\",\"y.x.org\"]"))),
     ""},
    {"a look-alike is not below",
     DOC("", RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]")) "," RULE(
                 "b", "block", WHEN("\"hosts\":[\"ba.test\"]"))),
     ""},
    {"a network inside, with a condition more",
     DOC("", RULE("a", "block", WHEN("\"networks\":[\"10.0.0.0/8\"]")) "," RULE(
                 "b", "allow", WHEN("\"networks\":[\"10.1.0.0/16\"],\"hosts\":[\"z.test\"]"))),
     "shadowed b a"},
    {"everybody takes a group",
     DOC("", RULE("a", "block", WHEN("\"users\":[\"*\"]")) "," RULE("b", "allow",
                                                                    WHEN("\"groups\":[\"it\"]"))),
     "shadowed b a"},
    {"a list takes its hosts",
     DOC("\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[\"a.test\",\"c.test\"]}],",
         RULE("a", "block", WHEN("\"lists\":[\"l\"]")) "," RULE("b", "allow",
                                                                WHEN("\"hosts\":[\"x.a.test\"]"))),
     "shadowed b a"},
    {"a host takes a list",
     DOC("\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[\"b.a.test\",\"a.test\"]}],",
         RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]")) "," RULE("b", "allow",
                                                                     WHEN("\"lists\":[\"l\"]"))),
     "shadowed b a"},
    {"its exempt are exempt of both",
     DOC("",
         RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]") UNLESS("\"users\":[\"ann\"]")) "," RULE(
             "b", "allow", WHEN("\"hosts\":[\"a.test\"]") UNLESS("\"users\":[\"ann\",\"bob\"]"))),
     "shadowed b a"},
    {"its exempt are not of the other",
     DOC("",
         RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]") UNLESS("\"users\":[\"ann\"]")) "," RULE(
             "b", "block", WHEN("\"hosts\":[\"a.test\"]") ",\"message\":\"m\"")),
     ""},
    {"its exempt have nothing to do with the other",
     DOC("", RULE("a", "block",
                  WHEN("\"hosts\":[\"a.test\"]") UNLESS(
                      "\"networks\":[\"192.0.2.0/24\"]")) "," RULE("b", "allow",
                                                                   WHEN("\"hosts\":[\"a.test\"],"
                                                                        "\"networks\":[\"10.0.0.0/"
                                                                        "8\"]"))),
     "shadowed b a"},
    {"nothing passes a rule without conditions",
     DOC("\"default\":{\"action\":\"allow\"},",
         RULE("a", "block", "") "," RULE("b", "allow", WHEN("\"hosts\":[\"a.test\"]"))),
     "shadowed b a"},
    {"twice the same, in another order",
     DOC("", RULE("a", "block", WHEN("\"hosts\":[\"a.test\",\"b.test\"]")) "," RULE(
                 "b", "block", WHEN("\"hosts\":[\"b.test\",\"a.test\"]"))),
     "duplicate b a"},
    {"not needed beside a wider one",
     DOC("", RULE("a", "block", WHEN("\"ports\":[\"8000-9000\"]")) "," RULE(
                 "b", "block", WHEN("\"ports\":[\"8080\",\"8443-8444\"]"))),
     "redundant b a"},
    {"does what the default does",
     DOC("", RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]")) "," RULE(
                 "b", "allow", WHEN("\"hosts\":[\"b.test\"]"))),
     "redundant b"},
    {"each has what the other has not",
     DOC("", RULE("a", "allow", WHEN("\"groups\":[\"it\"],\"categories\":[\"news\"]")) "," RULE(
                 "b", "block", WHEN("\"users\":[\"bob\"],\"categories\":[\"news\"]"))),
     "conflict b a"},
    {"off is off",
     DOC("", RULE("a", "block", ",\"enabled\":false" WHEN("\"hosts\":[\"a.test\"]")) "," RULE(
                 "b", "block", WHEN("\"hosts\":[\"a.test\"]"))),
     ""},
    {"over", DOC("", RULE("a", "block", ",\"expires_at\":\"2026-11-01T00:00:00Z\"")), "expired a"},
    {"an empty list",
     DOC("\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[]}],",
         RULE("a", "block", WHEN("\"lists\":[\"l\"]"))),
     "never a"},
    {"one of two lists is empty",
     DOC("\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[]},{\"name\":\"m\",\"kind\":"
         "\"domains\",\"entries\":[\"a.test\"]}],",
         RULE("a", "block", WHEN("\"lists\":[\"l\",\"m\"]"))),
     "empty-list a"},
    {"lists and schedules nobody names",
     DOC("\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[\"a.test\"]}],\"schedules\":"
         "[{\"name\":\"s\",\"windows\":[{\"from\":\"08:00\",\"to\":\"09:00\"}]}],",
         ""),
     "unused-list, unused-schedule"},
    {"never open",
     DOC("\"schedules\":[{\"name\":\"s\",\"windows\":[{\"days\":[],\"from\":\"08:00\",\"to\":"
         "\"09:00\"}]}],",
         RULE("a", "block", WHEN("\"schedules\":[\"s\"]"))),
     "never a"},
    {"larger than the largest",
     DOC("", RULE("a", "block", WHEN("\"min_bytes\":1000,\"max_bytes\":10"))), "never a"},
    {"names of files in tunnels",
     DOC("", RULE("a", "block", WHEN("\"schemes\":[\"connect\"],\"extensions\":[\"exe\"]"))),
     "never a"},
    {"types in tunnels",
     DOC("", RULE("a", "block", WHEN("\"methods\":[\"CONNECT\"],\"content_types\":[\"video/*\"]"))),
     "never a"},
    {"connect without CONNECT",
     DOC("", RULE("a", "block", WHEN("\"schemes\":[\"connect\"],\"methods\":[\"GET\"]"))),
     "never a"},
    {"two dots", DOC("", RULE("a", "block", WHEN("\"extensions\":[\"tar.gz\"]"))), "never a"},
    {"a type with a parameter",
     DOC("", RULE("a", "block", WHEN("\"content_types\":[\"text/html; charset=utf-8\"]"))),
     "never a"},
    {"unless takes all of when",
     DOC("", RULE("a", "block",
                  WHEN("\"networks\":[\"10.1.0.0/16\"]") UNLESS("\"networks\":[\"10.0.0.0/8\"]"))),
     "never a"},
    {"everybody is exempt",
     DOC("", RULE("a", "block", WHEN("\"groups\":[\"it\"]") UNLESS("\"users\":[\"*\"]"))),
     "never a"},
    {"a host outside its list",
     DOC("\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[\"a.test\"]}],",
         RULE("a", "block", WHEN("\"lists\":[\"l\"],\"hosts\":[\"b.test\"]"))),
     "never a"},
    {"a network outside its list",
     DOC("\"lists\":[{\"name\":\"l\",\"kind\":\"networks\",\"entries\":[\"10.0.0.0/8\"]}],",
         RULE("a", "block", WHEN("\"lists\":[\"l\"],\"networks\":[\"192.0.2.0/24\"]"))),
     "never a"},
    {"people where nobody is asked",
     DOC("\"identity\":\"never\",", RULE("a", "block", WHEN("\"users\":[\"ann\"]"))), "never a"},
    {"no such category", DOC("", RULE("a", "block", WHEN("\"categories\":[\"typo\"]"))),
     "unknown-category a"},
    {"a dead rule takes nothing",
     DOC("", RULE("a", "block", WHEN("\"min_bytes\":1000,\"max_bytes\":10")) "," RULE(
                 "b", "block", WHEN("\"min_bytes\":2000,\"max_bytes\":3000"))),
     "never a"},
};

static void seeded_oddities_are_found(void **state)
{
    (void)state;
    struct buf bytes;
    struct category_index *index = reference_index(&bytes);
    for (size_t i = 0; i < sizeof seeded / sizeof seeded[0]; i++) {
        struct snapshot *s = compiled(seeded[i].document, index);
        struct lint_input in = {.now_ms = NOW_MS};
        json_t *out = lint_document(s, &in);
        struct buf got;
        buf_init(&got, 4096);
        told(json_object_get(out, "findings"), &got);
        buf_add(&got, str_make("", 1));
        const char *text = got.p;
        size_t tests = strlen(text) >= 8 && !strcmp(text + strlen(text) - 8, "untested") ? 8 : 0;
        size_t n = strlen(text) - tests - (tests && strlen(text) > 8 ? 2 : 0);
        if (!str_eq(str_make(text, n), str_of(seeded[i].want)))
            print_message("%s: wants %s, got %s\n", seeded[i].why, seeded[i].want, text);
        assert_true(str_eq(str_make(text, n), str_of(seeded[i].want)));
        buf_fini(&got);
        json_decref(out);
        snapshot_unref(s);
    }
    category_index_unref(index);
    buf_fini(&bytes);
}

static json_t *lint_rules(const char *rules, const struct lint_input *in, bool with_tests)
{
    char *document = NULL;
    assert_true(asprintf(&document, "{%s\"rules\":%s}",
                         with_tests ? "\"tests\":[{\"name\":\"t\",\"url\":\"http://a.test/\","
                                      "\"expect\":\"block\"}],"
                                    : "",
                         rules) > 0);
    struct snapshot *s = compiled(document, NULL);
    json_t *out = lint_document(s, in);
    assert_non_null(out);
    snapshot_unref(s);
    free(document);
    return out;
}

static void assert_told(json_t *out, const char *want)
{
    struct buf got;
    buf_init(&got, 4096);
    told(json_object_get(out, "findings"), &got);
    if (!str_eq(buf_str(&got), str_of(want)))
        print_message("wants %s, got %.*s\n", want, (int)got.n, got.p);
    assert_true(str_eq(buf_str(&got), str_of(want)));
    buf_fini(&got);
    json_decref(out);
}

static void idle_rules_and_tests(void **state)
{
    (void)state;
    static const char rules[] =
        "[{\"id\":\"a\",\"action\":\"block\",\"when\":{\"hosts\":[\"a.test\"]}},"
        "{\"id\":\"b\",\"action\":\"block\",\"when\":{\"hosts\":[\"b.test\"]}},"
        "{\"id\":\"c\",\"action\":\"block\",\"when\":{\"hosts\":[\"c.test\"]}}]";
    const struct lint_use uses[] = {{STR("b"), 7, NOW_MS - 40 * DAY_MS},
                                    {STR("a"), 9, NOW_MS - 2 * DAY_MS},
                                    {STR("gone"), 9, NOW_MS}};
    const struct str old[] = {STR("a"), STR("b"), STR("c"), STR("gone")};
    struct lint_input in = {.now_ms = NOW_MS,
                            .uses = uses,
                            .n_uses = 3,
                            .old_rules = old,
                            .n_old_rules = 4,
                            .counted_from_ms = NOW_MS - 90 * DAY_MS,
                            .idle_days = 30};
    assert_told(lint_rules(rules, &in, true), "idle b, idle c, untested");
    assert_told(lint_rules(rules, &in, false), "idle b, idle c, no-tests");
    in.n_old_rules = 2; /* c is new */
    assert_told(lint_rules(rules, &in, true), "idle b, untested");
    in.idle_days = 100; /* more than was counted: nothing can be said */
    assert_told(lint_rules(rules, &in, true), "untested");
    in.counted_from_ms = 0;
    assert_told(lint_rules(rules, &in, true), "untested");
}

static void dead_rules_are_warned_of(void **state)
{
    (void)state;
    struct report report;
    struct snapshot *s =
        compiled(DOC("", RULE("a", "block", WHEN("\"hosts\":[\"a.test\"]")) "," RULE(
                             "b", "allow",
                             WHEN("\"hosts\":[\"b.a.test\"]")) "," RULE("c", "block",
                                                                        WHEN("\"min_bytes\":9,"
                                                                             "\"max_bytes\":1"))),
                 NULL);
    report_init(&report);
    lint_warn(s, NOW_MS, &report);
    assert_int_equal(report.n_faults, 0);
    assert_int_equal(report.n_warnings, 2);
    assert_string_equal(report.warnings[0].pointer, "/rules/1");
    assert_string_equal(report.warnings[0].code, "shadowed");
    assert_string_equal(report.warnings[1].pointer, "/rules/2/when/min_bytes");
    assert_string_equal(report.warnings[1].code, "never");
    report_fini(&report);
    snapshot_unref(s);
}

/* --- no false alarm ------------------------------------------------------------------------------
 */

static bool is_deadly(const char *kind)
{
    return !strcmp(kind, "never") || !strcmp(kind, "expired") || !strcmp(kind, "shadowed") ||
           !strcmp(kind, "duplicate") || !strcmp(kind, "unknown-category");
}

/* Marks what was called dead, and what was called not needed. */
static unsigned marks(const json_t *findings, bool *dead, bool *needless)
{
    size_t i;
    const json_t *f;
    unsigned n = 0;
    json_array_foreach(findings, i, f)
    {
        const char *kind = json_string_value(json_object_get(f, "kind"));
        json_int_t at = json_integer_value(json_object_get(f, "index"));
        bool by_rule = json_is_string(json_object_get(f, "other_rule"));
        if (is_deadly(kind) || (!strcmp(kind, "redundant") && by_rule))
            dead[at] = true;
        else if (!strcmp(kind, "redundant"))
            needless[at] = true;
        else
            continue;
        n++;
    }
    return n;
}

/* The same rules without those that are not needed: nothing that happens may change. */
static void assert_needless(const struct ref_policy *p, const bool *needless,
                            const struct ref_request *r, const struct ref_answer *a)
{
    static struct ref_rule rules[REFERENCE_RULES_MAX];
    struct ref_policy without = *p;
    struct ref_answer b;
    without.rules = rules;
    for (uint32_t i = 0; i < p->n; i++) {
        rules[i] = p->rules[i];
        rules[i].is_enabled = rules[i].is_enabled && !needless[i];
    }
    ref_decide(&without, r, &b);
    assert_true(b.is_final);
    enum verdict_action before = a->rule >= 0 ? p->rules[a->rule].action : p->default_action;
    enum verdict_action after = b.rule >= 0 ? p->rules[b.rule].action : p->default_action;
    assert_int_equal(before, after);
}

/* What flow knows of tunnels holds: they come by CONNECT, and nothing inside is seen. */
static void make_real(struct ref_request *r)
{
    bool is_tunnel = r->scheme == FACTS_TUNNEL;
    r->method = is_tunnel ? "CONNECT" : rng(2) ? "GET" : "POST";
    if (!is_tunnel)
        return;
    r->type = "";
    r->size_bytes = UINT64_MAX;
}

static unsigned one_round(unsigned round, struct category_index *index)
{
    static struct ref_rule rules[REFERENCE_RULES_MAX];
    bool dead[REFERENCE_RULES_MAX] = {0}, needless[REFERENCE_RULES_MAX] = {0};
    struct ref_policy p = {.rules = rules};
    int64_t clock_ms = MONDAY_MS;
    struct buf document;
    rng_state = 4242 + (uint64_t)round * 104729;
    reference_policy(&p, 1 + rng(30), 0);
    p.identity = rng(4) ? 0 : 2;
    buf_init(&document, 1 << 24);
    reference_write(&document, &p);
    buf_add(&document, str_make("", 1));
    struct snapshot *s = compiled(document.p, index);
    struct lint_input in = {.now_ms = MONDAY_MS};
    json_t *out = lint_document(s, &in);
    unsigned n = marks(json_object_get(out, "findings"), dead, needless);
    for (int i = 0; i < REQUESTS && n; i++) {
        struct ref_request r;
        struct ref_answer a;
        reference_request(&r, &clock_ms);
        make_real(&r);
        r.known = FACTS_BIT(FACTS_N_STAGES) - 1;
        r = reference_seen(&p, &r);
        ref_decide(&p, &r, &a);
        if (a.rule >= 0 && dead[a.rule]) {
            char *text = json_dumps(out, JSON_INDENT(1));
            fprintf(stderr, "round %u: rule %d decides %s\n%s\n%s\n", round, a.rule, r.url, text,
                    document.p);
            free(text);
        }
        assert_true(a.rule < 0 || !dead[a.rule]);
        for (uint32_t k = 0; k < a.n_shadow; k++)
            assert_false(dead[a.shadow[k]]);
        assert_needless(&p, needless, &r, &a);
    }
    json_decref(out);
    snapshot_unref(s);
    buf_fini(&document);
    return n;
}

static void no_dead_rule_ever_decides(void **state)
{
    (void)state;
    struct buf bytes;
    struct category_index *index = reference_index(&bytes);
    unsigned n = 0;
    for (unsigned round = 0; round < ROUNDS; round++)
        n += one_round(round, index);
    print_message("%u rules called dead or needless\n", n);
    assert_true(n > ROUNDS);
    category_index_unref(index);
    buf_fini(&bytes);
}

/* --- ten thousand rules --------------------------------------------------------------------------
 */

static void ten_thousand_rules_in_no_time(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 24);
    rng_state = 1;
    buf_add_z(&b, "{\"rules\":[");
    for (unsigned i = 0; i < 10000; i++)
        buf_addf(&b,
                 "%s{\"id\":\"%u\",\"action\":\"%s\",\"when\":{\"groups\":[\"g%u\",\"g%u\"],"
                 "\"hosts\":[\"h%u.d%u.test\"],\"networks\":[\"10.%u.0.0/16\"]}}",
                 i ? "," : "", i, rng(2) ? "allow" : "block", rng(20), rng(20), rng(500), rng(40),
                 rng(4));
    buf_add_z(&b, "]}");
    buf_add(&b, str_make("", 1));
    struct snapshot *s = compiled(b.p, NULL);
    struct lint_input in = {.now_ms = NOW_MS};
    clock_t from = clock();
    json_t *out = lint_document(s, &in);
    double took = (double)(clock() - from) / CLOCKS_PER_SEC;
    print_message("%d findings in %.2f s\n",
                  (int)json_integer_value(json_object_get(out, "n_findings")), took);
    assert_true(json_integer_value(json_object_get(out, "n_findings")) > 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(took < 4.0);
#endif
    json_decref(out);
    snapshot_unref(s);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeded_oddities_are_found),
        cmocka_unit_test(idle_rules_and_tests),
        cmocka_unit_test(dead_rules_are_warned_of),
        cmocka_unit_test(no_dead_rule_ever_decides),
        cmocka_unit_test(ten_thousand_rules_in_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
