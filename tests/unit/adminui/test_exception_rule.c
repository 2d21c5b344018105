/* exception_rule and alarm: where an exception stands, what follows into the draft, what is too
 * much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "adminui/alarm.h"
#include "adminui/exception_rule.h"

static json_t *parse(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);
    if (!j)
        fail_msg("%s", text);
    return j;
}

static void test_place(void **state)
{
    (void)state;
    static const struct {
        const char *why, *trace, *fallback;
        long at;
    } rows[] = {
        {"before the rule that fits",
         "[{\"fit\":\"no\",\"action\":\"block\"},{\"fit\":\"yes\",\"action\":\"block\"}]", "allow",
         1},
        {"before one that could", "[{\"fit\":\"unknown\",\"action\":\"warn\"}]", "allow", 0},
        {"an allow that may fit is passed",
         "[{\"fit\":\"unknown\",\"action\":\"allow\"},{\"fit\":\"yes\",\"action\":\"block\"}]",
         "allow", 1},
        {"an allow that fits decides",
         "[{\"fit\":\"yes\",\"action\":\"allow\"},{\"fit\":\"yes\",\"action\":\"block\"}]", "allow",
         -1},
        {"switched off and shadow rules do nothing",
         "[{\"fit\":\"yes\",\"action\":\"block\",\"enabled\":false},"
         "{\"fit\":\"yes\",\"action\":\"block\",\"shadow\":true},"
         "{\"fit\":\"yes\",\"action\":\"allow\",\"shadow\":true}]",
         "allow", -1},
        {"behind all before a default that blocks", "[{\"fit\":\"no\",\"action\":\"block\"}]",
         "block", 1},
        {"nothing is in the way", "[]", "allow", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *trace = parse(rows[i].trace);
        json_t *explained = json_pack("{s:O}", "trace", trace);
        json_t *document =
            json_pack("{s:o,s:{s:s}}", "rules", trace, "default", "action", rows[i].fallback);
        long at = exception_rule_place(explained, document);
        if (at != rows[i].at)
            fail_msg("%s: %ld", rows[i].why, at);
        json_decref(explained);
        json_decref(document);
    }
}

static void test_place_category(void **state)
{
    (void)state;
    json_t *d = parse("{\"default\":{\"action\":\"allow\"},\"rules\":["
                      "{\"when\":{\"hosts\":[\"a\"]},\"action\":\"block\"},"
                      "{\"when\":{\"categories\":[\"ads\"]},\"action\":\"allow\"},"
                      "{\"when\":{\"categories\":[\"ads\",\"games\"]},\"action\":\"block\"},"
                      "{\"when\":{\"groups\":[\"g\"]},\"action\":\"warn\"}]}");
    assert_int_equal(exception_rule_place_category(STR("ads"), d), 2);
    assert_int_equal(exception_rule_place_category(STR("games"), d), 2);
    assert_int_equal(exception_rule_place_category(STR("news"), d), 3);
    json_array_remove(json_object_get(d, "rules"), 3);
    assert_int_equal(exception_rule_place_category(STR("news"), d), -1);
    json_decref(d);
}

static void test_make(void **state)
{
    (void)state;
    struct arena a;
    json_t *document = parse("{\"rules\":[]}"), *names = parse("[\"alice\",\"bob\"]");
    struct exception_ask x = {.host = STR("a.test"),
                              .who = "users",
                              .names = names,
                              .reason = STR("why"),
                              .owner = STR("anna"),
                              .now_ms = INT64_C(1700000000000),
                              .until_ms = INT64_C(1700003600000)};
    json_t *rule = exception_rule_make(&x, document);
    assert_string_equal(json_string_value(json_object_get(rule, "id")),
                        "exception-20231114-221320");
    assert_string_equal(json_string_value(json_object_get(rule, "owner")), "anna");
    assert_true(exception_rule_is(rule));
    assert_int_equal(exception_rule_end(rule), x.until_ms);
    json_array_append_new(json_object_get(document, "rules"), rule);
    rule = exception_rule_make(&x, document); /* two in one second */
    assert_string_equal(json_string_value(json_object_get(rule, "id")),
                        "exception-20231114-221320-2");
    arena_init(&a, 256, 65536);
    json_t *follower = parse("{\"name\":\"No games\"}");
    struct str s = exception_rule_sentence(&a, rule, follower);
    assert_true(str_eq(s, STR("Allows a.test for alice, bob until 2023-11-14T23:13:20.000Z, before "
                              "the rule \"No games\".")));
    arena_fini(&a);
    json_decref(follower);
    json_decref(rule);
    json_decref(names);
    json_decref(document);
    json_t *plain = parse("{\"id\":\"r1\",\"expires_at\":null}");
    assert_false(exception_rule_is(plain));
    assert_int_equal(exception_rule_end(plain), 0);
    json_decref(plain);
}

/* What was added or changed comes along; what the draft has of its own stays. */
static void test_follow(void **state)
{
    (void)state;
    static const struct {
        const char *draft, *before, *after, *want;
    } rows[] = {
        {"[{\"id\":\"mine\"},{\"id\":\"b\",\"x\":1}]", "[{\"id\":\"a\"},{\"id\":\"b\"}]",
         "[{\"id\":\"a\"},{\"id\":\"e\"},{\"id\":\"b\"}]",
         "[{\"id\":\"mine\"},{\"id\":\"e\"},{\"id\":\"b\",\"x\":1}]"},
        {"[{\"id\":\"a\"}]", "[{\"id\":\"b\"}]", "[{\"id\":\"e\"},{\"id\":\"b\"}]",
         "[{\"id\":\"a\"},{\"id\":\"e\"}]"},
        {"[{\"id\":\"e\",\"t\":1},{\"id\":\"z\"}]", "[{\"id\":\"e\",\"t\":1}]",
         "[{\"id\":\"e\",\"t\":2}]", "[{\"id\":\"e\",\"t\":2},{\"id\":\"z\"}]"},
        {"[{\"id\":\"gone\"}]", "[{\"id\":\"a\"}]", "[{\"id\":\"a\"}]", "[{\"id\":\"gone\"}]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *draft = json_pack("{s:o}", "rules", parse(rows[i].draft));
        json_t *before = json_pack("{s:o}", "rules", parse(rows[i].before));
        json_t *after = json_pack("{s:o}", "rules", parse(rows[i].after));
        json_t *want = parse(rows[i].want);
        assert_int_equal(exception_rule_follow(draft, before, after), OK);
        if (!json_equal(json_object_get(draft, "rules"), want))
            fail_msg("row %zu", i);
        json_decref(draft);
        json_decref(before);
        json_decref(after);
        json_decref(want);
    }
}

static void test_alarm(void **state)
{
    (void)state;
    const struct settings_publishing p = {
        .min_requests = 100, .max_block_factor = 3, .min_block_rate = 0.05, .max_error_rate = 0.5};
    static const struct {
        const char *why;
        struct event_trial t;
        enum alarm want;
    } rows[] = {
        {"too few", {99, 99, 0, 1000, 0, 0}, ALARM_TOO_EARLY},
        {"nothing before", {100, 100, 0, 99, 0, 0}, ALARM_NO_BASELINE},
        {"as before", {1000, 100, 0, 1000, 0.1, 0}, ALARM_NONE},
        {"three times is not more than three times", {1000, 300, 0, 1000, 0.1, 0}, ALARM_NONE},
        {"more than three times", {1000, 301, 0, 1000, 0.1, 0}, ALARM_BLOCKED},
        {"little stays little", {1000, 50, 0, 1000, 0, 0}, ALARM_NONE},
        {"from nothing to something", {1000, 51, 0, 1000, 0, 0}, ALARM_BLOCKED},
        {"much before: a third of what passed is left",
         {1000, 801, 0, 1000, 0.4, 0},
         ALARM_BLOCKED},
        {"much before: half is left", {1000, 700, 0, 1000, 0.4, 0}, ALARM_NONE},
        {"all failed before as well", {1000, 0, 900, 1000, 0, 0.8}, ALARM_NONE},
        {"it fails now", {1000, 0, 501, 1000, 0, 0.1}, ALARM_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[ALARM_TEXT_BYTES];
        enum alarm a = alarm_judge(&rows[i].t, &p);
        if (a != rows[i].want)
            fail_msg("%s: %d", rows[i].why, a);
        alarm_text(a, &rows[i].t, 7, text);
        assert_true(strlen(text) > 10);
        assert_int_equal(strstr(text, "version 7") != NULL, alarm_is_raised(a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place), cmocka_unit_test(test_place_category),
        cmocka_unit_test(test_make),  cmocka_unit_test(test_follow),
        cmocka_unit_test(test_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
