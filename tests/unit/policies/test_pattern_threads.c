/* pattern_code: one pattern run by several threads at once, its dearest text noted while it is
 * read, and the copy that counts its steps made by all of them at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "policies/pattern_code.h"

#define THREADS 4
#define ROUNDS  60
#define RUNS    40u

struct hand {
    struct pattern_code *p;
    pthread_barrier_t *begin;
    unsigned n_wrong;
};

/* Texts of one letter each, so that a dearest text of two threads would show, and each longer than
 * the one before, so that it is often the dearest yet. No reference is taken or given here: that
 * would put an order between the threads which requests do not have. */
static void *run(void *arg)
{
    struct hand *h = arg;
    struct pattern_runner *r = pattern_runner_new();
    char text[RUNS + 20];
    pthread_barrier_wait(h->begin);
    for (unsigned i = 0; r && i < RUNS; i++) {
        struct pattern_cost cost;
        size_t n = 20 + i;
        memset(text, 'a' + (int)(i % 20), n);
        text[n - 1] = i % 3 ? '!' : '7';
        pattern_runner_next(r);
        enum pattern_answer a = pattern_code_run(h->p, r, str_make(text, n), i % 4 != 0);
        h->n_wrong += a == (i % 3 ? PATTERN_YES : PATTERN_NO);
        if (i % 16 == 0)
            (void)pattern_code_work(h->p, r, str_make(text, n), 1000);
        pattern_code_cost(h->p, &cost);
        for (unsigned k = 1; k + 1 < cost.n_worst; k++)
            h->n_wrong += cost.worst[k] != cost.worst[0];
    }
    h->n_wrong += !r;
    pattern_runner_free(r);
    return NULL;
}

static void one_round(void)
{
    struct pattern_fault fault;
    struct pattern_code *p;
    struct pattern_cost cost;
    struct hand h[THREADS];
    pthread_t t[THREADS];
    pthread_barrier_t begin;
    assert_int_equal(pattern_code_new(STR("([a-t]+)+7$"), &fault, &p), OK);
    assert_int_equal(pthread_barrier_init(&begin, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        h[i] = (struct hand){.p = p, .begin = &begin};
        assert_int_equal(pthread_create(&t[i], NULL, run, &h[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(h[i].n_wrong, 0);
    }
    pattern_code_cost(p, &cost);
    assert_int_equal(cost.n_runs, THREADS * RUNS * 3 / 4);
    pthread_barrier_destroy(&begin);
    pattern_code_unref(p);
}

static void one_pattern_many_threads(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++)
        one_round();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_pattern_many_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
