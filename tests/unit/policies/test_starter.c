/* The starter policies: each compiles without a fault and passes its own tests. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "policies/compile.h"
#include "policies/explain.h"
#include "policies/starter.h"

static void each_compiles_and_passes_its_tests(void **state)
{
    (void)state;
    struct starter st;
    size_t n = 0;
    for (; starter_at(n, &st); n++) {
        struct report report;
        struct snapshot *s = NULL;
        struct compile_input in = {.document = st.document, .version = 1, .index = NULL};
        bool all = false;
        enum err e = policy_compile(&in, &report, &s);
        for (size_t i = 0; i < report.n_faults; i++)
            print_message("%s%s: %s\n", st.name, report.faults[i].pointer,
                          report.faults[i].message);
        report_fini(&report);
        assert_int_equal(e, OK);
        json_t *tests = explain_tests(s, INT64_C(1795427000000), &all);
        assert_true(json_array_size(tests) >= 3);
        if (!all)
            print_message("%s: %s\n", st.name, json_dumps(tests, 0));
        assert_true(all);
        json_decref(tests);
        snapshot_unref(s);
    }
    assert_int_equal(n, 4);
    assert_true(starter_named(STR("open"), &st));
    assert_false(starter_named(STR("ope"), &st));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_compiles_and_passes_its_tests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
