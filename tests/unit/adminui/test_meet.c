/* adminui's threads at once, for the thread sanitizer: jobs, fetchers, overseer, tails and exports,
 * compiled policies, the workers of calls, and what they share. Everything is opened and closed in
 * the order of main; between, several callers do what API calls do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/must.h"
#include "adminui/desk.h"
#include "adminui/jobs.h"
#include "adminui/live.h"
#include "adminui/login_limit.h"
#include "adminui/outflow.h"
#include "adminui/overseer.h"
#include "adminui/policy_hold.h"
#include "adminui/subscriber.h"
#include "adminui/workers.h"
#include "db/event_rows.h"
#include "db/policy_rows.h"
#include "db/subscription_rows.h"

#define CALLERS 3
#define EACH    25
#define LISTS   4

static const char *const documents[] = {"{\"default\":{\"action\":\"allow\"},\"rules\":[]}",
                                        "{\"default\":{\"action\":\"block\"},\"rules\":[]}"};

static char dir[64], paths[6][100];
static struct app app;
static uint64_t lists[LISTS];

/* --- a state directory ------------------------------------------------------------------------ */

static void subscribe(struct store *s)
{
    for (int i = 0; i < LISTS; i++) {
        char name[32], config[200];
        snprintf(name, sizeof name, "list %d", i);
        snprintf(config, sizeof config,
                 "{\"name\":\"%s\",\"url\":\"http://127.0.0.1:9/%d\",\"category\":\"c%d\","
                 "\"allow_private\":true}",
                 name, i, i);
        struct subscription x = {.name = str_of(name), .config = str_of(config), .created_ms = 1};
        assert_int_equal(subscription_rows_add(s, &x, &lists[i]), OK);
    }
}

static void fill_store(void)
{
    struct policy_publish p = {STR("c"), STR("anna"), 1, 0};
    struct policy_text t = {.document = str_of(documents[0])};
    uint64_t version;
    char why[STORE_WHY_BYTES];
    struct store *s;
    assert_int_equal(policy_store_open(app.store_path, STORE_WRITE, why, &s), OK);
    assert_int_equal(policy_rows_publish_text(s, &t, &p, &version), OK);
    subscribe(s);
    store_close(s);
}

static int setup(void **state)
{
    static const char *const names[] = {"policy.db",    "categories.idx", "events",
                                        "control.sock", "spool",          "admin.sock"};
    static struct bootstrap boot;
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/meet-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    for (int i = 0; i < 6; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", dir, names[i]);
    boot.state_dir = str_of(dir);
    app = (struct app){.boot = &boot,
                       .store_path = paths[0],
                       .index_path = paths[1],
                       .events_dir = paths[2],
                       .control_path = paths[3],
                       .spool_dir = paths[4],
                       .socket_path = paths[5]};
    clock_init_real(&app.clock);
    fill_store();
    return mkdir(paths[4], 0700);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- what calls do ---------------------------------------------------------------------------- */

static void work_with_jobs(unsigned i)
{
    uint64_t id = 0;
    struct job_order order = {.kind = i % 4 ? JOB_SUBSCRIPTION : JOB_REBUILD, .by = STR("anna")};
    if (i % 4)
        order.take_ask = json_pack("{s:I}", "id", (json_int_t)lists[i % LISTS]);
    enum err e = jobs_add(app.jobs, &order, &id);
    if (e != OK)
        json_decref(order.take_ask);
    must(e == OK || e == ERR_BUSY);
    json_decref(jobs_get(app.jobs, id));
    if (i % 3 == 0)
        (void)!jobs_cancel(app.jobs, id);
    json_decref(jobs_list(app.jobs));
    (void)jobs_running(app.jobs);
}

static void compile(unsigned i)
{
    struct report r;
    struct snapshot *s;
    struct policy_ask ask = {.document = str_of(documents[i % 2]), .revision = i % 12};
    must(policy_hold_get(app.policies, &ask, &r, &s) == OK);
    report_fini(&r);
    snapshot_unref(s);
}

/* As libmicrohttpd's thread: parked, woken, gone before the end. */
struct reader {
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool is_parked;
};

static void on_park(void *ctx)
{
    struct reader *r = ctx;
    pthread_mutex_lock(&r->lock);
    r->is_parked = true;
    pthread_mutex_unlock(&r->lock);
}

static void on_wake(void *ctx)
{
    struct reader *r = ctx;
    pthread_mutex_lock(&r->lock);
    r->is_parked = false;
    pthread_cond_signal(&r->more);
    pthread_mutex_unlock(&r->lock);
}

static void read_stream(void (*open)(struct call *c), bool to_the_end)
{
    struct reader r = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct call c;
    char text[2000];
    ssize_t n;
    call_init(&c, &app);
    open(&c);
    if (c.reply.stream) {
        outflow_attach(c.reply.stream, on_park, on_wake, &r);
        while ((n = outflow_read(c.reply.stream, text, sizeof text)) >= 0) {
            pthread_mutex_lock(&r.lock);
            while (r.is_parked)
                pthread_cond_wait(&r.more, &r.lock);
            pthread_mutex_unlock(&r.lock);
            if (n && !to_the_end)
                break;
        }
        outflow_leave(c.reply.stream);
    }
    call_fini(&c);
}

struct shared {
    struct login_limit *limit;
    atomic_uint n_run;
};

struct piece {
    struct work work;
    atomic_uint *n_run;
};

static void run_piece(struct work *w, struct desk *d)
{
    struct piece *p = LIST_ENTRY(w, struct piece, work);
    uint64_t live;
    must(policy_rows_live_number(d->store, &live) == OK);
    atomic_fetch_add(p->n_run, 1);
    free(p);
}

static void *call(void *arg)
{
    struct shared *x = arg;
    for (unsigned i = 0; i < EACH; i++) {
        struct piece *p = calloc(1, sizeof *p);
        must(p != NULL);
        *p = (struct piece){.work.run = run_piece, .n_run = &x->n_run};
        list_init(&p->work.node);
        workers_add(app.workers, &p->work);
        work_with_jobs(i);
        compile(i);
        subscriber_kick(app.subscriber, lists[i % LISTS]);
        login_limit_failed(x->limit, STR("anna"), clock_mono_ms(&app.clock));
        if (i % 5 == 0)
            login_limit_succeeded(x->limit, STR("anna"));
        (void)login_limit_wait_ms(x->limit, STR("anna"), clock_mono_ms(&app.clock));
        if (i % 6 == 0)
            read_stream(live_export, i % 12 == 0);
        if (i % 8 == 0)
            read_stream(live_tail, false);
    }
    return NULL;
}

static void *record(void *arg)
{
    struct event_writer *w = arg;
    for (uint64_t i = 1; i <= 200; i++) {
        struct record r = {.id = i,
                           .time_ms = clock_wall_ms(&app.clock),
                           .user = STR("pia"),
                           .host = STR("a.test"),
                           .url = STR("http://a.test/"),
                           .scheme = STR("http"),
                           .method = STR("GET")};
        struct event_position p = {1, i, 1};
        must(event_rows_write(w, &(struct event_batch){&r, 1, &p, 1}) == OK);
        sched_yield();
    }
    return NULL;
}

/* Each was fetched, and no fetch was lost on the way to its history. */
static void look_at_history(void)
{
    struct arena a;
    struct desk *d;
    arena_init(&a, 4096, 1 << 24);
    assert_int_equal(desk_open(&app, &d), OK);
    for (int i = 0; i < LISTS; i++) {
        struct subscription x;
        struct subscription_fetch *items;
        size_t n;
        assert_int_equal(subscription_rows_get(d->store, &a, lists[i], &x), OK);
        assert_int_equal(subscription_rows_history(d->store, &a, lists[i], &items, &n), OK);
        assert_true(n > 0 && x.failures >= n && x.state == SUBSCRIPTION_FAILING);
    }
    desk_close(d);
    arena_fini(&a);
}

static void all_at_once(void **state)
{
    (void)state;
    struct event_writer *events;
    pthread_t threads[CALLERS + 1];
    struct shared x = {.limit = login_limit_new()};
    assert_non_null(x.limit);
    assert_int_equal(event_rows_open(app.events_dir, &events), OK);
    assert_int_equal(policy_hold_open(&app, &app.policies), OK);
    assert_int_equal(workers_open(&app, 3, &app.workers), OK);
    assert_int_equal(jobs_open(&app, &app.jobs), OK);
    assert_int_equal(live_open(&app, &app.live), OK);
    assert_int_equal(overseer_open(&app, &app.overseer), OK);
    assert_int_equal(subscriber_open(&app, &app.subscriber), OK);
    assert_int_equal(pthread_create(&threads[CALLERS], NULL, record, events), 0);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call, &x), 0);
    for (int i = 0; i <= CALLERS; i++)
        pthread_join(threads[i], NULL);
    live_close(app.live);
    overseer_close(app.overseer);
    subscriber_close(app.subscriber);
    jobs_close(app.jobs);
    workers_close(app.workers);
    look_at_history();
    assert_int_equal(x.n_run, CALLERS * EACH);
    policy_hold_close(app.policies);
    event_rows_close(events);
    login_limit_free(x.limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_at_once, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
