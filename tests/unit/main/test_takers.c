/* takers: one message when shedding begins, one when it has ended, whatever happens between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxyd/main/takers.h"

static void begins_and_ends_once(void **state)
{
    (void)state;
    struct takers_watch x = {0};
    static const struct {
        uint64_t n_shed;
        int64_t at_ms;
        enum takers_news want;
    } rows[] = {
        {0, 1000, TAKERS_NOTHING},   {0, 2000, TAKERS_NOTHING},   {5, 3000, TAKERS_BEGUN},
        {9, 4000, TAKERS_NOTHING},   {9, 5000, TAKERS_NOTHING},   {9, 13999, TAKERS_NOTHING},
        {10, 13999, TAKERS_NOTHING}, {10, 14000, TAKERS_NOTHING}, {10, 23998, TAKERS_NOTHING},
        {10, 23999, TAKERS_ENDED},   {10, 25000, TAKERS_NOTHING}, {10, 90000, TAKERS_NOTHING},
        {11, 91000, TAKERS_BEGUN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum takers_news got = takers_look(&x, rows[i].n_shed, rows[i].at_ms);
        if (got != rows[i].want)
            fail_msg("row %zu: %d", i, (int)got);
        if (got == TAKERS_ENDED) {
            assert_int_equal(x.n_before - x.n_at_begin, 10);
            assert_int_equal(x.last_ms - x.began_ms, 10999);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(begins_and_ends_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
