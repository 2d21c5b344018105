/* Patterns of unbounded cost are found out, with a text that shows it; the others pass; and
 * whatever comes through is bounded when it runs. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/pattern_check.h"
#include "policies/costly_patterns.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUN_US_MOST 20000
#else
#define RUN_US_MOST 1000
#endif

static struct pattern_code *made(const char *pattern)
{
    struct pattern_fault f;
    struct pattern_code *p = NULL;
    if (pattern_code_new(str_of(pattern), &f, &p) != OK)
        fail_msg("%s: %s", pattern, f.message);
    return p;
}

static bool is_refused(const char *pattern, struct pattern_witness *w)
{
    struct pattern_code *p = made(pattern);
    struct pattern_runner *r = pattern_runner_new();
    uint64_t budget = UINT64_MAX;
    enum err e = pattern_check(p, &budget, w);
    assert_non_null(r);
    if (e == ERR_LIMIT) { /* the witness shows what it says */
        assert_true(w->n > 0 && w->times > 0 && w->steps > 2 * (uint64_t)w->steps_half);
        struct str text = str_make(w->text, w->n);
        assert_true(pattern_code_work(p, r, text, UINT32_MAX) >= w->steps);
        assert_int_equal(pattern_code_run(p, r, text, false), PATTERN_LIMITED);
    } else {
        assert_int_equal(e, OK);
    }
    pattern_runner_free(r);
    pattern_code_unref(p);
    return e == ERR_LIMIT;
}

static void costly_ones_are_refused(void **state)
{
    (void)state;
    static struct pattern_witness w;
    size_t n = 0;
    for (size_t i = 0; i < N_COSTLY; i++) {
        bool is_found = is_refused(costly_patterns[i].pattern, &w);
        if (!is_found)
            print_message("not found: %s\n", costly_patterns[i].pattern);
        n += is_found;
    }
    print_message("%zu of %zu\n", n, N_COSTLY);
    assert_true(N_COSTLY >= 40);
    assert_int_equal(n, N_COSTLY);
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static size_t write_attack(const struct costly_pattern *c, size_t size, char *out)
{
    size_t pump = strlen(c->pump), end = strlen(c->suffix), n = strlen(c->prefix);
    memcpy(out, c->prefix, n);
    for (; n + pump + end <= size; n += pump)
        memcpy(out + n, c->pump, pump);
    memcpy(out + n, c->suffix, end);
    return n + end;
}

/* At the lengths URLs have, up to the longest: never longer than a millisecond of CPU. */
static void no_run_is_long(void **state)
{
    (void)state;
    static const size_t sizes[] = {30, 100, 126, 500, 1490, 2046, 8192};
    static char text[8300];
    struct pattern_runner *r = pattern_runner_new();
    uint64_t worst = 0;
    size_t n_limited = 0;
    assert_non_null(r);
    for (size_t i = 0; i < N_COSTLY; i++) {
        struct pattern_code *p = made(costly_patterns[i].pattern);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            size_t n = write_attack(&costly_patterns[i], sizes[k], text);
            uint64_t best = UINT64_MAX;
            enum pattern_answer a = PATTERN_NO;
            for (int round = 0; round < 4; round++) { /* the first compiles, and others work here */
                uint64_t t = now_us();
                a = pattern_code_run(p, r, str_make(text, n), false);
                t = now_us() - t;
                best = t < best ? t : best;
            }
            n_limited += a == PATTERN_LIMITED;
            worst = best > worst ? best : worst;
            if (best > RUN_US_MOST)
                print_message("%s at %zu: %llu us\n", costly_patterns[i].pattern, sizes[k],
                              (unsigned long long)best);
        }
        pattern_code_unref(p);
    }
    print_message("worst %llu us, %zu given up\n", (unsigned long long)worst, n_limited);
    assert_true(worst <= RUN_US_MOST);
    assert_true(n_limited > 2 * N_COSTLY);
    pattern_runner_free(r);
}

static void ordinary_ones_pass(void **state)
{
    (void)state;
    static const char *const fine[] = {"casino",
                                       "(^|[-.?+=/_0-9])casino([-.?+=/_0-9]|$)",
                                       "/ads?/(banner|x)[0-9]*\\.(gif|jpe?g)",
                                       "^http://[^/]*shop[0-9]*\\.(com|net)/",
                                       "[?&]q=[0-9a-f]+(&|$)",
                                       "/(a|b)[^/]*\\.(exe|zip)$",
                                       "^https?://([^/]+\\.)?example\\.com(/|$)",
                                       "\\.php\\?.*id=\\d+",
                                       "^[^?]*\\?.*utm_",
                                       "([a-z0-9-]+\\.)+tk/",
                                       "(/[^/]+)*/wp-admin/",
                                       "^(?:[a-z]+://)?(?:www\\.)?x\\.org",
                                       "[0-9a-f]{32}/invoke\\.js",
                                       "(?=.*foo)(?=.*bar)",
                                       "(\\w)\\1{3}",
                                       "a++b++c",
                                       "(?>a+)+b"};
    static struct pattern_witness w;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        if (is_refused(fine[i], &w))
            fail_msg("%s: %u steps for %.*s", fine[i], w.steps, (int)w.n, w.text);
}

static void published_ones_pass(void **state)
{
    (void)state;
    static struct pattern_witness w;
    char line[9000];
    size_t n = 0, n_refused = 0;
    FILE *f =
        popen("cd ../shared/data/regex 2>/dev/null && cat adblock* pihole* squidguard* v2fly* "
              "| grep -v '^#'",
              "r");
    while (f && fgets(line, sizeof line, f)) {
        struct pattern_fault fault;
        struct pattern_code *p = NULL;
        line[strcspn(line, "\r\n")] = '\0';
        if (!line[0] || pattern_code_new(str_of(line), &fault, &p) != OK)
            continue;
        pattern_code_unref(p);
        n++;
        if (is_refused(line, &w)) {
            n_refused++;
            print_message("%.70s: %u steps for \"%s\" %u times\n", line, w.steps, w.pump, w.times);
        }
    }
    if (f)
        pclose(f);
    if (n == 0) {
        print_message("skipped: no ../shared/data beside the project\n");
        skip();
    }
    print_message("%zu of %zu\n", n_refused, n);
    assert_true(n > 300 && n_refused <= 3); /* each with its witness */
}

static void told_in_a_document(void **state)
{
    (void)state;
    static const char document[] =
        "{\"lists\":[{\"name\":\"l\",\"kind\":\"url_patterns\",\"entries\":[\"fine\",\"(a+)+$\"]}],"
        "\"rules\":[{\"id\":\"r\",\"action\":\"block\",\"when\":{\"url_patterns\":[\"(x|xx)+y\"]}}]"
        "}";
    struct compile_input in = {.document = str_of(document), .refuse_costly = true};
    struct report report;
    struct snapshot *s = NULL;
    assert_int_equal(policy_compile(&in, &report, &s), ERR_INVALID);
    assert_int_equal(report.n_faults, 2);
    assert_string_equal(report.faults[0].code, "costly-pattern");
    assert_string_equal(report.faults[0].pointer, "/rules/0/when/url_patterns/0");
    assert_string_equal(report.faults[1].pointer, "/lists/0/entries/1");
    assert_non_null(strstr(report.faults[1].message, "Shown by: aaaaaa"));
    report_fini(&report);
    in.refuse_costly = false; /* what is in force already stays so */
    assert_int_equal(policy_compile(&in, &report, &s), OK);
    report_fini(&report);
    snapshot_unref(s);
}

/* What a given-up run means: no match, or a block where the policy wants that. */
static void a_limit_fails_as_the_policy_says(void **state)
{
    (void)state;
    static const char *const ways[] = {"no-match", "block"};
    char document[300];
    for (int i = 0; i < 2; i++) {
        snprintf(
            document, sizeof document,
            "{\"pattern_limit\":\"%s\",\"rules\":[{\"id\":\"r\",\"action\":\"block\",\"when\":{"
            "\"url_patterns\":[\"/abc(a+)+!$\"]}}]}",
            ways[i]);
        struct compile_input in = {.document = str_of(document)};
        struct report report;
        struct snapshot *s = NULL;
        struct verdict v;
        assert_int_equal(policy_compile(&in, &report, &s), OK);
        report_fini(&report);
        struct facts f = {.known = FACTS_BIT(FACTS_N_STAGES) - 1,
                          .method = STR("GET"),
                          .host = STR("x.test"),
                          .port = 80,
                          .url = STR("http://x.test/abcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!x")};
        policy_decide(s, &f, &v);
        assert_true(v.is_final);
        assert_int_equal(v.action, i ? VERDICT_BLOCK : VERDICT_ALLOW);
        assert_int_equal(v.is_given_up, i);
        assert_int_equal(snapshot_n_limited(s), 1);
        f.url = STR("http://x.test/b");
        policy_decide(s, &f, &v);
        assert_int_equal(v.action, VERDICT_ALLOW);
        snapshot_unref(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costly_ones_are_refused),
        cmocka_unit_test(no_run_is_long),
        cmocka_unit_test(ordinary_ones_pass),
        cmocka_unit_test(published_ones_pass),
        cmocka_unit_test(told_in_a_document),
        cmocka_unit_test(a_limit_fails_as_the_policy_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
