/* event_filter: what a query string may say. */
#include "db/event_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "event_records.h"

#define NOW INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static void test_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } cases[] = {
        {"2026-01-01T00:00:00Z", NOW},
        {"2026-01-01T00:00:00.250Z", NOW + 250},
        {"2026-01-01T00:00:00.25Z", NOW + 250},
        {"2026-01-01T01:00:00+01:00", NOW},
        {"2026-01-01T01:00:00 01:00", NOW}, /* a '+' nobody encoded */
        {"2025-12-31T19:30:00-04:30", NOW},
        {"2026-01-01 00:00:00z", NOW},
        {"now", NOW},
        {"now-24h", NOW - 86400000},
        {"now-7d", NOW - 7 * 86400000},
        {"now-15m", NOW - 900000},
        {"now+1s", NOW + 1000},
        {"now-2w", NOW - 14 * INT64_C(86400000)},
        {"1767225600000", NOW},
        {"", -1},
        {"now-", -1},
        {"now-h", -1},
        {"now-5y", -1},
        {"now -5h", -1},
        {"now--5h", -1},
        {"now-99999999h", -1},
        {"2026-01-01", -1},
        {"2026-01-01T00:00:00", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-01-32T00:00:00Z", -1},
        {"2026-01-01T24:00:00Z", -1},
        {"2026-01-01T00:60:00Z", -1},
        {"2026-01-01T00:00:00.Z", -1},
        {"2026-01-01T00:00:00+1:00", -1},
        {"2026-01-01T00:00:00ZZ", -1},
        {"yesterday", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = 0;
        enum err e = event_filter_time(str_of(cases[i].text), NOW, &got);
        if ((e == OK) != (cases[i].want >= 0) || (e == OK && got != cases[i].want))
            fail_msg("%s: %s, %lld", cases[i].text, err_name(e), (long long)got);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        enum err want;
    } cases[] = {
        {"user", "alice", OK},
        {"User", "alice", ERR_NOT_FOUND},
        {"nope", "x", ERR_NOT_FOUND},
        {"time", "x", ERR_NOT_FOUND},
        {"limit", "5", ERR_NOT_FOUND},
        {"status", "403", OK},
        {"status", "400..", OK},
        {"status", "..499", OK},
        {"status", "!200", OK},
        {"status", "", ERR_INVALID},
        {"status", "..", ERR_INVALID},
        {"status", "499..400", ERR_INVALID},
        {"status", "4xx", ERR_INVALID},
        {"status", "-1", ERR_INVALID},
        {"status", "99999999999999999999", ERR_INVALID},
        {"verdict", "blocked", OK},
        {"verdict", "Blocked", OK},
        {"verdict", "block*", ERR_INVALID},
        {"tls", "tunnel", OK},
        {"tls", "hit", ERR_INVALID},
        {"cache", "hit", OK},
        {"from", "now-1h", OK},
        {"from", "soon", ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event_filter f;
        const char *why = NULL;
        event_filter_init(&f);
        enum err e = event_filter_add(&f, str_of(cases[i].name), str_of(cases[i].value), NOW, &why);
        if (e != cases[i].want || (e != OK && !why))
            fail_msg("%s=%s: %s", cases[i].name, cases[i].value, err_name(e));
        event_filter_fini(&f);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct event_filter f;
    const char *why;
    char big[2000];
    event_filter_init(&f);
    memset(big, 'x', sizeof big);
    assert_int_equal(event_filter_add(&f, STR("user"), str_make(big, sizeof big), NOW, &why),
                     ERR_LIMIT);
    for (int i = 0; i < EVENT_FILTER_TERMS; i++)
        assert_int_equal(event_filter_add(&f, STR("user"), STR("a"), NOW, &why), OK);
    assert_int_equal(event_filter_add(&f, STR("user"), STR("a"), NOW, &why), ERR_LIMIT);
    event_filter_fini(&f);
    assert_true(event_filter_has(STR("from")) && event_filter_has(STR("user_agent")));
    assert_false(event_filter_has(STR("cursor")));
}

/* The same answers as the search over the day files gives (test_events), on a record at hand. */
static void test_fits(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[5];
        bool want;
    } cases[] = {
        {{NULL}, true},
        {{"user", "USER10", NULL}, true},
        {{"user", "u*r1*", NULL}, true},
        {{"user", "u*r2*", NULL}, false},
        {{"user", "*", NULL}, true},
        {{"user", "", NULL}, false},
        {{"user", "!", NULL}, true},
        {{"referer", "", NULL}, true},
        {{"user", "bob", "user", "user10", NULL}, true},
        {{"user", "user10", "host", "other", NULL}, false},
        {{"user", "!bob", "user", "!user10", NULL}, false},
        {{"user", "user*", "user", "!user10", NULL}, false},
        {{"categories", "ads", NULL}, true},
        {{"categories", "gambling*ads", NULL}, false}, /* names, not their joined text */
        {{"client", "10.0.0.10", NULL}, true},
        {{"client", "10.0.*", NULL}, true},
        {{"client", "10.0.0.1", NULL}, false},
        {{"id", "5..10", NULL}, true},
        {{"port", "80", "status", "403", NULL}, true},
        {{"duration_ms", "11..", NULL}, false},
        {{"from", "now", NULL}, true},
        {{"to", "now", NULL}, false},
    };
    struct made m;
    struct record r = make_record(10, NOW, &m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event_filter f;
        const char *why;
        event_filter_init(&f);
        for (size_t k = 0; cases[i].pairs[k]; k += 2)
            assert_int_equal(event_filter_add(&f, str_of(cases[i].pairs[k]),
                                              str_of(cases[i].pairs[k + 1]), NOW, &why),
                             OK);
        if (event_filter_fits(&f, &r) != cases[i].want)
            fail_msg("case %zu: %s=%s", i, cases[i].pairs[0], cases[i].pairs[1]);
        event_filter_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
