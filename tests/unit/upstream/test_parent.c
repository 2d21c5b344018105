/* parent: which member is tried, and when one counts as down or up again, by a clock that is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proxyd/upstream/parent.h"

#define N 3

struct bench {
    struct parent_book *book;
    struct parents *all;
    struct parent_group *g;
    uint32_t turn;
};

/* One group of three members "a", "b", "c"; checks are made unless the test says otherwise. */
static void set_up(struct bench *b, enum parent_balance balance)
{
    b->turn = 0;
    b->book = parent_book_new();
    assert_non_null(b->book);
    assert_int_equal(parents_new(1, &b->all), OK);
    b->g = &b->all->groups[0];
    b->g->name = STR("hq");
    b->g->balance = balance;
    b->g->check = (struct parent_check){
        .interval_ms = 5000, .timeout_ms = 2000, .retry_ms = 10000, .down_after = 2, .up_after = 2};
    for (unsigned i = 0; i < N; i++) {
        char name[8] = {(char)('a' + i)};
        struct parent_member *m = &b->g->members[b->g->n++];
        assert_int_equal(host_normalise(str_of(name), &m->host), OK);
        m->port = 3128;
        m->weight = 1;
        assert_int_equal(parent_seal(b->all, b->g, m, b->book), OK);
    }
}

static void tear_down(struct bench *b)
{
    parents_unref(b->all);
    parent_book_free(b->book);
}

/* Index of the member that a client gets, -1: none. */
static int choose(struct bench *b, unsigned client, uint32_t tried, int64_t now_ms)
{
    struct ip ip;
    char text[32];
    snprintf(text, sizeof text, "10.0.%u.%u", client / 250, client % 250 + 1);
    assert_int_equal(ip_parse(str_of(text), &ip), OK);
    struct parent_ask ask = {&ip, b->turn++, tried, now_ms};
    const struct parent_member *m = parent_choose(b->g, &ask);
    return m ? (int)parent_index(b->g, m) : -1;
}

static void failed(struct bench *b, unsigned i, unsigned times, int64_t now_ms)
{
    while (times--)
        parent_went(b->g, &b->g->members[i], ERR_REFUSED, now_ms);
}

static bool is_down(const struct bench *b, unsigned i)
{
    return atomic_load(&b->g->members[i].health->is_down);
}

static void the_first_that_is_up(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, PARENT_FIRST);
    assert_int_equal(choose(&b, 1, 0, 0), 0);
    assert_int_equal(choose(&b, 2, 1, 0), 1); /* the first has been tried */
    failed(&b, 0, 2, 1000);
    assert_int_equal(choose(&b, 1, 0, 1000), 1);
    failed(&b, 1, 2, 1000);
    assert_int_equal(choose(&b, 1, 0, 1000), 2);
    failed(&b, 2, 2, 1000);
    assert_int_equal(choose(&b, 1, 0, 1000), -1);
    tear_down(&b);
}

static void backups_come_last(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, PARENT_ROUND_ROBIN);
    b.g->members[0].is_backup = true;
    for (unsigned i = 0; i < 6; i++)
        assert_int_not_equal(choose(&b, i, 0, 0), 0);
    assert_int_equal(choose(&b, 1, 2 | 4, 0), 0);
    failed(&b, 1, 2, 0);
    failed(&b, 2, 2, 0);
    assert_int_equal(choose(&b, 1, 0, 0), 0);
    tear_down(&b);
}

static void turns_go_by_weight(void **state)
{
    (void)state;
    struct bench b;
    unsigned n[N] = {0};
    set_up(&b, PARENT_ROUND_ROBIN);
    b.g->members[1].weight = 3;
    for (unsigned i = 0; i < 500; i++)
        n[choose(&b, 1, 0, 0)]++;
    assert_int_equal(n[0], 100);
    assert_int_equal(n[1], 300);
    assert_int_equal(n[2], 100);
    failed(&b, 1, 2, 0);
    memset(n, 0, sizeof n);
    for (unsigned i = 0; i < 100; i++)
        n[choose(&b, 1, 0, 0)]++;
    assert_int_equal(n[0], 50);
    assert_int_equal(n[1], 0);
    tear_down(&b);
}

/* Only the clients of the one that goes move, and they come back. */
static void a_client_keeps_its_member(void **state)
{
    (void)state;
    struct bench b;
    int before[1000];
    unsigned n[N] = {0};
    set_up(&b, PARENT_CLIENT_HASH);
    for (unsigned i = 0; i < 1000; i++)
        n[before[i] = choose(&b, i, 0, 0)]++;
    for (unsigned i = 0; i < N; i++)
        assert_in_range(n[i], 270, 400);
    failed(&b, 1, 2, 0);
    for (unsigned i = 0; i < 1000; i++) {
        int now = choose(&b, i, 0, 0);
        assert_true(before[i] == 1 ? now == 0 || now == 2 : now == before[i]);
    }
    parent_checked(b.g, &b.g->members[1], OK, 1);
    parent_checked(b.g, &b.g->members[1], OK, 2);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(choose(&b, i, 0, 3), before[i]);
    tear_down(&b);
}

static void so_many_in_a_row(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, PARENT_FIRST);
    const struct parent_member *m = &b.g->members[0];
    b.g->check.down_after = 3;
    failed(&b, 0, 2, 100);
    assert_false(is_down(&b, 0));
    parent_went(b.g, m, OK, 200); /* begins anew */
    failed(&b, 0, 2, 300);
    assert_false(is_down(&b, 0));
    failed(&b, 0, 1, 400);
    assert_true(is_down(&b, 0));
    assert_int_equal(atomic_load(&m->health->since_ms), 400);
    assert_int_equal(atomic_load(&m->health->last), ERR_REFUSED);
    parent_checked(b.g, m, OK, 500);
    assert_true(is_down(&b, 0));
    parent_checked(b.g, m, ERR_TIMEOUT, 600); /* in a row */
    parent_checked(b.g, m, OK, 700);
    assert_true(is_down(&b, 0));
    parent_checked(b.g, m, OK, 800);
    assert_false(is_down(&b, 0));
    assert_int_equal(atomic_load(&m->health->since_ms), 800);
    assert_int_equal(atomic_load(&m->health->n_failed), 5);
    assert_int_equal(atomic_load(&m->health->n_checks), 4);
    assert_int_equal(atomic_load(&m->health->n_missed), 1);
    failed(&b, 0, 1, 900);
    assert_false(is_down(&b, 0)); /* what was before it came back does not count */
    tear_down(&b);
}

/* With checks nobody but them tries one that is down; without, one request does, now and then. */
static void trials(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, PARENT_FIRST);
    failed(&b, 0, 2, 1000);
    assert_int_equal(choose(&b, 1, 0, 1000000), 1);
    b.g->check.interval_ms = 0;
    assert_int_equal(choose(&b, 1, 0, 10999), 1);
    assert_int_equal(choose(&b, 1, 0, 11000), 0);
    assert_int_equal(choose(&b, 2, 0, 11000), 1); /* one is enough */
    assert_int_equal(choose(&b, 2, 0, 20999), 1);
    assert_int_equal(choose(&b, 2, 0, 21000), 0);
    b.g->check.up_after = 1;
    parent_went(b.g, &b.g->members[0], OK, 21010);
    assert_int_equal(choose(&b, 2, 0, 21010), 0);
    tear_down(&b);
}

/* A trial is not used up by a request that goes to another member. */
static void a_trial_is_not_lost(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, PARENT_ROUND_ROBIN);
    b.g->check.interval_ms = 0;
    failed(&b, 0, 2, 0);
    bool is_tried = false;
    for (unsigned i = 0; i < 2 * N && !is_tried; i++)
        is_tried = choose(&b, i, 0, 10000) == 0;
    assert_true(is_tried);
    tear_down(&b);
}

static void health_outlives_settings(void **state)
{
    (void)state;
    struct bench b;
    struct parents *next;
    set_up(&b, PARENT_FIRST);
    failed(&b, 1, 2, 0);
    assert_int_equal(parents_new(1, &next), OK);
    struct parent_group *g = &next->groups[0];
    g->name = STR("hq");
    g->members[0] = b.g->members[1];
    g->n = 1;
    assert_int_equal(parent_seal(next, g, &g->members[0], b.book), OK);
    assert_ptr_equal(g->members[0].health, b.g->members[1].health);
    assert_true(str_eq(g->members[0].text, STR("hq/b:3128")));
    assert_ptr_equal(parents_named(next, STR("hq")), g);
    assert_null(parents_named(next, STR("h")));
    assert_null(parents_named(NULL, STR("hq")));
    g->name = STR("other"); /* the same address in another group is asked after by itself */
    assert_int_equal(parent_seal(next, g, &g->members[0], b.book), OK);
    assert_ptr_not_equal(g->members[0].health, b.g->members[1].health);
    assert_string_not_equal(g->members[0].key, b.g->members[1].key);
    parents_unref(next);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_is_up), cmocka_unit_test(backups_come_last),
        cmocka_unit_test(turns_go_by_weight),   cmocka_unit_test(a_client_keeps_its_member),
        cmocka_unit_test(so_many_in_a_row),     cmocka_unit_test(trials),
        cmocka_unit_test(a_trial_is_not_lost),  cmocka_unit_test(health_outlives_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
