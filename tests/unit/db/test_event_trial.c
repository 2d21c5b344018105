/* event_trial and the use of rules: what the roll-ups say of a version and of each rule. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/event_report.h"
#include "db/event_rows.h"
#include "db/event_trial.h"
#include "event_records.h"
#include "tests/unit/db/folder.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)
#define NOON (INT64_C(20600) * DAY + DAY / 2)

static char dir[64];
static struct event_writer *w;
static struct event_reader *r;
static uint64_t next_id;

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/trial-test-XXXXXX");
    next_id = 1;
    return mkdtemp(dir) && event_rows_open(dir, &w) == OK && event_query_open(dir, &r) == OK ? 0
                                                                                             : -1;
}

static int teardown(void **state)
{
    (void)state;
    event_rows_close(w);
    event_query_close(r);
    return folder_remove(dir);
}

struct some {
    const char *user; /* "": nobody, the client's address counts */
    uint64_t version;
    int64_t time_ms;
    unsigned allowed, blocked, refused, logins;
    const char *rule;
};

static void write_kind(const struct some *x, enum record_verdict verdict, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct made m;
        struct record rec = make_record(next_id++, x->time_ms, &m);
        rec.user = str_of(x->user);
        rec.policy_version = x->version;
        rec.verdict = verdict;
        rec.rule = str_of(x->rule);
        rec.rule_name = str_of(x->rule);
        rec.client.b[15] = 9;
        struct event_position p = {1, next_id, 3};
        assert_int_equal(event_rows_write(w, &(struct event_batch){&rec, 1, &p, 1}), OK);
    }
}

static void write_some(const struct some *x)
{
    write_kind(x, RECORD_ALLOWED, x->allowed);
    write_kind(x, RECORD_BLOCKED, x->blocked);
    write_kind(x, RECORD_REFUSED, x->refused);
    write_kind(x, RECORD_DENIED_AUTH, x->logins);
}

/* Pupils are blocked often, the office never: a trial with pupils alone is no alarm. */
static void test_same_people(void **state)
{
    (void)state;
    static const struct some rows[] = {
        {"pupil", 3, NOON, 5, 5, 0, 7, ""},
        {"office", 3, NOON, 90, 0, 0, 0, ""},
        {"pupil", 4, NOON, 10, 10, 2, 3, ""},
        {"pupil", 9, NOON, 0, 50, 0, 0, ""},
    };
    struct event_trial t;
    struct event_trial_ask ask = {4, 3, 0, NOON + HOUR};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        write_some(&rows[i]);
    assert_int_equal(event_trial_compare(r, &ask, &t), OK);
    assert_int_equal(t.requests, 22); /* being sent to log in is not counted */
    assert_int_equal(t.blocked, 10);
    assert_int_equal(t.errors, 2);
    assert_int_equal(t.before, 100);
    assert_true(fabs(t.expected_blocked - 0.5) < 1e-9);
    assert_true(fabs(t.expected_errors) < 1e-9);
    ask.same = 9; /* version 3 is a copy of it: its figures count as well */
    assert_int_equal(event_trial_compare(r, &ask, &t), OK);
    assert_int_equal(t.before, 150);
    assert_true(fabs(t.expected_blocked - 55.0 / 60) < 1e-9);
}

/* Who is new counts like everybody; yesterday counts, the day before does not; nobody is a client.
 */
static void test_strangers_and_days(void **state)
{
    (void)state;
    static const struct some rows[] = {
        {"a", 3, NOON - DAY, 30, 10, 0, 0, ""}, {"a", 3, NOON - 2 * DAY, 0, 500, 0, 0, ""},
        {"", 3, NOON, 0, 10, 10, 0, ""},        {"new", 4, NOON, 4, 0, 0, 0, ""},
        {"", 4, NOON, 4, 0, 0, 0, ""},
    };
    struct event_trial t;
    struct event_trial_ask ask = {4, 3, 0, NOON};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        write_some(&rows[i]);
    assert_int_equal(event_trial_compare(r, &ask, &t), OK);
    assert_true(t.requests == 8 && t.before == 60);
    /* half of them is new: 20/60 of everybody; half is the address: 10/20 */
    assert_true(fabs(t.expected_blocked - (20.0 / 60 + 0.5) / 2) < 1e-9);
    assert_true(fabs(t.expected_errors - (10.0 / 60 + 0.5) / 2) < 1e-9);
}

static void test_nothing(void **state)
{
    (void)state;
    struct event_trial t;
    struct event_trial_ask ask = {4, 3, 0, NOON};
    assert_int_equal(event_trial_compare(r, &ask, &t), OK);
    assert_true(!t.requests && !t.before && t.expected_blocked == 0);
}

static void test_rules(void **state)
{
    (void)state;
    static const struct some rows[] = {
        {"a", 1, NOON - 3 * DAY, 2, 3, 0, 0, "r1"},
        {"a", 1, NOON, 0, 4, 0, 0, "r1"},
        {"b", 1, NOON - 10 * DAY, 0, 9, 0, 0, "old"},
        {"b", 1, NOON - HOUR, 1, 0, 0, 0, "r2"},
        {"b", 1, NOON, 6, 0, 0, 0, ""},
    };
    struct arena a;
    struct event_rule_uses u;
    struct event_span span = {.from_ms = NOON - 5 * DAY, .to_ms = NOON + HOUR / 2};
    arena_init(&a, 4096, 1 << 20);
    assert_int_equal(event_report_rules(r, &span, &a, &u), OK);
    assert_true(u.n == 0 && u.counted_from_ms == 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        write_some(&rows[i]);
    assert_int_equal(event_report_rules(r, &span, &a, &u), OK);
    assert_int_equal(u.n, 2);
    assert_true(str_eq(u.rows[0].rule, STR("r1")) && u.rows[0].hits == 9);
    assert_true(u.rows[0].blocked == 7 && u.rows[0].last_hit_ms == span.to_ms);
    assert_true(str_eq(u.rows[1].rule, STR("r2")) && u.rows[1].hits == 1);
    assert_true(u.rows[1].last_hit_ms == NOON && u.rows[1].blocked == 0);
    assert_true(u.counted_from_ms == NOON - 3 * DAY);
    span.from_ms = NOON - 20 * DAY;
    assert_int_equal(event_report_rules(r, &span, &a, &u), OK);
    assert_true(u.n == 3 && u.counted_from_ms == NOON - 10 * DAY);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_people, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strangers_and_days, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
