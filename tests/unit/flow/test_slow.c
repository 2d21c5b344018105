/* slow and delay: the arithmetic of waiting for a client, and of a client that waits for us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxyd/flow/delay.h"
#include "proxyd/flow/slow.h"

#define T0 INT64_C(1000000)

static void the_first_window_is_a_grace(void **state)
{
    (void)state;
    struct slow s = {.since_ms = T0};
    assert_true(slow_window(&s, 0, 500, T0 + 60000));
    assert_true(s.is_marked && s.since_ms == T0 + 60000 && s.waited_ms == 0 && s.mark == 0);
    assert_false(slow_window(&s, 0, 500, T0 + 120000));
}

static void a_window_is_judged_by_what_moved_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint64_t mark, moved;
        int64_t waited_ms, ms; /* before, and since it waits again */
        bool is_good;
    } rows[] = {
        {"just enough", 7000, 37000, 0, 60000, true},
        {"a byte too little", 7000, 36999, 0, 60000, false},
        {"much before does not count", 1000000, 1000001, 0, 60000, false},
        {"the time before in this window counts", 0, 29999, 50000, 10000, false},
        {"only waiting counts", 0, 30000, 50000, 10000, true},
        {"the timer came late", 0, 30000, 0, 61000, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slow s = {T0, rows[i].waited_ms, rows[i].mark, true};
        if (slow_window(&s, rows[i].moved, 500, T0 + rows[i].ms) != rows[i].is_good)
            fail_msg("%s", rows[i].why);
        assert_int_equal(s.mark, rows[i].moved);
        assert_int_equal(s.waited_ms, 0);
    }
}

/* Feeds samples every step_ms; the number of those that were to be turned away. */
static unsigned feed(struct delay *d, int64_t *now_ms, int64_t step_ms, unsigned n, uint32_t waited)
{
    unsigned refused = 0;
    while (n--) {
        *now_ms += step_ms;
        refused += delay_judge(d, waited, 500, *now_ms);
    }
    return refused;
}

static void only_a_queue_that_stands_is_shed(void **state)
{
    (void)state;
    struct delay d = {0};
    int64_t now = T0;
    assert_true(delay_wants(&d, now));
    assert_int_equal(feed(&d, &now, 20, 50, 501), 0); /* not yet a second: a burst */
    assert_int_equal(feed(&d, &now, 20, 1, 500), 0);  /* one who did not wait: it was none */
    assert_int_equal(feed(&d, &now, 20, 50, 900), 0);
    assert_int_equal(feed(&d, &now, 20, 10, 900), 10);
    assert_true(delay_wants(&d, now)); /* now each is looked at */
    assert_int_equal(feed(&d, &now, 0, 5, 501), 5);
    assert_int_equal(feed(&d, &now, 0, 1, 499), 0);
    assert_int_equal(feed(&d, &now, 0, 1, 900), 0); /* from the beginning */
    assert_false(delay_wants(&d, now + DELAY_SAMPLE_MS - 1));
    assert_true(delay_wants(&d, now + DELAY_SAMPLE_MS));
}

static void samples_far_apart_make_no_queue(void **state)
{
    (void)state;
    struct delay d = {0};
    int64_t now = T0;
    assert_int_equal(feed(&d, &now, DELAY_GAP_MS + 1, 10, 5000), 0);
    /* but a loop so slow that it turns every two seconds is one */
    assert_int_equal(feed(&d, &now, 2000, 3, 5000), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_window_is_a_grace),
        cmocka_unit_test(a_window_is_judged_by_what_moved_in_it),
        cmocka_unit_test(only_a_queue_that_stands_is_shed),
        cmocka_unit_test(samples_far_apart_make_no_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
