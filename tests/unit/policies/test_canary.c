/* canary: who is meant by a trial. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/canary.h"

static void test_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault; /* NULL: good */
    } rows[] = {
        {"{\"users\":[\"alice\"]}", NULL},
        {"{\"networks\":[\"10.1.0.0/16\",\"2001:db8::/32\"],\"minutes\":30}", NULL},
        {"{\"groups\":[\"it\"],\"users\":[],\"minutes\":null}", NULL},
        {"{}", ""},
        {"[]", ""},
        {"nonsense", ""},
        {"{\"users\":[]}", ""},
        {"{\"users\":\"alice\"}", "/users"},
        {"{\"users\":[\"\"]}", "/users/0"},
        {"{\"groups\":[\"a\",7]}", "/groups/1"},
        {"{\"networks\":[\"10.1.0.1/16\"]}", "/networks/0"},
        {"{\"users\":[\"a\"],\"minutes\":0}", "/minutes"},
        {"{\"users\":[\"a\"],\"minutes\":43201}", "/minutes"},
        {"{\"users\":[\"a\"],\"hosts\":[]}", "/hosts"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct report r;
        struct canary *c = NULL;
        report_init(&r);
        enum err e = canary_parse(str_of(rows[i].text), &r, &c);
        if ((e == OK) != !rows[i].fault)
            fail_msg("%s", rows[i].text);
        if (rows[i].fault)
            assert_string_equal(r.faults[0].pointer, rows[i].fault);
        report_fini(&r);
        canary_unref(c);
    }
}

static bool comes_from(const struct canary *c, const char *address)
{
    struct ip ip;
    assert_int_equal(ip_parse(str_of(address), &ip), OK);
    return canary_has_network(c, &ip);
}

static void test_match(void **state)
{
    (void)state;
    struct report r;
    struct canary *c;
    const struct str groups[] = {STR("staff"), STR("IT Team")};
    report_init(&r);
    assert_int_equal(canary_parse(STR("{\"networks\":[\"10.1.0.0/16\"],\"users\":[\"Alice\"],"
                                      "\"groups\":[\"it team\"]}"),
                                  &r, &c),
                     OK);
    assert_true(comes_from(c, "10.1.2.3") && !comes_from(c, "10.2.0.1"));
    assert_true(canary_has_people(c));
    assert_true(canary_has_person(c, STR("aLICE"), NULL, 0));
    assert_false(canary_has_person(c, STR("bob"), groups, 1));
    assert_true(canary_has_person(c, STR("bob"), groups, 2));
    assert_false(canary_has_person(c, STR(""), NULL, 0));
    struct canary *again = canary_ref(c);
    canary_unref(c);
    assert_true(canary_has_people(again));
    canary_unref(again);
    assert_int_equal(canary_parse(STR("{\"networks\":[\"::1\"]}"), &r, &c), OK);
    assert_false(canary_has_people(c));
    canary_unref(c);
    report_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_match)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
