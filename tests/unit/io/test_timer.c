/* timer: every timer fires once, at its time, in order; against a plain list as the reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proxyd/io/timer.h"

#define N 2000

struct probe {
    struct timer t;
    int64_t fired_ms; /* -1: not yet */
    struct timer_wheel *w;
};

static int64_t last_ms;

static void on_fire(struct timer *t)
{
    struct probe *p = LIST_ENTRY(t, struct probe, t);
    assert_int_equal(p->fired_ms, -1);
    p->fired_ms = p->w->now_ms;
    assert_true(p->w->now_ms >= last_ms);
    last_ms = p->w->now_ms;
}

static void fires_at_its_time(void **state)
{
    (void)state;
    static const int64_t at[] = {1,    2,    63,   64,     65,     127,     128,
                                 4095, 4096, 4097, 262143, 262144, 3600000, 90000000};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        for (int64_t start = 0; start < 200; start += 7) {
            struct timer_wheel w;
            timer_wheel_init(&w, start);
            struct probe p = {.fired_ms = -1, .w = &w};
            last_ms = 0;
            timer_init(&p.t, on_fire);
            timer_set(&w, &p.t, start + at[i]);
            timer_wheel_advance(&w, start + at[i] - 1);
            assert_int_equal(p.fired_ms, -1);
            assert_true(timer_wheel_next(&w) <= start + at[i]);
            timer_wheel_advance(&w, start + at[i]);
            assert_int_equal(p.fired_ms, start + at[i]);
            assert_int_equal(timer_wheel_next(&w), -1);
        }
    }
}

static void the_past_is_the_next_tick(void **state)
{
    (void)state;
    struct timer_wheel w;
    timer_wheel_init(&w, 1000);
    struct probe p = {.fired_ms = -1, .w = &w};
    last_ms = 0;
    timer_init(&p.t, on_fire);
    timer_set(&w, &p.t, 5);
    timer_wheel_advance(&w, 1001);
    assert_int_equal(p.fired_ms, 1001);
}

static void many_at_random(void **state)
{
    (void)state;
    static struct probe p[N];
    struct timer_wheel w;
    timer_wheel_init(&w, 12345);
    last_ms = 0;
    srand(7);
    for (int i = 0; i < N; i++) {
        p[i] = (struct probe){.fired_ms = -1, .w = &w};
        timer_init(&p[i].t, on_fire);
        int64_t bound = i % 4 == 0 ? 100 : i % 4 == 1 ? 10000 : i % 4 == 2 ? 1000000 : 100000000;
        timer_set(&w, &p[i].t, 12346 + rand() % bound);
    }
    for (int i = 0; i < N; i += 5)
        timer_stop(&w, &p[i].t);
    for (int i = 1; i < N; i += 5)
        timer_set(&w, &p[i].t, 12346 + rand() % 50000);
    while (timer_wheel_next(&w) >= 0)
        timer_wheel_advance(&w, w.now_ms + 1 + rand() % 5000);
    for (int i = 0; i < N; i++)
        assert_int_equal(p[i].fired_ms, i % 5 == 0 ? -1 : p[i].t.at_ms);
}

static void rearm(struct timer *t)
{
    struct probe *p = LIST_ENTRY(t, struct probe, t);
    p->fired_ms++;
    timer_set(p->w, t, p->w->now_ms); /* as soon as possible: the next tick, never at once */
}

static void setting_anew_while_firing_ends(void **state)
{
    (void)state;
    struct timer_wheel w;
    timer_wheel_init(&w, 0);
    struct probe p = {.fired_ms = 0, .w = &w};
    timer_init(&p.t, rearm);
    timer_set(&w, &p.t, 1);
    timer_wheel_advance(&w, 100);
    assert_int_equal(p.fired_ms, 100);
    timer_stop(&w, &p.t);
    timer_stop(&w, &p.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_at_its_time),
        cmocka_unit_test(the_past_is_the_next_tick),
        cmocka_unit_test(many_at_random),
        cmocka_unit_test(setting_anew_while_firing_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
