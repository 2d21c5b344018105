/* replay_run: the period is cut into pieces of ids, and threads take piece after piece. A record
 * whose answer differs is judged once more by the version it names: when that version would not say
 * today what it said then, lists have changed and not this policy. */
#include "adminui/replay_run.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/desk.h"
#include "adminui/policy_hold.h"
#include "adminui/replay_tally.h"
#include "db/event_bulk.h"
#include "db/event_day.h"
#include "db/policy_rows.h"

#define PIECE_IDS    20000
#define THREADS_MAX  16
#define VERSIONS_MAX 32
#define LATE_DAYS    2
#define LOOK_EVERY   512 /* records between two looks at the clock and at cancelling */

struct version {
    uint64_t number;
    struct snapshot *s; /* NULL: it cannot be compiled any more */
};

struct run {
    struct app *app;
    const struct replay_ask *ask;
    struct snapshot *policy;
    int64_t *days;
    size_t n_days;
    pthread_mutex_t lock; /* for what follows */
    size_t day;           /* index of the day that pieces are taken of */
    uint64_t next_id, last_id;
    bool has_ids; /* next_id and last_id are of this day */
    bool is_cancelled, is_late;
    uint64_t n_done; /* pieces' records, for the progress */
    struct version versions[VERSIONS_MAX];
    size_t n_versions;
    struct desk *desk; /* for the documents of versions; under the lock */
};

struct hand { /* one thread */
    struct run *run;
    struct event_bulk *file;
    int64_t day; /* of file */
    struct replay_tally tally;
    unsigned until_look;
    struct { /* what was found out for the version and rule of the last record */
        uint64_t version;
        const struct snapshot *s; /* of a version that hides queries somewhere; NULL: it does not */
        struct buf rule;
        bool is_cut;
    } memo;
    enum err err;
    char why[STORE_WHY_BYTES];
};

struct piece {
    int64_t day;
    uint64_t low, high;
};

/* --- the versions that records name ------------------------------------------------------------
 */

static struct snapshot *compile_version(struct run *x, uint64_t number)
{
    struct arena a;
    struct report report;
    struct policy_version v;
    struct snapshot *s = NULL;
    arena_init(&a, (size_t)64 << 10, (size_t)64 << 20);
    report_init(&report);
    if (policy_rows_version(x->desk->store, &a, number, &v) == OK) {
        struct policy_ask ask = {.document = v.document, .version = number};
        if (policy_hold_get(x->app->policies, &ask, &report, &s) != OK)
            s = NULL;
    }
    report_fini(&report);
    arena_fini(&a);
    return s;
}

/* Borrowed; lives as long as the run. */
static struct snapshot *version_of(struct run *x, uint64_t number)
{
    struct snapshot *found = NULL;
    pthread_mutex_lock(&x->lock);
    size_t i = 0;
    while (i < x->n_versions && x->versions[i].number != number)
        i++;
    if (i == x->n_versions && i < VERSIONS_MAX)
        x->versions[x->n_versions++] = (struct version){number, compile_version(x, number)};
    if (i < x->n_versions)
        found = x->versions[i].s;
    pthread_mutex_unlock(&x->lock);
    return found;
}

/* --- one record --------------------------------------------------------------------------------
 */

/* Was the query kept out of the record? */
static bool is_cut(struct hand *h, const struct record *r)
{
    if (h->memo.version != r->policy_version) {
        const struct snapshot *s = version_of(h->run, r->policy_version);
        h->memo.version = r->policy_version;
        h->memo.s = s && snapshot_hides_queries(s) ? s : NULL;
        buf_clear(&h->memo.rule);
        h->memo.is_cut = false;
    }
    if (h->memo.s && !str_eq(buf_str(&h->memo.rule), r->rule)) {
        buf_clear(&h->memo.rule);
        buf_add(&h->memo.rule, r->rule);
        h->memo.is_cut = replay_is_cut(h->memo.s, r);
    }
    return h->memo.is_cut;
}

static void judge(struct hand *h, const struct snapshot *s, const struct record *r,
                  struct replay_judged *out)
{
    struct replay_room room;
    struct facts f;
    replay_facts(r, &room, &f);
    if (is_cut(h, r))
        replay_cut(&f);
    replay_judge_facts(s, r, &f, out);
}

static void differs(struct hand *h, const struct replay_flip *f)
{
    struct replay_judged then;
    struct snapshot *s = version_of(h->run, f->r->policy_version);
    if (!s) {
        replay_tally_flip(&h->tally, f);
        return;
    }
    judge(h, s, f->r, &then);
    if (then.outcome == REPLAY_UNSURE && then.doubt == REPLAY_NO_QUERY)
        replay_tally_flip(&h->tally, f); /* for certain now, and what was then is on record */
    else if (then.outcome == REPLAY_UNSURE)
        replay_tally_unsure(&h->tally, f, then.doubt);
    else if (!replay_is_same(f->r, f->then, then.outcome))
        replay_tally_lists(&h->tally, f);
    else
        replay_tally_flip(&h->tally, f);
}

static bool look_around(struct hand *h)
{
    struct run *x = h->run;
    h->until_look = LOOK_EVERY;
    bool is_late = x->ask->deadline_ms && clock_mono_ms(&x->app->clock) >= x->ask->deadline_ms;
    pthread_mutex_lock(&x->lock);
    x->is_late = x->is_late || is_late;
    bool go_on = !x->is_cancelled && !x->is_late;
    pthread_mutex_unlock(&x->lock);
    return go_on;
}

static bool one_record(void *ctx, const struct record *r)
{
    struct hand *h = ctx;
    enum replay_outcome then;
    struct replay_judged now;
    if (h->until_look-- == 0 && !look_around(h))
        return false;
    h->tally.records++;
    if (!replay_recorded(r, &then))
        return true;
    h->tally.judged++;
    judge(h, h->run->policy, r, &now);
    struct replay_flip f = {r, then, &now};
    if (now.outcome == REPLAY_UNSURE)
        replay_tally_unsure(&h->tally, &f, now.doubt);
    else if (!replay_is_same(r, then, now.outcome))
        differs(h, &f);
    else if (now.outcome != REPLAY_LOGIN && !str_eq(now.v.rule_id, r->rule))
        h->tally.rule_changes++;
    return true;
}

/* --- pieces ------------------------------------------------------------------------------------
 */

static enum err open_day(struct hand *h, int64_t day)
{
    if (h->file && h->day == day)
        return OK;
    event_bulk_close(h->file);
    h->file = NULL;
    h->day = day;
    return event_bulk_open(h->run->app->events_dir, day, h->why, &h->file);
}

/* Under the lock: the ids of the day at hand; days that cannot be read are passed over. */
static void find_ids(struct run *x, struct hand *h)
{
    while (!x->has_ids && x->day < x->n_days) {
        enum err e = open_day(h, x->days[x->day]);
        if (e == OK)
            e = event_bulk_ids(h->file, &x->next_id, &x->last_id);
        x->has_ids = e == OK;
        if (!x->has_ids)
            x->day++;
    }
}

static bool take_piece(struct hand *h, struct piece *out)
{
    struct run *x = h->run;
    pthread_mutex_lock(&x->lock);
    find_ids(x, h);
    bool has_one = x->has_ids && !x->is_cancelled && !x->is_late;
    if (has_one) {
        uint64_t high = x->next_id + PIECE_IDS - 1;
        *out = (struct piece){x->days[x->day], x->next_id, high < x->last_id ? high : x->last_id};
        x->next_id = out->high + 1;
        if (x->next_id > x->last_id) {
            x->has_ids = false;
            x->day++;
        }
    }
    pthread_mutex_unlock(&x->lock);
    return has_one;
}

static void *work(void *arg)
{
    struct hand *h = arg;
    struct piece p;
    const struct sched_param least = {0};
    buf_init(&h->memo.rule, 4096);
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &least);
    while (h->err == OK && take_piece(h, &p)) {
        struct event_bulk_span span = {p.low, p.high, h->run->ask->from_ms, h->run->ask->to_ms};
        h->err = open_day(h, p.day);
        if (h->err == OK)
            h->err = event_bulk_each(h->file, &span, one_record, h);
        pthread_mutex_lock(&h->run->lock);
        h->run->n_done++;
        pthread_mutex_unlock(&h->run->lock);
    }
    event_bulk_close(h->file);
    buf_fini(&h->memo.rule);
    return NULL;
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static double progress(struct run *x)
{
    double part = x->has_ids && x->last_id ? 0.5 : 0;
    return x->n_days ? ((double)x->day + part) / (double)x->n_days : 1;
}

/* Watches over the threads: progress out, cancelling in. */
static void watch(struct run *x, const struct job_pulse *pulse, const atomic_uint *n_running)
{
    char text[80];
    while (atomic_load(n_running)) {
        usleep(50000);
        if (!pulse)
            continue;
        pthread_mutex_lock(&x->lock);
        double done = progress(x);
        snprintf(text, sizeof text, "day %zu of %zu", x->day < x->n_days ? x->day + 1 : x->n_days,
                 x->n_days);
        pthread_mutex_unlock(&x->lock);
        bool go_on = pulse->beat(pulse->ctx, done, text);
        pthread_mutex_lock(&x->lock);
        x->is_cancelled = x->is_cancelled || !go_on;
        pthread_mutex_unlock(&x->lock);
    }
}

struct thread {
    struct hand hand;
    pthread_t id;
    bool is_started;
    atomic_uint *n_running;
};

static void *run_thread(void *arg)
{
    struct thread *t = arg;
    work(&t->hand);
    atomic_fetch_sub(t->n_running, 1);
    return NULL;
}

static enum err judge_all(struct run *x, const struct job_pulse *pulse, struct replay_tally *sum,
                          char why[STORE_WHY_BYTES])
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = x->ask->n_threads ? x->ask->n_threads : cores > 0 ? (unsigned)cores : 1;
    atomic_uint n_running = 0;
    n = n > THREADS_MAX ? THREADS_MAX : n;
    struct thread *threads = calloc(n, sizeof *threads);
    if (!threads)
        return ERR_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        threads[i].hand = (struct hand){.run = x};
        threads[i].n_running = &n_running;
        replay_tally_init(&threads[i].hand.tally);
        atomic_fetch_add(&n_running, 1);
        threads[i].is_started = pthread_create(&threads[i].id, NULL, run_thread, &threads[i]) == 0;
        if (!threads[i].is_started)
            atomic_fetch_sub(&n_running, 1);
    }
    bool has_any = threads[0].is_started;
    watch(x, pulse, &n_running);
    enum err e = has_any ? OK : ERR_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        if (threads[i].is_started)
            pthread_join(threads[i].id, NULL);
        if (threads[i].hand.err != OK && e == OK) {
            e = threads[i].hand.err;
            memcpy(why, threads[i].hand.why, STORE_WHY_BYTES);
        }
        replay_tally_add(sum, &threads[i].hand.tally);
        replay_tally_fini(&threads[i].hand.tally);
    }
    free(threads);
    return e == OK && x->is_cancelled ? ERR_CLOSED : e;
}

/* A record stands in the file of the day it ended in: at the earliest the day it began, and (but
 * for tunnels of more than LATE_DAYS) soon after. */
static enum err find_days(struct run *x)
{
    int64_t *all;
    size_t n, first = 0;
    int64_t last = event_day_of_ms(x->ask->to_ms) + LATE_DAYS;
    enum err e = event_day_list(x->app->events_dir, &all, &n);
    if (e != OK)
        return e;
    while (first < n && all[first] < event_day_of_ms(x->ask->from_ms))
        first++;
    memmove(all, all + first, (n - first) * sizeof *all);
    x->days = all;
    while (n > first && all[n - first - 1] > last)
        n--;
    x->n_days = n - first;
    return OK;
}

static enum err compile(struct run *x, char why[STORE_WHY_BYTES])
{
    struct report report;
    report_init(&report);
    struct policy_ask ask = {
        .document = x->ask->document, .version = x->ask->version, .revision = x->ask->revision};
    enum err e = policy_hold_get(x->app->policies, &ask, &report, &x->policy);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "the policy cannot be compiled: %s %s",
                 report.n_faults ? report.faults[0].pointer : "",
                 report.n_faults ? report.faults[0].message : err_name(e));
    report_fini(&report);
    return e;
}

static void run_fini(struct run *x)
{
    for (size_t i = 0; i < x->n_versions; i++)
        snapshot_unref(x->versions[i].s);
    snapshot_unref(x->policy);
    desk_close(x->desk);
    free(x->days);
    pthread_mutex_destroy(&x->lock);
}

enum err replay_run(struct app *app, const struct replay_ask *ask, const struct job_pulse *pulse,
                    char why[STORE_WHY_BYTES], json_t **result)
{
    struct run x = {.app = app, .ask = ask};
    struct replay_tally sum;
    int64_t began = clock_mono_ms(&app->clock);
    pthread_mutex_init(&x.lock, NULL);
    replay_tally_init(&sum);
    enum err e = desk_open(app, &x.desk);
    if (e == OK)
        e = compile(&x, why);
    if (e == OK)
        e = find_days(&x);
    if (e == OK)
        e = judge_all(&x, pulse, &sum, why);
    if (e == OK) {
        *result = replay_tally_json(&sum);
        json_object_set_new(*result, "is_whole", json_boolean(!x.is_late));
        json_object_set_new(*result, "ms",
                            json_integer((json_int_t)(clock_mono_ms(&app->clock) - began)));
        e = *result ? OK : ERR_NOMEM;
    }
    if (e != OK && !why[0])
        snprintf(why, STORE_WHY_BYTES, "the records were not replayed: %s", err_name(e));
    replay_tally_fini(&sum);
    run_fini(&x);
    return e;
}
