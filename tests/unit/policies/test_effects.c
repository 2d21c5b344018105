/* Effects of rules: what is read, what is refused and where, and what a used up quota does. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/zone.h"

static enum err compile(const char *rule, struct report *report, struct snapshot **out)
{
    char document[4096];
    snprintf(document, sizeof document, "{\"rules\":[{\"id\":\"r\",%s}]}", rule);
    struct compile_input in = {.document = str_of(document), .version = 1};
    return policy_compile(&in, report, out);
}

static void decide(const struct snapshot *s, struct verdict *v)
{
    struct facts f = {.known = FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET),
                      .method = STR("GET"),
                      .host = STR("a.test"),
                      .port = 80};
    policy_decide(s, &f, v);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *why, *rule, *pointer, *code;
    } rows[] = {
        {"no bound", "\"action\":\"allow\",\"quota\":{\"per\":\"user\"}", "/rules/0/quota",
         "missing"},
        {"a day has no more", "\"action\":\"allow\",\"quota\":{\"minutes_per_day\":1441}",
         "/rules/0/quota/minutes_per_day", "bad-number"},
        {"only what allows", "\"action\":\"block\",\"quota\":{\"minutes_per_day\":1}",
         "/rules/0/quota", "not-here"},
        {"no such zone", "\"action\":\"allow\",\"quota\":{\"bytes_per_day\":1,\"zone\":\"X/Y\"}",
         "/rules/0/quota/zone", "unknown-zone"},
        {"no such account", "\"action\":\"allow\",\"quota\":{\"bytes_per_day\":1,\"per\":\"host\"}",
         "/rules/0/quota/per", "unknown-word"},
        {"per what category",
         "\"action\":\"allow\",\"quota\":{\"bytes_per_day\":1,\"per\":\"category\"}",
         "/rules/0/quota", "missing"},
        {"password left out", "\"action\":\"override\",\"override\":{\"by\":\"password\"}",
         "/rules/0/override/password_hash", "missing"},
        {"not a hash",
         "\"action\":\"override\",\"override\":{\"by\":\"password\",\"password_hash\":\"x\"}",
         "/rules/0/override/password_hash", "bad-hash"},
        {"too short",
         "\"action\":\"override\",\"override\":{\"by\":\"password\",\"password\":\"abc\"}",
         "/rules/0/override/password", "bad-length"},
        {"to nowhere", "\"action\":\"redirect\"", "/rules/0/redirect_url", "missing"},
        {"no host", "\"action\":\"redirect\",\"redirect_url\":\"http://\"", "/rules/0/redirect_url",
         "bad-url"},
        {"a script", "\"action\":\"redirect\",\"redirect_url\":\"javascript:alert(1)\"",
         "/rules/0/redirect_url", "bad-url"},
        {"a line end", "\"action\":\"redirect\",\"redirect_url\":\"http://a.test/\\r\\nX-Evil: 1\"",
         "/rules/0/redirect_url", "bad-url"},
        {"not ASCII", "\"action\":\"redirect\",\"redirect_url\":\"http://a.test/\u00e4\"",
         "/rules/0/redirect_url", "bad-url"},
        {"hop by hop", "\"action\":\"allow\",\"set_headers\":{\"Proxy-X\":\"1\"}",
         "/rules/0/set_headers/Proxy-X", "forbidden"},
        {"framing", "\"action\":\"allow\",\"set_headers\":{\"content-LENGTH\":\"1\"}",
         "/rules/0/set_headers/content-LENGTH", "forbidden"},
        {"another host", "\"action\":\"allow\",\"set_headers\":{\"Host\":\"b\"}",
         "/rules/0/set_headers/Host", "forbidden"},
        {"a second line", "\"action\":\"allow\",\"set_headers\":{\"A\":\"b\\r\\nC: d\"}",
         "/rules/0/set_headers/A", "bad-value"},
        {"no name", "\"action\":\"allow\",\"set_headers\":{\"A B\":\"b\"}",
         "/rules/0/set_headers/A B", "bad-name"},
        {"a number", "\"action\":\"allow\",\"set_headers\":{\"A\":1}", "/rules/0/set_headers/A",
         "wrong-type"},
        {"too slow", "\"action\":\"allow\",\"limit\":{\"bytes_per_second\":10}", "/rules/0/limit",
         "too-small"},
        {"no such word", "\"action\":\"allow\",\"safe_search\":\"yes\"", "/rules/0/safe_search",
         "unknown-word"},
        {"too long", "\"action\":\"warn\",\"remember_minutes\":43201", "/rules/0/remember_minutes",
         "bad-number"},
        {"unknown", "\"action\":\"allow\",\"quota\":{\"bytes_per_day\":1,\"x\":1}",
         "/rules/0/quota/x", "unknown-key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct report report;
        struct snapshot *s = NULL;
        assert_int_equal(compile(rows[i].rule, &report, &s), ERR_INVALID);
        if (report.n_faults != 1 || strcmp(report.faults[0].pointer, rows[i].pointer) != 0 ||
            strcmp(report.faults[0].code, rows[i].code) != 0)
            fail_msg("%s: %s %s", rows[i].why, report.faults[0].pointer, report.faults[0].code);
        report_fini(&report);
    }
}

static void test_warnings(void **state)
{
    (void)state;
    static const char *const rules[] = {"\"action\":\"allow\",\"scan\":true",
                                        "\"action\":\"block\",\"remember_minutes\":5",
                                        "\"action\":\"block\",\"override\":{}"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct report report;
        struct snapshot *s = NULL;
        assert_int_equal(compile(rules[i], &report, &s), OK);
        assert_int_equal(report.n_warnings, 1);
        snapshot_unref(s);
        report_fini(&report);
    }
}

static void test_verdict_carries_them(void **state)
{
    (void)state;
    struct report report;
    struct snapshot *s = NULL;
    struct verdict v;
    assert_int_equal(
        compile(
            "\"action\":\"allow\",\"when\":{\"hosts\":[\"a.test\"]},\"unless\":{\"categories\":"
            "[\"x\"]},\"quota\":{"
            "\"minutes_per_day\":30,\"bytes_per_day\":null,\"per\":\"user\",\"zone\":"
            "\"Europe/"
            "Paris\"},\"set_headers\":{\"X-A\":\"1\",\"X-B\":null,\"X-C\":\"\"},\"safe_search\":"
            "true,\"limit\":{\"bytes_per_second\":4096}",
            &report, &s),
        OK);
    decide(s, &v);
    assert_true(v.is_final && v.effects && v.effects->has_quota);
    assert_int_equal(v.effects->quota.minutes, 30);
    assert_int_equal(v.effects->quota.bytes, 0);
    assert_int_equal(v.effects->quota.per, EFFECTS_PER_USER);
    assert_non_null(v.effects->quota.zone);
    assert_int_equal(v.effects->n_headers, 3);
    assert_true(v.effects->headers[0].value.p && !v.effects->headers[1].value.p);
    assert_null(v.effects->headers[2].value.p);
    assert_int_equal(v.effects->safe_search, EFFECTS_SAFE_STRICT);
    assert_int_equal(v.effects->limit_bytes_s, 4096);
    struct verdict spent = v;
    verdict_spend(&spent, false);
    assert_memory_equal(&spent, &v, sizeof v);
    verdict_spend(&spent, true);
    assert_int_equal(spent.action, VERDICT_BLOCK);
    assert_true(spent.is_spent && str_eq(spent.rule_id, STR("r")));
    snapshot_unref(s);
    report_fini(&report);
}

static void test_nothing_to_spend(void **state)
{
    (void)state;
    struct report report;
    struct snapshot *s = NULL;
    struct verdict v;
    assert_int_equal(compile("\"action\":\"allow\"", &report, &s), OK);
    decide(s, &v);
    assert_null(v.effects);
    verdict_spend(&v, true);
    assert_true(v.action == VERDICT_ALLOW && !v.is_spent);
    snapshot_unref(s);
    report_fini(&report);
}

/* Days of 23 and 25 hours, a midnight that does not exist, and one that is there twice. */
static void test_days(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t at, begins, ends;
    } rows[] = {
        {"UTC", 86400, 86400, 172800},
        {"UTC", 86399, 0, 86400},
        {"Europe/Paris", 1774738800, 1774738800, 1774738800 + 23 * 3600}, /* 2026-03-29 */
        {"Europe/Paris", 1792879200, 1792879200, 1792879200 + 25 * 3600}, /* 2026-10-25 */
        {"America/Santiago", 1788665000, 1788580800, 1788667200},         /* to 2026-09-06 01:00 */
        {"Pacific/Auckland", 1790000000, 1789992000, 1790078400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zone *z;
        assert_int_equal(zone_load(str_of(rows[i].zone), &z), OK);
        int64_t day = zone_day(z, rows[i].at);
        assert_int_equal(zone_day(z, rows[i].begins), day);
        assert_int_equal(zone_day(z, rows[i].begins - 1), day - 1);
        assert_int_equal(zone_day_end_s(z, rows[i].at), rows[i].ends);
        assert_int_equal(zone_day(z, rows[i].ends), day + 1);
        zone_free(zone_ref(z));
        zone_free(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults), cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_verdict_carries_them), cmocka_unit_test(test_nothing_to_spend),
        cmocka_unit_test(test_days)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
