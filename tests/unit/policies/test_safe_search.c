/* Which hosts are held to their safe mode, under which name, and what their queries become. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include "policies/safe_search.h"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        enum effects_safe s;
        const char *want;
    } rows[] = {
        {"www.google.com", EFFECTS_SAFE_STRICT, "forcesafesearch.google.com"},
        {"www.google.de", EFFECTS_SAFE_MODERATE, "forcesafesearch.google.com"},
        {"www.google.co.uk", EFFECTS_SAFE_STRICT, "forcesafesearch.google.com"},
        {"www.google.com.au", EFFECTS_SAFE_STRICT, "forcesafesearch.google.com"},
        {"www.google.com", EFFECTS_SAFE_OFF, ""},
        {"mail.google.com", EFFECTS_SAFE_STRICT, ""},
        {"www.google.evil.com", EFFECTS_SAFE_STRICT, ""},
        {"www.google.com.evil.de", EFFECTS_SAFE_STRICT, ""},
        {"www.google.", EFFECTS_SAFE_STRICT, ""},
        {"notwww.google.com", EFFECTS_SAFE_STRICT, ""},
        {"bing.com", EFFECTS_SAFE_STRICT, "strict.bing.com"},
        {"duckduckgo.com", EFFECTS_SAFE_STRICT, "safe.duckduckgo.com"},
        {"www.youtube.com", EFFECTS_SAFE_STRICT, "restrict.youtube.com"},
        {"m.youtube.com", EFFECTS_SAFE_MODERATE, "restrictmoderate.youtube.com"},
        {"youtubei.googleapis.com", EFFECTS_SAFE_STRICT, "restrict.youtube.com"},
        {"fonts.googleapis.com", EFFECTS_SAFE_STRICT, ""},
        {"restrict.youtube.com", EFFECTS_SAFE_STRICT, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!str_eq(safe_search_name(rows[i].s, str_of(rows[i].host)), str_of(rows[i].want)))
            fail_msg("%s", rows[i].host);
}

static void test_queries(void **state)
{
    (void)state;
    static const struct {
        const char *in, *add, *want;
    } rows[] = {
        {"/search?q=x", "safe=active&ssui=on", "/search?q=x&safe=active&ssui=on"},
        {"/search?safe=off&q=x&SSUI=", "safe=active&ssui=on", "/search?q=x&safe=active&ssui=on"},
        {"/", "kp=1", "/?kp=1"},
        {"", "kp=1", "?kp=1"},
        {"/a?kp&&kp=-2&kpx=3", "kp=1", "/a?kpx=3&kp=1"},
        {"/a?b?kp=-2", "kp=1", "/a?b?kp=-2&kp=1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;
        buf_init(&b, 1000);
        safe_search_rewrite(str_of(rows[i].in), str_of(rows[i].add), &b);
        if (!str_eq(buf_str(&b), str_of(rows[i].want)))
            fail_msg("%s: %.*s", rows[i].in, STR_ARG(buf_str(&b)));
        buf_fini(&b);
    }
    struct safe_search_extra x;
    safe_search_extra(EFFECTS_SAFE_MODERATE, STR("www.youtube.com"), &x);
    assert_true(str_eq(x.value, STR("Moderate")) && x.query.n == 0);
    safe_search_extra(EFFECTS_SAFE_OFF, STR("www.google.com"), &x);
    assert_true(x.query.n == 0 && x.header.n == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_queries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
