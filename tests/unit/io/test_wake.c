/* wake: nothing is lost and the order of one poster is kept, with several posting at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "proxyd/io/wake.h"

#define POSTERS 4
#define EACH    5000

struct note {
    struct wake_message m;
    int poster, number;
};

struct seen {
    int next[POSTERS];
    int n;
};

static struct wake box;

static void on_note(struct wake_message *m, void *owner)
{
    struct seen *s = owner;
    struct note *n = LIST_ENTRY(m, struct note, m);
    assert_int_equal(n->number, s->next[n->poster]);
    s->next[n->poster]++;
    s->n++;
    free(n);
}

static void *post(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        struct note *n = malloc(sizeof *n);
        if (!n)
            abort();
        *n = (struct note){.m.run = on_note, .poster = (int)(intptr_t)arg, .number = i};
        wake_post(&box, &n->m);
    }
    return NULL;
}

static void all_arrive_in_order(void **state)
{
    (void)state;
    struct clock clock;
    struct loop loop;
    struct seen seen = {0};
    pthread_t threads[POSTERS];
    clock_init_real(&clock);
    assert_int_equal(loop_open(&loop, &clock), OK);
    assert_int_equal(wake_open(&box, &loop, &seen), OK);
    for (intptr_t i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post, (void *)i), 0);
    while (seen.n < (POSTERS - 1) * EACH)
        assert_int_equal(loop_turn(&loop, 1000), OK);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    wake_close(&box); /* runs the rest */
    assert_int_equal(seen.n, POSTERS * EACH);
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_arrive_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
