/* hops and probe: equal requests that pile up, from many threads; a token that is taken once. */
#include "proxyd/flow/hops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "proxyd/flow/probe.h"

static void test_the_bound(void **state)
{
    (void)state;
    struct hops *h = NULL;
    assert_int_equal(hops_new(&h), OK);
    for (int round = 0; round < 3; round++) { /* what has left is not counted */
        for (int i = 0; i < HOPS_MAX; i++)
            assert_true(hops_enter(h, 42));
        assert_false(hops_enter(h, 42));
        assert_true(hops_enter(h, UINT64_C(42) << 32 | 43)); /* another one, whatever it shares */
        hops_leave(h, UINT64_C(42) << 32 | 43);
        for (int i = 0; i < HOPS_MAX; i++)
            hops_leave(h, 42);
    }
    hops_free(h);
    hops_free(NULL);
}

/* Both rows must be full: sharing one counter with a pile is no loop. */
static void test_half_a_collision(void **state)
{
    (void)state;
    struct hops *h = NULL;
    assert_int_equal(hops_new(&h), OK);
    for (int i = 0; i < HOPS_MAX; i++)
        assert_true(hops_enter(h, UINT64_C(7) << 32 | 9));
    assert_true(hops_enter(h, UINT64_C(8) << 32 | 9));
    assert_true(hops_enter(h, UINT64_C(7) << 32 | 10));
    assert_false(hops_enter(h, UINT64_C(7) << 32 | 9));
    hops_free(h);
}

static void *in_and_out(void *arg)
{
    for (int i = 0; i < 20000; i++)
        if (hops_enter(arg, (uint64_t)i % 7))
            hops_leave(arg, (uint64_t)i % 7);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct hops *h = NULL;
    pthread_t t[4];
    assert_int_equal(hops_new(&h), OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, in_and_out, h), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < HOPS_MAX; i++)
        assert_true(hops_enter(h, 3)); /* nothing was left behind */
    assert_false(hops_enter(h, 3));
    hops_free(h);
}

static void test_one_probe_waits(void **state)
{
    (void)state;
    struct probe p;
    char first[PROBE_TOKEN_BYTES], second[PROBE_TOKEN_BYTES];
    struct probe_order o = {.listener = 1, .echo = {.port = 9}, .now_ms = 1000, .until_ms = 2000};
    probe_init(&p);
    assert_int_equal(probe_arm(&p, &o, first), OK);
    assert_int_equal(probe_arm(&p, &o, second), ERR_BUSY);
    memset(second, 'x', sizeof second);
    probe_disarm(&p, second); /* not theirs */
    assert_true(p.is_armed);
    o.now_ms = 2000; /* the first is over by then, whether it came or not */
    o.until_ms = 3000;
    assert_int_equal(probe_arm(&p, &o, second), OK);
    assert_memory_not_equal(first, second, sizeof first);
    probe_disarm(&p, first);
    assert_true(p.is_armed);
    probe_disarm(&p, second);
    assert_false(p.is_armed);
    probe_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bound),
        cmocka_unit_test(test_half_a_collision),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_one_probe_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
