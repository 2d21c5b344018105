/* limits: what is counted, who is refused and when, with time passed in; bucket edges, networks as
 * clients, forgetting, a full table, many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "proxyd/flow/limits.h"
#include "proxyd/flow/speed.h"

#define T0 INT64_C(1000000)

static struct limits_key client(unsigned i)
{
    struct limits_key k = {
        .kind = LIMITS_CLIENT,
        .net = {.ip = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, .bits = 128}};
    k.net.ip.b[12] = 10;
    k.net.ip.b[13] = (uint8_t)(i >> 16);
    k.net.ip.b[14] = (uint8_t)(i >> 8);
    k.net.ip.b[15] = (uint8_t)i;
    return k;
}

static struct limits_account *take(struct limits *l, unsigned i, int64_t now_ms)
{
    struct limits_key k = client(i);
    return limits_take(l, &k, now_ms);
}

static struct limits *make(void)
{
    struct limits *l;
    assert_int_equal(limits_new(&l), OK);
    return l;
}

static void connections_are_counted(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0), *b = take(l, 2, T0);
    assert_ptr_equal(take(l, 1, T0), a);
    limits_give(l, a, T0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(limits_enter(a, 3), OK);
    assert_int_equal(limits_enter(a, 3), ERR_LIMIT);
    assert_int_equal(limits_enter(a, 0), OK);
    assert_int_equal(limits_enter(b, 3), OK);
    for (int i = 0; i < 4; i++)
        limits_leave(a);
    limits_leave(b);
    assert_int_equal(a->n_connections, 0);
    assert_int_equal(a->n_refused, 1);
    assert_int_equal(limits_open(l, 2), OK);
    assert_int_equal(limits_open(l, 2), OK);
    assert_int_equal(limits_open(l, 2), ERR_BUSY);
    limits_close(l);
    assert_int_equal(limits_open(l, 2), OK);
    limits_give(l, a, T0);
    limits_give(l, b, T0);
    limits_free(l);
}

static enum limits_word begin(struct limits *l, struct limits_account *a, struct limits_ask q,
                              uint32_t *wait_ms)
{
    return limits_begin(l, a, &q, wait_ms);
}

static void a_rate_has_its_edges(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0);
    struct traffic_bounds b = {.requests_s = 10, .burst = 5};
    struct limits_ask q = {.bounds = &b, .now_ms = T0};
    uint32_t wait;
    static const struct {
        const char *why;
        int64_t at_ms;
        enum limits_word want;
        uint32_t wait_ms;
    } rows[] = {
        {"the burst", 0, LIMITS_OK, 0},
        {"the burst", 0, LIMITS_OK, 0},
        {"the burst", 0, LIMITS_OK, 0},
        {"the burst", 0, LIMITS_OK, 0},
        {"its last", 0, LIMITS_OK, 0},
        {"one more", 0, LIMITS_RATE, 100},
        {"a millisecond before the next", 99, LIMITS_RATE, 1},
        {"on the dot", 100, LIMITS_OK, 0},
        {"and not another", 100, LIMITS_RATE, 100},
        {"after a long pause the burst, not more", 3600000, LIMITS_OK, 0},
        {"second", 3600000, LIMITS_OK, 0},
        {"third", 3600000, LIMITS_OK, 0},
        {"fourth", 3600000, LIMITS_OK, 0},
        {"fifth", 3600000, LIMITS_OK, 0},
        {"sixth", 3600000, LIMITS_RATE, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        q.now_ms = T0 + rows[i].at_ms;
        enum limits_word got = begin(l, a, q, &wait);
        if (got != rows[i].want || wait != rows[i].wait_ms)
            fail_msg("row %zu, %s: %d in %u ms", i, rows[i].why, (int)got, wait);
        if (got == LIMITS_OK)
            limits_end(l, a);
    }
    assert_int_equal(a->n_refused, 4);
    assert_int_equal(a->n_running, 0);
    limits_give(l, a, T0);
    limits_free(l);
}

static void who_is_refused_pays_nothing(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0);
    struct traffic_bounds b = {.requests_s = 50, .burst = 1};
    unsigned n = 0;
    uint32_t wait;
    for (int64_t ms = 0; ms < 10000; ms++) /* twenty times its rate, for ten seconds */
        if (begin(l, a, (struct limits_ask){.bounds = &b, .now_ms = T0 + ms}, &wait) == LIMITS_OK) {
            limits_end(l, a);
            n++;
        }
    assert_in_range(n, 499, 501);
    limits_give(l, a, T0);
    limits_free(l);
}

static void waiting_is_bounded_and_in_turn(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0);
    struct traffic_bounds b = {.requests_s = 10, .burst = 1};
    struct limits_ask q = {.bounds = &b, .now_ms = T0, .delay_ms = 300};
    uint32_t wait;
    for (uint32_t i = 0; i <= 3; i++) {
        assert_int_equal(begin(l, a, q, &wait), LIMITS_OK);
        assert_int_equal(wait, i * 100);
    }
    assert_int_equal(begin(l, a, q, &wait), LIMITS_RATE);
    assert_int_equal(a->n_delayed, 3);
    assert_int_equal(a->n_running, 4);
    for (int i = 0; i < 4; i++)
        limits_end(l, a);
    limits_give(l, a, T0);
    limits_free(l);
}

static void running_and_tunnels_are_bounded_apart(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0);
    struct traffic_bounds b = {.running = 2, .tunnels = 1, .requests_s = 100, .burst = 100};
    struct limits_ask plain = {.bounds = &b, .now_ms = T0};
    struct limits_ask tunnel = {.bounds = &b, .now_ms = T0, .is_tunnel = true};
    uint32_t wait;
    assert_int_equal(begin(l, a, tunnel, &wait), LIMITS_OK);
    assert_int_equal(begin(l, a, tunnel, &wait), LIMITS_TUNNELS);
    assert_int_equal(begin(l, a, plain, &wait), LIMITS_OK);
    assert_int_equal(begin(l, a, plain, &wait), LIMITS_RUNNING);
    limits_end(l, a); /* the tunnel stands */
    assert_int_equal(begin(l, a, plain, &wait), LIMITS_OK);
    assert_int_equal(begin(l, a, tunnel, &wait), LIMITS_RUNNING);
    limits_end_tunnel(a);
    limits_end(l, a);
    assert_int_equal(begin(l, a, tunnel, &wait), LIMITS_OK);
    struct limits_info info;
    limits_info(l, &info);
    assert_int_equal(info.n_running, 2);
    assert_int_equal(info.n_active, 1);
    limits_end(l, a);
    limits_end(l, a);
    limits_end_tunnel(a);
    limits_info(l, &info);
    assert_int_equal(info.n_running, 0);
    assert_int_equal(info.n_active, 0);
    assert_int_equal(a->n_tunnels, 0);
    limits_give(l, a, T0);
    limits_free(l);
}

static unsigned fill(struct limits *l, struct limits_account *a, uint32_t total, unsigned n)
{
    struct traffic_bounds none = {0};
    unsigned got = 0;
    uint32_t wait;
    for (unsigned i = 0; i < n; i++) {
        struct limits_ask q = {.bounds = &none, .total = total, .now_ms = T0};
        got += begin(l, a, q, &wait) == LIMITS_OK;
    }
    return got;
}

static void the_greedy_are_refused_before_the_modest(void **state)
{
    (void)state;
    enum { TOTAL = 80 };
    struct limits *l = make();
    struct limits_account *greedy = take(l, 1, T0), *second = take(l, 2, T0), *a;
    assert_int_equal(fill(l, greedy, TOTAL, 1000), 70); /* alone: seven eighths */
    assert_int_equal(fill(l, second, TOTAL, 1000), 10); /* less than its share of 26 */
    assert_int_equal(fill(l, second, TOTAL, 1), 0);     /* the total itself is never passed */
    for (int i = 0; i < 20; i++)
        limits_end(l, greedy);
    assert_int_equal(fill(l, greedy, TOTAL, 1000), 10); /* up to seven eighths again */
    for (unsigned i = 3; i < 13; i++) {                 /* and all who run nothing find a place */
        a = take(l, i, T0);
        assert_int_equal(fill(l, a, TOTAL, 1), 1);
    }
    a = take(l, 99, T0);
    assert_int_equal(fill(l, a, TOTAL, 1), 0);
    struct limits_info info;
    limits_info(l, &info);
    assert_int_equal(info.n_running, TOTAL);
    assert_int_equal(info.n_active, 12);
    limits_free(l);
}

static void the_exempt_meet_the_total_alone(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0);
    struct limits_ask q = {.bounds = NULL, .total = 8, .now_ms = T0};
    uint32_t wait;
    for (int i = 0; i < 8; i++)
        assert_int_equal(begin(l, a, q, &wait), LIMITS_OK);
    assert_int_equal(begin(l, a, q, &wait), LIMITS_TOTAL);
    limits_free(l);
}

static void new_connections_have_a_rate(void **state)
{
    (void)state;
    struct limits *l = make();
    unsigned n = 0;
    for (int i = 0; i < 100; i++)
        n += limits_may_accept(l, 20, T0);
    assert_int_equal(n, 20);
    assert_false(limits_may_accept(l, 20, T0 + 49));
    assert_true(limits_may_accept(l, 20, T0 + 50));
    limits_free(l);
}

static void networks_are_clients(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool is_same;
    } rows[] = {
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "192.0.2.1", true},
    };
    struct limits *l = make();
    struct traffic t;
    traffic_default(10, &t);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ip a, b;
        assert_int_equal(ip_parse(str_of(rows[i].a), &a), OK);
        assert_int_equal(ip_parse(str_of(rows[i].b), &b), OK);
        struct limits_key ka = {.net = traffic_client_of(&t, &a)};
        struct limits_key kb = {.net = traffic_client_of(&t, &b)};
        assert_int_equal(limits_take(l, &ka, T0) == limits_take(l, &kb, T0), rows[i].is_same);
    }
    t.prefix4 = 24;
    t.prefix6 = 128;
    struct ip a, b;
    assert_int_equal(ip_parse(STR("192.0.2.1"), &a), OK);
    assert_int_equal(ip_parse(STR("192.0.2.200"), &b), OK);
    struct cidr x = traffic_client_of(&t, &a), y = traffic_client_of(&t, &b);
    assert_memory_equal(&x.ip, &y.ip, sizeof x.ip);
    limits_free(l);
}

static void users_are_known_by_name(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_key alice = {.kind = LIMITS_USER, .text = STR("alice")};
    struct limits_key same = {.kind = LIMITS_CLASS, .text = STR("alice")};
    struct limits_account *a = limits_take(l, &alice, T0);
    assert_true(limits_is_user(l, a, STR("alice")));
    assert_false(limits_is_user(l, a, STR("alicf")));
    assert_ptr_not_equal(limits_take(l, &same, T0), a);
    assert_ptr_equal(limits_take(l, &alice, T0), a);
    limits_free(l);
}

static void idle_accounts_make_room(void **state)
{
    (void)state;
    enum { N = 1000000 };
    struct limits *l = make();
    struct limits_account *held = take(l, 0, T0);
    struct traffic_bounds b = {.requests_s = 1, .burst = 1};
    uint32_t wait;
    assert_int_equal(begin(l, held, (struct limits_ask){.bounds = &b, .now_ms = T0}, &wait),
                     LIMITS_OK);
    for (unsigned i = 1; i < N; i++) /* fifteen times as many as there are places */
        limits_give(l, take(l, i, T0 + i / 1000), T0 + i / 1000);
    assert_ptr_equal(take(l, 0, T0), held); /* who is held stays, with what it owes */
    assert_int_equal(held->n_running, 1);
    struct limits_info info;
    limits_info(l, &info);
    assert_int_equal(info.n_held, 1);
    assert_int_equal(info.n_crowded, 0);
    assert_int_equal(info.n_forgotten, 0); /* nobody who owed anything */
    limits_free(l);
}

static void who_owes_is_forgotten_last_and_counted(void **state)
{
    (void)state;
    struct limits *l = make();
    struct traffic_bounds b = {.requests_s = 1, .burst = 100};
    struct limits_info info;
    uint32_t wait;
    for (unsigned i = 0; i < LIMITS_SHARDS * LIMITS_SLOTS * 2; i++) {
        struct limits_account *a = take(l, i, T0);
        assert_int_equal(begin(l, a, (struct limits_ask){.bounds = &b, .now_ms = T0}, &wait),
                         LIMITS_OK);
        limits_end(l, a);
        limits_give(l, a, T0);
    }
    limits_info(l, &info);
    assert_true(info.n_forgotten > LIMITS_SLOTS);
    assert_int_equal(info.n_crowded, 0);
    limits_free(l);
}

static void a_full_table_is_strict_and_counted(void **state)
{
    (void)state;
    enum { N = LIMITS_SHARDS * LIMITS_SLOTS + 5000, PER_CLIENT = 3 };
    static struct limits_account *held[N];
    struct limits *l = make();
    struct limits_info info;
    unsigned n_refused = 0;
    for (unsigned i = 0; i < N; i++) {
        held[i] = take(l, i, T0);
        assert_non_null(held[i]);
        n_refused += limits_enter(held[i], PER_CLIENT) != OK;
    }
    limits_info(l, &info);
    assert_true(info.n_crowded >= 5000);
    assert_true(n_refused > 0); /* a crowd is judged as one client */
    for (unsigned i = 0; i < N; i++)
        limits_give(l, held[i], T0);
    limits_info(l, &info);
    assert_int_equal(info.n_held, 0);
    limits_free(l);
}

static void count_seen(void *ctx, const struct limits_account *a)
{
    unsigned *n = ctx;
    *n += a->kind == LIMITS_CLIENT;
}

static void the_held_and_the_recent_are_shown(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0), *b = take(l, 2, T0);
    struct traffic_bounds bounds = {0};
    uint32_t wait;
    unsigned n = 0;
    for (int i = 0; i < 100; i++) {
        struct limits_ask q = {.bounds = &bounds, .now_ms = T0 + i * 100};
        assert_int_equal(begin(l, a, q, &wait), LIMITS_OK);
        limits_end(l, a);
    }
    assert_in_range((int)(limits_rate(a, T0 + 9999) * 10), 95, 105);
    assert_in_range((int)(limits_rate(a, T0 + 15000) * 10), 45, 55);
    assert_int_equal((int)limits_rate(a, T0 + 60000), 0);
    limits_give(l, b, T0);
    limits_each(l, T0 + 5000, 10000, count_seen, &n);
    assert_int_equal(n, 2);
    n = 0;
    limits_each(l, T0 + 50000, 10000, count_seen, &n);
    assert_int_equal(n, 1);
    limits_free(l);
}

static void several_buckets_of_bytes(void **state)
{
    (void)state;
    struct limits *l = make();
    struct limits_account *a = take(l, 1, T0);
    int64_t now_us = 1000000000;
    int64_t turn_us = 0;
    uint64_t moved = 0;
    for (int64_t end = now_us + 10000000; now_us < end; now_us += 1000) {
        if (turn_us > now_us)
            continue;
        moved += 4096;
        turn_us = speed_take(&a->next_us, 100000, 4096, now_us); /* the client's: the slower one */
        int64_t other_us = speed_take(limits_bytes(l), 400000, 4096, now_us);
        turn_us = other_us > turn_us ? other_us : turn_us;
    }
    assert_in_range(moved, 1000000, 1040000);
    assert_true(*limits_bytes(l) < now_us + 50000); /* the other one is hardly used */
    limits_free(l);
}

/* --- many threads ----------------------------------------------------------------------------- */

struct crowd {
    struct limits *l;
    unsigned index, n_passed;
};

static void *come_and_go(void *arg)
{
    struct crowd *c = arg;
    struct traffic_bounds b = {.running = 3, .requests_s = 1000000, .burst = 1000000};
    uint32_t wait;
    for (unsigned i = 0; i < 20000; i++) {
        struct limits_account *a = take(c->l, i % 7, T0 + i / 100);
        struct limits_ask q = {
            .bounds = &b, .total = 5, .now_ms = T0 + i / 100, .is_tunnel = i % 3 == 0};
        if (limits_enter(a, 3) == OK) {
            if (begin(c->l, a, q, &wait) == LIMITS_OK) {
                c->n_passed++;
                limits_end(c->l, a);
                if (q.is_tunnel)
                    limits_end_tunnel(a);
            }
            limits_leave(a);
        }
        limits_give(c->l, a, T0 + i / 100);
    }
    return NULL;
}

static void many_at_once_add_up(void **state)
{
    (void)state;
    enum { N = 8 };
    struct limits *l = make();
    pthread_t threads[N];
    struct crowd c[N];
    struct limits_info info;
    for (unsigned i = 0; i < N; i++) {
        c[i] = (struct crowd){l, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &c[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_true(c[i].n_passed > 0);
    }
    limits_info(l, &info);
    assert_int_equal(info.n_running, 0);
    assert_int_equal(info.n_active, 0);
    assert_int_equal(info.n_held, 0);
    for (unsigned i = 0; i < 7; i++) {
        struct limits_account *a = take(l, i, T0);
        assert_true(a->n_running == 0 && a->n_connections == 0 && a->n_tunnels == 0);
    }
    limits_free(l);
}

/* More clients than places, so that places are made into other ones' under everybody's hands: what
 * one holds is his. */
static void *hold_some(void *arg)
{
    enum { HELD = 8, CLIENTS = 150000 };
    struct crowd *c = arg;
    struct limits_account *held[HELD] = {0};
    unsigned who[HELD] = {0}, at = c->index * 9973;
    for (unsigned i = 0; i < 60000; i++) {
        unsigned k = i % HELD;
        if (held[k]) {
            struct limits_key key = client(who[k]);
            bool is_his = held[k]->kind == LIMITS_CROWD ||
                          (ip_eq(&held[k]->net.ip, &key.net.ip) && held[k]->n_holders > 0);
            c->n_passed += is_his;
            limits_give(c->l, held[k], T0 + i);
        }
        at = at * 1664525 + 1013904223;
        who[k] = i % 3 ? at % CLIENTS : at % 5; /* a few come all the time */
        held[k] = take(c->l, who[k], T0 + i);
    }
    for (unsigned k = 0; k < HELD; k++)
        limits_give(c->l, held[k], T0);
    return NULL;
}

static void what_one_holds_is_his(void **state)
{
    (void)state;
    enum { N = 4 };
    struct limits *l = make();
    pthread_t threads[N];
    struct crowd c[N];
    struct limits_info info;
    for (unsigned i = 0; i < N; i++) {
        c[i] = (struct crowd){l, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, hold_some, &c[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(c[i].n_passed, 60000 - 8);
    }
    limits_info(l, &info);
    assert_int_equal(info.n_held, 0);
    assert_true(info.n_forgotten == 0 && info.n_crowded == 0); /* nobody owed anything */
    limits_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted),
        cmocka_unit_test(a_rate_has_its_edges),
        cmocka_unit_test(who_is_refused_pays_nothing),
        cmocka_unit_test(waiting_is_bounded_and_in_turn),
        cmocka_unit_test(running_and_tunnels_are_bounded_apart),
        cmocka_unit_test(the_greedy_are_refused_before_the_modest),
        cmocka_unit_test(the_exempt_meet_the_total_alone),
        cmocka_unit_test(new_connections_have_a_rate),
        cmocka_unit_test(networks_are_clients),
        cmocka_unit_test(users_are_known_by_name),
        cmocka_unit_test(idle_accounts_make_room),
        cmocka_unit_test(who_owes_is_forgotten_last_and_counted),
        cmocka_unit_test(a_full_table_is_strict_and_counted),
        cmocka_unit_test(the_held_and_the_recent_are_shown),
        cmocka_unit_test(several_buckets_of_bytes),
        cmocka_unit_test(many_at_once_add_up),
        cmocka_unit_test(what_one_holds_is_his),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
