/* What workers share, with several of them at it: accounts that are made into others' while they
 * are looked for, refusals remembered and read, passwords asked for until the helper ends. For the
 * thread sanitizer, and each with what must be true whatever the order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "proxyd/flow/limits.h"
#include "proxyd/flow/recent.h"
#include "proxyd/flow/verify.h"

#define THREADS 4
#define T0      INT64_C(1000000)

static struct ip address(unsigned i)
{
    struct ip ip;
    char text[40];
    snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
    must(ip_parse(str_of(text), &ip) == OK);
    return ip;
}

struct start {
    void *(*run)(void *arg);
    void *arg;
    pthread_barrier_t *begin;
};

static void *run_start(void *arg)
{
    struct start *s = arg;
    pthread_barrier_wait(s->begin);
    return s->run(s->arg);
}

/* All begin together: threads that happened to run one after the other would show nothing. */
static void at_once(void *(*run)(void *arg), void *args[THREADS])
{
    pthread_t t[THREADS];
    struct start s[THREADS];
    pthread_barrier_t begin;
    assert_int_equal(pthread_barrier_init(&begin, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        s[i] = (struct start){run, args[i], &begin};
        assert_int_equal(pthread_create(&t[i], NULL, run_start, &s[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    pthread_barrier_destroy(&begin);
}

/* --- accounts: more clients than there are places where they may stand -------------------------
 */

#define NEAR   16  /* first places, side by side; an account stands at most 31 behind */
#define CROWD  128 /* clients that would all stand there */
#define ROUNDS 40000u

struct party {
    struct limits *l;
    struct ip ip[CROWD];
    unsigned n_wrong;
};

/* In an empty table a place that nobody holds goes to whoever comes: where an account is made tells
 * which place is its first. */
static void find_neighbours(struct party *p)
{
    const struct limits_account *first = NULL;
    unsigned n = 0;
    for (unsigned i = 0; n < CROWD; i++) {
        struct ip ip = address(i);
        struct limits_key k = {.kind = LIMITS_CLIENT, .net = {ip, 128}};
        struct limits_account *a = limits_take(p->l, &k, T0);
        limits_give(p->l, a, T0);
        first = first ? first : a;
        if ((uintptr_t)a - (uintptr_t)first < NEAR * sizeof *a)
            p->ip[n++] = ip;
    }
}

static void *come_and_go(void *arg)
{
    struct party *p = arg;
    unsigned x = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        x = x * 1664525u + 1013904223u;
        struct limits_key k = {.kind = LIMITS_CLIENT, .net = {p->ip[x >> 16 & (CROWD - 1)], 128}};
        struct limits_account *a = limits_take(p->l, &k, T0);
        must(limits_enter(a, 0) == OK);
        p->n_wrong += memcmp(&a->net, &k.net, sizeof k.net) != 0;
        limits_leave(a);
        limits_give(p->l, a, T0);
    }
    return NULL;
}

static void count_all(void *ctx, const struct limits_account *a)
{
    unsigned *n = ctx;
    assert_int_equal(atomic_load(&a->n_connections), 0);
    ++*n;
}

static void accounts_become_others(void **state)
{
    (void)state;
    struct party p[THREADS];
    void *args[THREADS];
    struct limits *l;
    struct limits_info info;
    unsigned n = 0;
    assert_int_equal(limits_new(&l), OK);
    p[0] = (struct party){.l = l};
    find_neighbours(&p[0]);
    for (unsigned i = 0; i < THREADS; i++) {
        p[i] = p[0];
        args[i] = &p[i];
    }
    at_once(come_and_go, args);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(p[i].n_wrong, 0);
    limits_info(l, &info);
    assert_int_equal(info.n_held, 0);
    limits_each(l, T0, INT64_MAX / 2, count_all, &n);
    assert_true(n > 0 && n <= LIMITS_SHARDS * LIMITS_SLOTS);
    limits_free(l);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void *refuse(void *arg)
{
    struct recent *x = arg;
    for (unsigned i = 0; i < 3000; i++) {
        char host[16];
        struct recent_entry out[RECENT_EACH];
        struct recent_fact f = {.client = address(i % 7),
                                .who = STR("pia"),
                                .rule = STR("r1"),
                                .at_ms = T0 + i,
                                .id = i};
        snprintf(host, sizeof host, "h%u.test", i % 50);
        f.host = str_of(host);
        recent_put(x, &f);
        unsigned n = recent_of(x, &f.client, out);
        must(n > 0 && n <= RECENT_EACH);
        for (unsigned k = 0; k < n; k++)
            must(out[k].host_n > 0 && ip_eq(&out[k].client, &f.client));
    }
    return NULL;
}

static void refusals_are_whole(void **state)
{
    (void)state;
    struct recent *x = recent_new();
    void *args[THREADS] = {x, x, x, x};
    assert_non_null(x);
    at_once(refuse, args);
    recent_free(x);
}

/* --- passwords -------------------------------------------------------------------------------- */

struct asker {
    struct verify *v;
    struct loop loop;
    struct wake box;
    unsigned n_asked, n_answered, n_given_up;
};

static void on_answer(void *ctx, enum err e)
{
    struct asker *a = ctx;
    must(e != OK);
    a->n_answered++;
}

/* Every second answer is waited for, every fourth is given up. */
static void *ask_on(void *arg)
{
    struct asker *a = arg;
    for (unsigned i = 0; i < 300; i++) {
        struct verify_job *j = verify_ask(a->v, &a->box, STR("no hash"), STR("secret"));
        if (j)
            verify_expect(j, on_answer, a);
        a->n_asked += j != NULL;
        if (j && i % 4 == 3) {
            verify_give_up(j);
            a->n_given_up++;
        }
        if (i % 2 && a->n_answered + a->n_given_up < a->n_asked)
            must(loop_turn(&a->loop, 1) == OK);
    }
    return NULL;
}

static void all_who_ask_are_answered(void **state)
{
    (void)state;
    struct clock clock;
    struct asker askers[THREADS];
    struct verify *v;
    void *args[THREADS];
    clock_init_real(&clock);
    assert_int_equal(verify_start(&v), OK);
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){.v = v};
        args[i] = &askers[i];
        assert_int_equal(loop_open(&askers[i].loop, &clock), OK);
        assert_int_equal(wake_open(&askers[i].box, &askers[i].loop, NULL), OK);
    }
    at_once(ask_on, args);
    verify_stop(v); /* answers those that still wait */
    for (int i = 0; i < THREADS; i++) {
        wake_close(&askers[i].box);
        assert_int_equal(askers[i].n_answered + askers[i].n_given_up, askers[i].n_asked);
        assert_true(askers[i].n_answered > 0);
        loop_close(&askers[i].loop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_become_others),
        cmocka_unit_test(refusals_are_whole),
        cmocka_unit_test(all_who_ask_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
