/* ledger, quota, speed: accounts that survive, days that end, damage that stays alone, threads that
 * lose nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policies/zone.h"
#include "proxyd/flow/quota.h"
#include "proxyd/flow/speed.h"

#define MINUTE 60000
#define HOUR   (60 * (int64_t)MINUTE)
#define NOON_MS                                                                                    \
    (INT64_C(1774778400) * 1000) /* 2026-03-29 12:00 in Paris; that day has 23 hours               \
                                  */

static int setup(void **state)
{
    char *dir = strdup("/tmp/ledger-XXXXXX");
    assert_non_null(mkdtemp(dir));
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    char path[200];
    static const char *const names[] = {"ledger", "ledger.bad"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
        unlink(path);
    }
    rmdir(*state);
    free(*state);
    return 0;
}

static struct ledger *open_in(void **state, unsigned n_slots, int64_t now_ms)
{
    char path[200];
    struct ledger *l = NULL;
    snprintf(path, sizeof path, "%s/ledger", (char *)*state);
    assert_int_equal(ledger_open(path, n_slots, now_ms, &l), OK);
    return l;
}

static struct ledger_key key_of(const char *who)
{
    return (struct ledger_key){LEDGER_QUOTA, STR("games"), str_of(who), STR("")};
}

static void quota_of(struct effects_quota *q, const char *zone)
{
    *q = (struct effects_quota){.minutes = 3, .bytes = 1000};
    assert_int_equal(zone_load(str_of(zone), &q->zone), OK);
}

static void test_minutes_count_once(void **state)
{
    struct ledger *l = open_in(state, 64 * 16, NOON_MS);
    struct effects_quota q;
    struct quota_balance b;
    struct ledger_key k = key_of("anna");
    quota_of(&q, "Europe/Paris");
    q.bytes = 0;
    struct ledger_account *a = quota_take(l, &q, &k, NOON_MS);
    for (int i = 0; i < 60; i++)
        assert_int_equal(quota_count(l, a, &q, 10, NOON_MS + i * 1000), QUOTA_LEFT);
    assert_int_equal(quota_count(l, a, &q, 0, NOON_MS + 5 * MINUTE), QUOTA_LEFT);
    assert_int_equal(quota_count(l, a, &q, 0, NOON_MS + 4 * MINUTE), QUOTA_LEFT); /* late */
    quota_balance(a, &q, NOON_MS + 5 * MINUTE, &b);
    assert_int_equal(b.minutes, 2);
    assert_int_equal(quota_count(l, a, &q, 0, NOON_MS + 6 * MINUTE), QUOTA_LEFT);
    assert_int_equal(quota_look(a, &q, NOON_MS + 6 * MINUTE + 59999), QUOTA_LEFT);
    assert_int_equal(quota_look(a, &q, NOON_MS + 7 * MINUTE), QUOTA_TIME);
    assert_int_equal(quota_count(l, a, &q, 1, NOON_MS + 7 * MINUTE), QUOTA_TIME);
    quota_balance(a, &q, NOON_MS + 7 * MINUTE, &b);
    assert_int_equal(b.minutes, 3);
    assert_int_equal(b.bytes, 601);
    ledger_give(a);
    zone_free(q.zone);
    ledger_close(l);
}

static void test_bytes(void **state)
{
    struct ledger *l = open_in(state, 64 * 16, NOON_MS);
    struct effects_quota q;
    struct ledger_key k = key_of("anna"), other = key_of("bert");
    quota_of(&q, "UTC");
    q.minutes = 0;
    struct ledger_account *a = quota_take(l, &q, &k, NOON_MS);
    struct ledger_account *b = quota_take(l, &q, &other, NOON_MS);
    assert_ptr_not_equal(a, b);
    assert_int_equal(quota_count(l, a, &q, 999, NOON_MS), QUOTA_LEFT);
    assert_int_equal(quota_count(l, a, &q, 1, NOON_MS), QUOTA_BYTES);
    assert_int_equal(quota_look(a, &q, NOON_MS), QUOTA_BYTES);
    assert_int_equal(quota_look(b, &q, NOON_MS), QUOTA_LEFT);
    ledger_give(a);
    ledger_give(b);
    zone_free(q.zone);
    ledger_close(l);
}

/* Midnight of the zone, on the day whose clocks are turned, and one worker that is late. */
static void test_midnight(void **state)
{
    struct ledger *l = open_in(state, 64 * 16, NOON_MS);
    struct effects_quota q;
    struct quota_balance b;
    struct ledger_key k = key_of("anna");
    quota_of(&q, "Europe/Paris");
    int64_t begins = INT64_C(1774738800) * 1000, ends = begins + 23 * HOUR;
    struct ledger_account *a = quota_take(l, &q, &k, begins);
    assert_int_equal(quota_count(l, a, &q, 1000, begins), QUOTA_BYTES);
    assert_int_equal(quota_look(a, &q, ends - 1), QUOTA_BYTES);
    assert_int_equal(quota_look(a, &q, ends), QUOTA_LEFT);
    assert_int_equal(quota_count(l, a, &q, 7, ends), QUOTA_LEFT);
    assert_int_equal(quota_count(l, a, &q, 5, ends - 3), QUOTA_LEFT);
    quota_balance(a, &q, ends + 1, &b);
    assert_int_equal(b.bytes, 12);
    assert_int_equal(b.minutes, 1);
    assert_int_equal(b.renewed_ms, ends + 24 * HOUR);
    /* the clock was weeks ahead and has been set right: not lost until then */
    assert_int_equal(quota_count(l, a, &q, 900, ends + 40 * 24 * HOUR), QUOTA_LEFT);
    assert_int_equal(quota_count(l, a, &q, 1, ends), QUOTA_LEFT);
    quota_balance(a, &q, ends, &b);
    assert_int_equal(b.bytes, 1);
    ledger_give(a);
    zone_free(q.zone);
    ledger_close(l);
}

static void test_survives(void **state)
{
    struct ledger *l = open_in(state, 64 * 8, NOON_MS);
    struct effects_quota q;
    struct quota_balance b;
    struct ledger_info info;
    struct ledger_key k = key_of("anna");
    quota_of(&q, "UTC");
    struct ledger_account *a = quota_take(l, &q, &k, NOON_MS);
    assert_int_equal(quota_count(l, a, &q, 500, NOON_MS), QUOTA_LEFT);
    ledger_note(l, a, STR("because"));
    ledger_close(l); /* still held, as after a kill */
    l = open_in(state, 64 * 16, NOON_MS + 1);
    ledger_info(l, NOON_MS + 1, &info);
    assert_int_equal(info.n_used, 1);
    assert_int_equal(info.n_slots, 64 * 8);
    assert_true(info.is_kept && !info.was_replaced && info.n_damaged == 0);
    a = ledger_find(l, &k, NOON_MS + 1);
    assert_non_null(a);
    quota_balance(a, &q, NOON_MS + 1, &b);
    assert_int_equal(b.bytes, 500);
    ledger_give(a);
    struct ledger *second = NULL;
    char path[200];
    snprintf(path, sizeof path, "%s/ledger", (char *)*state);
    assert_int_equal(ledger_open(path, 64, NOON_MS, &second), OK); /* the next process */
    a = ledger_find(second, &k, NOON_MS + 1);
    assert_int_equal(quota_count(second, a, &q, 100, NOON_MS + 1), QUOTA_LEFT);
    ledger_close(l);
    quota_balance(a, &q, NOON_MS + 1, &b);
    assert_int_equal(b.bytes, 600);
    ledger_give(a);
    ledger_close(second);
    zone_free(q.zone);
}

static void damage(void **state, off_t at, const char *bytes, size_t n)
{
    char path[200];
    snprintf(path, sizeof path, "%s/ledger", (char *)*state);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pwrite(fd, bytes, n, at) == (ssize_t)n);
    close(fd);
}

/* Every byte of the fixed part of one slot in turn: that account goes, its neighbour stays. */
static void test_damage_stays_alone(void **state)
{
    struct effects_quota q;
    quota_of(&q, "UTC");
    for (off_t at = 0; at < 64 + 12 + 6; at++) {
        struct ledger *l = open_in(state, 64 * 16, NOON_MS);
        struct ledger_key k = key_of("anna"), other = key_of("bert");
        struct ledger_account *a = quota_take(l, &q, &k, NOON_MS);
        struct ledger_account *b = quota_take(l, &q, &other, NOON_MS);
        if ((at >= 8 && at < 64) || a == b || (at >= 72 && at < 80)) { /* counters, note, gap */
            ledger_give(a);
            ledger_give(b);
            ledger_close(l);
            continue;
        }
        static char whole[64 * 16 * 512 + 8192];
        char path[200];
        snprintf(path, sizeof path, "%s/ledger", (char *)*state);
        memset(whole, 0, sizeof whole);
        int fd = open(path, O_RDONLY);
        assert_int_equal(pread(fd, whole, sizeof whole, 0), sizeof whole);
        close(fd);
        off_t slot = -1;
        for (size_t i = 8192; i < sizeof whole; i += 512)
            if (memcmp(whole + i, &a->hash, 8) == 0)
                slot = (off_t)i;
        assert_true(slot > 0);
        ledger_give(a);
        ledger_give(b);
        ledger_close(l);
        char turned = (char)(whole[slot + at] ^ 0x5a);
        damage(state, slot + at, &turned, 1);
        l = open_in(state, 64 * 16, NOON_MS);
        struct ledger_info info;
        ledger_info(l, NOON_MS, &info);
        assert_int_equal(info.n_damaged, 1);
        assert_null(ledger_find(l, &k, NOON_MS));
        b = ledger_find(l, &other, NOON_MS);
        assert_non_null(b);
        ledger_give(b);
        ledger_close(l);
        unlink(path);
    }
    zone_free(q.zone);
}

static void test_not_a_ledger(void **state)
{
    struct ledger *l = open_in(state, 64 * 16, NOON_MS);
    struct ledger_info info;
    ledger_close(l);
    damage(state, 0, "nonsense", 8);
    l = open_in(state, 64 * 16, NOON_MS);
    ledger_info(l, NOON_MS, &info);
    assert_true(info.was_replaced && info.n_used == 0);
    ledger_close(l);
    char path[200];
    struct stat st;
    snprintf(path, sizeof path, "%s/ledger.bad", (char *)*state);
    assert_int_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/ledger", (char *)*state);
    assert_int_equal(truncate(path, 5000), 0);
    l = open_in(state, 64 * 16, NOON_MS);
    ledger_info(l, NOON_MS, &info);
    assert_true(info.was_replaced && info.n_slots == 64 * 16);
    ledger_close(l);
}

/* No room on the disk is met when the file is made, and leaves none behind that looks like one. */
static void test_full_disk(void **state)
{
    char path[200];
    struct stat st;
    struct ledger *l = NULL;
    struct rlimit was, small = {100000, 100000};
    snprintf(path, sizeof path, "%s/ledger", (char *)*state);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(ledger_open(path, LEDGER_SLOTS, NOON_MS, &l), ERR_FULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(ledger_open(NULL, LEDGER_SLOTS, NOON_MS, &l), OK); /* what main does then */
    struct ledger_key k = key_of("anna");
    struct ledger_account *a = ledger_take(l, &k, NOON_MS, NOON_MS + HOUR);
    assert_non_null(a);
    ledger_give(a);
    ledger_close(l);
}

static bool is_anna(void *ctx, const struct ledger_seen *s)
{
    (*(int *)ctx)++;
    return str_eq(s->who, STR("anna"));
}

/* A small table that is full gives up whoever was unused for longest, never one that is held. */
static void test_bounds(void **state)
{
    struct ledger *l = open_in(state, LEDGER_SHARDS * 2, NOON_MS);
    struct ledger_info info;
    struct ledger_key first = key_of("first");
    struct ledger_account *held = ledger_take(l, &first, NOON_MS, NOON_MS + HOUR);
    char name[32];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "user%d", i);
        struct ledger_key k = key_of(name);
        struct ledger_account *a = ledger_take(l, &k, NOON_MS + i, NOON_MS + HOUR);
        ledger_give(a);
    }
    ledger_info(l, NOON_MS, &info);
    assert_int_equal(info.n_used, LEDGER_SHARDS * 2);
    assert_int_equal(info.n_evicted, 2001 - LEDGER_SHARDS * 2);
    struct ledger_account *again = ledger_find(l, &first, NOON_MS);
    assert_ptr_equal(again, held);
    ledger_give(again);
    ledger_give(held);
    ledger_close(l);
}

static void test_forgetting(void **state)
{
    struct ledger *l = open_in(state, 64 * 16, NOON_MS);
    struct effects_quota q;
    struct quota_balance b;
    int n = 0;
    quota_of(&q, "UTC");
    struct ledger_key k = key_of("anna"), other = key_of("bert");
    struct ledger_account *a = quota_take(l, &q, &k, NOON_MS);
    struct ledger_account *c = quota_take(l, &q, &other, NOON_MS);
    assert_int_equal(quota_count(l, a, &q, 1000, NOON_MS), QUOTA_BYTES);
    assert_int_equal(quota_count(l, c, &q, 1000, NOON_MS), QUOTA_BYTES);
    assert_int_equal(ledger_forget(l, LEDGER_QUOTA, NOON_MS, is_anna, &n), 1);
    assert_int_equal(n, 2);
    assert_int_equal(quota_look(a, &q, NOON_MS), QUOTA_LEFT);
    assert_int_equal(quota_look(c, &q, NOON_MS), QUOTA_BYTES);
    assert_int_equal(quota_count(l, a, &q, 1, NOON_MS), QUOTA_LEFT); /* the held one counts on */
    ledger_give(a);
    a = ledger_find(l, &k, NOON_MS);
    quota_balance(a, &q, NOON_MS, &b);
    assert_int_equal(b.bytes, 1);
    ledger_give(a);
    ledger_give(c);
    assert_int_equal(ledger_forget(l, LEDGER_GRANT, NOON_MS, is_anna, &n), 0);
    zone_free(q.zone);
    ledger_close(l);
}

/* A grant that is over begins anew, without what it had. */
static void test_over(void **state)
{
    struct ledger *l = open_in(state, 64 * 16, NOON_MS);
    struct ledger_key k = {LEDGER_GRANT, STR("r"), STR("w"), STR("h")};
    struct ledger_account *a = ledger_take(l, &k, NOON_MS, NOON_MS + 10);
    atomic_store(&a->count, 5);
    ledger_give(a);
    assert_null(ledger_find(l, &k, NOON_MS + 10));
    a = ledger_take(l, &k, NOON_MS + 10, NOON_MS + 20);
    assert_int_equal(atomic_load(&a->count), 0);
    ledger_give(a);
    ledger_close(l);
}

static void test_speed(void **state)
{
    struct ledger *l = open_in(state, 64 * 16, NOON_MS);
    struct ledger_key k = {LEDGER_SPEED, STR("r"), STR("w"), STR("")};
    struct ledger_account *a = ledger_take(l, &k, NOON_MS, NOON_MS + HOUR);
    int64_t now = 5000000, moved = 0;
    while (now < 15000000) { /* ten seconds of taking all there is, in pieces of 16 KiB */
        int64_t turn = speed_take(&a->next_us, 100000, 16384, now);
        now = turn > now ? turn : now;
        moved += 16384;
    }
    assert_true(moved > 980000 && moved < 1060000);
    now += 60000000;
    assert_true(speed_take(&a->next_us, 100000, 25000, now) <= now); /* a pause: the burst */
    assert_true(speed_take(&a->next_us, 100000, 1, now) <= now);
    assert_true(speed_take(&a->next_us, 100000, 1, now) > now);
    speed_give(&a->next_us, 100000, 25000);
    assert_true(speed_take(&a->next_us, 100000, 1, now) <= now);
    ledger_give(a);
    ledger_close(l);
}

struct load {
    struct ledger *l;
    const struct effects_quota *q;
    int64_t day_ends;
};

static void *work(void *arg)
{
    struct load *x = arg;
    for (int i = 0; i < 20000; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%d", i % 7);
        struct ledger_key k = key_of(name);
        int64_t now = x->day_ends - 10000 + i;
        struct ledger_account *a = quota_take(x->l, x->q, &k, now);
        (void)quota_look(a, x->q, now);
        (void)quota_count(x->l, a, x->q, 3, now);
        ledger_give(a);
    }
    return NULL;
}

/* Four threads over a midnight: nothing of the new day is lost. */
static void test_threads(void **state)
{
    struct ledger *l = open_in(state, LEDGER_SLOTS, NOON_MS);
    struct effects_quota q;
    struct quota_balance b;
    uint64_t sum = 0;
    quota_of(&q, "Europe/Paris");
    struct load x = {l, &q, (INT64_C(1774738800) + 23 * 3600) * 1000};
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, work, &x), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 7; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%d", i);
        struct ledger_key k = key_of(name);
        struct ledger_account *a = ledger_find(l, &k, x.day_ends + 1);
        quota_balance(a, &q, x.day_ends + 1, &b);
        assert_int_equal(b.minutes, 1);
        sum += b.bytes;
        ledger_give(a);
    }
    /* each thread moves 10,000 times 3 bytes after midnight; one that is late adds to the new day
     */
    assert_true(sum >= 4 * 10000 * 3 - 200 && sum <= 4 * 20000 * 3);
    zone_free(q.zone);
    ledger_close(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_minutes_count_once), T(test_bytes),        T(test_midnight),  T(test_survives),
        T(test_damage_stays_alone), T(test_not_a_ledger), T(test_full_disk), T(test_bounds),
        T(test_forgetting),         T(test_over),         T(test_speed),     T(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
