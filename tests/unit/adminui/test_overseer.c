/* overseer: what happens at which time, on a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/changes.h"
#include "adminui/overseer.h"
#include "adminui/policy_hold.h"
#include "db/audit_rows.h"
#include "db/event_rows.h"
#include "db/settings_rows.h"

#define MINUTE INT64_C(60000)
#define NOON   (INT64_C(20600) * 86400000 + 43200000)

static const char good[] = "{\"default\":{\"action\":\"allow\"},\"rules\":[]}";
static const char other[] = "{\"default\":{\"action\":\"block\"},\"rules\":[]}";
static const char broken[] = "{\"default\":{\"action\":\"nonsense\"}}";
static const char failing[] = "{\"default\":{\"action\":\"block\"},\"rules\":[],\"tests\":"
                              "[{\"name\":\"t\",\"url\":\"http://a.test/\",\"expect\":\"allow\"}]}";

static char dir[64], store_path[100], index_path[100], events_dir[100];
static struct app app;
static struct desk *d;
static struct arena a;
static uint64_t first; /* the live version at the beginning */
static uint64_t next_record;

static uint64_t publish(const char *text)
{
    struct policy_publish p = {STR("c"), STR("anna"), NOON, 0};
    struct policy_text t = {.document = str_of(text)};
    uint64_t version = 0;
    assert_int_equal(policy_rows_publish_text(d->store, &t, &p, &version), OK);
    return version;
}

static void settings(const char *text)
{
    struct settings_row was = {0}, row = {.name = STR("publishing"), .document = str_of(text)};
    enum err e = settings_rows_get(d->store, &a, STR("publishing"), &was);
    assert_true(e == OK || e == ERR_NOT_FOUND);
    assert_int_equal(settings_rows_put(d->store, &row, was.version, NULL), OK);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/overseer-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(store_path, sizeof store_path, "%s/policy.db", dir);
    snprintf(index_path, sizeof index_path, "%s/categories.idx", dir);
    snprintf(events_dir, sizeof events_dir, "%s/events", dir);
    app =
        (struct app){.store_path = store_path, .index_path = index_path, .events_dir = events_dir};
    clock_init_fake(&app.clock, 0, NOON);
    arena_init(&a, 4096, 1 << 24);
    next_record = 1;
    if (policy_hold_open(&app, &app.policies) != OK || desk_open(&app, &d) != OK)
        return -1;
    first = publish(good);
    settings("{\"late_minutes\":10,\"return\":{\"enabled\":true,\"watch_minutes\":5,"
             "\"min_requests\":10}}");
    return 0;
}

static void remove_all(const char *where)
{
    char path[400];
    DIR *x = opendir(where);
    for (const struct dirent *e = x ? readdir(x) : NULL; e; e = readdir(x)) {
        snprintf(path, sizeof path, "%s/%s", where, e->d_name);
        unlink(path);
    }
    if (x)
        closedir(x);
    rmdir(where);
}

static int teardown(void **state)
{
    (void)state;
    desk_close(d);
    policy_hold_close(app.policies);
    arena_fini(&a);
    remove_all(events_dir);
    remove_all(dir);
    return 0;
}

static uint64_t scheduled(const char *document, int64_t at_ms, unsigned flags)
{
    struct change c = {.kind = CHANGE_PUBLISH,
                       .state = CHANGE_SCHEDULED,
                       .document = str_of(document),
                       .comment = STR("why"),
                       .author = STR("anna"),
                       .person = STR("anna"),
                       .flags = flags,
                       .publish_at_ms = at_ms,
                       .base_version = first};
    uint64_t id = 0;
    assert_int_equal(change_rows_add(d->store, &c, &id), OK);
    return id;
}

static struct change state_of(uint64_t id)
{
    struct change c;
    assert_int_equal(change_rows_get(d->store, &a, id, &c), OK);
    return c;
}

static bool look_at(int64_t now_ms)
{
    app.clock.fake_wall_ms = now_ms;
    return overseer_look(d);
}

static uint64_t live(void)
{
    uint64_t v = 0;
    assert_int_equal(policy_rows_live_number(d->store, &v), OK);
    return v;
}

static unsigned audits(const char *action)
{
    struct audit_row rows[20];
    struct audit_page page = {.action = str_of(action)};
    size_t n = 20;
    assert_int_equal(audit_rows_list(d->store, &a, &page, rows, &n), OK);
    return (unsigned)n;
}

/* --- at a time --- */

static void test_due(void **state)
{
    (void)state;
    uint64_t id = scheduled(other, NOON + MINUTE, 0);
    assert_false(look_at(NOON + MINUTE - 1));
    assert_int_equal(live(), first);
    assert_true(look_at(NOON + MINUTE));
    struct change c = state_of(id);
    assert_true(c.state == CHANGE_DONE && c.version == first + 1 && live() == first + 1);
    assert_int_equal(c.message.n, 0);
    assert_int_equal(audits("scheduled change published"), 1);
    assert_false(look_at(NOON + 2 * MINUTE));
}

static void test_late(void **state)
{
    (void)state;
    uint64_t id = scheduled(other, NOON, 0);
    assert_true(look_at(NOON + 10 * MINUTE)); /* at the bound: still, with a note */
    struct change c = state_of(id);
    assert_true(c.state == CHANGE_DONE && str_find_str(c.message, STR("600 s late")) != STR_NPOS);
    first = live();
    id = scheduled(good, NOON, 0);
    look_at(NOON + 10 * MINUTE + 1);
    c = state_of(id);
    assert_true(c.state == CHANGE_HELD && !c.ended_ms && c.document.n && c.message.n);
    assert_int_equal(live(), first);
    assert_int_equal(audits("scheduled change waits for a person"), 1);
}

static void test_not_fit(void **state)
{
    (void)state;
    uint64_t one = scheduled(broken, NOON, 0), two = scheduled(failing, NOON, 0),
             three = scheduled(failing, NOON, CHANGE_FORCED);
    assert_true(look_at(NOON));
    struct change c = state_of(one);
    assert_true(c.state == CHANGE_FAILED && c.ended_ms && c.report.n && c.message.n);
    assert_int_equal(state_of(two).state, CHANGE_FAILED);
    assert_int_equal(state_of(three).state, CHANGE_DONE);
    assert_int_equal(audits("scheduled change failed"), 2);
    assert_int_equal(live(), first + 1);
}

static void test_moved_on(void **state)
{
    (void)state;
    uint64_t one = scheduled(other, NOON, 0), two = scheduled(other, NOON, 0);
    look_at(NOON);
    assert_int_equal(state_of(one).state, CHANGE_DONE);
    assert_int_equal(state_of(two).state, CHANGE_HELD);
}

/* --- records under a version --- */

static void record_some(uint64_t version, unsigned allowed, unsigned blocked)
{
    struct event_writer *w;
    assert_int_equal(event_rows_open(events_dir, &w), OK);
    for (unsigned i = 0; i < allowed + blocked; i++) {
        struct record r = {.id = next_record++,
                           .time_ms = NOON,
                           .policy_version = version,
                           .verdict = i < allowed ? RECORD_ALLOWED : RECORD_BLOCKED,
                           .user = STR("pia"),
                           .host = STR("a.test"),
                           .url = STR("http://a.test/"),
                           .scheme = STR("http"),
                           .method = STR("GET")};
        struct event_position p = {1, next_record, 1};
        assert_int_equal(event_rows_write(w, &(struct event_batch){&r, 1, &p, 1}), OK);
    }
    event_rows_close(w);
}

static struct watch watched(void)
{
    struct watch w;
    assert_int_equal(watch_rows_get(d->store, &a, &w), OK);
    return w;
}

static uint64_t publish_watched(const char *text, int64_t now_ms)
{
    struct changes_live x = {.previous = live(), .now_ms = now_ms, .is_watched = true};
    x.version = publish(text);
    assert_int_equal(changes_went_live(d, &a, &x), OK);
    return x.version;
}

static void test_return(void **state)
{
    (void)state;
    record_some(first, 20, 0);
    uint64_t bad = publish_watched(other, NOON);
    record_some(bad, 1, 8);
    assert_false(look_at(NOON + MINUTE)); /* nine are too few */
    assert_int_equal(watched().state, WATCH_ON);
    record_some(bad, 0, 1);
    assert_true(look_at(NOON + MINUTE));
    struct policy_version v;
    assert_int_equal(policy_rows_live(d->store, &a, &v), OK);
    assert_true(v.version == bad + 1 && v.rolled_back_from == first);
    assert_true(str_eq(v.document, str_of(good)) && str_eq(v.author, STR("proxyd")));
    assert_int_equal(watched().state, WATCH_RETURNED);
    assert_int_equal(watched().version, bad);
    assert_int_equal(audits("automatic return"), 1);
    assert_false(look_at(NOON + 2 * MINUTE)); /* and never back and forth */
}

static void test_calm(void **state)
{
    (void)state;
    record_some(first, 20, 1);
    uint64_t fine = publish_watched(good, NOON);
    record_some(fine, 20, 1);
    assert_false(look_at(NOON + 5 * MINUTE));
    assert_int_equal(watched().state, WATCH_ON);
    assert_false(look_at(NOON + 5 * MINUTE + 1));
    assert_int_equal(watched().state, WATCH_CALM);
    record_some(fine, 0, 200);
    assert_false(look_at(NOON + 6 * MINUTE));
    assert_int_equal(live(), fine);
}

/* Nobody looked while it happened: nothing rash afterwards. */
static void test_dashboard_was_down(void **state)
{
    (void)state;
    record_some(first, 20, 0);
    uint64_t bad = publish_watched(other, NOON);
    record_some(bad, 0, 20);
    assert_false(look_at(NOON + 7 * MINUTE));
    assert_int_equal(watched().state, WATCH_ENDED);
    assert_true(watched().message.n > 0);
    assert_int_equal(live(), bad);
}

static void test_switched_off_meanwhile(void **state)
{
    (void)state;
    record_some(first, 20, 0);
    uint64_t bad = publish_watched(other, NOON);
    record_some(bad, 0, 20);
    settings("{\"return\":{\"enabled\":false,\"min_requests\":10}}");
    assert_false(look_at(NOON + MINUTE));
    assert_int_equal(live(), bad);
}

/* --- on trial --- */

static uint64_t on_trial(const char *text, int64_t until_ms)
{
    struct policy_publish p = {STR("c"), STR("anna"), NOON, 0};
    struct policy_text t = {.document = str_of(text), .is_trial = true};
    struct change c = {.kind = CHANGE_PUBLISH,
                       .state = CHANGE_CANARY,
                       .base_version = first,
                       .canary = STR("{\"users\":[\"pia\"]}"),
                       .author = STR("anna"),
                       .person = STR("anna"),
                       .until_ms = until_ms};
    uint64_t id = 0;
    assert_int_equal(policy_rows_publish_text(d->store, &t, &p, &c.version), OK);
    assert_int_equal(change_rows_add(d->store, &c, &id), OK);
    return id;
}

static void test_trial_ends(void **state)
{
    (void)state;
    uint64_t id = on_trial(other, NOON + MINUTE);
    assert_false(look_at(NOON + MINUTE - 1));
    assert_true(look_at(NOON + MINUTE));
    struct change c = state_of(id);
    assert_true(c.state == CHANGE_DONE && c.version == first + 2 && live() == first + 2);
    struct policy_version v;
    assert_int_equal(policy_rows_live(d->store, &a, &v), OK);
    assert_true(str_eq(v.document, str_of(other)));
    assert_int_equal(watched().previous, first);
}

static void test_trial_alarm(void **state)
{
    (void)state;
    record_some(first, 20, 0);
    uint64_t id = on_trial(other, NOON + MINUTE);
    record_some(state_of(id).version, 0, 10);
    settings(
        "{\"return\":{\"enabled\":false,\"min_requests\":10}}"); /* a trial is always watched */
    assert_true(look_at(NOON + MINUTE));
    assert_int_equal(state_of(id).state, CHANGE_RETURNED);
    assert_int_equal(live(), first);
}

static void test_trial_forgotten(void **state)
{
    (void)state;
    uint64_t id = on_trial(other, NOON);
    look_at(NOON + 11 * MINUTE);
    struct change c = state_of(id);
    assert_true(c.state == CHANGE_CANARY && c.until_ms == 0 && c.message.n);
    assert_false(look_at(NOON + 12 * MINUTE));
    assert_int_equal(live(), first);
}

/* What goes live ends a trial: it was made for what was live before. */
static void test_trial_overtaken(void **state)
{
    (void)state;
    uint64_t id = on_trial(other, 0);
    publish_watched(good, NOON);
    assert_int_equal(state_of(id).state, CHANGE_ABORTED);
    first = live();
    id = on_trial(other, NOON + MINUTE);
    publish(good); /* past us, as a restored backup does */
    assert_true(look_at(NOON + MINUTE));
    assert_int_equal(state_of(id).state, CHANGE_ABORTED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_due),
        TEST(test_late),
        TEST(test_not_fit),
        TEST(test_moved_on),
        TEST(test_return),
        TEST(test_calm),
        TEST(test_dashboard_was_down),
        TEST(test_switched_off_meanwhile),
        TEST(test_trial_ends),
        TEST(test_trial_alarm),
        TEST(test_trial_forgotten),
        TEST(test_trial_overtaken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
