/* leak: what a field tells, and which mode is broken by it. */
#include "proxyd/wire/leak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct leak_marks marks = {.client = {"192.0.2.9", 9},
                                        .claim = {"198.51.100.77", 13},
                                        .person = {"tester@", 7},
                                        .inner_proxy = {"inner", 5},
                                        .this_proxy = {"node-ab12cd", 11}};

static void test_what_it_tells(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        enum leak want;
    } rows[] = {
        {"Accept", "*/*", LEAK_NOTHING},
        {"X-Anything", "for=192.0.2.9", LEAK_CLIENT},
        {"X-Anything", "a, 198.51.100.77", LEAK_CLAIM},
        {"From", "Tester@x", LEAK_PERSON},
        {"Via", "1.1 INNER.test", LEAK_INNER_PROXY},
        {"Via", "1.1 node-AB12cd", LEAK_THIS_PROXY},
        {"Via", "1.1 other", LEAK_PROXY},
        {"X-Proxy-New", "1", LEAK_PROXY},
        {"X-Forwarded-Something", "1", LEAK_PROXY},
        {"CDN-Loop", "x", LEAK_PROXY},
        {"Viable", "1", LEAK_NOTHING},
        {"Cookie", "", LEAK_NOTHING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (leak_of(str_of(rows[i].name), str_of(rows[i].value), &marks) != rows[i].want)
            fail_msg("%s: %s", rows[i].name, rows[i].value);
    const struct leak_marks none = {{0}, {0}, {0}, {0}, {0}};
    assert_int_equal(leak_of(STR("A"), STR("b"), &none), LEAK_NOTHING);
}

static void test_what_it_breaks(void **state)
{
    (void)state;
    for (int l = LEAK_NOTHING; l <= LEAK_CLIENT; l++) {
        enum leak x = (enum leak)l;
        assert_int_equal(leak_breaks(PRIVACY_HIGH_ANONYMITY, false, x, false), x != LEAK_NOTHING);
        assert_int_equal(leak_breaks(PRIVACY_ANONYMOUS, false, x, false), x > LEAK_THIS_PROXY);
        assert_false(leak_breaks(PRIVACY_VIA, false, x, false));
        assert_int_equal(leak_breaks(PRIVACY_VIA, false, x, true), x > LEAK_THIS_PROXY);
        assert_int_equal(leak_breaks(PRIVACY_NAMED, false, x, false), x == LEAK_CLAIM);
        assert_false(leak_breaks(PRIVACY_NAMED, true, x, false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_tells),
        cmocka_unit_test(test_what_it_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
